/*
 * talker - a session and one who talks to it, as queue/client.c does: octets
 * in, replies and stored messages out.  Every test of the session uses it.
 *
 * Owner    talker_close frees all of it but the settings.
 */
#ifndef MTQ_TESTS_TALKER_H
#define MTQ_TESTS_TALKER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "queue/lane.h"
#include "queue/session.h"

static const int64_t TALKER_NOW = INT64_C(1795246544000000);
enum { TALKER_STEPS_MOST = 1 << 24 };

struct talker {
	const struct settings *settings;
	struct session *session;
	struct bytes out;       /* the session's */
	struct bytes rest;      /* not yet eaten */
	struct bytes said;      /* all replies since it was emptied */
	struct bytes body;      /* of the message under way */
	struct bytes stored;    /* "envelope\nsorted\nbody", all of them */
	struct bytes envelope;  /* of the last message, stored or returned */
	struct bytes sorted;    /* of the last message: type, author, relays */
	struct bytes last_body; /* without our own field */
	struct bytes verdict;   /* of the last message that was stored */
	uint64_t id;
	unsigned messages;
	unsigned chunks;    /* stored before the end of their message */
	unsigned abandoned; /* messages */
	unsigned returned;  /* reports, not stored */
	enum session_room room;
	const struct err *fails; /* what the next commit says */
	bool closed;
};

static inline struct settings *
talker_settings(const char *text)
{
	struct bytes report = {0};
	struct settings *s = settings_parse("t", text, strlen(text), &report);

	if (s == NULL)
		fprintf(stderr, "%.*s", (int)report.n, (char *)report.data);
	must(s != NULL);
	bytes_free(&report);
	return s;
}

/* Return paths of the talk: "b+N" is that of recipient N, "b+old" has expired,
 * "b+forged" is wrong. */
static inline enum return_path_answer
talker_returns(void *arg, struct text local, int64_t now_us,
	       struct return_path *out)
{
	char text[ADDRESS_MOST + 1];

	(void)arg;
	must(now_us == TALKER_NOW);
	text_copy(local, text, sizeof text);
	*out = (struct return_path){.message = 4};
	if (strcasecmp(text, "b+old") == 0)
		return RETURN_PATH_OLD;
	if (strcasecmp(text, "b+forged") == 0)
		return RETURN_PATH_FORGED;
	if (strncasecmp(text, "b+", 2) != 0 ||
	    sscanf(text + 2, "%u", &out->rcpt) != 1)
		return RETURN_PATH_FOREIGN;
	return RETURN_PATH_OURS;
}

/* `source` NULL: a stranger. */
static inline void
talker_open_as(struct talker *t, const struct settings *s,
	       const struct source_settings *source)
{
	struct session_config c = {.settings = s,
				   .listen = &s->listens[0],
				   .returns = talker_returns,
				   .client = "192.0.2.7"};

	/* of no source: the highest address there is */
	memset(c.peer, 0xff, sizeof c.peer);
	if (source != NULL)
		memcpy(c.peer, source->from_ip.net[0].addr, sizeof c.peer);
	*t = (struct talker){.settings = s, .id = 4 * (uint64_t)TALKER_NOW};
	t->session = session_open(&c, &t->out);
}

static inline void
talker_open(struct talker *t, const struct settings *s)
{
	talker_open_as(t, s, &s->sources[0]);
}

static inline void
talker_close(struct talker *t)
{
	session_free(t->session);
	bytes_free(&t->out);
	bytes_free(&t->rest);
	bytes_free(&t->said);
	bytes_free(&t->body);
	bytes_free(&t->stored);
	bytes_free(&t->envelope);
	bytes_free(&t->sorted);
	bytes_free(&t->last_body);
	bytes_free(&t->verdict);
}

/* Nothing kept may be read in two ways by whoever gets it next. */
static inline void
talker_body_clean(const struct bytes *b)
{
	/* A BDAT body may end without a line end. */
	for (size_t i = 0; i < b->n; i++) {
		must(b->data[i] != '\0');
		must(b->data[i] != '\n' || (i > 0 && b->data[i - 1] == '\r'));
		must(b->data[i] != '\r' ||
		     (i + 1 < b->n && b->data[i + 1] == '\n'));
	}
}

