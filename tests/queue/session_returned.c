/* Mail that comes back, as the session sees it; more of it is in tests/talk. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/queue/talker.h"

#define CONF                                                                   \
	"instance=a hostname=mtq.example\n"                                    \
	"listen l {address=127.0.0.1:1}\n"                                     \
	"source s {from_ip=192.0.2.0/24}\n"                                    \
	"relay r {host=c.d}\nno_match=r\n"
static const char opening[] =
    "EHLO c.d\r\nMAIL FROM:<a@b>\r\nRCPT TO:<b+1@returns.example>\r\nDATA\r\n";
static const char letter[] = "From: a@b\r\nSubject: Re: x\r\n\r\nThanks.\r\n";
static const char report[] =
    "From: MAILER-DAEMON@b\r\nSubject: failure notice\r\n\r\n"
    "<bob@example.com>:\r\nRemote host said: 550 5.1.1 no\r\n";

static void
say(struct talker *t, const char *words)
{
	t->said.n = 0;
	talker_feed(t, "", 0); /* the greeting */
	for (const char *p = words; *p != '\0';) {
		size_t n = strcspn(p, "\n");

		n += p[n] == '\n';
		talker_feed(t, p, n);
		p += n;
	}
}

static void
opened(struct talker *t, const struct settings *s)
{
	talker_open_as(t, s, NULL);
	say(t, opening);
	assert_true(talker_has_said(t, "354 "));
}

static void
hears(struct talker *t, const char *words, const char *answer)
{
	say(t, words);
	if (!talker_has_said(t, answer))
		fail_msg("%s: %.*s", words, (int)t->said.n,
			 (const char *)t->said.data);
}

static void
is_envelope(const struct talker *t, const char *want)
{
	if (t->envelope.n != strlen(want) ||
	    memcmp(t->envelope.data, want, t->envelope.n) != 0)
		fail_msg("%.*s", (int)t->envelope.n,
			 (const char *)t->envelope.data);
}

/* With `forward` a letter goes to a person, a report does not; both may be
 * larger than a chunk. */
static void
letters_are_forwarded(void **state)
{
	static const struct {
		const char *name, *text;
		bool large;
		unsigned messages, returned, abandoned;
	} row[] = {
	    {"a letter", letter, false, 1, 0, 0},
	    {"a large letter", letter, true, 1, 0, 0},
	    {"a report", report, false, 0, 1, 0},
	    {"a large report", report, true, 0, 1, 1},
	};
	struct settings *s = talker_settings(
	    CONF "returns {domain=returns.example forward=\"d@e.f\"}\n");

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct talker t;

		print_message("%s\n", row[i].name);
		opened(&t, s);
		say(&t, row[i].text);
		for (unsigned k = 0; row[i].large && k < 20000; k++)
			talker_feed(&t, "12345678\r\n", 10);
		hears(&t, ".\r\n", "250 2.0.0 Ok: ");
		assert_int_equal(t.messages, row[i].messages);
		assert_int_equal(t.returned, row[i].returned);
		assert_int_equal(t.abandoned, row[i].abandoned);
		if (row[i].messages > 0)
			is_envelope(&t, "from=<> to=<d@e.f> notify=1 "
					"subject=Re: x");
		hears(&t, "NOOP\r\n", "250 ");
		talker_close(&t);
	}
	settings_free(s);
}

/* What is far behind the start is not looked at, and costs nothing. */
static void
only_the_start_is_read(void **state)
{
	struct settings *s =
	    talker_settings(CONF "returns {domain=returns.example}\n");
	struct talker t;

	(void)state;
	opened(&t, s);
	say(&t, "From: MAILER-DAEMON@b\r\n\r\n");
	for (unsigned n = 0; n < RETURNED_OCTETS; n += 10)
		talker_feed(&t, "12345678\r\n", 10);
	say(&t, "<bob@example.com>:\r\n550 5.1.1 not delivered\r\n");
	hears(&t, ".\r\n", "250 2.0.0 Ok: recorded");
	is_envelope(&t, "returned=other who=4.1");
	talker_close(&t);
	settings_free(s);
}

static void
a_commit_that_fails(void **state)
{
	static const struct err full = {.kind = ERR_FULL};
	struct settings *s =
	    talker_settings(CONF "returns {domain=returns.example}\n");
	struct talker t;

	(void)state;
	opened(&t, s);
	t.fails = &full;
	say(&t, report);
	hears(&t, ".\r\n", "452 4.3.1 ");
	t.fails = NULL;
	say(&t, opening + strlen("EHLO c.d\r\n"));
	say(&t, report);
	hears(&t, ".\r\n", "250 2.0.0 Ok: recorded");
	talker_close(&t);
	settings_free(s);
}

static void
as_many_recipients_as_there_is_room(void **state)
{
	struct settings *s =
	    talker_settings(CONF "returns {domain=returns.example}\n");
	struct talker t;
	char line[64];

	(void)state;
	talker_open_as(&t, s, NULL);
	say(&t, "EHLO c.d\r\nMAIL FROM:<>\r\n");
	for (unsigned i = 1; i <= SESSION_RETURNS_MOST; i++) {
		snprintf(line, sizeof line,
			 "RCPT TO:<b+%u@returns.example>\r\n", i);
		hears(&t, line, "250 2.1.5 ");
	}
	hears(&t, "RCPT TO:<b+99@returns.example>\r\n", "452 4.5.3 ");
	hears(&t, "RCPT TO:<b+1@returns.example>\r\n", "250 2.1.5 ");
	talker_close(&t);
	settings_free(s);
}

/* Strangers come in only as long as there is something for them. */
static void
with_and_without_the_domain(void **state)
{
	struct settings *s =
	    talker_settings(CONF "returns {domain=returns.example}\n");
	struct settings *none = talker_settings(CONF);
	struct talker t;

	(void)state;
	talker_open_as(&t, none, NULL);
	hears(&t, "", "554 5.7.1 ");
	assert_true(t.closed);
	talker_close(&t);
	talker_open_as(&t, s, NULL);
	hears(&t, "EHLO c.d\r\n", "220 mtq.example ESMTP");
	say(&t, "MAIL FROM:<>\r\n");
	hears(&t, "RCPT TO:<b+1@returns.example>\r\n", "250 2.1.5 ");
	talker_reconfigure(&t, none);
	hears(&t, "RCPT TO:<b+2@returns.example>\r\n", "550 5.7.1 ");
	say(&t, "DATA\r\n"); /* what was promised holds */
	say(&t, report);
	hears(&t, ".\r\n", "250 2.0.0 Ok: recorded");
	talker_close(&t);
	settings_free(s);
	settings_free(none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(letters_are_forwarded),
	    cmocka_unit_test(only_the_start_is_read),
	    cmocka_unit_test(a_commit_that_fails),
	    cmocka_unit_test(as_many_recipients_as_there_is_room),
	    cmocka_unit_test(with_and_without_the_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
