/*
 * claim - takes the earliest due message of a lane for one job: its recipients
 * that are due beside it travel together, up to a limit.  They are charged to
 * the relay's quotas in the same transaction.
 *
 * Owner    claim_free frees what the claim holds.
 * Errors   CLAIM_FAILED: the transaction must be aborted.
 */
#ifndef MTQ_CLAIM_H
#define MTQ_CLAIM_H

#include "queue/book.h"
#include "queue/job.h"
#include "queue/ledger.h"

struct claim {
	uint64_t job;
	uint64_t message;
	uint64_t lane;
	int64_t arrival_us;
	size_t relay; /* place in settings->relays */
	unsigned type;
	unsigned worker;
	bool permit;
	int64_t lifetime_us;   /* of the type */
	struct ledger_due row; /* of CLAIM_OVER */
	uint32_t nrcpt;
	uint32_t *rcpt;
	struct bytes frame; /* the JOB */
};

/* The last attempt comes when the lifetime ends; a message this much later
 * stood behind others, at a relay with a rate. */
#define CLAIM_LATE_US (5 * MINUTE_US)

enum claim_answer {
	CLAIM_DONE,
	CLAIM_LATER, /* nothing is due now: *next_due_us (INT64_MAX: empty) */
	CLAIM_SPENT, /* the relay's quotas have no room for this type */
	CLAIM_TIGHT, /* nor for a message this large: it was put off, so that
			smaller ones pass it */
	CLAIM_OVER,  /* its lifetime is over: c->row is to be given up */
	CLAIM_FAILED,
};
/* c->job, lane, relay, type, permit and lifetime are set by the caller; at most `most`
 * recipients.  *next_due_us: when the lane's next message is due. */
enum claim_answer claim_next(struct txn *t, struct book *b,
			     const struct settings *s, uint32_t most,
			     int64_t now_us, struct claim *c,
			     int64_t *next_due_us, struct err *e) MUST_USE;
void claim_free(struct claim *c);

#endif
