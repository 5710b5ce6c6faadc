/* dkim in a source: the session waits for answers behind the end of a message,
 * and for nothing where nothing is to be asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/queue/dkim_rfcs.h"
#include "tests/queue/talker.h"

#define CONF(gate)                                                             \
	"instance=a hostname=mtq.example\n"                                    \
	"relay r {host=c.d} no_match=r\n"                                      \
	"listen l {address=127.0.0.1:1}\n"                                     \
	"source s {from_ip=192.0.2.0/24 dkim=" gate "}\n"

static void
say(struct talker *t, const char *text)
{
	t->said.n = 0;
	talker_feed(t, text, strlen(text));
	bytes_u8(&t->said, 0);
	t->said.n--;
}

static void
begin(struct talker *t, const struct settings *s)
{
	talker_open(t, s);
	say(t, "");
	say(t, "EHLO c.example\r\n");
	say(t, "MAIL FROM:<a@from.test>\r\n");
	say(t, "RCPT TO:<b@to.test>\r\n");
}

static void
send_data(struct talker *t, const char *message)
{
	say(t, "DATA\r\n");
	say(t, message);
	say(t, ".\r\n");
}

/* As queue/client_dkim.c does. */
static void
answer(struct talker *t, const struct answer *a)
{
	struct dkim *d = session_dkim(t->session);

	assert_non_null(d);
	assert_int_equal(dkim_questions(d), 1);
	assert_string_equal(dkim_name_at(d, 0),
			    "brisbane._domainkey.football.example.com");
	dkim_answer(d, 0, a);
	session_verified(t->session);
	say(t, "");
}

/* What the answer is worth; then the session goes on. */
static void
answers(void **state)
{
	static const struct answer failed = {.failed = true, .why = "bogus: x"};
	static const struct answer none = {.no_domain = true};
	struct rdata r;
	const struct row {
		const char *name, *gate;
		const struct answer *a;
		const char *reply, *verdict;
	} row[] = {
	    {"the key", CONF("require"), &r.a, "250 2.0.0 Ok: queued",
	     "dkim=pass(football.example.com)"},
	    {"no key", CONF("require"), &none, "550 5.7.20 ", NULL},
	    {"a failure", CONF("require"), &failed, "451 4.7.5 ", NULL},
	    {"silence", CONF("require"), NULL, "451 4.7.5 ", NULL},
	    {"the key, for the log", CONF("log"), &r.a, "250 2.0.0 Ok: queued",
	     "dkim=pass(football.example.com)"},
	    {"silence, for the log", CONF("log"), NULL, "250 2.0.0 Ok: queued",
	     "dkim=temperror(no answer from the DNS in time)"},
	};

	(void)state;
	rdata_of(&r, RFC8463_ED, 1);
	for (size_t i = 0; i < countof(row); i++) {
		struct settings *s = talker_settings(row[i].gate);
		struct talker t;

		begin(&t, s);
		send_data(&t, rfc8463_ed);
		if (t.said.n > 0)
			fail_msg("%s: %s too early", row[i].name, t.said.data);
		answer(&t, row[i].a);
		if (!talker_has_said(&t, row[i].reply))
			fail_msg("%s: %s", row[i].name, t.said.data);
		assert_int_equal(t.messages, row[i].verdict != NULL);
		if (row[i].verdict != NULL &&
		    memmem(t.verdict.data, t.verdict.n, row[i].verdict,
			   strlen(row[i].verdict)) == NULL)
			fail_msg("%s: %.*s", row[i].name, (int)t.verdict.n,
				 (char *)t.verdict.data);
		say(&t, "QUIT\r\n");
		assert_true(talker_has_said(&t, "221 "));
		talker_close(&t);
		settings_free(s);
	}
	bytes_free(&r.text);
}

