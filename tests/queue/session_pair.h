/*
 * session_pair - the session under test beside the naive one: its octets go in
 * and its steps are done as queue/client.c does them; then both are compared.
 */
#ifndef MTQ_TESTS_SESSION_PAIR_H
#define MTQ_TESTS_SESSION_PAIR_H

#include "tests/queue/session_naive_talk.h"

enum { PAIR_FAULT = 400, PAIR_PIECES = 6 };

static const int64_t PAIR_NOW = INT64_C(1795246544000000);

/* One run of the session under test. */
static struct {
	struct session *session;
	struct bytes out, rest;
	struct bytes heard; /* replies' lines; an empty one: an offer */
	uint64_t id;
	enum session_room room;
	enum err_kind commit;
	struct bytes body;    /* chunks since the message's first */
	struct bytes offered; /* the last message */
	struct bytes envelope;
	unsigned stored; /* chunks of a message that is not whole */
	bool closed;
	unsigned steps; /* done */
	char fault[PAIR_FAULT];
} at;

static struct naive *model;

static inline bool
fault(const char *what, const char *detail)
{
	if (at.fault[0] == '\0')
		snprintf(at.fault, sizeof at.fault, "%s: %s", what, detail);
	return false;
}

static inline void
take_out(void)
{
	bytes_add(&at.heard, at.out.data, at.out.n);
	at.out.n = 0;
}

static inline void
offer(void)
{
	struct err e = {.kind = at.commit};
	struct session_message m;
	struct bytes *c = session_chunk(at.session);

	take_out();
	bytes_add(&at.heard, "\r\n", 2);
	bytes_add(&at.body, c->data, c->n);
	c->n = 0;
	session_message(at.session, &m);
	if (m.apart != (at.stored > 0) || m.record.chunks != at.stored + 1)
		fault("chunks", "their number");
	if (m.record.size_bytes != at.body.n ||
	    m.record.body_crc != crc32c(0, at.body.data, at.body.n))
		fault("record", "size or checksum");
	at.offered.n = at.envelope.n = 0;
	bytes_add(&at.offered, at.body.data, at.body.n);
	bytes_printf(&at.envelope, "<%.*s>", (int)m.record.sender.n,
		     m.record.sender.p);
	for (uint32_t i = 0; i < m.nrcpt; i++)
		bytes_printf(&at.envelope, " <%.*s>", (int)m.rcpt[i].address.n,
			     m.rcpt[i].address.p);
	at.body.n = 0;
	if (e.kind == ERR_NONE)
		at.stored = 0;
	session_accepted(at.session, e.kind != ERR_NONE ? &e : NULL);
}

static inline void
chunk(void)
{
	struct bytes *c = session_chunk(at.session);
	struct err e = {.kind = model->chunk};

	bytes_add(&at.body, c->data, c->n);
	at.stored++;
	session_chunk_taken(at.session);
	if (!model->chunk_failed && model->chunk != ERR_NONE && !model->bdat) {
		session_chunk_failed(at.session, &e);
		model->chunk_failed = true;
	}
}

static inline bool
step(void)
{
	static const struct session_tls tls = {.on = true};
	size_t n = at.rest.n;
	enum session_step s =
	    session_feed(at.session, at.rest.data, &n, at.id, NOW, at.room);

	bytes_cut(&at.rest, n);
	if (session_id(at.session) == at.id)
		at.id += 4;
	if (at.out.n > SESSION_OUT_MOST + 2 * SESSION_LINE_MOST)
		fault("out", "more than its limit");
	take_out();
	if (s == SESSION_MORE)
		return n > 0;
	if (s == SESSION_CHUNK) {
		chunk();
	} else if (s == SESSION_ACCEPT) {
		offer();
	} else if (s == SESSION_ABANDON) {
		at.stored = 0;
		at.body.n = 0;
		session_abandoned(at.session);
	} else if (s == SESSION_STARTTLS) {
		if (at.rest.n > 0)
			return fault("STARTTLS", "octets behind it");
		session_secured(at.session, &tls);
	} else if (s == SESSION_CLOSE) {
		at.closed = true;
	} else if (s != SESSION_WRITE) {
		return fault("step", "none that this test knows");
	}
	return s != SESSION_CLOSE && at.fault[0] == '\0';
}

static inline void
feed(const void *p, size_t n)
{
	if (at.closed)
		return;
	bytes_add(&at.rest, p, n);
	while (step())
		;
	if (session_id(at.session) == 0)
		at.body.n = 0;
}

/* In as many pieces as the step's number says. */
static inline void
feed_cut(const unsigned char *p, size_t n, uint32_t cuts)
{
	for (unsigned i = 0; i < PAIR_PIECES && cuts % 8 != 0 && n > 1; i++) {
		size_t k = 1 + cuts / 8 % (n > 40 && cuts % 8 < 3 ? 4 : n - 1);

		feed(p, k);
		p += k;
		n -= k;
		cuts = cuts * UINT32_C(2654435761) + 12345;
	}
	feed(p, n);
}

/* One event of the naive one, the line that was heard. */
static inline bool
is_one_of(const char *replies, const char *line, size_t n)
{
	if (replies[0] == '\0' || n == 0)
		return replies[0] == '\0' && n == 0;
	while (*replies != '\0') {
		size_t k = strcspn(replies, "|");

		if (n >= k && memcmp(line, replies, k) == 0)
			return true;
		replies += k + (replies[k] == '|');
	}
	return false;
}

static inline bool
same_offer(void)
{
	static const char date[] = "+0000\r\n"; /* ends our own field */
	const unsigned char *p = at.offered.data, *own;
	struct bytes want = {0};
	bool same;

	own = memmem(p, at.offered.n, date, sizeof date - 1);
	if (own == NULL || memcmp(p, "Received: from ", 15) != 0)
		return fault("offered", "without our field");
	own += sizeof date - 1;
	if (at.offered.n - (size_t)(own - p) != model->offered ||
	    memcmp(own, model->body, model->offered) != 0)
		return fault("offered", "not the octets that were sent");
	bytes_printf(&want, "<%s>", model->sender);
	for (unsigned i = 0; i < model->noffered; i++)
		bytes_printf(&want, " <%s>", model->rcpt[i]);
	same = want.n == at.envelope.n &&
	       memcmp(want.data, at.envelope.data, want.n) == 0;
	bytes_free(&want);
	return same || fault("offered", "another envelope");
}

/* What was heard since the last step is what the naive one says. */
static inline bool
compare(void)
{
	const char *p = (const char *)at.heard.data, *end = p + at.heard.n;
	unsigned k = 0;

	while (p < end && at.fault[0] == '\0') {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = lf != NULL ? (size_t)(lf - p) - 1 : 0;

		must(lf != NULL);
		if (n < 4 || p[3] != '-') {
			if (k >= model->nevents ||
			    !is_one_of(model->event[k].reply, p, n)) {
				char text[PAIR_FAULT - 100];

				snprintf(text, sizeof text,
					 "\"%.*s\", must be \"%s\"",
					 (int)min_of(n, (size_t)100), p,
					 k < model->nevents
					     ? model->event[k].reply
					     : "nothing");
				return fault("heard", text);
			}
			if (n == 0 && !same_offer())
				return false;
			k++;
		}
		p = lf + 1;
	}
	if (k < model->nevents)
		fault("not heard", model->event[k].reply);
	if (at.closed != model->closed)
		fault("closed", at.closed ? "is" : "is not");
	at.heard.n = 0;
	model->nevents = 0;
	return at.fault[0] == '\0';
}

#endif
