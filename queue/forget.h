/*
 * forget - recipients that failed stay in the queue for a while, so that a
 * person can look at them; then they go.
 *
 * A cursor goes round all that failed, FORGET_LOOK a look, in a read
 * transaction: a look that finds nothing writes nothing.
 */
#ifndef MTQ_FORGET_H
#define MTQ_FORGET_H

#include "queue/settle.h"

enum { FORGET_LOOK = 256 };

struct forget {
	struct ledger_due from; /* where the next look begins */
	size_t n;
	struct ledger_due found[FORGET_LOOK]; /* old enough */
};

void forget_init(struct forget *f);
/* Fills found[0..n). */
bool forget_look(struct forget *f, struct store *s, int64_t keep_us,
		 int64_t now_us, struct err *e) MUST_USE;
/* Removes what the last look found and is still there and failed. */
bool forget_found(struct forget *f, struct txn *t, int64_t keep_us,
		  int64_t now_us, struct later *log, struct err *e) MUST_USE;

#endif
