#include "admin/explain_door.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/session_presume.h"

struct talk {
	const struct explain_door_ask *ask;
	struct explain_door *d;
	enum session_step step; /* the last one */
};

/* --- octets in ------------------------------------------------------------ */

static void
keep_begin(struct talk *t)
{
	const struct bytes *chunk = session_chunk(t->d->session);
	size_t room = EXPLAIN_DOOR_BEGIN - t->d->begin.n;

	bytes_add(&t->d->begin, chunk->data, min_of(chunk->n, room));
}

/* What a step asks for is done; false: the octets end here. */
static bool
obey(struct talk *t)
{
	struct session *s = t->d->session;

	switch (t->step) {
	case SESSION_MORE:
		return true;
	case SESSION_WRITE:
		t->d->out.n = 0; /* the last reply counts */
		return true;
	case SESSION_CHUNK:
		keep_begin(t);
		session_chunk_taken(s);
		return true;
	case SESSION_ABANDON:
		session_abandoned(s);
		return true;
	case SESSION_VERIFY:
		if (t->ask->look_up != NULL)
			t->ask->look_up(t->ask->arg, session_dkim(s));
		t->d->asked = true;
		t->d->looked_up = t->ask->look_up != NULL;
		session_verified(s);
		return true;
	case SESSION_ACCEPT:
	case SESSION_RETURNED:
	case SESSION_STARTTLS:
	case SESSION_SASL:
	case SESSION_CLOSE:
		break;
	}
	return false;
}

/* Until the session wants more than there is. */
static void
feed(struct talk *t, const char *p, size_t n)
{
	bool fed;

	do {
		size_t k = n;

		t->step = session_feed(t->d->session, (const unsigned char *)p,
				       &k, id_next(0, t->ask->now_us, 0),
				       t->ask->now_us, SESSION_ROOM);
		p += k;
		n -= k;
		fed = t->step == SESSION_MORE && n == 0;
	} while (obey(t) && !fed);
}

/* What the session said as one line: "250 relay.example.com, PIPELINING". */
static void
join_lines(const struct bytes *out, struct bytes *line)
{
	const char *p = (const char *)out->data;

	for (size_t at = 0; at < out->n;) {
		const char *end = memmem(p + at, out->n - at, "\r\n", 2);
		size_t n = end != NULL ? (size_t)(end - p) - at : out->n - at;
		size_t code = at > 0 ? min_of(n, (size_t)4) : 0;

		bytes_add_text(line, at > 0 ? ", " : "");
		bytes_add(line, p + at + code, n - code);
		if (at == 0 && n > 3)
			line->data[3] = ' '; /* not "250-" */
		at += n + (end != NULL ? 2 : 0);
	}
}

/* Notes the reply to a command; true when it is a good one. */
static bool
note(struct talk *t, const char *command)
{
	struct explain_door *d = t->d;
	struct explain_door_step *step;
	struct bytes line = {0};

	must(d->nsteps < EXPLAIN_DOOR_STEPS);
	step = &d->step[d->nsteps++];
	step->command = command;
	join_lines(&d->out, &line);
	step->ok = line.n > 0 && (line.data[0] == '2' || line.data[0] == '3');
	log_safe((const char *)line.data, line.n, step->reply,
		 sizeof step->reply);
	bytes_free(&line);
	d->out.n = 0;
	return step->ok && t->step != SESSION_CLOSE;
}

/* `line` without its end; frees it. */
static bool
say(struct talk *t, const char *command, char *line)
{
	char *whole = must_printf("%s\r\n", line);

	feed(t, whole, strlen(whole));
	free(whole);
	free(line);
	return note(t, command);
}

/* --- the dialogue --------------------------------------------------------- */

/* Is there a line "250-AUTH ..." among the words of EHLO? */
static bool
offers_auth(const struct bytes *out)
{
	return out->n > 0 &&
	       (memmem(out->data, out->n, "250-AUTH", 8) != NULL ||
		memmem(out->data, out->n, "250 AUTH", 8) != NULL);
}

static bool
greet(struct talk *t, bool *auth)
{
	char *line = must_printf("EHLO %s\r\n", t->ask->helo);

	feed(t, line, strlen(line));
	free(line);
	*auth = offers_auth(&t->d->out);
	return note(t, "EHLO");
}

static void
secure(struct talk *t)
{
	struct session_tls tls = {.on = true, .certified = *t->ask->names};

	snprintf(tls.words, sizeof tls.words, "TLS");
	snprintf(tls.names, sizeof tls.names, "%s", t->ask->names);
	session_secured(t->d->session, &tls);
	t->d->tls = true;
}

static bool
start_tls(struct talk *t, bool *auth)
{
	if (!say(t, "STARTTLS", must_strdup("STARTTLS")) ||
	    t->step != SESSION_STARTTLS)
		return true; /* it goes on in clear */
	secure(t);
	return greet(t, auth);
}

static void
authenticate(struct talk *t, bool offered)
{
	struct explain_door *d = t->d;
	struct explain_door_step *step;

	must(d->nsteps < EXPLAIN_DOOR_STEPS);
	step = &d->step[d->nsteps++];
	step->command = "AUTH";
	step->ok = offered && t->ask->no_account == NULL;
	if (step->ok)
		snprintf(step->reply, sizeof step->reply,
			 "235 2.7.0 (%s is taken as right)",
			 t->ask->unknown_account
			     ? "the accounts file can't be read: the account"
			     : "the password");
	else if (offered)
		snprintf(step->reply, sizeof step->reply,
			 "535 5.7.8 (%s: it goes on without)",
			 t->ask->no_account);
	else
		snprintf(step->reply, sizeof step->reply,
			 "not offered: it goes on without");
	if (!step->ok)
		return;
	session_presume(d->session, t->ask->account);
	snprintf(d->account, sizeof d->account, "%s", t->ask->account);
}

