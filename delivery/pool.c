#include "delivery/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/now.h"
#include "delivery/maildir.h"

enum {
	/* A target that failed is not tried again for so long, if there are
	 * others; the only one soon, while its other connections work. */
	TARGET_REST_S = 60,
	ONLY_TARGET_REST_S = 1,
	POOL_IDLE_S = 60,
};

/* What became of a target. */
struct attempt {
	int64_t rests_until_us;
	bool no_tls;   /* TLS was to be had, and failed */
	bool no_clear; /* without it as well */
};

struct pool {
	struct egress *egress;
	struct resolver *resolver;
	const struct pool_ops *ops;
	void *arg;
	char *destination;

	struct task *waiting, **tail;
	size_t under_way;        /* tasks that a connection or a thread has */
	struct connection *open; /* this destination's */
	uint32_t nopen;
	uint32_t files; /* deliveries into the Maildir under way */
	struct lookup lookup;
	bool looking, found;
	int64_t found_until_us;
	struct attempt *attempt; /* one a target */
	unsigned lookups; /* made; which one a connection's target is of */
	struct verdict trouble; /* of the last target that failed */
	int64_t used_us;
	bool stopping;
	bool is_hungry;
	struct pool *hungry; /* the next one */
};

const char *
pool_destination(const struct pool *p)
{
	return p->destination;
}

struct egress *
pool_egress(const struct pool *p)
{
	return p->egress;
}

/* --- tasks ------------------------------------------------------------------
 */

static void
finish(struct pool *p, struct task *t)
{
	p->ops->done(p->arg, t);
	task_free(t);
}

/* The first one; clear: the first that may go without TLS. */
static struct task *
take(struct pool *p, bool clear)
{
	struct task **at = &p->waiting, *t;

	while (*at != NULL && clear && !(*at)->job.retried)
		at = &(*at)->next;
	t = *at;
	if (t == NULL)
		return NULL;
	*at = t->next;
	if (*at == NULL)
		p->tail = at;
	t->next = NULL;
	p->under_way++;
	return t;
}

/* Back to the front: it was first. */
static void
put_back(struct pool *p, struct task *t)
{
	t->next = p->waiting;
	p->waiting = t;
	if (t->next == NULL)
		p->tail = &t->next;
	p->under_way--;
}

static void
fail_waiting(struct pool *p, const struct verdict *v)
{
	struct verdict mine = *v;
	struct task *t;

	if (mine.remote[0] == '\0')
		snprintf(mine.remote, sizeof mine.remote, "%.200s",
			 *p->destination != '\0' ? p->destination
			 : p->egress->s != NULL && *p->egress->s->host != '\0'
			     ? p->egress->s->host
			     : p->egress->relay);
	while ((t = take(p, false)) != NULL) {
		p->under_way--;
		task_judge_rest(t, &mine);
		finish(p, t);
	}
}

/* --- hunger: work, but no place for a connection ----------------------------
 */

static void
get_hungry(struct pool *p)
{
	struct egress *g = p->egress;

	if (p->is_hungry)
		return;
	p->is_hungry = true;
	p->hungry = NULL;
	*g->hungry_tail = p;
	g->hungry_tail = &p->hungry;
}

/* Does another destination wait for a place?  A pool whose own connections have
 * taken its work meanwhile is hungry no longer. */
static bool
others_wait(struct egress *g)
{
	struct pool *p;

	while ((p = g->hungry) != NULL && p->waiting == NULL) {
		g->hungry = p->hungry;
		if (g->hungry == NULL)
			g->hungry_tail = &g->hungry;
		p->is_hungry = false;
	}
	return p != NULL;
}

void
pool_feed(struct egress *g, int64_t steady_us)
{
	struct pool *p = g->hungry, *next;

	/* Who stays hungry goes to the end of a new list. */
	g->hungry = NULL;
	g->hungry_tail = &g->hungry;
	for (; p != NULL; p = next) {
		next = p->hungry;
		p->is_hungry = false;
		if (p->waiting == NULL)
			continue;
		if (egress_has_room(g))
			pool_work(p, steady_us);
		else
			get_hungry(p);
	}
}

/* --- connections ------------------------------------------------------------
 */

static void
on_done(struct connection *c, struct task *t)
{
	struct pool *p = c->user;

	p->under_way--;
	finish(p, t);
}

