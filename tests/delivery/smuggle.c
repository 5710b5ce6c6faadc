/*
 * Smuggling, in and out (attacks.md A1, A2).  Every text of up to six octets
 * out of CR, LF, ".", NUL and a letter stands in a message: all the ends of data
 * that some server takes for one are among them.  It comes by DATA and by BDAT,
 * cut wherever it may be cut.  Either one message is accepted, octet for octet
 * what a strict reader sees, or it is refused and the connection ends.  What was
 * accepted goes out again and is read by readers that are not strict: each must
 * find one message.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery/body.h"
#include "tests/queue/talker.h"

enum { TEXT_MOST = 6, OCTETS = 5 };

static const char octet[OCTETS] = {'\r', '\n', '.', '\0', 'x'};
static const char before[] = "Subject: x\r\n\r\ntext";
static const char after[] = "\r\n.\r\n";
/* What the smuggler hopes for; it is no group that a session takes. */
static const char second[] = "MAIL FROM:<e@f>\r\nRCPT TO:<g@h>\r\nDATA\r\n"
			     "inner\r\n.\r\n";
static const char conf[] = "instance=a hostname=mtq.example\n"
			   "listen l {address=127.0.0.1:1 max_errors=1000}\n"
			   "source s {from_ip=192.0.2.0/24}\n"
			   "relay r {host=c.d}\n";

static uint64_t cells, accepted;

static void
wrong(const char *what, const char *text, size_t n, size_t split)
{
	char shown[8 * TEXT_MOST] = "";

	for (size_t i = 0; i < n; i++)
		sprintf(shown + strlen(shown), "\\x%02x",
			(unsigned char)text[i]);
	fail_msg("%s: \"%s\", split %zu", what, shown, split);
}

/* The first bare CR, bare LF or NUL; n: there is none. */
static size_t
bare_at(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool lf = p[i] == '\n' && (i == 0 || p[i - 1] != '\r');
		bool cr = p[i] == '\r' && (i + 1 == n || p[i + 1] != '\n');

		if (p[i] == '\0' || lf || cr)
			return i;
	}
	return n;
}

/* As RFC 5321 4.1.1.4 and 4.5.2 say: the message without its dots. */
static bool
strict(const unsigned char *p, size_t n, struct bytes *out)
{
	const unsigned char *end = memmem(p, n, after, sizeof after - 1);
	size_t k = end != NULL ? (size_t)(end - p) + 2 : n;

	out->n = 0;
	if (end == NULL || bare_at(p, k) < k)
		return false;
	for (size_t i = 0; i < k; i++)
		if (p[i] != '.' || (i > 0 && p[i - 1] != '\n'))
			bytes_add(out, p + i, 1);
	return true;
}

/* A reader of the wire: which octets end a line for it, and whether NULs are
 * nothing to it.  Returns the octets up to the end it finds. */
struct lax {
	const char *name;
	const char *ends;
	bool skips_nul;
};

static size_t
read_lax(const struct lax *l, const unsigned char *p, size_t n)
{
	size_t line = 0, i;
	bool dot = true; /* nothing but one dot so far */

	for (i = 0; i < n; i++) {
		bool ends = p[i] != '\0' && strchr(l->ends, p[i]) != NULL;

		if (l->skips_nul && p[i] == '\0')
			continue;
		if (ends && dot && line == 1)
			return p[i] == '\r' && i + 1 < n && p[i + 1] == '\n'
				   ? i + 2
				   : i + 1;
		if (ends) {
			line = 0;
			dot = true;
		} else if (p[i] != '\r' || strchr(l->ends, '\r') != NULL) {
			dot = dot && p[i] == '.' && line == 0;
			line++;
		}
	}
	return 0;
}

