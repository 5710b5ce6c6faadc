/*
 * trail - all that is known of one recipient: its entries of the journal, and
 * its record while it is in the queue.
 *
 * Bounded  TRAIL_ENTRIES entries, the newest ones.
 * Owner    trail_read/trail_free; texts live in between.
 * Errors   false with the store's words; ERR_NONE: nothing is known.
 */
#ifndef MTQ_TRAIL_H
#define MTQ_TRAIL_H

#include "admin/entries.h"

enum { TRAIL_ENTRIES = 1000 };

struct trail {
	uint64_t message;
	uint32_t rcpt;
	bool queued;                    /* record and mail are there */
	struct recipient_record record; /* while queued */
	struct message_record mail;     /* while queued */
	struct entry *entry;            /* the oldest first */
	size_t n;
	bool cut; /* older entries are forgotten, or too many */
	struct arena memory;
};
bool trail_read(struct store *s, uint64_t message, uint32_t rcpt,
		struct trail *out, struct err *e) MUST_USE;
void trail_free(struct trail *t);
/* The next recipient of a message at or after *rcpt, still here or not. */
bool trail_next(struct store *s, uint64_t message, uint32_t *rcpt,
		struct err *e) MUST_USE;

/* What became of it.  Texts are borrowed from the trail. */
struct trail_end {
	const char *outcome; /* "delivered", "waiting" ... */
	int64_t at_us;
	const struct entry *entry; /* the one that says so; NULL: none */
	struct text sender, address, message_id, type, source;
	int64_t arrival_us;
	uint64_t size_bytes;
	uint32_t tries;
	int64_t next_us; /* 0: none */
};
void trail_end(const struct trail *t, struct trail_end *out);

#endif
