/*
 * mtq-worker - takes JOBs from the scheduler, gives each to its relay's pool,
 * reports DOT and OUTCOME.  Keeps nothing: what it was doing when it dies is
 * settled by the scheduler.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/jail.h"
#include "daemon/log.h"
#include "daemon/role.h"
#include "delivery/maildir.h"
#include "delivery/pool.h"

enum {
	TICK_MS = 100,    /* how exactly deadlines are kept */
	POOLS_MOST = 256, /* relays */
	PATHS_MOST = 600,
};

struct worker {
	struct role *role;
	struct channel jobs;
	struct outlet outlet;
	struct resolver *resolver;
	struct pool *pool[POOLS_MOST];
	size_t npools;
	struct timer tick;
	bool connected;
};

static struct worker the_worker;

static void
send_outcome(void *arg, const struct bytes *outcome)
{
	struct worker *w = arg;

	channel_send(&w->jobs, JOB_OUTCOME, outcome);
}

static void
task_done(void *arg, struct task *t)
{
	task_report(t, now_steady_us(), send_outcome, arg);
}

static const struct pool_ops pool_ops = {.done = task_done};

static struct pool *
pool_for(struct worker *w, struct text relay)
{
	char name[65];

	text_copy(relay, name, sizeof name);
	for (size_t i = 0; i < w->npools; i++)
		if (strcmp(pool_relay(w->pool[i]), name) == 0)
			return w->pool[i];
	if (w->npools == POOLS_MOST)
		return NULL;
	w->pool[w->npools] =
	    pool_open(&w->outlet, w->resolver, &pool_ops, w, name);
	pool_configure(w->pool[w->npools],
		       settings_relay(w->role->settings, name));
	return w->pool[w->npools++];
}

static bool
take_job(struct worker *w, const void *p, size_t n)
{
	int64_t now_us = now_steady_us();
	struct task *t = task_open(p, n, now_us);
	struct pool *pool = t != NULL ? pool_for(w, t->job.relay) : NULL;

	if (pool == NULL) {
		task_free(t);
		return false;
	}
	pool_add(pool, t, now_us);
	return true;
}

static bool
take_share(struct worker *w, const void *p, size_t n)
{
	struct job_share s;
	struct pool *pool;

	if (!job_share_decode(&s, p, n))
		return false;
	pool = pool_for(w, s.relay);
	if (pool != NULL)
		pool_share(pool, s.connections, now_steady_us());
	return pool != NULL;
}

static bool
take_permit(struct worker *w, const void *p, size_t n)
{
	struct job_permit permit;

	if (!job_permit_decode(&permit, p, n))
		return false;
	outlet_permit(&w->outlet, permit.job);
	return true;
}

static bool
job_frame(struct channel *c, uint8_t type, const void *p, size_t n)
{
	struct worker *w = container_of(c, struct worker, jobs);

	switch (type) {
	case JOB_JOB:
		return take_job(w, p, n);
	case JOB_SHARE:
		return take_share(w, p, n);
	case JOB_PERMIT:
		return take_permit(w, p, n);
	default:
		return false;
	}
}

static void
scheduler_gone(struct channel *c, const char *why)
{
	struct worker *w = container_of(c, struct worker, jobs);

	/* Nobody would take our outcomes; mtqd starts us again, or stops us:
	 * it says which, and of the scheduler too. */
	(void)why;
	role_done(w->role, EXIT_DONE);
}

static const struct channel_ops job_ops = {.frame = job_frame,
					   .gone = scheduler_gone};

static bool
idle(const struct worker *w)
{
	for (size_t i = 0; i < w->npools; i++)
		if (pool_busy(w->pool[i]))
			return false;
	return true;
}

static void
on_tick(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, tick);
	int64_t now_us = now_steady_us();

	for (size_t i = 0; i < w->npools; i++)
		pool_tick(w->pool[i], now_us);
	timer_start(t, TICK_MS);
}

