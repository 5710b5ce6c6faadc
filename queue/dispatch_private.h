/*
 * dispatch_private - what the files of the dispatcher share; nobody else's.
 *
 *	dispatch.c		what comes in between two steps
 *	dispatch_step.c		one step: the transaction, and what follows it
 */
#ifndef MTQ_DISPATCH_PRIVATE_H
#define MTQ_DISPATCH_PRIVATE_H

#include "queue/dispatch.h"
#include "queue/expire.h"
#include "queue/flight.h"
#include "queue/orders.h"

struct dispatch {
	struct store *store;
	const struct settings *settings;
	const struct dispatch_ops *ops;
	void *arg;
	struct plan plan;
	struct flights flights;
	struct later log;
	struct settle *settle;
	size_t nsettle, settle_room;
	struct orders orders;
	struct expire expire;
	uint64_t next_job;
	int64_t next_due_us;   /* of the lane; INT64_MIN: look */
	int64_t look_us;       /* steady: the next look without a bell */
	int64_t not_before_us; /* steady: after a failed commit */
	bool cautious;         /* the last commit failed */
	bool stopping;
};

#endif
