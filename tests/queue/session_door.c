#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "queue/session_presume.h"
#include "queue/session_private.h"
#include "tests/queue/talker.h"

#define HEAD                                                                   \
	"instance=a hostname=mtq.example accounts=file:/a\n"                   \
	"tls main {cert=file:/c key=file:/k}\n"                                \
	"relay r {host=c.d} relay sink {host=e.f} no_match=r\n"
#define PLAIN "listen l {address=127.0.0.1:1}\n"
#define TLS   "listen l {address=127.0.0.1:1 tls=optional client_cert=log}\n"
#define OURS  "source s {from_ip=192.0.2.0/24 "
#define FROM  "From: a@good.example\r\n"

/* A client, by its address, before its first octet. */
static void
open_from(struct talker *t, const struct settings *s, const char *peer)
{
	struct session_config c = {
	    .settings = s, .listen = &s->listens[0], .client = peer};
	struct sockaddr_in in = {.sin_family = AF_INET};

	assert_int_equal(inet_pton(AF_INET, peer, &in.sin_addr), 1);
	assert_true(net_address((struct sockaddr *)&in, c.peer));
	if (*s->returns.domain != '\0')
		c.returns = talker_returns;
	*t = (struct talker){.settings = s, .id = 4 * (uint64_t)TALKER_NOW};
	t->session = session_open(&c, &t->out);
	session_offer_tls(t->session, true);
	talker_feed(t, "", 0);
}

/* Line by line: not each command may have others behind it. */
static void
feed(struct talker *t, const char *text, size_t n)
{
	for (size_t at = 0, k; at < n; at += k) {
		const char *end = memchr(text + at, '\n', n - at);

		k = end != NULL ? (size_t)(end - text) + 1 - at : n - at;
		talker_feed(t, text + at, k);
	}
}

static void
say(struct talker *t, const char *text)
{
	t->said.n = 0;
	feed(t, text, strlen(text));
	bytes_u8(&t->said, 0);
	t->said.n--;
}

/* How the reply to the last line begins. */
static bool
is_said(const struct talker *t, const char *want)
{
	const char *p = (const char *)t->said.data, *last = p, *end;

	while ((end = strstr(p, "\r\n")) != NULL && end[2] != '\0')
		last = p = end + 2;
	return strncmp(last, want, strlen(want)) == 0;
}

