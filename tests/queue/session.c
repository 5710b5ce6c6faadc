#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/classify.h"
#include "tests/queue/talker.h"

static const char conf[] = "instance=a hostname=mtq.example\n"
			   "listen l {address=127.0.0.1:1}\n"
			   "source s {from_ip=192.0.2.0/24}\n"
			   "relay r {host=c.d}\n";
static const char opening[] =
    "EHLO c.d\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n";

static void
open_data(struct talker *t, const struct settings *s)
{
	talker_open(t, s);
	for (const char *p = opening; *p != '\0'; p++)
		talker_feed(t, p, 1);
	assert_true(talker_has_said(t, "354 "));
	t->said.n = 0;
}

/* Ends of data that some server takes for one and another does not (attacks.md
 * A1): each ends the connection, and nothing is kept.  What follows would be
 * the smuggled message. */
static const struct {
	const char *text;
	size_t n;
	unsigned before; /* whole messages in front of it */
} ends[] = {
#define END(s) s, sizeof s - 1
    {END("\n.\n"), 0},       {END("\n.\r\n"), 0},     {END("\r.\r"), 0},
    {END("\r.\r\n"), 0},     {END("\r\n.\n"), 0},     {END("\r\n.\r"), 0},
    {END("\0\r\n.\r\n"), 0}, {END("\r\n\0.\r\n"), 0}, {END("\r\0\n.\r\n"), 0},
    {END("\r\n.\0\r\n"), 0}, {END("\r\n.\r\0\n"), 0}, {END("\r\r\n"), 0},
    {END("\r\n.\r\n\0"), 1}, /* whole; the NUL is a command's */
};

static void
one_end(const struct settings *s, size_t i, size_t split)
{
	static const char after[] = "MAIL FROM:<e@f>\r\nRCPT TO:<g@h>\r\n"
				    "DATA\r\n";
	struct bytes b = {0};
	struct talker t;

	bytes_add_text(&b, "Subject: x\r\n\r\ntext");
	bytes_add(&b, ends[i].text, ends[i].n);
	bytes_add_text(&b, after);
	open_data(&t, s);
	talker_feed(&t, b.data, split);
	talker_feed(&t, b.data + split, b.n - split);
	if (!t.closed || t.messages != ends[i].before)
		fail_msg("row %zu, split %zu: %u messages, %s", i, split,
			 t.messages, t.closed ? "closed" : "open");
	if (!talker_has_said(&t, "5.5.2") || talker_has_said(&t, "354"))
		fail_msg("row %zu, split %zu: it said %.*s", i, split,
			 (int)t.said.n, (char *)t.said.data);
	talker_close(&t);
	bytes_free(&b);
}

static void
no_smuggling(void **state)
{
	struct settings *s = talker_settings(conf);

	(void)state;
	for (size_t i = 0; i < countof(ends); i++)
		for (size_t split = 1; split < 50; split++)
			one_end(s, i, split);
	settings_free(s);
}

/* Three chunks and a bit: all octets are there, in order. */
static void
big(struct talker *t)
{
	char line[72];

	memset(line, 'x', sizeof line);
	memcpy(line + sizeof line - 2, "\r\n", 2);
	for (size_t n = 0; n < 3 * (size_t)CHUNK_MOST; n += sizeof line)
		talker_feed(t, line, sizeof line);
}

static void
chunks(void **state)
{
	struct settings *s = talker_settings(conf);
	struct talker t;

	(void)state;
	open_data(&t, s);
	big(&t);
	talker_feed(&t, ".\r\n", 3);
	assert_int_equal(t.messages, 1);
	assert_true(t.chunks >= 2);
	assert_true(t.last_body.n >= 3 * (size_t)CHUNK_MOST);
	assert_int_equal(t.abandoned, 0);
	talker_close(&t);
	settings_free(s);
}

/* Whatever ends a message whose chunks are stored, they are removed. */
static void
abandons(void **state)
{
	static const char *const row[] = {"RSET\r\n",     "EHLO c.d\r\n",
					  "HELO c.d\r\n", "QUIT\r\n",
					  "GET / x\r\n",  "BDAT x\r\n"};
	struct settings *s = talker_settings(conf);
	struct talker t;

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		talker_open(&t, s);
		talker_feed(&t, opening, 10);
		talker_feed(&t, opening + 10, sizeof opening - 1 - 10 - 6);
		talker_feed(&t, "BDAT 400000\r\n", 13);
		for (size_t n = 0; n < 400000; n += 80)
			talker_feed(&t,
				    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
				    "\r\n",
				    80);
		assert_true(t.chunks > 0);
		assert_int_equal(t.abandoned, 0);
		talker_feed(&t, row[i], strlen(row[i]));
		if (t.abandoned != 1 || t.messages != 0)
			fail_msg("%s: %u abandoned", row[i], t.abandoned);
		talker_close(&t);
	}
	settings_free(s);
}