/* It goes out in two chunks; every reader finds its end at the same place. */
static void
goes_out(const struct bytes *body, const char *text, size_t n)
{
	static const struct lax reader[] = {
	    {"lines end with LF", "\n", false},
	    {"lines end with CR or LF", "\r\n", false},
	    {"NULs are skipped, too", "\r\n", true},
	};
	struct bytes wire = {0};

	for (size_t cut = 0; cut <= body->n; cut++) {
		bool start = true;

		wire.n = 0;
		body_stuff(&wire, body->data, cut, &start);
		body_stuff(&wire, body->data + cut, body->n - cut, &start);
		assert_true(start);
		bytes_add_text(&wire, ".\r\n");
		for (size_t i = 0; i < countof(reader); i++)
			if (read_lax(&reader[i], wire.data, wire.n) != wire.n)
				wrong(reader[i].name, text, n, cut);
	}
	bytes_free(&wire);
}

static void
open_mail(struct talker *t, const struct settings *s)
{
	static const char opening[] = "EHLO c.d\r\n";
	static const char envelope[] = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n";

	talker_open(t, s);
	talker_feed(t, opening, sizeof opening - 1);
	talker_feed(t, envelope, sizeof envelope - 1);
}

static void
feed_split(struct talker *t, const struct bytes *b, size_t split)
{
	talker_feed(t, b->data, split);
	talker_feed(t, b->data + split, b->n - split);
}

/* What became of it must be what `good` and `body` say. */
static void
judge(const struct talker *t, bool good, const struct bytes *body,
      const char *text, size_t n, size_t split)
{
	cells++;
	if (t->messages != good)
		wrong(good ? "refused" : "accepted", text, n, split);
	if (!good && !t->closed)
		wrong("still open", text, n, split);
	if (good && (t->last_body.n != body->n ||
		     memcmp(t->last_body.data, body->data, body->n) != 0))
		wrong("other octets", text, n, split);
	accepted += good;
}

static void
by_data(const struct settings *s, const char *text, size_t n)
{
	struct bytes b = {0}, body = {0};
	const size_t from = sizeof before - 2;
	bool good;

	bytes_add_text(&b, before);
	bytes_add(&b, text, n);
	bytes_add_text(&b, after);
	bytes_add_text(&b, second);
	good = strict(b.data, b.n, &body);
	for (size_t split = from; split <= from + n + sizeof after; split++) {
		struct talker t;

		open_mail(&t, s);
		talker_feed(&t, "DATA\r\n", 6);
		feed_split(&t, &b, split);
		judge(&t, good, &body, text, n, split);
		talker_close(&t);
	}
	if (good)
		goes_out(&body, text, n);
	bytes_free(&b);
	bytes_free(&body);
}

/* The same octets counted: dots mean nothing here. */
static void
by_bdat(const struct settings *s, const char *text, size_t n)
{
	const size_t octets = sizeof before - 1 + n;
	struct bytes b = {0}, body = {0};
	bool good;

	bytes_add_text(&body, before);
	bytes_add(&body, text, n);
	good = bare_at(body.data, body.n) == body.n;
	bytes_printf(&b, "BDAT %zu LAST\r\n", octets);
	bytes_add(&b, body.data, body.n);
	if (body.data[body.n - 1] != '\n')
		bytes_add_text(&body, "\r\n");
	for (size_t split = b.n - n - 1; split <= b.n; split++) {
		struct talker t;

		open_mail(&t, s);
		feed_split(&t, &b, split);
		judge(&t, good, &body, text, n, split);
		talker_close(&t);
	}
	if (good)
		goes_out(&body, text, n);
	bytes_free(&b);
	bytes_free(&body);
}

static void
every_end_of_data(void **state)
{
	struct settings *s = talker_settings(conf);
	char text[TEXT_MOST];

	(void)state;
	for (size_t n = 0, all = 1; n <= TEXT_MOST; n++, all *= OCTETS)
		for (size_t i = 0; i < all; i++) {
			size_t rest = i;

			for (size_t k = 0; k < n; k++, rest /= OCTETS)
				text[k] = octet[rest % OCTETS];
			by_data(s, text, n);
			by_bdat(s, text, n);
		}
	printf("%llu cells, %llu accepted, as one message each\n",
	       (unsigned long long)cells, (unsigned long long)accepted);
	assert_true(accepted > 0);
	settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(every_end_of_data)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
