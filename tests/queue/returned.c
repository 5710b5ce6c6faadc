/* Every message of tests/returned, written after what servers really send: a
 * comment, what is read out of it, "=====", the message.
 *
 * The environment's RETURNED_WRITE=1 writes what is read into the files, for a
 * person to look at the difference.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/record.h"
#include "queue/returned.h"

enum { SAMPLE_MOST = 1 << 16, SAMPLES_LEAST = 55 };
static const char BREAK[] = "\n=====\n";

static void
show(const struct returned *r, struct bytes *b)
{
	char id[ID_TEXT + 1];

	bytes_printf(b, "kind: %s", returned_word(r->kind));
	if (r->reporter[0] != '\0')
		bytes_printf(b, "\nreporter: %s", r->reporter);
	if (r->envid[0] != '\0')
		bytes_printf(b, "\nenvid: %s", r->envid);
	if (r->feedback[0] != '\0')
		bytes_printf(b, "\nfeedback: %s", r->feedback);
	if (r->message_id[0] != '\0')
		bytes_printf(b, "\nmessage-id: %s", r->message_id);
	if (r->id != 0) {
		id_text(r->id, id);
		bytes_printf(b, "\nid: %s", id);
	}
	for (unsigned i = 0; i < r->nrcpt; i++) {
		const struct returned_rcpt *x = &r->rcpt[i];

		bytes_printf(b, "\n%s: <%s> status=%s code=%u",
			     returned_word(x->kind), x->final, x->status,
			     x->code);
		if (x->original[0] != '\0')
			bytes_printf(b, " original=<%s>", x->original);
		if (x->remote[0] != '\0')
			bytes_printf(b, " remote=%s", x->remote);
		if (x->reply[0] != '\0')
			bytes_printf(b, "\n\t%s", x->reply);
	}
}

struct sample {
	char path[512];
	char text[SAMPLE_MOST];
	size_t comment; /* octets of the first line */
	struct text want;
	struct bytes message; /* with the line ends of SMTP */
};

static void
read_sample(struct sample *s, const char *name)
{
	const char *cut;
	FILE *f;
	size_t n;

	snprintf(s->path, sizeof s->path, "tests/returned/%s", name);
	f = fopen(s->path, "r");
	assert_non_null(f);
	n = fread(s->text, 1, sizeof s->text - 1, f);
	assert_int_equal(fclose(f), 0);
	s->text[n] = '\0';
	cut = strstr(s->text, BREAK);
	assert_non_null(cut);
	s->comment = (size_t)(strchr(s->text, '\n') - s->text);
	s->want = (struct text){s->text + s->comment + 1, 0};
	if (cut > s->want.p)
		s->want.n = (size_t)(cut - s->want.p);
	s->message.n = 0;
	for (const char *p = cut + strlen(BREAK); *p != '\0'; p++) {
		if (*p == '\n')
			bytes_u8(&s->message, '\r');
		bytes_u8(&s->message, (uint8_t)*p);
	}
}

static void
write_sample(const struct sample *s, const struct bytes *got)
{
	FILE *f = fopen(s->path, "w");

	assert_non_null(f);
	fprintf(f, "%.*s\n%.*s%s", (int)s->comment, s->text, (int)got->n,
		(const char *)got->data, strstr(s->text, BREAK));
	assert_int_equal(fclose(f), 0);
}

static struct returned *
parse(const struct bytes *m)
{
	struct returned *r = must_alloc(sizeof *r);

	returned_parse((struct text){(const char *)m->data, m->n}, r);
	return r;
}

/* Calls `each` for every sample. */
static void
samples(void (*each)(struct sample *s))
{
	struct sample *s = must_alloc(sizeof *s);
	DIR *d = opendir("tests/returned");
	const struct dirent *e;
	unsigned n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		if (strstr(e->d_name, ".eml") == NULL)
			continue;
		read_sample(s, e->d_name);
		each(s);
		n++;
	}
	assert_int_equal(closedir(d), 0);
	assert_true(n >= SAMPLES_LEAST);
	bytes_free(&s->message);
	free(s);
}

static void
same(struct sample *s)
{
	struct returned *r = parse(&s->message);
	struct bytes got = {0};

	show(r, &got);
	if (getenv("RETURNED_WRITE") != NULL)
		write_sample(s, &got);
	else if (got.n != s->want.n || memcmp(got.data, s->want.p, got.n) != 0)
		fail_msg("%s:\n%.*s\n--- but it should be\n%.*s", s->path,
			 (int)got.n, (const char *)got.data, (int)s->want.n,
			 s->want.p);
	bytes_free(&got);
	free(r);
}

static void
what_servers_write(void **state)
{
	(void)state;
	samples(same);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_servers_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
