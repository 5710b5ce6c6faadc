/*
 * queue_oldest - what waits longest, for `mtq status`: one row for the oldest
 * message and two for each lane, however much waits.
 *
 * Owner    a plain value; its texts are cleaned for a terminal.
 */
#ifndef MTQ_QUEUE_OLDEST_H
#define MTQ_QUEUE_OLDEST_H

#include "queue/store.h"

struct queue_oldest {
	bool message;       /* there is one */
	int64_t arrival_us; /* of the oldest message */
	bool waiting;       /* somebody waits */
	int64_t due_us;     /* whoever is due first */
	/* How the last attempt ended for one that waits: for whoever is due
	 * first, or, when that one is untried, for the next that is due later
	 * than now. */
	bool tried;
	int64_t tried_us;
	char relay[65];
	char status[12]; /* RFC 3463 */
	char reason[256];
};
bool queue_oldest(struct store *store, int64_t now_us, struct queue_oldest *out,
		  struct err *e) MUST_USE;

#endif