/* `does`: u a user of this host, t TLS, c TLS with a certificate, a account "joe". */
static const struct {
	const char *name, *conf, *peer, *does, *mail, *greeting, *reply;
} row[] = {
    {"one of ours", PLAIN OURS "}", "192.0.2.1", "", "a@b", "220 ", "250 "},
    {"a stranger", PLAIN OURS "}", "203.0.113.1", "", "a@b", "554 5.7.1 ",
     NULL},
    {"a stranger where mail comes back",
     PLAIN "returns {domain=returns.example} " OURS "}", "203.0.113.1", "",
     "a@b", "220 ", "250 "},
    {"TLS that is needed by its source", TLS OURS "require_tls=yes}",
     "192.0.2.1", "", "a@b", "220 ",
     "530 5.7.0 Must issue a STARTTLS command first"},
    {"and is there", TLS OURS "require_tls=yes}", "192.0.2.1", "t", "a@b",
     "220 ", "250 "},
    {"TLS that is needed where there is none",
     PLAIN "listen t {address=127.0.0.1:2 tls=optional}\n" OURS
	   "require_tls=yes}",
     "192.0.2.1", "", "a@b", "220 ", "550 5.7.10 "},
    {"TLS that is needed by the listener",
     "listen l {address=127.0.0.1:1 tls=required}\n" OURS "}", "192.0.2.1", "",
     "a@b", "220 ", "530 5.7.0 Must issue a STARTTLS command first"},
    {"a certificate that is needed",
     "listen l {address=127.0.0.1:1 tls=required client_cert=require}\n" OURS
     "}",
     "192.0.2.1", "t", "a@b", "220 ", "550 5.7.1 "},
    {"and is there",
     "listen l {address=127.0.0.1:1 tls=required client_cert=require}\n" OURS
     "}",
     "192.0.2.1", "c", "a@b", "220 ", "250 "},
    {"an account that is needed, without TLS", TLS "source s {auth_user=joe}",
     "203.0.113.1", "", "a@b", "220 ",
     "530 5.7.0 Must issue a STARTTLS command first"},
    {"an account that is needed", TLS "source s {auth_user=joe}", "203.0.113.1",
     "t", "a@b", "220 ", "530 5.7.0 Authentication required"},
    {"and is there", TLS "source s {auth_user=joe}", "203.0.113.1", "ta", "a@b",
     "220 ", "250 "},
    {"another account", TLS "source s {auth_user=ann}", "203.0.113.1", "ta",
     "a@b", "220 ", "550 5.7.1 "},
    {"a certificate makes it somebody", TLS "source s {client_cert=a.example}",
     "203.0.113.1", "", "a@b", "220 ",
     "530 5.7.0 Must issue a STARTTLS command first"},
    {"TLS without it does not", TLS "source s {client_cert=a.example}",
     "203.0.113.1", "t", "a@b", "220 ", "550 5.7.1 "},
    {"it does", TLS "source s {client_cert=a.example}", "203.0.113.1", "c",
     "a@b", "220 ", "250 "},
    {"a user of this host stays one under TLS",
     "listen l {address=[127.0.0.1:1, unix:/run/m] tls=optional}\n"
     "source s {auth_user=\"unix:joe\" allow_from=only.example}\n"
     "source app {from_ip=127.0.0.1}",
     "127.0.0.1", "ut", "a@b", "220 ", "550 5.7.1 "},
    {"a stranger that could authenticate, where mail comes back",
     TLS "returns {domain=returns.example} source s {auth_user=joe}",
     "203.0.113.1", "t", "", "220 ", "250 "},
    {"an envelope of ours", PLAIN OURS "allow_from=good.example}", "192.0.2.1",
     "", "a@good.example", "220 ", "250 "},
    {"an envelope of another", PLAIN OURS "allow_from=good.example}",
     "192.0.2.1", "", "a@evil.example", "220 ", "550 5.7.1 "},
    {"the null sender", PLAIN OURS "allow_from=good.example}", "192.0.2.1", "",
     "", "220 ", "250 "},
    {"a bounce domain",
     PLAIN OURS "allow_from=good.example allow_bounce_domains=\"*.b.c\"}",
     "192.0.2.1", "", "x@a.b.c", "220 ", "250 "},
};

static void
becomes(struct talker *t, const char *does)
{
	struct session_tls tls = {.on = true};

	if (strchr(does, 'u') != NULL)
		session_presume(t->session, "unix:joe");
	if (strpbrk(does, "tc") != NULL) {
		say(t, "EHLO c.d\r\nSTARTTLS\r\n");
		assert_true(is_said(t, "220 2.0.0 "));
		if (strchr(does, 'c') != NULL) {
			tls.certified = true;
			snprintf(tls.names, sizeof tls.names, "a.example");
		}
		session_secured(t->session, &tls);
	}
	if (strchr(does, 'a') != NULL) {
		snprintf(t->session->account, sizeof t->session->account,
			 "joe");
		session_who(t->session);
	}
}

static void
mail(void **state)
{
	char line[512];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct settings *s;
		struct talker t;

		snprintf(line, sizeof line, "%s%s\n", HEAD, row[i].conf);
		s = talker_settings(line);
		open_from(&t, s, row[i].peer);
		if (strncmp((char *)t.said.data, row[i].greeting,
			    strlen(row[i].greeting)) != 0)
			fail_msg("%s: %.*s", row[i].name, (int)t.said.n,
				 (char *)t.said.data);
		assert_int_equal(t.closed, row[i].reply == NULL);
		if (row[i].reply != NULL) {
			becomes(&t, row[i].does);
			snprintf(line, sizeof line,
				 "EHLO c.d\r\nMAIL FROM:<%s>\r\n", row[i].mail);
			say(&t, line);
			if (!is_said(&t, row[i].reply))
				fail_msg("%s: %s", row[i].name,
					 (char *)t.said.data);
		}
		talker_close(&t);
		settings_free(s);
	}
}

