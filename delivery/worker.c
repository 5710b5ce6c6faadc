/*
 * mtq-worker - takes JOBs from the scheduler, gives each to the pool of its
 * relay and destination, reports DOT and OUTCOME.  Keeps nothing: what it was doing when it dies is
 * settled by the scheduler.
 */
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/role.h"
#include "delivery/confine_worker.h"
#include "delivery/idna.h"
#include "delivery/patience.h"
#include "delivery/pool.h"
#include "delivery/signer.h"
#include "queue/archive.h"

enum {
	TICK_MS = 100,       /* how exactly deadlines are kept */
	EGRESSES_MOST = 256, /* relays */
	BUCKETS = 4096,      /* of pools, by relay and destination */
	TRIM_AFTER_S = 5,    /* pools were freed: memory goes back */
};

struct place {
	struct pool *pool;
	struct place *next;
};

struct worker {
	struct role *role;
	struct channel jobs;
	struct outlet outlet;
	struct confine *confine;
	struct resolver *resolver;
	struct signer *signer;
	struct egress *egress[EGRESSES_MOST];
	size_t negresses;
	struct place *bucket[BUCKETS];
	struct timer tick;
	bool connected;
	bool leaving; /* for one that may touch what the configuration says */
	int64_t trim_us; /* steady; 0: nothing was freed */
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

static void
ask_fresh_token(void *arg, const char *relay)
{
	struct worker *w = arg;

	role_refused(w->role, relay);
}

static struct egress *
egress_for(struct worker *w, struct text relay)
{
	struct egress *g;
	char name[65];

	text_copy(relay, name, sizeof name);
	for (size_t i = 0; i < w->negresses; i++)
		if (strcmp(w->egress[i]->relay, name) == 0)
			return w->egress[i];
	if (w->negresses == EGRESSES_MOST)
		return NULL;
	g = egress_open(&w->outlet, name);
	g->fresh_token = ask_fresh_token;
	g->arg = w;
	egress_configure(g, settings_relay(w->role->settings, name),
			 w->role->secrets);
	w->egress[w->negresses++] = g;
	return g;
}

static struct place **
bucket_of(struct worker *w, const struct egress *g, const char *destination)
{
	uint32_t h =
	    crc32c(crc32c(0, &g, sizeof g), destination, strlen(destination));

	return &w->bucket[h % BUCKETS];
}

static struct pool *
pool_for(struct worker *w, struct text relay, struct text to)
{
	struct egress *g = egress_for(w, relay);
	struct place **at, *x;
	char domain[256], destination[256];

	if (g == NULL)
		return NULL;
	/* DNS and certificates have A-labels; what has none is told so. */
	text_copy(to, domain, sizeof domain);
	if (!idna_ascii(domain, destination, sizeof destination))
		snprintf(destination, sizeof destination, "%s", domain);
	at = bucket_of(w, g, destination);
	for (x = *at; x != NULL; x = x->next)
		if (pool_egress(x->pool) == g &&
		    strcmp(pool_destination(x->pool), destination) == 0)
			return x->pool;
	x = must_alloc(sizeof *x);
	x->pool = pool_open(g, w->resolver, &pool_ops, w, destination);
	x->next = *at;
	*at = x;
	return x->pool;
}

static void
each_pool(struct worker *w, void (*fn)(struct pool *p, void *arg), void *arg)
{
	for (size_t i = 0; i < BUCKETS; i++)
		for (struct place *x = w->bucket[i]; x != NULL; x = x->next)
			fn(x->pool, arg);
}

/* Signed, or there was nothing to sign it with: on its way. */
static void
is_signed(void *arg, struct task *t, bool failed)
{
	struct worker *w = arg;

	if (w->leaving) {
		task_free(t); /* whoever comes after us gets it */
		return;
	}
	if (!failed) {
		pool_add(pool_for(w, t->job.relay, t->job.destination), t,
			 now_steady_us());
		return;
	}
	task_done(w, t);
	task_free(t);
}

static const struct signer_ops signer_ops = {.done = is_signed};

/* A copy for an archive: it is not signed, and says what became of the others
 * in front (queue/archive.h). */
static void
take_copy(struct worker *w, struct task *t)
{
	struct err e = {.kind = ERR_NONE};
	struct txn *txn = store_begin(w->outlet.store, false, &e);
	bool ok =
	    txn != NULL && archive_front(txn, t->job.message, &t->fields, &e);
	struct verdict v;

	store_abort(txn);
	if (!ok) {
		if (e.kind == ERR_NONE)
			err_set(&e, ERR_DAMAGED, "the message is not there");
		v = verdict_of(STATUS_DAMAGED, STAGE_NONE, e.text);
		task_judge_rest(t, &v);
	}
	is_signed(w, t, !ok);
}

static bool
take_job(struct worker *w, const void *p, size_t n)
{
	struct task *t = task_open(p, n, now_steady_us());
	struct egress *g = t != NULL ? egress_for(w, t->job.relay) : NULL;

	/* Whoever comes after us gets it: nothing was tried. */
	if (t != NULL && w->leaving) {
		task_free(t);
		return true;
	}

	if (g == NULL) {
		task_free(t);
		return false;
	}
	if (t->job.archive) {
		take_copy(w, t);
		return true;
	}
	signer_sign(w->signer, t,
		    g->s != NULL && g->s->provider == PROVIDER_SES, now_us());
	return true;
}

static void
work_for(struct pool *p, void *arg)
{
	if (pool_egress(p) == arg)
		pool_work(p, now_steady_us());
}

static bool
take_share(struct worker *w, const void *p, size_t n)
{
	struct job_share s;
	struct egress *g;

	if (!job_share_decode(&s, p, n))
		return false;
	g = egress_for(w, s.relay);
	if (g == NULL)
		return false;
	g->share = s.connections;
	each_pool(w, work_for, g);
	return true;
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

static void
add_busy(struct pool *p, void *arg)
{
	*(size_t *)arg += pool_busy(p);
}

static bool
idle(struct worker *w)
{
	size_t busy = signer_busy(w->signer);

	each_pool(w, add_busy, &busy);
	return busy == 0;
}

/* Destinations that nobody wrote to for a while are forgotten. */
static void
tick_bucket(struct worker *w, struct place **at, int64_t now_us)
{
	while (*at != NULL) {
		struct place *x = *at;

		pool_tick(x->pool, now_us);
		if (!pool_is_idle(x->pool, now_us)) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		pool_free(x->pool);
		free(x);
		if (w->trim_us == 0)
			w->trim_us = now_us + TRIM_AFTER_S * SECOND_US;
	}
}

/* After ten thousand domains what is free lies scattered among what is not;
 * glibc by itself would give nothing of it back. */
static void
trim(struct worker *w, int64_t now_us)
{
	if (w->trim_us == 0 || now_us < w->trim_us)
		return;
	w->trim_us = 0;
	(void)malloc_trim(0);
}

static void
on_tick(struct timer *t)
{
	struct worker *w = container_of(t, struct worker, tick);
	int64_t now_us = now_steady_us();

	for (size_t i = 0; i < BUCKETS; i++)
		tick_bucket(w, &w->bucket[i], now_us);
	for (size_t i = 0; i < w->negresses; i++) {
		patience_tick(w->egress[i], now_us);
		pool_feed(w->egress[i], now_us);
	}
	trim(w, now_us);
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
	if ((r->stopping || w->leaving) && idle(w))
		role_done(r, EXIT_DONE);
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
	w->confine = confine_worker(s, e);
	if (w->confine == NULL)
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
	w->signer = signer_open(r->loop, w->outlet.store, &signer_ops, w);
	signer_configure(w->signer, s, r->secrets);
	w->resolver = resolver_open(r->loop, &s->dns);
	channel_open(&w->jobs, r->loop, fds[0], &job_ops);
	w->connected = true;
	say_hello(w);
	timer_open(r->loop, &w->tick, on_tick);
	timer_start(&w->tick, TICK_MS);
	return true;
}

struct change {
	struct egress *egress;
	bool retire;
};

static void
configured(struct pool *p, void *arg)
{
	const struct change *c = arg;

	if (pool_egress(p) == c->egress)
		pool_configured(p, c->retire);
}

static void
leave_pool(struct pool *p, void *arg)
{
	(void)arg;
	pool_leave(p);
}

/* A process can't get back what it gave up: another one will have it. */
static void
leave(struct worker *w)
{
	log_event(EVENT_NOTE, NULL,
		  "the configuration needs ports, files or folders that this "
		  "worker may not touch: it makes room for another");
	w->leaving = true;
	channel_send(&w->jobs, JOB_LEAVE, NULL);
	each_pool(w, leave_pool, NULL);
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
	if (!w->leaving && !confine_worker_covers(w->confine, r->settings))
		leave(w);
	resolver_configure(w->resolver, &r->settings->dns);
	signer_configure(w->signer, r->settings, r->secrets);
	for (size_t i = 0; i < w->negresses; i++) {
		struct egress *g = w->egress[i];
		struct change change = {
		    g,
		    egress_configure(g, settings_relay(r->settings, g->relay),
				     r->secrets)};

		each_pool(w, configured, &change);
	}
}

/* A token was fetched; or a configuration follows, and its keys are only then
 * for the signer: until it is here mail is signed with those of the old one. */
static void
new_secrets(struct role *r)
{
	for (size_t i = 0; i < the_worker.negresses; i++)
		egress_secrets(the_worker.egress[i], r->secrets);
}

static void
stop_pool(struct pool *p, void *arg)
{
	(void)arg;
	pool_stop(p);
}

static void
stop(struct role *r)
{
	(void)r;
	each_pool(&the_worker, stop_pool, NULL);
}

int
main(void)
{
	static const struct role_ops ops = {.start = start,
					    .reload = reload,
					    .secrets = new_secrets,
					    .stop = stop,
					    .after = after_round};

	return role_main(ROLE_WORKER, &ops);
}