static inline void
talker_envelope(struct talker *t, const struct session_message *m)
{
	struct bytes *b = &t->envelope;

	b->n = 0;
	bytes_printf(b, "from=<%.*s>", (int)m->record.sender.n,
		     m->record.sender.p);
	for (uint32_t i = 0; i < m->nrcpt; i++) {
		const struct ledger_recipient *r = &m->rcpt[i];

		bytes_printf(b, " to=<%.*s>", (int)r->address.n, r->address.p);
		if (r->notify != 0)
			bytes_printf(b, " notify=%u", r->notify);
		if (r->orcpt.n > 0)
			bytes_printf(b, " orcpt=%.*s", (int)r->orcpt.n,
				     r->orcpt.p);
	}
	if (m->record.flags != 0)
		bytes_printf(b, " flags=%u", m->record.flags);
	if (m->record.envid.n > 0)
		bytes_printf(b, " envid=%.*s", (int)m->record.envid.n,
			     m->record.envid.p);
	if (m->record.subject.n > 0)
		bytes_printf(b, " subject=%.*s", (int)m->record.subject.n,
			     m->record.subject.p);
	if (m->record.message_id.n > 0)
		bytes_printf(b, " message-id=%.*s", (int)m->record.message_id.n,
			     m->record.message_id.p);
}

/* Other settings, or the same again. */
static inline void
talker_reconfigure(struct talker *t, const struct settings *s)
{
	t->settings = s;
	session_reconfigure(t->session, s, &s->listens[0]);
}

/* "type=mass author=<a@b> relays=corp,ses": the first of each recipient's way.
 * Nothing is there that the scheduler could not take. */
static inline void
talker_sorted(struct talker *t, const struct session_message *m)
{
	const struct settings *s = t->settings;
	const struct text author = m->record.author;
	const unsigned type = routing_type(s, m->record.type);
	struct address a;
	const char *why;

	must(text_is(m->record.type, s->types[type].title));
	must(author.n == 0 ||
	     address_parse(author.p, author.n, true, &a, &why));
	t->sorted.n = 0;
	bytes_printf(&t->sorted,
		     "type=%.*s author=<%.*s> relays=", (int)m->record.type.n,
		     m->record.type.p, (int)author.n, author.p);
	for (uint32_t i = 0; i < m->nrcpt; i++) {
		const struct lane l = lane_unpack(m->rcpt[i].lane);
		const struct recipient_record r = {.address =
						       m->rcpt[i].address};
		const struct routing_ask ask = lane_ask(s, &m->record, &r);
		const struct lane want = lane_of(s, &ask);

		must(m->rcpt[i].lane == lane_pack(&want));
		bytes_printf(&t->sorted, "%s%s", i > 0 ? "," : "",
			     s->relays[routing_way(s, l.way)->relay[0]].title);
	}
}

/* Our own field is the first of the header, folded lines and all. */
static inline size_t
talker_trace(const struct bytes *b)
{
	static const char begin[] = "Received: from ";
	size_t i = sizeof begin - 1;

	must(b->n > i && memcmp(b->data, begin, i) == 0);
	while (i + 1 < b->n && !(b->data[i] == '\n' && b->data[i + 1] != '\t'))
		i++;
	return i + 1;
}

static inline void
talker_chunk(struct talker *t)
{
	struct bytes *c = session_chunk(t->session);

	must(c->n <= CHUNK_MOST);
	bytes_add(&t->body, c->data, c->n);
	c->n = 0;
}

