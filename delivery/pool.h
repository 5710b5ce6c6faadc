/*
 * pool - the jobs that go to one destination through one relay: the relay's
 * host, or, with deliver = mx, the mail hosts of a recipient's domain.  What
 * waits, the connections there are, the targets it was found at.
 *
 * Never more connections than the scheduler's SHARE for the relay (egress).  A
 * target that can't be used is followed by the next one; when none can be,
 * every job that waits gets the last one's verdict.
 *
 * Owner    tasks given to pool_add are the pool's until pool_ops.done.
 */
#ifndef MTQ_POOL_H
#define MTQ_POOL_H

#include "delivery/egress.h"

struct pool;
struct pool_ops {
	void (*done)(void *arg, struct task *t);
};

/* destination "": the relay's host. */
struct pool *pool_open(struct egress *g, struct resolver *r,
		       const struct pool_ops *ops, void *arg,
		       const char *destination);
const char *pool_destination(const struct pool *p);
struct egress *pool_egress(const struct pool *p);
/* Nothing waits and nothing is open; not used for a while. */
bool pool_is_idle(const struct pool *p, int64_t steady_us) MUST_USE;
void pool_free(struct pool *p); /* an idle one */
/* The relay's settings were replaced; retire: its connections end when their
 * message does. */
void pool_configured(struct pool *p, bool retire);
void pool_add(struct pool *p, struct task *t, int64_t steady_us);
/* Gives waiting jobs to connections; also when SHARE has changed. */
void pool_work(struct pool *p, int64_t steady_us);
/* Deadlines and idle connections. */
void pool_tick(struct pool *p, int64_t steady_us);
/* Closes what is idle and opens nothing new when no job waits. */
void pool_stop(struct pool *p);
/* As pool_stop, and what waits is dropped without an outcome: nothing of it was
 * tried, and another worker gets it. */
void pool_leave(struct pool *p);
bool pool_busy(const struct pool *p);

/* Places for connections have become free: pools that wait for one go on. */
void pool_feed(struct egress *g, int64_t steady_us);

#endif