/* Where mail comes back everybody may say MAIL, and send nowhere else. */
static void
strangers_recipients(void **state)
{
	static const struct {
		const char *sources, *does, *reply;
	} table[] = {
	    {OURS "}", "", "550 5.7.1 "},
	    {"source s {auth_user=joe}", "",
	     "530 5.7.0 Must issue a STARTTLS command first"},
	    {"source s {auth_user=joe}", "t",
	     "530 5.7.0 Authentication required"},
	    {"source s {auth_user=joe}", "ta", "250 2.1.5 "},
	};
	char conf[512];

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		struct settings *s;
		struct talker t;

		snprintf(conf, sizeof conf, "%s%s\n",
			 HEAD TLS "returns {domain=returns.example} ",
			 table[i].sources);
		s = talker_settings(conf);
		open_from(&t, s, "203.0.113.1");
		becomes(&t, table[i].does);
		say(&t, "EHLO c.d\r\nMAIL FROM:<>\r\nRCPT TO:<x@y.z>\r\n");
		if (!is_said(&t, table[i].reply))
			fail_msg("%zu: %s", i, (char *)t.said.data);
		say(&t, "RSET\r\nMAIL FROM:<>\r\n"
			"RCPT TO:<b+1@returns.example>\r\n");
		assert_true(is_said(&t, "250 2.1.5 "));
		talker_close(&t);
		settings_free(s);
	}
}

#define BEGIN                                                                  \
	"EHLO c.d\r\nMAIL FROM:<a@good.example>\r\nRCPT TO:<c@d>\r\n"          \
	"RCPT TO:<e@f>\r\nDATA\r\n"

/* The end of a message, and what is kept of it. */
static void
message(void **state)
{
	static const struct {
		const char *name, *source, *text, *reply, *verdict, *sorted;
	} table[] = {
	    {"nothing asked for", "", "x\r\n", "250 2.0.0 ", "ip=ok",
	     "type=individual author=<> relays=r,r"},
	    {"an author of ours", "allow_from=good.example", FROM "\r\nx\r\n",
	     "250 2.0.0 ", "ip=ok header=ok sender=ok from=ok",
	     "type=individual author=<a@good.example> relays=r,r"},
	    {"another's", "allow_from=good.example",
	     "From: b@evil.example\r\n\r\nx\r\n", "550 5.7.1 <b@evil.example>",
	     "refused, source=s, ip=ok header=ok sender=ok "
	     "from=fail(b@evil.example)",
	     ""},
	    {"From twice", "allow_from=good.example",
	     FROM "From: b@evil.example\r\n\r\nx\r\n", "550 5.7.0 ",
	     "refused, source=s, ip=ok header=fail(more than one field From) "
	     "sender=ok from=ok",
	     ""},
	    {"a sandbox", "sandbox_relay=sink",
	     FROM "X-SFDC-App: coreapp-sandbox\r\n\r\nx\r\n", "250 2.0.0 ",
	     "ip=ok sandbox=sink",
	     "type=individual author=<a@good.example> relays=sink,sink"},
	    {"no archive gets a sandbox's mail",
	     "sandbox_relay=sink} archive a {to=\"maildir:/a\"",
	     FROM "X-SFDC-App: coreapp-sandbox\r\n\r\nx\r\n", "250 2.0.0 ",
	     "ip=ok sandbox=sink",
	     "type=individual author=<a@good.example> relays=sink,sink"},
	    {"a sandbox without a relay", "",
	     FROM "X-SFDC-App: coreapp-sandbox\r\n\r\nx\r\n", "550 5.7.1 ",
	     "refused, source=s, ip=ok sandbox=fail", ""},
	};
	char conf[512];

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		const char *verdict;
		struct settings *s;
		struct talker t;

		snprintf(conf, sizeof conf, "%s%s}\n", HEAD PLAIN OURS,
			 table[i].source);
		s = talker_settings(conf);
		open_from(&t, s, "192.0.2.1");
		say(&t, BEGIN);
		say(&t, table[i].text);
		say(&t, ".\r\n");
		if (!is_said(&t, table[i].reply))
			fail_msg("%s: %s", table[i].name, (char *)t.said.data);
		verdict = session_verdict(t.session);
		bytes_u8(&t.verdict, 0);
		bytes_u8(&t.sorted, 0);
		if (strcmp(verdict != NULL ? verdict : (char *)t.verdict.data,
			   table[i].verdict) != 0)
			fail_msg("%s: %s", table[i].name,
				 verdict != NULL ? verdict
						 : (char *)t.verdict.data);
		assert_string_equal((char *)t.sorted.data, table[i].sorted);
		assert_int_equal(t.messages, table[i].reply[0] == '2');
		/* the session goes on, and what is asked for is asked again */
		say(&t, "RSET\r\n");
		assert_true(is_said(&t, "250 2.0.0 "));
		talker_close(&t);
		settings_free(s);
	}
}

