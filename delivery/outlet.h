/*
 * outlet - what all deliveries of a worker share, and the order in which their
 * octets leave: a final dot (or a file's last rename) may happen only after its
 * DOT frame is in the kernel's hands, so all of a round are announced first,
 * then everybody writes.  Who needs a permit is held until it has come.
 *
 * Owner    an outgoing lives in its delivery, which unmarks it before it goes.
 */
#ifndef MTQ_OUTLET_H
#define MTQ_OUTLET_H

#include "daemon/wire.h"
#include "queue/job.h"
#include "queue/store.h"

enum outgoing_dot {
	DOT_NONE, /* not in sight */
	DOT_DUE,  /* all that has to be announced before is through */
	DOT_TOLD, /* announced, perhaps not yet in the kernel's hands */
	DOT_HELD, /* the kernel has the frame; waits for the permit */
	DOT_FREE, /* may leave */
	DOT_GOES, /* is leaving */
};

/* One delivery, as the outlet sees it. */
struct outgoing {
	/* Writes what may be written: the dot too if it is DOT_FREE.  Not
	 * called while it is DOT_TOLD or DOT_HELD. */
	void (*go)(struct outgoing *o, int64_t steady_us);
	enum outgoing_dot dot;
	uint64_t job; /* whose dot */
	bool permit;  /* it needs one that has not come */
	bool marked;  /* it is in one of the outlet's lists */
	struct outgoing *next;
};

struct outlet {
	struct loop *loop;
	struct store *store;
	struct channel *jobs;
	char hostname[256];
	struct outgoing *first; /* marked */
	struct outgoing *going; /* of the round under way */
	struct outgoing *held;
	unsigned char *scratch;  /* OUTLET_SCRATCH octets to read into */
	struct trusted *trusted; /* CAs that egress.c has read */
};
enum { OUTLET_SCRATCH = 64 * 1024 };

/* It has something to write or to announce: `go` is called soon. */
void outlet_mark(struct outlet *o, struct outgoing *x);
void outlet_unmark(struct outlet *o, struct outgoing *x);
/* The dot of this job may leave; none here has it when the job just ended. */
void outlet_permit(struct outlet *o, uint64_t job);
/* Announces the dots of this round, then writes what may be written. */
void outlet_flush(struct outlet *o, int64_t steady_us);

#endif
