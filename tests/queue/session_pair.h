/*
 * session_pair - the session under test beside the naive one: its octets go in
 * and its steps are done as queue/client.c does them; then both are compared.
 */
#ifndef MTQ_TESTS_SESSION_PAIR_H
#define MTQ_TESTS_SESSION_PAIR_H

#include "queue/sasl_server.h"
#include "tests/queue/account_box.h"
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
	struct accounts *accounts;
	enum err_kind commit;
	struct bytes body;    /* chunks since the message's first */
	struct bytes offered; /* the last message */
	struct bytes envelope;
	unsigned stored; /* chunks of a message that is not whole */
	bool closed;
	unsigned steps; /* done */
	/* In all sessions. */
	uint64_t secured, verified, authenticated, abandoned;
	char fault[PAIR_FAULT];
} pair;

static struct naive *model;

static inline bool
fault(const char *what, const char *detail)
{
	if (pair.fault[0] == '\0')
		snprintf(pair.fault, sizeof pair.fault, "%s: %s", what, detail);
	return false;
}

static inline void
take_out(void)
{
	bytes_add(&pair.heard, pair.out.data, pair.out.n);
	pair.out.n = 0;
}

static inline void
offer(void)
{
	struct err e = {.kind = pair.commit};
	struct session_message m;
	struct bytes *c = session_chunk(pair.session);

	take_out();
	bytes_add(&pair.heard, "\r\n", 2);
	bytes_add(&pair.body, c->data, c->n);
	c->n = 0;
	session_message(pair.session, &m);
	if (m.apart != (pair.stored > 0) || m.record.chunks != pair.stored + 1)
		fault("chunks", "their number");
	if (m.record.size_bytes != pair.body.n ||
	    m.record.body_crc != crc32c(0, pair.body.data, pair.body.n))
		fault("record", "size or checksum");
	pair.offered.n = pair.envelope.n = 0;
	bytes_add(&pair.offered, pair.body.data, pair.body.n);
	bytes_printf(&pair.envelope, "<%.*s>", (int)m.record.sender.n,
		     m.record.sender.p);
	for (uint32_t i = 0; i < m.nrcpt; i++)
		bytes_printf(&pair.envelope, " <%.*s>",
			     (int)m.rcpt[i].address.n, m.rcpt[i].address.p);
	pair.body.n = 0;
	if (e.kind == ERR_NONE)
		pair.stored = 0;
	session_accepted(pair.session, e.kind != ERR_NONE ? &e : NULL);
}

static inline void
chunk(void)
{
	struct bytes *c = session_chunk(pair.session);
	struct err e = {.kind = model->chunk};

	bytes_add(&pair.body, c->data, c->n);
	pair.stored++;
	session_chunk_taken(pair.session);
	if (!model->chunk_failed && model->chunk != ERR_NONE && !model->bdat) {
		session_chunk_failed(pair.session, &e);
		model->chunk_failed = true;
	}
}

static inline bool
step(void)
{
	static const struct session_tls tls = {.on = true};
	size_t n = pair.rest.n;
	enum session_step s = session_feed(pair.session, pair.rest.data, &n,
					   pair.id, PAIR_NOW, pair.room);

	bytes_cut(&pair.rest, n);
	if (session_id(pair.session) == pair.id)
		pair.id += 4;
	if (pair.out.n > SESSION_OUT_MOST + 2 * SESSION_LINE_MOST)
		fault("out", "more than its limit");
	take_out();
	if (s == SESSION_MORE)
		return n > 0;
	if (s == SESSION_CHUNK) {
		chunk();
	} else if (s == SESSION_ACCEPT) {
		offer();
	} else if (s == SESSION_ABANDON) {
		pair.stored = 0;
		pair.body.n = 0;
		session_abandoned(pair.session);
		pair.abandoned++;
	} else if (s == SESSION_SASL) {
		sasl_server_step(session_sasl(pair.session), pair.accounts,
				 PAIR_NOW);
		session_sasl_done(pair.session);
		pair.authenticated += session_account(pair.session)[0] != '\0';
	} else if (s == SESSION_VERIFY) { /* nobody answers */
		session_verified(pair.session);
		pair.verified++;
	} else if (s == SESSION_STARTTLS) {
		if (pair.rest.n > 0)
			return fault("STARTTLS", "octets behind it");
		session_secured(pair.session, &tls);
		pair.secured++;
	} else if (s == SESSION_CLOSE) {
		pair.closed = true;
	} else if (s != SESSION_WRITE) {
		return fault("step", "none that this test knows");
	}
	return s != SESSION_CLOSE && pair.fault[0] == '\0';
}

static inline void
feed(const void *p, size_t n)
{
	if (pair.closed)
		return;
	bytes_add(&pair.rest, p, n);
	while (step())
		;
	if (session_id(pair.session) == 0)
		pair.body.n = 0;
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
	const unsigned char *p = pair.offered.data, *own;
	struct bytes want = {0};
	bool same;

	own = memmem(p, pair.offered.n, date, sizeof date - 1);
	if (own == NULL || memcmp(p, "Received: from ", 15) != 0)
		return fault("offered", "without our field");
	own += sizeof date - 1;
	if (pair.offered.n - (size_t)(own - p) != model->offered ||
	    memcmp(own, model->body, model->offered) != 0)
		return fault("offered", "not the octets that were sent");
	bytes_printf(&want, "<%s>", model->sender);
	for (unsigned i = 0; i < model->noffered; i++)
		bytes_printf(&want, " <%s>", model->rcpt[i]);
	same = want.n == pair.envelope.n &&
	       memcmp(want.data, pair.envelope.data, want.n) == 0;
	bytes_free(&want);
	return same || fault("offered", "another envelope");
}

/* Was the last reply 334? */
static inline bool
pair_asks(void)
{
	const unsigned char *p = pair.heard.data;
	size_t n = pair.heard.n, start;

	if (n < 2)
		return false;
	for (start = n - 2; start > 0 && p[start - 1] != '\n';)
		start--;
	return n - start > 3 && memcmp(p + start, "334", 3) == 0;
}

/* What was heard since the last step is what the naive one says. */
static inline bool
compare(void)
{
	const char *p = (const char *)pair.heard.data, *end = p + pair.heard.n;
	unsigned k = 0;

	while (p < end && pair.fault[0] == '\0') {
		const char *lf = memchr(p, '\n', (size_t)(end - p));
		size_t n = lf != NULL ? (size_t)(lf - p) - 1 : 0;

		must(lf != NULL);
		if ((n < 4 || p[3] != '-') &&
		    (n < 3 || memcmp(p, "334", 3) != 0)) {
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
	if (pair.closed != model->closed)
		fault("closed", pair.closed ? "is" : "is not");
	pair.heard.n = 0;
	model->nevents = 0;
	return pair.fault[0] == '\0';
}

#endif