/* Where nobody is asked, nothing is waited for. */
static void
no_questions(void **state)
{
	static const struct {
		const char *name, *gate, *old, *new, *reply;
	} row[] = {
	    {"off", CONF("off"), NULL, NULL, "250 2.0.0 Ok: queued"},
	    {"another From", CONF("require"), "joe@football.example.com>\r\nTo",
	     "joe@football.example.org>\r\nTo", "550 5.7.20 "},
	    {"another body", CONF("require"), "Hi.", "Ho.", "550 5.7.20 "},
	    {"another body, for the log", CONF("log"), "Hi.", "Ho.",
	     "250 2.0.0 Ok: queued"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct settings *s = talker_settings(row[i].gate);
		char message[sizeof rfc8463_ed];
		struct talker t;

		memcpy(message, rfc8463_ed, sizeof message);
		if (row[i].old != NULL)
			memcpy(strstr(message, row[i].old), row[i].new,
			       strlen(row[i].new));
		begin(&t, s);
		send_data(&t, message);
		if (!talker_has_said(&t, row[i].reply))
			fail_msg("%s: %s", row[i].name, t.said.data);
		assert_null(session_dkim(t.session));
		talker_close(&t);
		settings_free(s);
	}
}

/* Where it is refused for good without them, nobody is asked for keys. */
static void
not_asked(void **state)
{
	static const struct {
		const char *name, *more;
		bool asked;
		const char *reply;
	} row[] = {
	    {"From of another", "allow_from=good.example", false, "550 5.7.1 "},
	    {"a field that is missing",
	     "require_header{X-SFDC-LK=00D5e000000AbCd}", false,
	     "550 5.7.1 Error: header field "},
	    {"a type that may not be", "type=mass", false, "550 5.7.1 "},
	    {"all is well", "allow_from=[football.example.com, from.test]",
	     true, ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct bytes conf = {0};
		struct settings *s;
		struct talker t;

		bytes_printf(&conf, "%.*s %s}\n",
			     (int)strlen(CONF("require")) - 2, CONF("require"),
			     row[i].more);
		bytes_u8(&conf, 0);
		s = talker_settings((const char *)conf.data);
		talker_open(&t, s);
		say(&t, "");
		say(&t, "EHLO c.example\r\n");
		say(&t, "MAIL FROM:<>\r\n");
		say(&t, "RCPT TO:<b@to.test>\r\n");
		send_data(&t, rfc8463_ed);
		if (row[i].asked ? t.said.n > 0
				 : !talker_has_said(&t, row[i].reply))
			fail_msg("%s: %s", row[i].name, t.said.data);
		if (!row[i].asked) { /* and the session goes on */
			say(&t, "MAIL FROM:<>\r\n");
			assert_true(talker_has_said(&t, "250 "));
		}
		assert_int_equal(t.messages, 0);
		talker_close(&t);
		settings_free(s);
		bytes_free(&conf);
	}
}

/* Chunks of BDAT, a message of several chunks of the queue, commands behind. */
static void
streamed(void **state)
{
	struct settings *s = talker_settings(CONF("require"));
	struct bytes m = {0}, last = {0};
	struct talker t;
	struct rdata r;

	(void)state;
	rdata_of(&r, RFC8463_ED, 1);
	bytes_add_text(&m, rfc8463_ed);
	for (unsigned i = 0; i < 100000; i++)
		bytes_add_text(&m, "\r\n"); /* relaxed: they count nothing */
	begin(&t, s);
	for (size_t at = 0, k; at < m.n; at += k) {
		char line[64];

		k = min_of(m.n - at, at < 1500 ? (size_t)7 : (size_t)70001);
		snprintf(line, sizeof line, "BDAT %zu%s\r\n", k,
			 at + k == m.n ? " LAST" : "");
		say(&t, line);
		last.n = 0;
		bytes_add(&last, m.data + at, k);
		if (at + k == m.n)
			bytes_add_text(&last, "NOOP\r\n");
		t.said.n = 0;
		talker_feed(&t, last.data, last.n);
	}
	assert_int_equal(t.said.n, 0);
	answer(&t, &r.a);
	assert_true(t.chunks >= 3 && t.messages == 1);
	assert_memory_equal(t.said.data, "250 2.0.0 Ok: queued", 20);
	assert_true(talker_has_said(&t, "\r\n250 2.0.0 Ok\r\n"));
	assert_int_equal(t.last_body.n, m.n);
	talker_close(&t);
	settings_free(s);
	bytes_free(&r.text);
	bytes_free(&last);
	bytes_free(&m);
}

/* The source changes its mind while a message is under way. */
static void
reload(void **state)
{
	struct settings *off = talker_settings(CONF("off"));
	struct settings *require = talker_settings(CONF("require"));
	struct talker t;

	(void)state;
	begin(&t, off);
	say(&t, "DATA\r\n");
	talker_reconfigure(&t, require);
	say(&t, rfc8463_ed);
	say(&t, ".\r\n");
	assert_true(talker_has_said(&t, "451 4.7.5 "));
	talker_close(&t);

	begin(&t, require);
	send_data(&t, rfc8463_ed);
	talker_reconfigure(&t, off);
	answer(&t, NULL);
	assert_true(talker_has_said(&t, "250 2.0.0 Ok: queued"));
	talker_close(&t);

	begin(&t, require); /* and a client that goes meanwhile */
	send_data(&t, rfc8463_ed);
	talker_close(&t);
	settings_free(off);
	settings_free(require);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(answers), cmocka_unit_test(no_questions),
	    cmocka_unit_test(not_asked), cmocka_unit_test(streamed),
	    cmocka_unit_test(reload)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
