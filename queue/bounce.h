/*
 * bounce - who is told that mail has failed.
 *
 * What fails in a step of the dispatcher is collected here, and enters the queue
 * as reports, one for each message, in the same transaction: a crash has both or
 * neither.  A report has the null sender, so nothing that becomes of it makes
 * another one, except, once, for `postmaster`.
 *
 * Runs inside the dispatcher's transaction; what it says is logged when that is
 * durable.
 *
 * Owner    zeroed memory is an empty one; bounces_free.
 * Source   RFC 5321 4.5.5, 6.1; RFC 3461 4, 6; docs/bounces.md
 */
#ifndef MTQ_BOUNCE_H
#define MTQ_BOUNCE_H

#include "daemon/settings.h"
#include "queue/ledger.h"

struct later;

struct bounces {
	struct failure {
		uint64_t message;
		uint32_t rcpt;
		int64_t last_us; /* of the attempt; 0: there was none */
		struct verdict verdict;
	} * failure;
	size_t n, room;
	uint64_t last_id; /* of a report of this step */
};

void bounces_add(struct bounces *b, uint64_t message, uint32_t rcpt,
		 int64_t last_us, const struct verdict *v);
/* Reports about all of them, as new messages; then the list is empty.  False:
 * the transaction must be aborted. */
bool bounces_enter(struct bounces *b, struct txn *t, const struct settings *s,
		   struct later *log, int64_t now_us, struct err *e) MUST_USE;
void bounces_forget(struct bounces *b);
void bounces_free(struct bounces *b);

#endif
