/*
 * task - one JOB while a worker has it: the decoded job, its recipients and the
 * verdict of each.
 *
 * Owner    task_open copies the frame; task_free frees everything.
 */
#ifndef MTQ_TASK_H
#define MTQ_TASK_H

#include "queue/job.h"

struct task {
	struct bytes frame; /* what the texts below point into */
	struct job job;
	struct bytes fields; /* header fields in front of the message */
	uint32_t n;
	struct job_recipient *rcpt;
	struct verdict *verdict;
	bool *judged;
	bool utf8_needed; /* an address beyond ASCII */
	bool dot_sent;
	bool dsn_passed; /* the server has our DSN parameters: it reports */
	unsigned tries;  /* connections whose set-up failed under it */
	char security[JOB_SECURITY_MOST + 1]; /* of the connection it had */
	int64_t came_us;                      /* steady: JOB arrived */
	int64_t begun_us;                     /* a connection took it */
	int64_t open_us; /* the connection could talk; = begun_us: reused */
	struct task *next;
};

/* NULL: the frame breaks the protocol. */
struct task *task_open(const void *p, size_t n, int64_t steady_us);
void task_free(struct task *t);
/* Of the message as it leaves. */
uint64_t task_bytes(const struct task *t);
void task_judge(struct task *t, uint32_t i, const struct verdict *v);
/* The same verdict for everybody who has none. */
void task_judge_rest(struct task *t, const struct verdict *v);
/* One OUTCOME per recipient, the last marked, through `send`. */
void task_report(const struct task *t, int64_t steady_us,
		 void (*send)(void *arg, const struct bytes *outcome),
		 void *arg);

#endif
