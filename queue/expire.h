/*
 * expire - mail whose time runs out while no relay takes it, and who is told that
 * it waits.
 *
 * What waits for a spent quota or a relay out of service is not touched, so it
 * would never be given up either.  A cursor goes round the lanes that don't flow
 * and finds what is older than its lifetime (RFC 5321 4.5.4.1).  Mail of a lane
 * whose route says "bounce" is given up the same way, whatever its age.
 *
 * On its way the cursor finds what is older than bounce.delay_after and has had
 * no attempt since: its sender is told once (mail that is tried: settle.c).  In
 * a lane that flows that is what has been due for so long while we looked: there
 * is more of it than the relay takes.  After a start or a sleep the relay gets its
 * chance first.
 *
 * Bounded  EXPIRE_LOOK rows a look, in a read transaction: a look that finds
 *          nothing writes nothing.
 */
#ifndef MTQ_EXPIRE_H
#define MTQ_EXPIRE_H

#include "queue/settle.h"

enum {
	EXPIRE_LOOK = 256,
	EXPIRE_GAP_S = 60, /* without a look: we were not there */
};

struct expire {
	uint64_t lane; /* where the next look begins */
	struct ledger_due from;
	int64_t looked_us;  /* the last look */
	int64_t looking_us; /* since then without a gap */
	bool rest; /* not all of them had room in the step: look again */
	size_t n;
	struct expired {
		uint64_t lane;
		struct ledger_due row;
		int64_t arrival_us;
		enum status why; /* EXPIRED by age, or NO_RELAY */
		bool delayed;    /* it is not given up: its sender is told */
	} found[EXPIRE_LOOK];
};

void expire_init(struct expire *x);
/* Fills found[0..n).  In a lane that flows nothing is given up: its mail is
 * tried. */
bool expire_look(struct expire *x, struct store *s,
		 const struct settle_world *w, int64_t now_us,
		 struct err *e) MUST_USE;
/* Gives up one waiting row. */
bool expire_one(struct txn *t, const struct expired *x,
		const struct settle_world *w, int64_t now_us,
		struct err *e) MUST_USE;
/* Gives up, or tells of, what the last look found; nothing else may have changed the queue's
 * recipients in between. */
bool expire_found(struct expire *x, struct txn *t, const struct settle_world *w,
		  int64_t now_us, struct err *e) MUST_USE;

#endif
