/*
 * settle - what an outcome does to its recipient and to the quotas it was
 * charged to, and the line that says so.
 *
 * A place stays used when the remote has the mail or may have it: it said yes,
 * or the final dot left and no answer came.  A definite no gives it back.  What
 * a host or relay is blamed for goes on to the next relay of its way at once, if
 * one takes mail now; else the round is over and the schedule says when.
 *
 * What may have arrived, because the reply to the final dot was lost, follows
 * the policy of its type (in_doubt).  What POISON_CLAIMS workers died with, one
 * after another, is held: docs/queue.md says how the innocent are told apart.
 *
 * Runs inside the dispatcher's transaction; lines are collected, and logged
 * only when the transaction is durable.
 */
#ifndef MTQ_SETTLE_H
#define MTQ_SETTLE_H

#include "queue/book.h"
#include "queue/bounce.h"
#include "queue/choose.h"
#include "queue/job.h"
#include "queue/later.h"
#include "queue/ledger.h"
#include "queue/retry.h"

enum {
	POISON_CLAIMS = 3, /* claims in a row without an outcome */
	/* While workers die of other things, too, one more for each ... */
	POISON_OTHERS = 2, /* ... of so many deaths */
	POISON_MORE = 5,   /* at most */
};

/* One recipient's outcome on its way into the ledger. */
struct settle {
	uint64_t message;
	uint32_t rcpt;
	int64_t arrival_us;
	int64_t claimed_us;
	int64_t ended_us;
	uint32_t in_worker_us;
	uint32_t connect_us;
	uint32_t transmit_us;
	uint64_t job; /* whose charge it is on; 0: none */
	bool worker_died;
	uint32_t deaths;   /* worker_died: of workers lately, with this one */
	bool innocent;     /* worker_died: of something else */
	int64_t spread_us; /* worker_died: tried again within this time */
	bool in_doubt;     /* the dot left and no answer came */
	bool dsn_passed;   /* the next hop tells the sender */
	bool untried;      /* nothing was sent: given up without an attempt */
	bool walled; /* the answer was about us and the relay, its limits or our
			  credential, not about this mail: no attempt */
	const char *who; /* the person that ended it; NULL: none */
	const char *why; /* who != NULL: and its words */
	char relay[65];
	char security[JOB_SECURITY_MOST + 1]; /* cleaned */
	struct verdict verdict;
};
/* What all settlements of a step share. */
struct settle_world {
	const struct settings *settings;
	const struct retry_settings *retry; /* by type */
	struct book *book;
	struct choose_ops choose;
	struct later *log;
	struct bounces *bounces; /* what failed, until its report is made */
};
bool settle_one(struct txn *t, const struct settle *s,
		const struct settle_world *w, struct err *e) MUST_USE;
/* "1.3", "0.05", "0": as Postfix prints delays. */
enum { DELAY_TEXT = 24 };
void delay_text(int64_t us, char out[DELAY_TEXT]);

#endif
