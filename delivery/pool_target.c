/* Where a pool's connections go: its targets, which of them may be tried now,
 * and what becomes of those that were. */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/now.h"
#include "delivery/pool_private.h"

enum {
	/* A target that failed rests, if there are others: so long, or until
	 * each of them could fail as slowly, or the last ones would never have
	 * their turn.  The only one is tried soon, while its other connections
	 * work. */
	TARGET_REST_S = 60,
	ONLY_TARGET_REST_S = 1,
	FAILED_MOST = RESOLVE_ADDRESSES_MOST,
	/* Set-ups that may fail under one task before it gets the verdict:
	 * one a target, and some more where others go on meanwhile. */
	TRIES_MORE = 4,
	TRIES_MOST = 12,
};

/* --- what failed ------------------------------------------------------------
 */

static struct attempt *
find(const struct pool *p, const char *host, const char *address)
{
	for (size_t i = 0; i < p->nfailed; i++)
		if (strcmp(p->failed[i].address, address) == 0 &&
		    strcmp(p->failed[i].host, host) == 0)
			return &p->failed[i];
	return NULL;
}

/* A new one; the one that rests the shortest makes room. */
static struct attempt *
add(struct pool *p, const char *host, const char *address)
{
	struct attempt *a;

	if (p->nfailed < FAILED_MOST) {
		p->failed = must_realloc(p->failed,
					 (p->nfailed + 1) * sizeof *p->failed);
		a = &p->failed[p->nfailed++];
	} else {
		a = &p->failed[0];
		for (size_t i = 1; i < p->nfailed; i++)
			if (p->failed[i].rests_until_us < a->rests_until_us)
				a = &p->failed[i];
	}
	*a = (struct attempt){.rests_until_us = 0};
	snprintf(a->host, sizeof a->host, "%s", host);
	snprintf(a->address, sizeof a->address, "%s", address);
	return a;
}

static bool
is_tls(const struct verdict *v)
{
	return v->stage == STAGE_TLS || v->stage == STAGE_STARTTLS;
}

static void
target_failed(struct pool *p, const char *host, const char *address, bool clear,
	      const struct verdict *v, int64_t took_us, int64_t steady_us)
{
	struct attempt *a = find(p, host, address);
	int64_t n = p->found ? (int64_t)p->lookup.n : FAILED_MOST;

	if (a == NULL)
		a = add(p, host, address);
	p->trouble = *v;
	a->rests_until_us =
	    steady_us + (n == 1
			     ? ONLY_TARGET_REST_S * SECOND_US
			     : max_of(TARGET_REST_S * SECOND_US, n * took_us));
	a->no_tls |= is_tls(v);
	a->no_clear |= clear;
}

static void
target_works(struct pool *p, const struct connection *c)
{
	struct attempt *a = find(p, c->host, c->address);

	/* In clear it says nothing of its TLS. */
	if (a != NULL && !c->clear)
		*a = p->failed[--p->nfailed];
}

void
pool_forget(struct pool *p)
{
	free(p->failed);
	p->failed = NULL;
	p->nfailed = 0;
	p->found = false;
}

/* --- connections ------------------------------------------------------------
 */

static void
on_done(struct connection *c, struct task *t)
{
	pool_finish(c->user, t);
}

static void
on_opened(struct connection *c)
{
	struct pool *p = c->user;
	struct egress *g = p->egress;

	target_works(p, c);
	if (g->proven || c->era != g->era)
		return;
	egress_proved(g);
	pool_get_hungry(p); /* there may be more to do than one could */
	pool_feed(g, now_steady_us());
}

static void
on_ready(struct connection *c)
{
	struct pool *p = c->user;
	struct egress *g = p->egress;
	struct task *t = NULL;

	if (!c->retire && g->s != NULL &&
	    c->messages < g->s->messages_per_connection && g->nopen <= g->share)
		t = pool_take(p, c->clear);
	if (t != NULL)
		connection_give(c, t, now_steady_us());
	else if (c->retire || g->s == NULL || c->clear || p->stopping ||
		 c->messages >= g->s->messages_per_connection ||
		 g->nopen > g->share || pool_is_in_the_way(g))
		connection_quit(c);
}

static void
on_gone(struct connection *c)
{
	struct pool *p = c->user;
	struct egress *g = p->egress;
	int64_t now_us = now_steady_us();

	if (c->before != NULL)
		c->before->after = c->after;
	else
		p->open = c->after;
	if (c->after != NULL)
		c->after->before = c->before;
	p->nopen--;
	p->used_us = now_us;
	egress_gone(g, c);
	pool_work(p, now_us);
	pool_feed(g, now_us);
}

/* To the others that wait, or, when it has been everywhere, with this verdict:
 * a task that some hosts keep busy must end as well. */
static void
try_again(struct pool *p, struct task *t, const struct verdict *v)
{
	size_t most = p->found
			  ? min_of(p->lookup.n + TRIES_MORE, (size_t)TRIES_MOST)
			  : TRIES_MOST;

	if (++t->tries < most) {
		pool_put_back(p, t);
		return;
	}
	task_judge_rest(t, v);
	pool_finish(p, t);
}

