/* Every dialogue of tests/talk, in one piece a line and at each split point.
 *
 *	# a comment			C: a line of the client's
 *	> octets with \r \n \0 \t \\ \xHH	S: how the next reply line begins
 *	envelope: of the last message	body: of it, escaped, without our field
 *	sorted: its type, author, first relay of each recipient
 *	messages: how many are stored	closed | open
 *	whole (only in one piece)	room: no
 *	as: stranger (it has no source)
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>

#include "tests/queue/talker.h"

enum { SCRIPT_MOST = 1 << 16, SPLIT_MOST = 128, SCRIPTS_LEAST = 25 };
static const char STRANGER[] = "as: stranger";
static const char conf[] =
    "instance=a hostname=mtq.example\n"
    "returns {domain=returns.example}\n"
    "listen l {address=127.0.0.1:1 max_message_size=1kb max_recipients=100\n"
    " max_received=2 max_errors=5 max_idle_commands=10}\n"
    "source s {from_ip=192.0.2.0/24}\n"
    "relay r {host=c.d}\nrelay q {host=e.f}\nno_match=r\n"
    "route a {priority=1 to=far.example type=[mass, workflow] via=[q, r]}\n"
    "route b {priority=2 from=\"*.brand.example\" via=q}\n"
    "classify {priority=1 type=workflow header {X-Flow=\"*\"}}\n"
    "classify {priority=2 by_header=X-Type map {news=mass}}\n"
    "classify {priority=3 type=mass sender=[news.example, \"*.b.example\"]}\n"
    "classify {priority=4 type=workflow header {Subject=[alarm, \"all well\"]"
    "}}\n";

struct script {
	const char *name;
	char text[SCRIPT_MOST];
	size_t split; /* 0: in one piece */
	unsigned line;
	size_t heard; /* of `said` */
	struct talker talker;
};

static size_t
unescape(const char *p, unsigned char *out)
{
	size_t n = 0;
	unsigned hex;

	for (; *p != '\0'; p++) {
		if (*p != '\\') {
			out[n++] = (unsigned char)*p;
			continue;
		}
		p++;
		if (*p == 'x' && sscanf(p + 1, "%2x", &hex) == 1) {
			out[n++] = (unsigned char)hex;
			p += 2;
			continue;
		}
		must(*p != '\0');
		out[n++] = (unsigned char)(*p == 'r'   ? '\r'
					   : *p == 'n' ? '\n'
					   : *p == 't' ? '\t'
					   : *p == '0' ? '\0'
						       : *p);
	}
	return n;
}

static void
wrong(const struct script *s, const char *what, const void *p, size_t n)
{
	fail_msg("%s:%u, split %zu: %s: %.*s", s->name, s->line, s->split, what,
		 (int)n, n > 0 ? (const char *)p : "");
}

static void
send_octets(struct script *s, const unsigned char *p, size_t n)
{
	struct talker *t = &s->talker;
	size_t k = s->split == 0 ? n : min_of(s->split, n);

	talker_feed(t, p, k);
	if (k < n)
		talker_feed(t, p + k, n - k);
}

static void
hear(struct script *s, const char *prefix)
{
	const unsigned char *p = s->talker.said.data + s->heard;
	size_t left = s->talker.said.n - s->heard;
	const unsigned char *lf = left > 0 ? memchr(p, '\n', left) : NULL;
	size_t n = lf != NULL ? (size_t)(lf - p) + 1 : 0;

	if (n < strlen(prefix) || memcmp(p, prefix, strlen(prefix)) != 0)
		wrong(s, "heard", p, n);
	s->heard += n;
}

static void
same(const struct script *s, const struct bytes *b, const char *p)
{
	unsigned char want[SPLIT_MOST * 32];
	size_t n = unescape(p, want);

	if (b->n != n || memcmp(b->data, want, n) != 0)
		wrong(s, "stored", b->data, b->n);
}

static void
step(struct script *s, const char *line)
{
	struct talker *t = &s->talker;
	unsigned char octets[SCRIPT_MOST];
	size_t n;

	if (strncmp(line, "S: ", 3) == 0) {
		hear(s, line + 3);
	} else if (strncmp(line, "C: ", 3) == 0) {
		n = unescape(line + 3, octets);
		memcpy(octets + n, "\r\n", 2);
		send_octets(s, octets, n + 2);
	} else if (strncmp(line, "> ", 2) == 0) {
		send_octets(s, octets, unescape(line + 2, octets));
	} else if (strncmp(line, "envelope: ", 10) == 0) {
		same(s, &t->envelope, line + 10);
	} else if (strncmp(line, "body: ", 6) == 0) {
		same(s, &t->last_body, line + 6);
	} else if (strncmp(line, "sorted: ", 8) == 0) {
		same(s, &t->sorted, line + 8);
	} else if (strncmp(line, "messages: ", 10) == 0) {
		if (t->messages != (unsigned)atoi(line + 10))
			wrong(s, "messages", "", 0);
	} else if (strcmp(line, "closed") == 0 || strcmp(line, "open") == 0) {
		if (t->closed != (line[0] == 'c'))
			wrong(s, "not", line, strlen(line));
	} else if (strcmp(line, "room: no") == 0) {
		t->room = SESSION_NO_ROOM;
	} else if (line[0] != '#' && line[0] != '\0' &&
		   strcmp(line, STRANGER) != 0 && strcmp(line, "whole") != 0) {
		wrong(s, "unknown", line, strlen(line));
	}
}

static void
run(struct script *s, const struct settings *settings)
{
	char *copy = must_strdup(s->text), *save = NULL;

	talker_open_as(&s->talker, settings,
		       strstr(s->text, STRANGER) == NULL ? &settings->sources[0]
							 : NULL);
	talker_feed(&s->talker, "", 0);
	s->line = 0;
	s->heard = 0;
	hear(s, "220 mtq.example ESMTP");
	for (char *l = copy; l != NULL; l = save) {
		save = strchr(l, '\n');
		if (save != NULL)
			*save++ = '\0';
		s->line++;
		step(s, l);
	}
	if (s->heard != s->talker.said.n)
		wrong(s, "also said", s->talker.said.data + s->heard,
		      s->talker.said.n - s->heard);
	talker_close(&s->talker);
	free(copy);
}

static bool
read_script(struct script *s)
{
	char path[512];
	size_t n;
	FILE *f;

	snprintf(path, sizeof path, "tests/talk/%s", s->name);
	f = fopen(path, "r");
	if (f == NULL)
		return false;
	n = fread(s->text, 1, sizeof s->text - 1, f);
	s->text[n] = '\0';
	return fclose(f) == 0 && n > 0;
}

static void
scripts(void **state)
{
	struct settings *settings = talker_settings(conf);
	struct script *s = must_alloc(sizeof *s);
	DIR *d = opendir("tests/talk");
	const struct dirent *e;
	unsigned count = 0;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".talk") == NULL)
			continue;
		s->name = e->d_name;
		assert_true(read_script(s));
		count++;
		s->split = 0;
		run(s, settings);
		if (strncmp(s->text, "whole\n", 6) == 0)
			continue;
		for (s->split = 1; s->split < SPLIT_MOST; s->split++)
			run(s, settings);
	}
	assert_int_equal(closedir(d), 0);
	assert_true(count >= SCRIPTS_LEAST);
	free(s);
	settings_free(settings);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(scripts)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
