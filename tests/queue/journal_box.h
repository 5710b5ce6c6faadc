/*
 * journal_box - a small queue with entries in its journal, for the tests of it.
 */
#ifndef MTQ_TESTS_JOURNAL_BOX_H
#define MTQ_TESTS_JOURNAL_BOX_H

#include "queue/journal.h"
#include "tests/queue/box.h"

/* An entry with something in every field. */
static inline struct journal_entry
entry_of(enum journal_kind kind, uint64_t message, uint32_t rcpt)
{
	return (struct journal_entry){
	    .kind = (uint8_t)kind,
	    .category = CATEGORY_COUNT - 1,
	    .code = 550,
	    .at_us = (uint64_t)BOX_NOW,
	    .message = message,
	    .rcpt = rcpt,
	    .arrival_us = (uint64_t)BOX_NOW - 1,
	    .next_us = (uint64_t)BOX_NOW + 1,
	    .size_bytes = UINT64_MAX,
	    .attempts = 3,
	    .queued_us = 4,
	    .in_worker_us = 5,
	    .connect_us = 6,
	    .transmit_us = 7,
	    .sender = text_of("sender@example.com"),
	    .address = text_of("reader@example.net"),
	    .message_id = text_of("<1@example.com>"),
	    .type = text_of("mass"),
	    .source = text_of("crm"),
	    .relay = text_of("corp"),
	    .remote = text_of("mx.example.net[192.0.2.1]:25"),
	    .status = text_of("5.1.1"),
	    .reply = text_of("550 5.1.1 no such user"),
	    .security = text_of("TLSv1.3"),
	    .who = text_of("root"),
	    .detail = text_of("why"),
	};
}

static inline uint64_t
add(struct box *b, const struct journal_entry *x)
{
	uint64_t n = 0;

	yes(b, journal_add(b->t, x, &n, &b->e));
	return n;
}

static inline uint64_t
add_at(struct box *b, int64_t at_us)
{
	struct journal_entry x = entry_of(JOURNAL_RELAY, 0, 0);

	x.at_us = (uint64_t)at_us;
	return add(b, &x);
}

/* A chain of n entries about one recipient, with its row in history. */
static inline uint64_t
chain(struct box *b, uint64_t message, uint32_t rcpt, unsigned n)
{
	struct journal_entry x = entry_of(JOURNAL_ACCEPTED, message, 9);
	uint64_t last = add(b, &x);

	for (unsigned i = 1; i < n; i++) {
		x = entry_of(i == n - 1 ? JOURNAL_DELIVERED : JOURNAL_DEFERRED,
			     message, rcpt);
		x.previous = last;
		last = add(b, &x);
	}
	yes(b, journal_ended(b->t, message, rcpt, last, &b->e));
	return last;
}

static const int64_t KEEP = 30 * 24 * HOUR_US;

static inline unsigned
prune(struct box *b, int64_t keep_us, uint64_t most_bytes, int64_t now_us,
      unsigned most, bool *more)
{
	uint64_t before = txn_state(b->t)->entries;
	bool may;

	yes(b,
	    journal_may_prune(b->t, keep_us, most_bytes, now_us, &may, &b->e));
	yes(b, journal_prune(b->t, keep_us, most_bytes, now_us, most, more,
			     &b->e));
	assert_int_equal(may, txn_state(b->t)->entries < before);
	return (unsigned)(before - txn_state(b->t)->entries);
}

#endif