/* on_gone goes on with what is put back. */
static void
on_refused(struct connection *c, struct task *t, const struct verdict *v)
{
	struct pool *p = c->user;
	struct verdict mine = *v;
	int64_t now_us = now_steady_us();

	if (c->opened) { /* the target works: a new connection may do */
		try_again(p, t, v);
		return;
	}
	if (v->stage != STAGE_AUTH || v->code / 100 != 5) {
		target_failed(p, c->host, c->address, c->clear, v,
			      t != NULL ? now_us - t->begun_us : 0, now_us);
		if (t != NULL)
			try_again(p, t, v);
		return;
	}
	if (t != NULL)
		pool_put_back(p, t);
	/* A credential that was replaced meanwhile says nothing of the new. */
	if (c->era == p->egress->era &&
	    !egress_refused(p->egress, c->credential, &mine, now_us))
		pool_fail_waiting(p, &mine);
}

static const struct connection_ops connection_ops = {.done = on_done,
						     .opened = on_opened,
						     .ready = on_ready,
						     .refused = on_refused,
						     .gone = on_gone};

/* --- targets ----------------------------------------------------------------
 */

static void
looked_up(struct lookup *l)
{
	struct pool *p = container_of(l, struct pool, lookup);
	int64_t now_us = now_steady_us();
	struct verdict v;

	p->looking = false;
	if (p->outdated) {
		p->outdated = false;
		pool_work(p, now_us); /* asks again */
		return;
	}
	if (l->n == 0) {
		v = verdict_of(l->status, STAGE_LOOKUP, l->detail);
		pool_fail_waiting(p, &v);
		return;
	}
	p->found = true;
	p->found_until_us = now_us + (int64_t)l->ttl_s * SECOND_US;
	pool_work(p, now_us);
}

void
pool_look_up(struct pool *p)
{
	const struct relay_settings *s = p->egress->s;
	bool direct = s->deliver == DELIVER_MX;

	p->found = false;
	p->looking = true;
	p->lookup.done = looked_up;
	resolve_start(
	    p->resolver, &p->lookup,
	    &(struct question){.host = direct ? p->destination : s->host,
			       .port = (uint16_t)s->port,
			       .how = s->lookup,
			       .tlsa = s->dane != DANE_NO && s->tls != TLS_OFF,
			       .direct = direct,
			       .allow_private = s->allow_private,
			       .strict_cname = s->strict_cname,
			       .hostname = p->egress->outlet->hostname});
}

enum pick { PICK_ONE, PICK_LATER, PICK_NONE };

/* The next target in order that may be tried now. */
static enum pick
pick(const struct pool *p, bool clear, int64_t steady_us, size_t *out)
{
	bool full = false;

	for (size_t i = 0; i < p->lookup.n; i++) {
		const struct target *t = &p->lookup.target[i];
		const struct attempt *a = find(p, t->host, t->text);

		if (clear ? a == NULL || !a->no_tls || a->no_clear ||
				!egress_may_clear(p->egress, t)
			  : a != NULL && a->rests_until_us > steady_us)
			continue;
		if (egress_host_has_room(p->egress, t)) {
			*out = i;
			return PICK_ONE;
		}
		full = true;
	}
	return full ? PICK_LATER : PICK_NONE;
}

static void
connect_to(struct pool *p, size_t i, bool clear, int64_t steady_us)
{
	const struct target *to = &p->lookup.target[i];
	struct task *t = pool_take(p, clear);
	struct connection *c;
	struct verdict v;

	if (!egress_connect(p->egress, to, p->destination, clear,
			    &connection_ops, p, t, steady_us, &c, &v)) {
		pool_put_back(p, t);
		target_failed(p, to->host, to->text, clear, &v, 0, steady_us);
		return;
	}
	snprintf(c->address, sizeof c->address, "%s", to->text);
	c->before = NULL;
	c->after = p->open;
	if (p->open != NULL)
		p->open->before = c;
	p->open = c;
	p->nopen++;
}

static bool
some_may_go_clear(const struct pool *p)
{
	for (const struct task *t = p->waiting; t != NULL; t = t->next)
		if (t->job.retried)
			return true;
	return false;
}

/* Each round starts a connection or marks a target as failed. */
void
pool_connect(struct pool *p, int64_t steady_us)
{
	while (p->waiting != NULL && p->found) {
		bool clear = false;
		size_t i = 0;
		enum pick k;

		if (!egress_has_room(p->egress)) {
			pool_get_hungry(p);
			return;
		}
		k = pick(p, false, steady_us, &i);
		if (k == PICK_NONE && some_may_go_clear(p)) {
			clear = true;
			k = pick(p, true, steady_us, &i);
		}
		if (k == PICK_ONE) {
			connect_to(p, i, clear, steady_us);
		} else if (k == PICK_LATER) {
			pool_get_hungry(p);
			return;
		} else if (p->nopen > 0) {
			return; /* those that work go on; on_gone comes back */
		} else {
			pool_forget(p);
			pool_fail_waiting(p, &p->trouble);
		}
	}
}