/* A commit that failed is told, and the connection lives on. */
static void
commit_fails(void **state)
{
	struct settings *s = talker_settings(conf);
	struct err e = {.kind = ERR_FULL};
	struct talker t;

	(void)state;
	open_data(&t, s);
	t.fails = &e;
	talker_feed(&t, "x\r\n.\r\n", 6);
	assert_true(talker_has_said(&t, "452 4.3.1"));
	assert_false(talker_has_said(&t, "250"));
	assert_int_equal(t.messages, 0);
	assert_false(t.closed);
	assert_true(session_idle(t.session));
	talker_close(&t);
	settings_free(s);
}

#define SETUP                                                                  \
	"instance=a hostname=mtq.example\n"                                    \
	"listen l {address=127.0.0.1:1}\n"                                     \
	"source s {from_ip=192.0.2.0/24}\n"                                    \
	"relay r {host=c.d}\nrelay q {host=e.f}\nno_match=r\n"

static bool
is_sorted(const struct talker *t, const char *want)
{
	return t->sorted.n == strlen(want) &&
	       memcmp(t->sorted.data, want, t->sorted.n) == 0;
}

/* A reload at any place of a message, the old settings gone: the new ones
 * decide, by what the message has said of the fields that both ask for. */
static void
reload(void **state)
{
	static const char old[] =
	    SETUP "classify {priority=1 type=mass header {X-Old=a X-Both=b}}\n";
	static const char new[] =
	    SETUP "type gone {}\ntype news {}\nroute z {priority=1 via=q}\n"
		  "classify {priority=1 type=news header {X-Both=\"b c\"}}\n";
	static const char message[] =
	    "EHLO c.d\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n"
	    "X-Old: a\r\n a\r\nX-Both: b\r\n c\r\nFrom: <j\r\n @x.y>\r\n"
	    "\r\ntext\r\n.\r\n";
	const size_t n = sizeof message - 1;
	struct talker t;

	(void)state;
	for (size_t at = 0; at < n; at++) {
		struct settings *before = talker_settings(old), *after;

		talker_open(&t, before);
		for (size_t i = 0; i < at; i++)
			talker_feed(&t, message + i, 1);
		after = talker_settings(new);
		talker_reconfigure(&t, after);
		settings_free(before);
		for (size_t i = at; i < n; i++)
			talker_feed(&t, message + i, 1);
		if (t.messages != 1 ||
		    !is_sorted(&t, "type=news author=<j@x.y> relays=q"))
			fail_msg("reload at %zu: %.*s", at, (int)t.sorted.n,
				 (char *)t.sorted.data);
		talker_close(&t);
		settings_free(after);
	}
}

/* A From may be long, and a rule may name a field of long lines. */
static void
long_header(void **state)
{
	static const struct {
		const char *name;
		size_t line, lines; /* of a display name */
		const char *author;
	} row[] = {
	    {"a line as long as it may be", 990, 1, "j@x.y"},
	    {"as much as we look at", 400, 10, "j@x.y"},
	    {"more than we look at", 400, 11, ""},
	};
	struct settings *s = talker_settings(conf);
	char want[128], line[1000];
	struct talker t;

	(void)state;
	memset(line, 'x', sizeof line);
	line[0] = ' ';
	for (size_t i = 0; i < countof(row); i++) {
		open_data(&t, s);
		talker_feed(&t, "From:\r\n", 7);
		for (size_t k = 0; k < row[i].lines; k++) {
			talker_feed(&t, line, row[i].line);
			talker_feed(&t, "\r\n", 2);
		}
		talker_feed(&t, " <j@x.y>\r\n\r\n.\r\n", 15);
		snprintf(want, sizeof want,
			 "type=individual author=<%s> relays=r", row[i].author);
		if (!is_sorted(&t, want))
			fail_msg("%s: %.*s", row[i].name, (int)t.sorted.n,
				 (char *)t.sorted.data);
		talker_close(&t);
	}
	settings_free(s);
}

