/*
 * claim - takes the earliest due message of a lane for one job: its recipients
 * that are due beside it travel together, up to the relay's limit.
 *
 * Owner    claim_free frees what the claim holds.
 * Errors   false with ERR_NONE: nothing is due now; *next_due_us says when
 *          (INT64_MAX: the lane is empty).  Else the transaction must be
 *          aborted.
 */
#ifndef MTQ_CLAIM_H
#define MTQ_CLAIM_H

#include "daemon/settings.h"
#include "queue/job.h"
#include "queue/ledger.h"

struct claim {
	uint64_t job;
	uint64_t message;
	int64_t arrival_us;
	size_t relay;
	unsigned worker;
	uint32_t nrcpt;
	uint32_t *rcpt;
	struct bytes frame; /* the JOB */
};

bool claim_next(struct txn *t, const struct relay_settings *relay,
		uint64_t lane, int64_t now_us, struct claim *c,
		int64_t *next_due_us, struct err *e) MUST_USE;
void claim_free(struct claim *c);

#endif