/* A server that has good mail too is not thrown out for what it relays. */
static void
refused_often(void **state)
{
	struct settings *s = talker_settings(
	    HEAD "listen l {address=127.0.0.1:1 max_errors=2}\n" OURS
		 "allow_from=good.example}\n");
	struct talker t;

	(void)state;
	open_from(&t, s, "192.0.2.1");
	for (unsigned i = 0; i < 30; i++) {
		say(&t, BEGIN "From: b@evil.example\r\n\r\nx\r\n.\r\n");
		assert_true(is_said(&t, "550 5.7.1 "));
	}
	say(&t, BEGIN FROM "\r\nx\r\n.\r\n");
	assert_true(is_said(&t, "250 2.0.0 "));
	for (unsigned i = 0; i < 3; i++)
		say(&t, "MAIL FROM:<a@evil.example>\r\n");
	assert_true(t.closed); /* but for asking again and again */
	talker_close(&t);
	settings_free(s);
}

/* Other settings, at each place of a message: it is held to the new ones as
 * what it began as, and never gets in where both would refuse. */
static void
reload(void **state)
{
	static const struct {
		const char *name, *old, *new, *text;
		const char *replies; /* first digits that may end it */
		const char *next;    /* reply to the next MAIL, after its end */
	} table[] = {
	    {"the same", OURS "}", OURS "}", FROM "\r\nx\r\n.\r\n", "2",
	     "250 "},
	    {"its source is no more", OURS "}",
	     "source other {from_ip=198.51.100.0/24}", FROM "\r\nx\r\n.\r\n",
	     "45", "550 5.7.1 "},
	    {"its source has other networks", OURS "}",
	     "source s {from_ip=198.51.100.0/24}", FROM "\r\nx\r\n.\r\n", "45",
	     "550 5.7.1 "},
	    {"its source asks for more, which it has", OURS "}",
	     OURS "allow_from=good.example require_header {X-A=b}}",
	     FROM "X-A: b\r\n\r\nx\r\n.\r\n", "24", "250 "},
	    {"its source asks for more, which it has not", OURS "}",
	     OURS "allow_from=good.example}",
	     "From: b@evil.example\r\n\r\nx\r\n.\r\n", "5", "250 "},
	    {"another source is nearer now", OURS "allow_from=good.example}",
	     OURS "allow_from=good.example} source z {from_ip=192.0.2.1}",
	     FROM "\r\nx\r\n.\r\n", "2", "250 "},
	    {"a sandbox loses its relay", OURS "sandbox_relay=sink}", OURS "}",
	     FROM "X-SFDC-App: coreapp-sandbox\r\n\r\nx\r\n.\r\n", "5", "250 "},
	};
	const size_t begin = strlen(BEGIN);

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		char text[1024], conf[512];
		size_t n;

		snprintf(text, sizeof text, "%s%s", BEGIN, table[i].text);
		n = strlen(text);
		/* from its DATA on: what came before is answered already */
		for (size_t at = begin; at < n; at++) {
			struct settings *before, *after;
			struct talker t;

			snprintf(conf, sizeof conf, "%s%s\n", HEAD PLAIN,
				 table[i].old);
			before = talker_settings(conf);
			snprintf(conf, sizeof conf, "%s%s\n", HEAD PLAIN,
				 table[i].new);
			after = talker_settings(conf);
			open_from(&t, before, "192.0.2.1");
			feed(&t, text, at);
			t.said.n = 0;
			talker_reconfigure(&t, after);
			settings_free(before);
			feed(&t, text + at, n - at);
			if (t.said.n < 3 ||
			    strchr(table[i].replies, t.said.data[0]) == NULL)
				fail_msg("%s, at %zu: %.*s", table[i].name, at,
					 (int)t.said.n, (char *)t.said.data);
			say(&t, "MAIL FROM:<a@good.example>\r\n");
			if (!is_said(&t, table[i].next))
				fail_msg("%s, then: %s", table[i].name,
					 (char *)t.said.data);
			talker_close(&t);
			settings_free(after);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(mail),    cmocka_unit_test(strangers_recipients),
	    cmocka_unit_test(message), cmocka_unit_test(refused_often),
	    cmocka_unit_test(reload),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
