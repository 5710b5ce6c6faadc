/*
 * settle - what an outcome does to its recipient, and the line that says so.
 *
 * Runs inside the dispatcher's transaction; lines are collected, and logged
 * only when the transaction is durable.
 */
#ifndef MTQ_SETTLE_H
#define MTQ_SETTLE_H

#include "daemon/event.h"
#include "queue/job.h"
#include "queue/ledger.h"
#include "queue/retry.h"

/* Log lines that wait for a commit. */
struct later {
	struct bytes lines; /* u8 event, u64 id, text */
};
void later_add(struct later *l, enum event ev, uint64_t id, const char *fmt,
	       ...) PRINTF(4, 5);
void later_log(struct later *l); /* all of them, then forgets them */
void later_forget(struct later *l);

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
	bool worker_died;
	bool in_doubt; /* died after the dot was announced */
	bool untried;  /* nothing was sent: given up without an attempt */
	char relay[65];
	struct verdict verdict;
};
/* *again_us: when it is due next, INT64_MAX if it is not. */
bool settle_one(struct txn *t, const struct settle *s,
		const struct retry_settings *r, struct later *log,
		int64_t *again_us, struct err *e) MUST_USE;
/* "1.3", "0.05", "0": as Postfix prints delays. */
enum { DELAY_TEXT = 24 };
void delay_text(int64_t us, char out[DELAY_TEXT]);

#endif
