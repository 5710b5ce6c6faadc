/*
 * mtq-scheduler - the process around dispatch.c: accepts workers and mtq, hands
 * their frames on, and lets one step run after each round of the loop.
 *
 * The commit blocks this loop by design: what has arrived meanwhile lies in the
 * sockets and goes into the next transaction together (group commit), and
 * nothing else here could go on without it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/role.h"
#include "queue/confine.h"
#include "queue/dispatch.h"
#include "queue/orders.h"
#include "queue/store.h"

enum {
	CLIENTS_MOST = 32,            /* mtq commands at a time */
	READERS_EVERY_MS = 30 * 1000, /* slots of dead readers are freed */
	PACE_US = 1500,   /* at the least between two commits under load ... */
	PACE_FEW = 24,    /* ... unless so many outcomes have come */
	ACCEPT_MOST = 16, /* connections a round */
};

enum peer_kind { PEER_WORKER, PEER_CLIENT };

struct peer {
	struct scheduler *scheduler;
	enum peer_kind kind;
	unsigned place; /* worker number or client number */
	uint64_t id;    /* of a client: no two ever have the same */
	unsigned asked; /* orders of a client without an answer */
	bool hello;     /* a worker has introduced itself */
	bool used, gone;
	uid_t uid;
	struct channel channel;
};

struct scheduler {
	struct role *role;
	struct store *store;
	struct dispatch *dispatch;
	struct watch bell, jobs, control;
	struct timer wake, readers;
	int bell_fd, jobs_fd, control_fd;
	struct peer worker[PLAN_WORKERS_MOST];
	struct peer client[CLIENTS_MOST];
	uint64_t last_client;
	int64_t step_us; /* steady: the last step */
};

static struct scheduler the_scheduler;

static void
send_job(void *arg, unsigned worker, const struct bytes *job)
{
	struct scheduler *s = arg;

	channel_send(&s->worker[worker].channel, JOB_JOB, job);
}

static void
send_share(void *arg, unsigned worker, const struct job_share *share)
{
	struct scheduler *s = arg;
	struct bytes b = {0};

	job_share_encode(&b, share);
	channel_send(&s->worker[worker].channel, JOB_SHARE, &b);
	bytes_free(&b);
}

static void
send_answer(void *arg, uint64_t client, const struct control_answer *a)
{
	struct scheduler *s = arg;
	struct peer *p = &s->client[client % CLIENTS_MOST];
	struct bytes b = {0};

	/* Its place may be another's by now. */
	if (!p->used || p->gone || p->id != client)
		return;
	p->asked--;
	control_answer_encode(&b, a);
	channel_send(&p->channel, CONTROL_ANSWER, &b);
	bytes_free(&b);
}

static void
send_permit(void *arg, unsigned worker, uint64_t job)
{
	struct scheduler *s = arg;
	struct job_permit permit = {.job = job};
	struct bytes b = {0};

	job_permit_encode(&b, &permit);
	channel_send(&s->worker[worker].channel, JOB_PERMIT, &b);
	bytes_free(&b);
}

static const struct dispatch_ops dispatch_ops = {.job = send_job,
						 .permit = send_permit,
						 .share = send_share,
						 .answer = send_answer};

static bool
worker_frame(struct channel *c, uint8_t type, const void *p, size_t n)
{
	struct peer *w = container_of(c, struct peer, channel);
	struct dispatch *d = w->scheduler->dispatch;
	struct job_outcome outcome;
	struct job_hello hello;
	struct job_dot dot;

	if (w->hello == (type == JOB_HELLO))
		return false;
	switch (type) {
	case JOB_HELLO:
		if (!job_hello_decode(&hello, p, n))
			return false;
		w->hello = true;
		dispatch_worker_up(d, w->place);
		return true;
	case JOB_DOT:
		return job_dot_decode(&dot, p, n) &&
		       dispatch_dot(d, w->place, dot.job);
	case JOB_LEAVE:
		dispatch_worker_leaves(d, w->place);
		return n == 0;
	case JOB_OUTCOME:
		return job_outcome_decode(&outcome, p, n) &&
		       dispatch_outcome(d, w->place, &outcome);
	default:
		return false;
	}
}

static void
peer_closed(struct channel *c)
{
	struct peer *p = container_of(c, struct peer, channel);

	p->used = false;
}

