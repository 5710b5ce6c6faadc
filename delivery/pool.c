#include "delivery/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/now.h"
#include "delivery/maildir.h"
#include "delivery/pool_private.h"

enum {
	POOL_IDLE_S = 60,
	/* Pools fed at once: the others come with the next tick. */
	FEED_MOST = 64,
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

void
pool_finish(struct pool *p, struct task *t)
{
	p->under_way--;
	p->ops->done(p->arg, t);
	task_free(t);
}

struct task *
pool_take(struct pool *p, bool clear)
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

void
pool_put_back(struct pool *p, struct task *t)
{
	t->next = p->waiting;
	p->waiting = t;
	if (t->next == NULL)
		p->tail = &t->next;
	p->under_way--;
}

void
pool_fail_waiting(struct pool *p, const struct verdict *v)
{
	struct verdict mine = *v;
	struct task *t;

	if (mine.remote[0] == '\0')
		snprintf(mine.remote, sizeof mine.remote, "%.200s",
			 *p->destination != '\0' ? p->destination
			 : p->egress->s != NULL && *p->egress->s->host != '\0'
			     ? p->egress->s->host
			     : p->egress->relay);
	while ((t = pool_take(p, false)) != NULL) {
		task_judge_rest(t, &mine);
		pool_finish(p, t);
	}
}

/* --- hunger: work, but no place for a connection ----------------------------
 */

void
pool_get_hungry(struct pool *p)
{
	struct egress *g = p->egress;

	if (p->is_hungry)
		return;
	p->is_hungry = true;
	p->hungry = NULL;
	*g->hungry_tail = p;
	g->hungry_tail = &p->hungry;
}

static struct pool *
first_hungry(struct egress *g)
{
	struct pool *p = g->hungry;

	g->hungry = p->hungry;
	if (g->hungry == NULL)
		g->hungry_tail = &g->hungry;
	p->is_hungry = false;
	return p;
}

/* Who stays hungry goes to the end. */
void
pool_feed(struct egress *g, int64_t steady_us)
{
	const struct pool *again = NULL;

	for (int i = 0; i < FEED_MOST && g->hungry != NULL &&
			g->hungry != again && egress_has_room(g);
	     i++) {
		struct pool *p = first_hungry(g);

		pool_work(p, steady_us);
		if (p->is_hungry && again == NULL)
			again = p;
	}
}

bool
pool_is_in_the_way(struct egress *g)
{
	/* Whose work others have done since is not hungry any more. */
	while (g->hungry != NULL && g->hungry->waiting == NULL)
		(void)first_hungry(g);
	return g->hungry != NULL &&
	       (g->nopen >= g->share ||
		(g->s != NULL && g->s->deliver == DELIVER_MX));
}

/* --- the Maildir ------------------------------------------------------------
 */

static void
filed(void *arg, struct task *t)
{
	struct pool *p = arg;

	p->files--;
	pool_finish(p, t);
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
		pool_fail_waiting(p, &v);
		return;
	}
	while (p->waiting != NULL && p->files < p->egress->share) {
		struct task *t = pool_take(p, false);

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

		pool_fail_waiting(p, &v);
		return;
	}
	if (p->egress->share == 0 && p->nopen + p->files == 0) {
		/* Jobs come only to who has a share: it was taken away, perhaps
		 * for as long as we live. */
		struct verdict v =
		    verdict_of(STATUS_NO_ROUTE, STAGE_NONE,
			       "its connections went to another worker");

		pool_fail_waiting(p, &v);
		return;
	}
	if (s->deliver == DELIVER_MAILDIR) {
		file_some(p);
		return;
	}
	for (c = p->open; c != NULL && p->waiting != NULL; c = next) {
		next = c->after;
		if (is_free(c) && !c->retire && !c->clear)
			connection_give(c, pool_take(p, false), steady_us);
	}
	if (p->waiting == NULL || p->looking)
		return;
	if (!p->found || steady_us >= p->found_until_us) {
		pool_look_up(p); /* looked_up comes back here */
		return;
	}
	pool_connect(p, steady_us);
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

	free(p->failed);
	free(p->destination);
	free(p);
}

void
pool_free(struct pool *p)
{
	resolve_drop(&p->lookup, dropped);
}

/* What is idle ends now; retire: the others when their task does. */
static void
end_all(struct pool *p, bool retire)
{
	struct connection *c, *next;

	for (c = p->open; c != NULL; c = next) {
		next = c->after;
		c->retire |= retire;
		if (is_free(c))
			connection_quit(c);
	}
}

void
pool_configured(struct pool *p, bool retire)
{
	if (!retire)
		return;
	end_all(p, true);
	pool_forget(p);
	p->outdated = p->looking;
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
		     pool_is_in_the_way(g) ||
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
	end_all(p, false); /* the others take what waits */
}

void
pool_leave(struct pool *p)
{
	struct task *t;

	while ((t = pool_take(p, false)) != NULL) {
		p->under_way--;
		task_free(t);
	}
	pool_stop(p);
}

bool
pool_busy(const struct pool *p)
{
	return p->waiting != NULL || p->under_way > 0;
}
