/*
 * told - mail whose end is reported, and the report, for the tests of who is
 * told what.
 */
#ifndef MTQ_TESTS_TOLD_H
#define MTQ_TESTS_TOLD_H

#include "tests/queue/dispatcher.h"

#define TOLD(more)                                                             \
	"instance=test hostname=mtq.example\nlisten l {address=127.0.0.1:1}\n" \
	"source crm {from_ip=192.0.2.0/24}\ntype mass {}\n"                    \
	"relay r {host=c.d recipients_per_message=3}\n"                        \
	"retry normal {intervals=[1min] jitter=0% lifetime=1h}\n" more

static const char BODY[] = "Subject: Offer\r\nX-A: b\r\n\r\nthe words\r\n";

struct mail {
	const char *sender;
	uint8_t notify;
	uint32_t flags;
	size_t more; /* octets behind BODY */
	uint32_t n;
	const char *to; /* NULL: reader@example.net */
};

static inline uint64_t
accept_mail(struct world *w, const struct mail *x)
{
	uint64_t id = id_next(w->box.last, BOX_NOW, 0);
	size_t size = sizeof BODY - 1 + x->more;
	unsigned char *body = must_alloc(size);
	struct ledger_recipient r[3];
	struct message_record m;

	w->box.last = id;
	memset(body, 'x', size);
	memcpy(body, BODY, sizeof BODY - 1);
	m = box_message(body, size, x->n);
	m.sender = text_of(x->sender);
	m.message_id = text_of("<one@from.test>");
	m.flags = x->flags;
	box_begin(&w->box);
	for (uint32_t i = 0; i < m.chunks; i++)
		yes(&w->box,
		    ledger_chunk(
			w->box.t, id, i, body + i * CHUNK_MOST,
			min_of(size - i * CHUNK_MOST, (size_t)CHUNK_MOST),
			false, BOX_NOW, &w->box.e));
	for (uint32_t i = 0; i < x->n; i++)
		r[i] = (struct ledger_recipient){
		    .address =
			text_of(x->to != NULL ? x->to : "reader@example.net"),
		    .notify = x->notify,
		    .lane = w->box.lane};
	yes(&w->box,
	    ledger_accept(w->box.t, id, &m, r, x->n, false, &w->box.e));
	box_commit(&w->box);
	free(body);
	dispatch_bell(w->d);
	return id;
}

/* Every job that is held is refused for good. */
static inline void
refuse(struct world *w)
{
	step(w);
	assert_true(w->nheld > 0);
	while (w->nheld > 0)
		answer(w, VERDICT_FAIL);
	step(w);
}

/* The only report in the queue: its octets, NUL behind them.  NULL: none. */
static inline char *
only_report(struct world *w, char to[256])
{
	char *text = NULL;
	struct message_record m;
	struct recipient_record r;
	uint64_t last;

	box_read(&w->box);
	last = txn_state(w->box.t)->last_id;
	if (last == w->box.last)
		goto out;
	yes(&w->box, ledger_message(w->box.t, last, &m, &w->box.e));
	assert_int_equal(m.sender.n, 0);
	assert_int_equal(m.recipients, 1);
	yes(&w->box, ledger_recipient(w->box.t, last, 0, &r, &w->box.e));
	assert_int_equal(r.notify, NOTIFY_NEVER);
	text_copy(r.address, to, 256);
	text = must_alloc((size_t)m.size_bytes + 1);
	for (uint32_t i = 0, at = 0; i < m.chunks; i++) {
		const unsigned char *p;
		size_t n;

		yes(&w->box, ledger_body(w->box.t, last, i, &p, &n, &w->box.e));
		memcpy(text + at, p, n);
		at += (uint32_t)n;
	}
out:
	box_end(&w->box);
	return text;
}

#endif
