/*
 * pool - one relay as a worker sees it: the jobs that wait for it, the
 * connections it has, the addresses it was found at.
 *
 * Never more connections than the scheduler's SHARE.  An address that can't be
 * reached is followed by the next one; when none can be, every job that waits
 * gets NO_CONNECT.
 *
 * Owner    tasks given to pool_add are the pool's until pool_ops.done.
 */
#ifndef MTQ_POOL_H
#define MTQ_POOL_H

#include "delivery/connection.h"

struct pool;
struct pool_ops {
	void (*done)(void *arg, struct task *t);
};

struct pool *pool_open(struct outlet *o, struct resolver *r,
		       const struct pool_ops *ops, void *arg,
		       const char *relay);
const char *pool_relay(const struct pool *p);
/* NULL: the relay is no longer in the configuration. */
void pool_configure(struct pool *p, const struct relay_settings *s);
void pool_share(struct pool *p, uint32_t connections, int64_t steady_us);
void pool_add(struct pool *p, struct task *t, int64_t steady_us);
/* Deadlines and idle connections. */
void pool_tick(struct pool *p, int64_t steady_us);
/* Closes what is idle and opens nothing new when no job waits. */
void pool_stop(struct pool *p);
bool pool_busy(const struct pool *p);

#endif
