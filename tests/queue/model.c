/* Random commands: the session answers as a model of RFC 5321 4.1.4 that knows
 * nothing but the state and the class of the reply. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/queue/talker.h"

static const char conf[] =
    "instance=a hostname=mtq.example\n"
    "listen l {address=127.0.0.1:1 max_errors=1000 max_idle_commands=100k\n"
    " max_recipients=50k}\nsource s {from_ip=192.0.2.0/24}\n"
    "relay r {host=c.d}\n";
enum { STEPS = 200000, SEED = 20261121 };

enum state { NONE, HELLO, MAIL, RCPT, CHUNKS, DATA, CLOSED };

/* What is said, and in each state: the class of the reply (0: none) and the
 * state after it. */
static const struct {
	const char *text;
	struct {
		char reply;
		enum state next;
	} in[CLOSED];
} moves[] = {
    /* clang-format off */
    {"EHLO c.d\r\n", {{'2', HELLO}, {'2', HELLO}, {'2', HELLO}, {'2', HELLO},
		      {'2', HELLO}, {0, DATA}}},
    {"HELO c.d\r\n", {{'2', HELLO}, {'2', HELLO}, {'2', HELLO}, {'2', HELLO},
		      {'2', HELLO}, {0, DATA}}},
    {"MAIL FROM:<a@b>\r\n", {{'5', NONE}, {'2', MAIL}, {'5', MAIL},
		      {'5', RCPT}, {'5', CHUNKS}, {0, DATA}}},
    {"MAIL FROM:<>\r\n", {{'5', NONE}, {'2', MAIL}, {'5', MAIL},
		      {'5', RCPT}, {'5', CHUNKS}, {0, DATA}}},
    {"MAIL FROM:a\r\n", {{'5', NONE}, {'5', HELLO}, {'5', MAIL},
		      {'5', RCPT}, {'5', CHUNKS}, {0, DATA}}},
    {"RCPT TO:<c@d>\r\n", {{'5', NONE}, {'5', HELLO}, {'2', RCPT},
		      {'2', RCPT}, {'5', CHUNKS}, {0, DATA}}},
    {"RCPT TO:<c@>\r\n", {{'5', NONE}, {'5', HELLO}, {'5', MAIL},
		      {'5', RCPT}, {'5', CHUNKS}, {0, DATA}}},
    {"DATA\r\n", {{'5', NONE}, {'5', HELLO}, {'5', MAIL}, {'3', DATA},
		      {'5', CHUNKS}, {0, DATA}}},
    {"BDAT 0\r\n", {{'5', NONE}, {'5', HELLO}, {'5', MAIL}, {'2', CHUNKS},
		      {'2', CHUNKS}, {0, DATA}}},
    {"BDAT 3 LAST\r\nx\r\n", {{'5', NONE}, {'5', HELLO}, {'5', MAIL},
		      {'2', HELLO}, {'2', HELLO}, {0, DATA}}},
    {"RSET\r\n", {{'2', NONE}, {'2', HELLO}, {'2', HELLO}, {'2', HELLO},
		      {'2', HELLO}, {0, DATA}}},
    {"NOOP\r\n", {{'2', NONE}, {'2', HELLO}, {'2', MAIL}, {'2', RCPT},
		      {'2', CHUNKS}, {0, DATA}}},
    {"VRFY x\r\n", {{'2', NONE}, {'2', HELLO}, {'2', MAIL}, {'2', RCPT},
		      {'2', CHUNKS}, {0, DATA}}},
    {"XYZZY\r\n", {{'5', NONE}, {'5', HELLO}, {'5', MAIL}, {'5', RCPT},
		      {'5', CHUNKS}, {0, DATA}}},
    {".\r\n", {{'5', NONE}, {'5', HELLO}, {'5', MAIL}, {'5', RCPT},
		      {'5', CHUNKS}, {'2', HELLO}}},
    {"QUIT\r\n", {{'2', CLOSED}, {'2', CLOSED}, {'2', CLOSED}, {'2', CLOSED},
		      {'2', CLOSED}, {0, DATA}}},
    {"a\nb\r\n", {{'5', CLOSED}, {'5', CLOSED}, {'5', CLOSED}, {'5', CLOSED},
		      {'5', CLOSED}, {'5', CLOSED}}},
    /* clang-format on */
};

/* xorshift64 (Marsaglia 2003). */
static uint32_t
draw(uint64_t *x, uint32_t below)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return (uint32_t)(*x >> 33) % below;
}

/* A dialogue of its own has at most this many mistakes before max_errors. */
enum { DIALOGUE_MOST = 900 };

/* Line by line: a chunk's octets are no group of commands then (RFC 2920). */
static void
say(struct talker *t, const char *text)
{
	size_t line = strcspn(text, "\n") + 1;

	talker_feed(t, text, line);
	talker_feed(t, text + line, strlen(text + line));
}

static void
walk(void **state)
{
	struct settings *s = talker_settings(conf);
	unsigned seen[countof(moves)][CLOSED] = {{0}};
	enum state at = CLOSED;
	uint64_t seed = SEED;
	struct talker t = {0};
	unsigned in_dialogue = 0;

	(void)state;
	for (unsigned step = 0; step < STEPS; step++) {
		uint32_t m = draw(&seed, countof(moves));
		char reply;

		/* Ends are rare, or nothing gets far. */
		if (m >= countof(moves) - 2 && draw(&seed, 8) > 0)
			continue;
		if (at == CLOSED || ++in_dialogue > DIALOGUE_MOST) {
			talker_close(&t);
			talker_open(&t, s);
			talker_feed(&t, "", 0);
			at = NONE;
			in_dialogue = 0;
		}
		t.said.n = 0;
		say(&t, moves[m].text);
		reply = t.said.n > 0 ? (char)t.said.data[0] : '\0';
		if (reply != moves[m].in[at].reply)
			fail_msg("step %u, state %u: %s: %.*s", step, at,
				 moves[m].text, (int)t.said.n,
				 t.said.n > 0 ? (char *)t.said.data : "");
		seen[m][at]++;
		at = moves[m].in[at].next;
		if (t.closed != (at == CLOSED))
			fail_msg("step %u: %s: closed %d: %.*s", step,
				 moves[m].text, t.closed, (int)t.said.n,
				 (char *)t.said.data);
		assert_int_equal(session_idle(t.session),
				 at == NONE || at == HELLO || at == CLOSED);
	}
	for (size_t m = 0; m < countof(moves); m++)
		for (size_t i = 0; i < CLOSED; i++)
			if (seen[m][i] == 0)
				fail_msg("never tried: %s", moves[m].text);
	talker_close(&t);
	settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(walk)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