static void
peer_gone(struct channel *c, const char *why)
{
	struct peer *p = container_of(c, struct peer, channel);

	p->gone = true;
	if (p->kind == PEER_WORKER) {
		if (!p->scheduler->role->stopping)
			log_event(EVENT_NOTE, NULL, "worker %u left: %s",
				  p->place, why);
		if (p->hello)
			dispatch_worker_gone(p->scheduler->dispatch, p->place);
	}
	channel_close(c, peer_closed);
}

static const struct channel_ops worker_ops = {.frame = worker_frame,
					      .gone = peer_gone};

static bool
client_frame(struct channel *c, uint8_t type, const void *p, size_t n)
{
	struct peer *x = container_of(c, struct peer, channel);
	struct control_order o;
	struct control_change change;
	char who[32];

	if (type != CONTROL_ORDER && type != CONTROL_CHANGE)
		return false;
	if (type == CONTROL_ORDER ? !control_order_decode(&o, p, n)
				  : !control_change_decode(&change, p, n))
		return false;
	if (x->uid != 0 && x->uid != getuid()) {
		if (x->asked++ == 0) /* once says it all */
			channel_send(c, CONTROL_DENIED, NULL);
		return true;
	}
	if (x->asked++ == ORDERS_AHEAD)
		return false;
	snprintf(who, sizeof who, "uid %u", (unsigned)x->uid);
	if (type == CONTROL_ORDER)
		dispatch_order(x->scheduler->dispatch, x->id, who, &o);
	else
		dispatch_change(x->scheduler->dispatch, x->id, who, &change);
	return true;
}

static const struct channel_ops client_ops = {.frame = client_frame,
					      .gone = peer_gone};

static struct peer *
free_place(struct peer *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (!p[i].used) {
			p[i] = (struct peer){.place = i, .used = true};
			return &p[i];
		}
	return NULL;
}

static void
accept_peers(struct scheduler *s, int listener, enum peer_kind kind)
{
	for (int i = 0; i < ACCEPT_MOST; i++) {
		struct ucred cred;
		socklen_t len = sizeof cred;
		struct peer *p;
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0) {
			if (errno != EAGAIN && errno != EINTR &&
			    errno != ECONNABORTED)
				log_event(EVENT_NOTE, NULL, "accept: %m");
			return;
		}
		p = kind == PEER_WORKER
			? free_place(s->worker, PLAN_WORKERS_MOST)
			: free_place(s->client, CLIENTS_MOST);
		/* Workers are mtqd's: connected by root or by our own user. */
		if (p == NULL ||
		    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0 ||
		    (kind == PEER_WORKER && cred.uid != 0 &&
		     cred.uid != getuid())) {
			if (p != NULL)
				p->used = false;
			close(fd);
			continue;
		}
		p->scheduler = s;
		p->kind = kind;
		p->uid = cred.uid;
		if (kind == PEER_CLIENT)
			p->id = ++s->last_client * CLIENTS_MOST + p->place;
		channel_open(&p->channel, s->role->loop, fd,
			     kind == PEER_WORKER ? &worker_ops : &client_ops);
	}
}

static void
jobs_ready(struct watch *w, int events)
{
	struct scheduler *s = container_of(w, struct scheduler, jobs);

	(void)events;
	accept_peers(s, s->jobs_fd, PEER_WORKER);
}

static void
control_ready(struct watch *w, int events)
{
	struct scheduler *s = container_of(w, struct scheduler, control);

	(void)events;
	accept_peers(s, s->control_fd, PEER_CLIENT);
}

static void
bell_rang(struct watch *w, int events)
{
	struct scheduler *s = container_of(w, struct scheduler, bell);
	uint64_t n;

	(void)events;
	if (read(s->bell_fd, &n, sizeof n) == (ssize_t)sizeof n)
		dispatch_bell(s->dispatch);
}

static void
woke(struct timer *t)
{
	(void)t; /* the step runs after this round */
}

static void
clear_readers(struct timer *t)
{
	struct scheduler *s = container_of(t, struct scheduler, readers);
	unsigned n = 0;
	struct err e;

	if (!store_clear_readers(s->store, &n, &e))
		log_event(EVENT_STORE_FAILED, NULL, "%s", e.text);
	timer_start(t, READERS_EVERY_MS);
}

static void
flush_peers(struct scheduler *s)
{
	for (unsigned i = 0; i < PLAN_WORKERS_MOST; i++)
		if (s->worker[i].used && !s->worker[i].gone)
			channel_flush(&s->worker[i].channel);
	for (unsigned i = 0; i < CLIENTS_MOST; i++)
		if (s->client[i].used && !s->client[i].gone)
			channel_flush(&s->client[i].channel);
}

