/*
 * dispatch - the scheduler's heart, without sockets and without a clock: what
 * came in since the last step (outcomes, dots, orders, workers that came and
 * went) and what is due become one transaction, and only after its commit do
 * jobs, answers and log lines leave.  The simulator runs this same code.
 *
 * Owner    borrows store and settings; both must outlive it (settings until
 *          dispatch_configure).
 * Unit     microseconds: now_us is the wall clock, steady_us never jumps.
 * Errors   a failed commit keeps outcomes and orders, undoes claims, and is
 *          tried again a second later; ERR_DAMAGED is for the caller to end.
 */
#ifndef MTQ_DISPATCH_H
#define MTQ_DISPATCH_H

#include "queue/control.h"
#include "queue/job.h"
#include "queue/plan.h"

enum {
	DISPATCH_JOBS_MOST = 256,   /* claimed in one commit */
	DISPATCH_SETTLE_MOST = 512, /* settled in one commit */
	DISPATCH_RCPTS_MOST = 1024, /* recipients: no further job behind them */
	DISPATCH_IDLE_MS = 1000,    /* a look at the queue without a bell */
};

struct dispatch_ops {
	/* The dot of this job, announced by dispatch_dot, may leave now. */
	void (*permit)(void *arg, unsigned worker, uint64_t job);
	void (*job)(void *arg, unsigned worker, const struct bytes *job);
	void (*share)(void *arg, unsigned worker, const struct job_share *s);
	/* client: as given to dispatch_order. */
	void (*answer)(void *arg, uint64_t client,
		       const struct control_answer *a);
};

struct dispatch;

struct dispatch *dispatch_open(struct store *store, const struct settings *s,
			       const struct dispatch_ops *ops, void *arg,
			       int64_t now_us, struct err *e) MUST_USE;
void dispatch_close(struct dispatch *d); /* takes NULL */
/* The old settings are not looked at any more when it returns. */
bool dispatch_configure(struct dispatch *d, const struct settings *s,
			int64_t now_us, struct err *e) MUST_USE;
/* Claims of an earlier life go back to waiting: all of them, in bounded
 * commits.  *n: how many there were.  Before the first step. */
bool dispatch_recover(struct dispatch *d, int64_t now_us, int64_t steady_us,
		      uint64_t *n, struct err *e) MUST_USE;

void dispatch_worker_up(struct dispatch *d, unsigned worker);
/* Its jobs are settled in the next step: tried again, in doubt if the final
 * dot was announced. */
void dispatch_worker_gone(struct dispatch *d, unsigned worker);
/* It gets no further job; what it does not do waits for another. */
void dispatch_worker_leaves(struct dispatch *d, unsigned worker);
/* Both false: the worker does not hold that job; cut it off. */
bool dispatch_dot(struct dispatch *d, unsigned worker, uint64_t job) MUST_USE;
bool dispatch_outcome(struct dispatch *d, unsigned worker,
		      const struct job_outcome *o) MUST_USE;
/* `who` names the person for log and record. */
void dispatch_order(struct dispatch *d, uint64_t client, const char *who,
		    const struct control_order *o);
void dispatch_change(struct dispatch *d, uint64_t client, const char *who,
		     const struct control_change *c);
/* New mail was committed. */
void dispatch_bell(struct dispatch *d);
/* Claim nothing more. */
void dispatch_stop(struct dispatch *d);

/* One step; *wake_ms: when to come back if nothing happens before. */
bool dispatch_step(struct dispatch *d, int64_t now_us, int64_t steady_us,
		   uint64_t *wake_ms, struct err *e) MUST_USE;
size_t dispatch_in_flight(const struct dispatch *d); /* jobs */
bool dispatch_busy(const struct dispatch *d); /* something awaits a commit */
size_t dispatch_outcomes(const struct dispatch *d); /* that await one */

#endif
