/*
 * queue_oldest - what waits longest, for `mtq status`: one row for the oldest
 * message and one for each lane, however much waits.
 *
 * Owner    a plain value; its texts are cleaned for a terminal.
 */
#ifndef MTQ_QUEUE_OLDEST_H
#define MTQ_QUEUE_OLDEST_H

#include "queue/store.h"

struct queue_oldest {
	bool message;       /* there is one */
	int64_t arrival_us; /* of the oldest message */
	bool waiting;
	uint64_t id; /* of the recipient that is due first */
	int64_t due_us;
	char relay[65]; /* of its last attempt */
	char reason[256];
};
bool queue_oldest(struct store *store, struct queue_oldest *out,
		  struct err *e) MUST_USE;

#endif
