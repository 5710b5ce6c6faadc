/*
 * sort - waiting mail goes into the lane where it belongs.
 *
 * After a reload mail lies in lanes of the old epoch: it is moved over, a few
 * hundred rows a commit, earliest due first, and goes out meanwhile.  Mail that
 * moved on to a further relay of its way, which then shut, goes back to the
 * start of its way and waits by the schedule.
 */
#ifndef MTQ_SORT_H
#define MTQ_SORT_H

#include "queue/settle.h"

enum { SORT_MOST = 512 }; /* rows of one commit */

/* Moves up to SORT_MOST rows out of the lane; *moved: how many. */
bool sort_lane(struct txn *t, const struct settle_world *w, uint64_t lane,
	       int64_t now_us, unsigned *moved, struct err *e) MUST_USE;

#endif
