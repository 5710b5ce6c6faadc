#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(no_smuggling),
	    cmocka_unit_test(chunks),
	    cmocka_unit_test(abandons),
	    cmocka_unit_test(commit_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
