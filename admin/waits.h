/*
 * waits - what waiting mail waits for, for `mtq status`: one row of each lane,
 * and the relays that are shut.
 *
 * Bounded  WAITS_LANES lanes, WAITS_NOTES notes.
 * Owner    waits_free.
 */
#ifndef MTQ_WAITS_H
#define MTQ_WAITS_H

#include "queue/book.h"

enum { WAITS_LANES = 4096, WAITS_NOTES = 40 };

struct waits {
	/* The longest that mail is due whose relay takes mail; 0: none. */
	int64_t overdue_us;
	char *note[WAITS_NOTES]; /* "relay corp is paused by ...", cleaned */
	size_t nnotes;
};
bool waits_read(struct txn *t, const struct settings *s, int64_t now_us,
		struct waits *out, struct err *e) MUST_USE;
void waits_free(struct waits *w);

#endif