/* Dots at the begin of a line are doubled (RFC 5321 4.5.2). */
static void
stuff(struct text m, struct bytes *out)
{
	bool start = true;

	for (size_t i = 0; i < m.n; i++) {
		if (start && m.p[i] == '.')
			bytes_u8(out, '.');
		bytes_u8(out, (uint8_t)m.p[i]);
		start = m.p[i] == '\n';
	}
	bytes_add_text(out, ".\r\n");
}

/* "refused, source=sf, ip=ok ...": what the session notes for the log. */
static void
take_refused_words(struct explain_door *d)
{
	const char *p, *note;

	while ((note = session_verdict(d->session)) != NULL) {
		p = strstr(note, ", ");
		p = p != NULL ? strstr(p + 2, ", ") : NULL;
		snprintf(d->words, sizeof d->words, "%s",
			 p != NULL ? p + 2 : "");
	}
}

static void
take_message(struct talk *t)
{
	struct explain_door *d = t->d;
	struct session_message m;

	if (t->step == SESSION_RETURNED || t->step == SESSION_ACCEPT) {
		bytes_add_text(&d->out, "250 2.0.0 Ok");
		note(t, "message");
	}
	if (t->step == SESSION_RETURNED) {
		d->report = d->accepted = true;
		return;
	}
	if (t->step != SESSION_ACCEPT) {
		note(t, "message");
		take_refused_words(d);
		return;
	}
	keep_begin(t);
	session_message(d->session, &m);
	d->record = m.record;
	d->accepted = true;
	snprintf(d->words, sizeof d->words, "%.*s", (int)m.record.verdict.n,
		 m.record.verdict.p);
}

static void
send_message(struct talk *t)
{
	struct bytes octets = {0};

	if (!say(t, "DATA", must_strdup("DATA")))
		return;
	stuff(t->ask->message, &octets);
	feed(t, (const char *)octets.data, octets.n);
	bytes_free(&octets);
	take_message(t);
}

static bool
has_8bit(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] >= 0x80)
			return true;
	return false;
}

static void
talk(struct talk *t)
{
	const struct explain_door_ask *a = t->ask;
	const bool utf8 = has_8bit(a->sender) || has_8bit(a->to);
	bool auth = false;

	if (!note(t, "CONNECT") || !greet(t, &auth))
		return;
	if (a->tls && !t->d->tls && !start_tls(t, &auth))
		return;
	if (*a->account != '\0')
		authenticate(t, auth);
	if (!say(t, "MAIL",
		 must_printf("MAIL FROM:<%.*s>%s%s", (int)a->sender.n,
			     a->sender.p,
			     has_8bit(a->message) ? " BODY=8BITMIME" : "",
			     utf8 ? " SMTPUTF8" : "")) ||
	    !say(t, "RCPT",
		 must_printf("RCPT TO:<%.*s>", (int)a->to.n, a->to.p)))
		return;
	if (a->message.n > 0)
		send_message(t);
	else
		t->d->accepted = true;
}

/* Who it was, at the end: TLS and AUTH decide. */
static void
take_source(struct talk *t)
{
	struct door_client c = {.listen = t->ask->listen,
				.tls = t->d->tls,
				.names = t->d->tls ? t->ask->names : "",
				.account = t->d->account};
	struct door_answer who;

	memcpy(c.peer, t->ask->peer, sizeof c.peer);
	door_who(t->ask->s, &c, &who);
	t->d->source = who.source;
}

void
explain_door(const struct explain_door_ask *a, struct explain_door *out)
{
	struct session_config c = {
	    .settings = a->s, .listen = a->listen, .client = a->client};
	struct talk t = {.ask = a, .d = out};

	*out = (struct explain_door){.nsteps = 0};
	memcpy(c.peer, a->peer, sizeof c.peer);
	out->session = session_open(&c, &out->out);
	session_offer_tls(out->session, true);
	if (a->listen->tls == LISTEN_TLS_IMPLICIT)
		secure(&t);
	talk(&t);
	take_source(&t);
}

void
explain_door_close(struct explain_door *d)
{
	session_free(d->session);
	bytes_free(&d->out);
	bytes_free(&d->begin);
	d->session = NULL;
}

/* --- sources -------------------------------------------------------------- */

bool
explain_door_fits(const struct explain_door_ask *a,
		  const struct explain_door *d,
		  const struct source_settings *source, struct sentence *why)
{
	struct door_client c = {.listen = a->listen,
				.tls = d->tls,
				.names = d->tls ? a->names : "",
				.account = d->account};
	struct door_fit fit;
	bool here = settings_is_for(source, a->listen->title);
	const char *between = "";

	memcpy(c.peer, a->peer, sizeof c.peer);
	door_fits(source, &c, &fit);
	if (!here) {
		sentence_add(why, "it is not for listener %s",
			     a->listen->title);
		between = ", ";
	}
	if (!fit.network) {
		sentence_add(why, "%s%s is in none of its networks", between,
			     a->client);
		between = ", ";
	}
	if (!fit.account) {
		sentence_add(why, "%s%s", between,
			     *d->account != '\0'
				 ? "it is for other accounts"
				 : "the client has not authenticated");
		between = ", ";
	}
	if (!fit.certificate)
		sentence_add(why, "%s%s", between,
			     "the client's certificate has none of its names");
	if (why->n > 0)
		return false;
	if (source == d->source)
		sentence_add(why, "it says most about the client");
	else
		sentence_add(why, "%s says more about the client",
			     d->source != NULL ? d->source->title : "another");
	return true;
}
