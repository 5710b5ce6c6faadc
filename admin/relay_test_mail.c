#include "admin/relay_test_mail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/relay_test_step.h"
#include "daemon/now.h"

/*	name, kind */
#define MAIL_SHOWN(F)                                                          \
	F(command, TEXT)                                                       \
	F(code, COUNT)                                                         \
	F(reply, TEXT)
#define F(name, kind) AT_##name,
enum { MAIL_SHOWN(F) AT_COUNT };
#undef F
#define F(name, kind) {#name, NULL, SHOW_##kind, false},
static const struct show_field fields[] = {MAIL_SHOWN(F)};
#undef F

/* The host's word on a command, or what went wrong. */
static enum relay_test_end
judge(struct relay_test *t, const struct relay_test_wire *w, bool heard,
      unsigned wanted, const char *name, const char *command, int64_t us)
{
	struct relay_test_step s = {.name = name, .us = us, .how = STEP_NOT};
	struct show_value v[AT_COUNT] = {{0}};
	const bool ok = heard && w->reply.code / 100 == wanted;

	if (ok)
		s.how = STEP_OK;
	v[AT_command] = show_word(command);
	if (heard) {
		v[AT_code] = show_count(w->reply.code);
		v[AT_reply] = show_word(w->reply.text);
	}
	sentence_add(&s.said, "%s: %s", command,
		     heard ? w->reply.text : w->why);
	s.field = fields;
	s.value = v;
	s.n = AT_COUNT;
	relay_test_step(t->json, &s);
	if (ok)
		return TEST_GOES;
	snprintf(t->why, sizeof t->why, "%.300s: %s", command,
		 heard ? w->reply.text : w->why);
	return heard && w->reply.code != 421 ? TEST_OVER : TEST_NEXT;
}

static enum relay_test_end
say(struct relay_test *t, struct relay_test_wire *w, const char *name,
    const char *command, unsigned wanted)
{
	const int64_t began_us = now_steady_us();
	bool heard =
	    relay_test_wire_say(w, command, name, t->relay->command_timeout_us);

	return judge(t, w, heard, wanted, name, command,
		     now_steady_us() - began_us);
}

/* Lines end in CRLF, none begins with a dot; an address has no line end. */
static char *
message(const struct relay_test *t)
{
	char date[NOW_RFC5322_SIZE];

	now_rfc5322(t->now_us, date);
	return must_printf(
	    "Date: %s\r\n"
	    "From: <%s>\r\n"
	    "To: <%s>\r\n"
	    "Subject: mtq relay test of %s\r\n"
	    "Message-ID: <relay-test.%lld.%d@%s>\r\n"
	    "X-MTQ-Trace: relay-test\r\n"
	    "Auto-Submitted: auto-generated\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "\r\n"
	    "This message was sent by `mtq relay test %s --send` on %s.\r\n"
	    "It went straight to the relay, past queue, routes and quotas.\r\n"
	    ".\r\n",
	    date, t->from, t->to, t->relay->title, (long long)t->now_us,
	    (int)getpid(), t->s->hostname, t->relay->title, t->s->hostname);
}

static enum relay_test_end
send_message(struct relay_test *t, struct relay_test_wire *w)
{
	const int64_t within_us = t->relay->data_timeout_us;
	enum relay_test_end end = say(t, w, "data", "DATA", 3);
	int64_t began_us;
	char *text;
	bool heard;

	if (end != TEST_GOES)
		return end;
	began_us = now_steady_us();
	text = message(t);
	heard = relay_test_wire_write(w, text, strlen(text), within_us) &&
		relay_test_wire_reply(w, "the reply to the message", NULL, NULL,
				      within_us);
	free(text);
	return judge(t, w, heard, 2, "message", "a message",
		     now_steady_us() - began_us);
}

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++)
		if ((unsigned char)*s > 126)
			return false;
	return true;
}

enum relay_test_end
relay_test_mail(struct relay_test *t, struct relay_test_wire *w,
		const struct relay_test_offer *offer)
{
	const bool utf8 =
	    t->to != NULL && !(is_ascii(t->to) && is_ascii(t->from));
	enum relay_test_end end;
	char line[320];

	if (t->to == NULL) {
		relay_test_tell(t->json, "mail", STEP_NOTE, -1,
				"not tried: --to ADDRESS asks the host whether "
				"it takes mail for somebody");
		return TEST_GOES;
	}
	if (utf8 && !offer->utf8) {
		snprintf(t->why, sizeof t->why,
			 "an address beyond ASCII, and no SMTPUTF8 is offered");
		relay_test_tell(t->json, "mail", STEP_NOT, -1, "%s", t->why);
		return TEST_OVER;
	}
	snprintf(line, sizeof line, "MAIL FROM:<%s>%s", t->from,
		 utf8 ? " SMTPUTF8" : "");
	end = say(t, w, "mail", line, 2);
	if (end != TEST_GOES)
		return end;
	snprintf(line, sizeof line, "RCPT TO:<%s>", t->to);
	end = say(t, w, "rcpt", line, 2);
	if (end != TEST_GOES)
		return end;
	return t->send ? send_message(t, w) : say(t, w, "rset", "RSET", 2);
}