static void
on_opened(struct connection *c)
{
	struct pool *p = c->user;

	if (p->egress->proven)
		return;
	egress_proved(p->egress);
	get_hungry(p); /* there may be more to do than one could */
	pool_feed(p->egress, now_steady_us());
}

static void
on_ready(struct connection *c)
{
	struct pool *p = c->user;
	struct egress *g = p->egress;
	struct task *t = NULL;

	if (!c->retire && g->s != NULL &&
	    c->messages < g->s->messages_per_connection && g->nopen <= g->share)
		t = take(p, c->clear);
	if (t != NULL)
		connection_give(c, t, now_steady_us());
	else if (c->retire || g->s == NULL || c->clear || p->stopping ||
		 c->messages >= g->s->messages_per_connection ||
		 g->nopen > g->share || others_wait(g))
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

static bool
is_tls(const struct verdict *v)
{
	return v->stage == STAGE_TLS || v->stage == STAGE_STARTTLS;
}

static void
target_failed(struct pool *p, size_t i, bool clear, const struct verdict *v,
	      int64_t steady_us)
{
	p->trouble = *v;
	p->attempt[i].rests_until_us =
	    steady_us +
	    SECOND_US * (p->lookup.n > 1 ? TARGET_REST_S : ONLY_TARGET_REST_S);
	p->attempt[i].no_tls |= is_tls(v);
	p->attempt[i].no_clear |= clear;
}

static void
on_refused(struct connection *c, struct task *t, const struct verdict *v)
{
	struct pool *p = c->user;
	struct verdict mine = *v;
	int64_t now_us = now_steady_us();

	if (t != NULL)
		put_back(p, t);
	if (v->stage != STAGE_AUTH || v->code / 100 != 5) {
		p->trouble = *v;
		if (p->found && c->lookup == p->lookups)
			target_failed(p, c->target, c->clear, v, now_us);
		return; /* on_gone goes on */
	}
	if (!egress_refused(p->egress, c->credential, &mine, now_us))
		fail_waiting(p, &mine);
}

static const struct connection_ops connection_ops = {.done = on_done,
						     .opened = on_opened,
						     .ready = on_ready,
						     .refused = on_refused,
						     .gone = on_gone};

/* --- targets ----------------------------------------------------------------
 */

static void
forget_targets(struct pool *p)
{
	free(p->attempt);
	p->attempt = NULL;
	p->found = false;
}

static void
looked_up(struct lookup *l)
{
	struct pool *p = container_of(l, struct pool, lookup);
	int64_t now_us = now_steady_us();
	struct verdict v;

	p->looking = false;
	forget_targets(p);
	if (l->n == 0) {
		v = verdict_of(l->status, STAGE_LOOKUP, l->detail);
		fail_waiting(p, &v);
		return;
	}
	p->found = true;
	p->found_until_us = now_us + (int64_t)l->ttl_s * SECOND_US;
	p->attempt = must_alloc(l->n * sizeof *p->attempt);
	pool_work(p, now_us);
}

static void
look_up(struct pool *p)
{
	const struct relay_settings *s = p->egress->s;
	bool direct = s->deliver == DELIVER_MX;

	forget_targets(p);
	p->looking = true;
	p->lookups++;
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
		const struct attempt *a = &p->attempt[i];

		if (clear ? !a->no_tls || a->no_clear ||
				!egress_may_clear(p->egress, t)
			  : a->rests_until_us > steady_us)
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
	struct task *t = take(p, clear);
	struct connection *c;
	struct verdict v;

	if (!egress_connect(p->egress, &p->lookup.target[i], p->destination,
			    clear, &connection_ops, p, t, steady_us, &c, &v)) {
		put_back(p, t);
		target_failed(p, i, clear, &v, steady_us);
		return;
	}
	c->target = i;
	c->lookup = p->lookups;
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

/* Opens connections while there is work, room, and a target; each round starts
 * one or marks a target as failed. */
static void
connect_some(struct pool *p, int64_t steady_us)
{
	while (p->waiting != NULL && p->found) {
		bool clear = false;
		size_t i = 0;
		enum pick k;

		if (!egress_has_room(p->egress)) {
			get_hungry(p);
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
			get_hungry(p);
			return;
		} else if (p->nopen > 0) {
			return; /* those that work go on; on_gone comes back */
		} else {
			forget_targets(p);
			fail_waiting(p, &p->trouble);
		}
	}
}

/* --- the Maildir ------------------------------------------------------------
 */

static void
filed(void *arg, struct task *t)
{
	struct pool *p = arg;

	p->files--;
	p->under_way--;
	finish(p, t);
	pool_work(p, now_steady_us());
}

static void
file_some(struct pool *p)
{
	const char *dir = p->egress->s->dir;
	struct verdict v;
	struct err e;

	if (p->waiting != NULL && p->files == 0 && !maildir_make(dir, &e)) {
		v = verdict_of(STATUS_NO_FILE, STAGE_FILE, e.text);
		fail_waiting(p, &v);
		return;
	}
	while (p->waiting != NULL && p->files < p->egress->share) {
		struct task *t = take(p, false);

		p->files++;
		t->begun_us = t->open_us = now_steady_us();
		maildir_deliver(p->egress->outlet, dir, t, now_us(), filed, p);
	}
}

/* --- the pool ---------------------------------------------------------------
 */

static bool
is_free(const struct connection *c)
{
	return c->idle_us != 0 && c->task == NULL && !c->dead &&
	       c->dialogue.state == DIALOGUE_READY;
}

/* Gives waiting jobs to idle connections, then to new ones. */
void
pool_work(struct pool *p, int64_t steady_us)
{
	const struct relay_settings *s = p->egress->s;
	struct connection *c, *next;

	if (p->waiting == NULL)
		return;
	if (s == NULL) {
		struct verdict v =
		    verdict_of(STATUS_NO_ROUTE, STAGE_NONE,
			       "the relay is no longer configured");

		fail_waiting(p, &v);
		return;
	}
	if (s->deliver == DELIVER_MAILDIR) {
		file_some(p);
		return;
	}
	for (c = p->open; c != NULL && p->waiting != NULL; c = next) {
		next = c->after;
		if (is_free(c) && !c->retire && !c->clear)
			connection_give(c, take(p, false), steady_us);
	}
	if (p->waiting == NULL || p->looking)
		return;
	if (!p->found || steady_us >= p->found_until_us) {
		look_up(p); /* looked_up comes back here */
		return;
	}
	connect_some(p, steady_us);
}

struct pool *
pool_open(struct egress *g, struct resolver *r, const struct pool_ops *ops,
	  void *arg, const char *destination)
{
	struct pool *p = must_alloc(sizeof *p);

	p->egress = g;
	p->resolver = r;
	p->ops = ops;
	p->arg = arg;
	p->tail = &p->waiting;
	p->destination = must_strdup(destination);
	return p;
}

bool
pool_is_idle(const struct pool *p, int64_t steady_us)
{
	return !pool_busy(p) && p->open == NULL && !p->looking &&
	       !p->is_hungry &&
	       steady_us - p->used_us > POOL_IDLE_S * SECOND_US;
}

static void
dropped(struct lookup *l)
{
	struct pool *p = container_of(l, struct pool, lookup);

	free(p->attempt);
	free(p->destination);
	free(p);
}

void
pool_free(struct pool *p)
{
	resolve_drop(&p->lookup, dropped);
}

/* Connections made under the old settings end when their task does. */
static void
retire_all(struct pool *p)
{
	struct connection *c, *next;

	for (c = p->open; c != NULL; c = next) {
		next = c->after;
		c->retire = true;
		if (is_free(c))
			connection_quit(c);
	}
}

void
pool_configured(struct pool *p, bool retire)
{
	if (!retire)
		return;
	retire_all(p);
	forget_targets(p);
}

void
pool_add(struct pool *p, struct task *t, int64_t steady_us)
{
	p->used_us = steady_us;
	*p->tail = t;
	p->tail = &t->next;
	pool_work(p, steady_us);
}

void
pool_tick(struct pool *p, int64_t steady_us)
{
	struct egress *g = p->egress;
	struct connection *c, *next;

	for (c = p->open; c != NULL; c = next) {
		next = c->after;
		if (is_free(c) &&
		    (p->stopping || g->s == NULL || g->nopen > g->share ||
		     others_wait(g) ||
		     steady_us - c->idle_us >= g->s->idle_timeout_us))
			connection_quit(c);
		else
			connection_tick(c, steady_us);
	}
	pool_work(p, steady_us);
}

void
pool_stop(struct pool *p)
{
	p->stopping = true;
	retire_all(p);
}

bool
pool_busy(const struct pool *p)
{
	return p->waiting != NULL || p->under_way > 0;
}
