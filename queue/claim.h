/*
 * claim - takes the earliest due message of a lane for one job: its recipients
 * that are due beside it travel together, up to a limit.  They are charged to
 * the relay's quotas in the same transaction.
 *
 * Through a relay with deliver = mx a job's recipients are of one domain, and
 * each domain has its worker: rows whose worker has no room are passed over, up
 * to CLAIM_PASS_MOST, so that a slow domain holds up no other.
 *
 * Through a relay with return_path = verp a job has one recipient: each has an
 * envelope sender of its own (queue/return_path.h).
 *
 * Owner    claim_free frees what the claim holds.
 * Errors   CLAIM_FAILED: the transaction must be aborted.
 */
#ifndef MTQ_CLAIM_H
#define MTQ_CLAIM_H

#include "queue/book.h"
#include "queue/destination.h"
#include "queue/job.h"
#include "queue/ledger.h"

enum {
	CLAIM_PASS_MOST = 256, /* rows */
	/* Suspects (recipient_record.claims > 0) that a worker has at a time;
	 * who was in two deaths fills it alone (docs/queue.md, poison). */
	CLAIM_SUSPECTS_MOST = 8,
};

/* For deliver = mx: a worker with room for this domain; -1. */
struct claim_ops {
	int (*worker)(void *arg, size_t relay, const char *domain);
	void *arg;
};

struct claim {
	uint64_t job;
	uint64_t message;
	uint64_t lane;
	int64_t arrival_us;
	size_t relay; /* place in settings->relays */
	unsigned type;
	unsigned worker;
	bool permit;
	int64_t lifetime_us;        /* of the type */
	struct ledger_due row;      /* of CLAIM_OVER */
	enum status why;            /* and what ends it */
	const uint32_t *suspects;   /* room that is taken, by worker */
	uint32_t suspect;           /* room it takes; 0: it is none */
	bool suppress;              /* the suppression list has entries */
	const struct claim_ops *mx; /* deliver = mx; NULL: else */
	struct ledger_due from;     /* look from here; then: where to go on */
	bool rest;                  /* mx: those at `from` were not looked at */
	char destination[ADDRESS_DOMAIN_MOST + 1]; /* mx; else "" */
	bool copy;        /* for archives, by nobody, as long as it takes */
	bool retried;     /* all of its recipients were put off before */
	const char *kept; /* why the client's sender stays, although the relay's
			     return_path asks for another; NULL: it does not */
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
	CLAIM_ASIDE, /* a suspect, and its worker has enough: it was put off */
	CLAIM_OVER,  /* its lifetime is over: c->row is to be given up */
	CLAIM_FAILED,
};
/* c->job, lane, relay, type, permit, lifetime, mx and from (due_us INT64_MIN:
 * the lane's start) are set by the caller, and worker unless mx says it; at most
 * `most` recipients.  *next_due_us: when the lane's next message is due. */
enum claim_answer claim_next(struct txn *t, struct book *b,
			     const struct settings *s, uint32_t most,
			     int64_t now_us, struct claim *c,
			     int64_t *next_due_us, struct err *e) MUST_USE;
void claim_free(struct claim *c);

#endif