static void
after_round(struct role *r)
{
	struct scheduler *s = &the_scheduler;
	uint64_t wake_ms = DISPATCH_IDLE_MS;
	int64_t steady_us = now_steady_us();
	struct err e;

	if (s->dispatch == NULL)
		return;
	/* A commit for every few outcomes would sync too often; a lone message
	 * waits a millisecond at most. */
	if (!r->stopping && steady_us - s->step_us < PACE_US &&
	    dispatch_outcomes(s->dispatch) < PACE_FEW) {
		timer_start(&s->wake, 1);
		return;
	}
	s->step_us = steady_us;
	if (!dispatch_step(s->dispatch, now_us(), steady_us, &wake_ms, &e)) {
		log_event(EVENT_STORE_FAILED, NULL, "%s", e.text);
		if (e.kind == ERR_DAMAGED || e.kind == ERR_STORE)
			role_done(r, EXIT_SOFTWARE);
	}
	flush_peers(s);
	timer_start(&s->wake, wake_ms);
	if (r->stopping && dispatch_in_flight(s->dispatch) == 0 &&
	    !dispatch_busy(s->dispatch))
		role_done(r, EXIT_DONE);
}

static bool
open_store(struct scheduler *s, struct err *e)
{
	const struct settings *c = s->role->settings;
	uint64_t n;

	if (!store_exists(c->state_dir)) {
		if (!store_create(c->state_dir, c->queue.map_size_bytes,
				  c->instance, now_us(), e))
			return false;
		log_event(EVENT_NOTE, NULL, "made an empty queue in %s",
			  c->state_dir);
	}
	s->store = store_open(c->state_dir, STORE_WRITE,
			      c->queue.map_size_bytes, c->instance, e);
	if (s->store == NULL)
		return false;
	s->dispatch = dispatch_open(s->store, c, &dispatch_ops, s, now_us(), e);
	if (s->dispatch == NULL ||
	    !dispatch_recover(s->dispatch, now_us(), now_steady_us(), &n, e))
		return false;
	if (n > 0)
		log_event(EVENT_NOTE, NULL,
			  "%llu recipients were with workers when the system "
			  "stopped; they wait again",
			  (unsigned long long)n);
	return true;
}

static bool
start(struct role *r, const int *fds, unsigned nfds, struct err *e)
{
	struct scheduler *s = &the_scheduler;

	if (nfds != 3) {
		err_set(e, ERR_PEER, "mtqd sent %u descriptors, not 3", nfds);
		return false;
	}
	s->role = r;
	s->jobs_fd = fds[0];
	s->control_fd = fds[1];
	s->bell_fd = fds[2];
	if (!confine_scheduler(r->settings, e) || !open_store(s, e))
		return false;
	watch_open(r->loop, &s->jobs, s->jobs_fd, jobs_ready);
	watch_for(&s->jobs, LOOP_READ);
	watch_open(r->loop, &s->control, s->control_fd, control_ready);
	watch_for(&s->control, LOOP_READ);
	watch_open(r->loop, &s->bell, s->bell_fd, bell_rang);
	watch_for(&s->bell, LOOP_READ);
	timer_open(r->loop, &s->wake, woke);
	timer_open(r->loop, &s->readers, clear_readers);
	timer_start(&s->readers, READERS_EVERY_MS);
	return true;
}

static void
reload(struct role *r, const struct settings *old, const int *fds,
       unsigned nfds)
{
	struct err e;

	(void)old;
	/* The same sockets again: those we have will do. */
	for (unsigned i = 0; i < nfds; i++)
		close(fds[i]);
	if (!dispatch_configure(the_scheduler.dispatch, r->settings, now_us(),
				&e)) {
		log_event(EVENT_STORE_FAILED, NULL, "%s", e.text);
		role_done(r, EXIT_SOFTWARE);
	}
}

static void
stop(struct role *r)
{
	(void)r;
	/* after_round ends us when nothing is under way. */
	dispatch_stop(the_scheduler.dispatch);
}

int
main(void)
{
	static const struct role_ops ops = {.start = start,
					    .reload = reload,
					    .stop = stop,
					    .after = after_round};

	return role_main(ROLE_SCHEDULER, &ops);
}