static void
after_round(struct role *r)
{
	struct worker *w = &the_worker;

	if (!w->connected)
		return;
	outlet_flush(&w->outlet, now_steady_us());
	channel_flush(&w->jobs);
	if (r->stopping && idle(w))
		role_done(r, EXIT_DONE);
}

/* What a worker may touch: the queue to read, the lock file to be seen as a
 * reader, the resolver's files, Maildirs. */
static bool
confine(struct worker *w, struct err *e)
{
	const struct settings *s = w->role->settings;
	struct jail_path path[PATHS_MOST];
	char *lock = must_printf("%s/queue.mdb-lock", s->state_dir);
	size_t n = 0;
	bool ok = true;

	path[n++] = (struct jail_path){s->state_dir, JAIL_READ, false};
	path[n++] = (struct jail_path){lock, JAIL_WRITE, false};
	for (size_t i = 0; resolve_files[i] != NULL; i++)
		path[n++] =
		    (struct jail_path){resolve_files[i], JAIL_READ, true};
	for (size_t i = 0; i < s->dns.trust_anchor.n && n < PATHS_MOST / 2; i++)
		path[n++] = (struct jail_path){s->dns.trust_anchor.item[i],
					       JAIL_READ, true};
	for (size_t i = 0; ok && i < s->nrelays && n < PATHS_MOST; i++) {
		if (s->relays[i].deliver != DELIVER_MAILDIR)
			continue;
		ok = maildir_make(s->relays[i].dir, e);
		path[n++] =
		    (struct jail_path){s->relays[i].dir, JAIL_WRITE, false};
	}
	ok = ok && jail_close(path, n, e);
	free(lock);
	return ok;
}

static void
say_hello(struct worker *w)
{
	struct job_hello hello = {.pid = (uint32_t)getpid()};
	struct bytes b = {0};

	job_hello_encode(&b, &hello);
	channel_send(&w->jobs, JOB_HELLO, &b);
	bytes_free(&b);
}

static bool
start(struct role *r, const int *fds, unsigned nfds, struct err *e)
{
	struct worker *w = &the_worker;
	const struct settings *s = r->settings;

	if (nfds != 1) {
		err_set(e, ERR_PEER, "mtqd sent %u descriptors, not 1", nfds);
		return false;
	}
	w->role = r;
	if (!confine(w, e))
		return false;
	w->outlet.loop = r->loop;
	w->outlet.jobs = &w->jobs;
	w->outlet.scratch = must_alloc(OUTLET_SCRATCH);
	snprintf(w->outlet.hostname, sizeof w->outlet.hostname, "%s",
		 s->hostname);
	w->outlet.store = store_open(s->state_dir, STORE_READ,
				     s->queue.map_size_bytes, s->instance, e);
	if (w->outlet.store == NULL)
		return false;
	w->resolver = resolver_open(r->loop, &s->dns);
	channel_open(&w->jobs, r->loop, fds[0], &job_ops);
	w->connected = true;
	say_hello(w);
	timer_open(r->loop, &w->tick, on_tick);
	timer_start(&w->tick, TICK_MS);
	return true;
}

static void
reload(struct role *r, const struct settings *old, const int *fds,
       unsigned nfds)
{
	struct worker *w = &the_worker;

	(void)old;
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);
	snprintf(w->outlet.hostname, sizeof w->outlet.hostname, "%s",
		 r->settings->hostname);
	resolver_configure(w->resolver, &r->settings->dns);
	for (size_t i = 0; i < w->npools; i++)
		pool_configure(
		    w->pool[i],
		    settings_relay(r->settings, pool_relay(w->pool[i])));
}

static void
stop(struct role *r)
{
	(void)r;
	for (size_t i = 0; i < the_worker.npools; i++)
		pool_stop(the_worker.pool[i]);
}

int
main(void)
{
	static const struct role_ops ops = {.start = start,
					    .reload = reload,
					    .stop = stop,
					    .after = after_round};

	return role_main(ROLE_WORKER, &ops);
}
