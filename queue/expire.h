/*
 * expire - mail whose time runs out while its relay can't be reached.
 *
 * Nothing is claimed for a closed relay but a probe now and then, so most of
 * what waits would never be tried again, and would never be given up either.
 * Here a cursor goes round the rows that are due and finds those whose
 * lifetime is over (RFC 5321 4.5.4.1).
 *
 * Bounded  EXPIRE_LOOK rows a look, in a read transaction: a look that finds
 *          nothing writes nothing.
 */
#ifndef MTQ_EXPIRE_H
#define MTQ_EXPIRE_H

#include "queue/settle.h"

enum { EXPIRE_LOOK = 256 };

struct expire {
	struct ledger_due from; /* where the next look begins */
	size_t n;
	struct ledger_due found[EXPIRE_LOOK];
	int64_t arrival_us[EXPIRE_LOOK];
};

void expire_init(struct expire *x);
/* Fills found[0..n). */
bool expire_look(struct expire *x, struct store *s, uint64_t lane,
		 int64_t lifetime_us, int64_t now_us, struct err *e) MUST_USE;
/* Gives up what the last look found; nothing else may have changed the queue's
 * recipients in between. */
bool expire_found(const struct expire *x, struct txn *t, uint64_t lane,
		  const struct retry_settings *r, const char *relay,
		  int64_t now_us, struct later *log, struct err *e) MUST_USE;

#endif