static inline void
talker_accept(struct talker *t)
{
	struct session_message m;
	size_t own;

	talker_chunk(t);
	session_message(t->session, &m);
	must(m.nrcpt > 0 && m.record.size_bytes == t->body.n);
	must(m.record.body_crc == crc32c(0, t->body.data, t->body.n));
	must(m.apart == (m.record.chunks > 1));
	if (t->fails == NULL) {
		talker_body_clean(&t->body);
		own = talker_trace(&t->body);
		talker_envelope(t, &m);
		talker_sorted(t, &m);
		t->verdict.n = 0;
		bytes_add(&t->verdict, m.record.verdict.p, m.record.verdict.n);
		t->last_body.n = 0;
		bytes_add(&t->last_body, t->body.data + own, t->body.n - own);
		bytes_add(&t->stored, t->envelope.data, t->envelope.n);
		bytes_add(&t->stored, "\n", 1);
		bytes_add(&t->stored, t->sorted.data, t->sorted.n);
		bytes_add(&t->stored, "\n", 1);
		bytes_add(&t->stored, t->body.data, t->body.n);
		t->messages++;
	}
	t->body.n = 0;
	session_accepted(t->session, t->fails);
}

/* "returned=bounce message=1.0 arrival=5 final=<a@b> status=5.1.1". */
static inline void
talker_returned(struct talker *t)
{
	struct bytes *b = &t->envelope;
	struct session_returned r = {.nwho = 0};

	session_chunk(t->session)->n = 0;
	session_returned(t->session, &r);
	must(r.nwho > 0 && r.nwho <= SESSION_RETURNS_MOST);
	b->n = 0;
	bytes_printf(b, "returned=%s", returned_word(r.report->kind));
	for (unsigned i = 0; i < r.nwho; i++)
		bytes_printf(b, " who=%llu.%u",
			     (unsigned long long)r.who[i].message,
			     r.who[i].rcpt);
	for (unsigned i = 0; i < r.report->nrcpt; i++)
		bytes_printf(b, " final=<%s> status=%s",
			     r.report->rcpt[i].final, r.report->rcpt[i].status);
	t->returned++;
	t->body.n = 0;
	session_accepted(t->session, t->fails);
}

/* One step; false when the session waits for more or is done. */
static inline bool
talker_step(struct talker *t)
{
	size_t n = t->rest.n;
	enum session_step step = session_feed(t->session, t->rest.data, &n,
					      t->id, TALKER_NOW, t->room);

	must(n <= t->rest.n);
	bytes_cut(&t->rest, n);
	must(t->out.n <= SESSION_OUT_MOST + 2 * SESSION_LINE_MOST);
	if (session_id(t->session) == t->id)
		t->id += 4;
	bytes_add(&t->said, t->out.data, t->out.n);
	t->out.n = 0;
	switch (step) {
	case SESSION_MORE:
		return n > 0;
	case SESSION_WRITE:
		return true;
	case SESSION_CHUNK:
		t->chunks++;
		talker_chunk(t);
		session_chunk_taken(t->session);
		return true;
	case SESSION_ACCEPT:
		talker_accept(t);
		return true;
	case SESSION_RETURNED:
		talker_returned(t);
		return true;
	case SESSION_ABANDON:
		t->abandoned++;
		t->body.n = 0;
		session_abandoned(t->session);
		return true;
	case SESSION_STARTTLS: /* the test's turn */
	case SESSION_SASL:
	case SESSION_VERIFY:
		return false;
	case SESSION_CLOSE:
		t->closed = true;
		return false;
	}
	return false;
}

/* What of it the session wants; nothing more once it has closed. */
static inline void
talker_feed(struct talker *t, const void *p, size_t n)
{
	unsigned steps = 0;

	if (t->closed)
		return;
	/* An unstored body goes when its message does. */
	bytes_add(&t->rest, p, n);
	while (talker_step(t))
		must(++steps < TALKER_STEPS_MOST);
	if (session_id(t->session) == 0)
		must(t->body.n == 0);
	bytes_add(&t->said, t->out.data, t->out.n);
	t->out.n = 0;
}

static inline bool
talker_has_said(const struct talker *t, const char *words)
{
	return t->said.n > 0 &&
	       memmem(t->said.data, t->said.n, words, strlen(words)) != NULL;
}

#endif