/* What is cut out of a line that is longer than we look is no address. */
static void
cut_line(void **state)
{
	struct settings *s = talker_settings(
	    "instance=a hostname=mtq.example\n"
	    "listen l {address=127.0.0.1:1 max_line=64k}\n"
	    "source s {from_ip=192.0.2.0/24}\nrelay r {host=c.d}\n");
	struct bytes b = {0};
	struct talker t;

	(void)state;
	bytes_add_text(&b, "From: <a@x.y>, ");
	while (b.n < 2000)
		bytes_add_text(&b, "b");
	bytes_add_text(&b, "\r\n <c@x.y>\r\n\r\n.\r\n");
	for (size_t split = 1; split < b.n; split += 9) {
		open_data(&t, s);
		talker_feed(&t, b.data, split);
		talker_feed(&t, b.data + split, b.n - split);
		assert_true(
		    is_sorted(&t, "type=individual author=<a@x.y> relays=r"));
		talker_close(&t);
	}
	/* Behind the gap everything would look well. */
	b.n = 0;
	bytes_add_text(&b, "From: ");
	while (b.n < 2000)
		bytes_add_text(&b, "b");
	bytes_add_text(&b, " <a@x.y>,\r\n <c@x.y>, d@x.y\r\n\r\n.\r\n");
	open_data(&t, s);
	talker_feed(&t, b.data, b.n);
	assert_true(is_sorted(&t, "type=individual author=<> relays=r"));
	talker_close(&t);
	bytes_free(&b);
	settings_free(s);
}

/* As many fields as rules may name, each of them asked for. */
static void
many_fields(void **state)
{
	struct bytes b = {0};
	struct settings *s;
	struct talker t;

	(void)state;
	bytes_add_text(&b, SETUP);
	for (unsigned i = 1; i <= CLASSIFY_FIELDS; i++)
		bytes_printf(&b,
			     "classify {priority=%u type=mass header "
			     "{X-%u=\"%u\"}}\n",
			     i, i, i);
	bytes_add(&b, "", 1);
	s = talker_settings((const char *)b.data);
	for (unsigned i = 0; i <= CLASSIFY_FIELDS; i++) {
		b.n = 0;
		for (unsigned k = CLASSIFY_FIELDS; k > 0; k--)
			bytes_printf(&b, "X-%u: %u\r\n", k, k == i ? k : 0);
		bytes_add_text(&b, "\r\n.\r\n");
		open_data(&t, s);
		talker_feed(&t, b.data, b.n);
		assert_true(is_sorted(
		    &t, i > 0 ? "type=mass author=<> relays=r"
			      : "type=individual author=<> relays=r"));
		talker_close(&t);
	}
	bytes_free(&b);
	settings_free(s);
}

/* Size, without our own field; source; listener. */
static void
other_conditions(void **state)
{
	static const struct {
		const char *rule;
		unsigned octets; /* of the body, an even number */
		bool mass;
	} row[] = {
	    {"larger_than=1kb", 1024, false},
	    {"larger_than=1kb", 1026, true},
	    {"source=s", 2, true},
	    {"source=u", 2, false},
	    {"listener=l", 2, true},
	    {"listener=k", 2, false},
	};
	struct talker t;

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		char text[1024];
		struct settings *s;

		snprintf(text, sizeof text,
			 SETUP "listen k {address=127.0.0.1:2}\n"
			       "source u {from_ip=192.0.3.0/24}\n"
			       "classify {priority=1 type=mass %s}\n",
			 row[i].rule);
		s = talker_settings(text);
		open_data(&t, s);
		for (unsigned k = 0; k < row[i].octets; k += 2)
			talker_feed(&t, "\r\n", 2);
		talker_feed(&t, ".\r\n", 3);
		if (is_sorted(&t, "type=mass author=<> relays=r") !=
		    row[i].mass)
			fail_msg("%s, %u octets", row[i].rule, row[i].octets);
		talker_close(&t);
		settings_free(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_smuggling),     cmocka_unit_test(chunks),
	    cmocka_unit_test(abandons),         cmocka_unit_test(commit_fails),
	    cmocka_unit_test(reload),           cmocka_unit_test(long_header),
	    cmocka_unit_test(cut_line),         cmocka_unit_test(many_fields),
	    cmocka_unit_test(other_conditions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
