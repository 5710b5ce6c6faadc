#include "delivery/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/now.h"
#include "delivery/maildir.h"

enum { HOST_MOST = 256, DIR_MOST = 4096 };

struct pool {
	struct outlet *outlet;
	struct resolver *resolver;
	const struct pool_ops *ops;
	void *arg;
	char relay[65];
	/* the relay's settings, copied: a reload frees the others */
	bool known;
	enum deliver_kind deliver;
	enum lookup_kind how;
	char host[HOST_MOST];
	char dir[DIR_MOST];
	uint16_t port;
	unsigned messages_most;
	int64_t idle_us;
	struct connection_times times;

	struct task *waiting, **tail;
	size_t under_way;        /* tasks that a connection or a thread has */
	struct connection *open; /* all of them */
	uint32_t nopen, share;
	uint32_t files; /* deliveries into the Maildir under way */
	struct lookup lookup;
	bool looking, found;
	int64_t found_until_us;
	size_t first;      /* the target that worked last */
	char trouble[128]; /* why the last target did not answer */
	bool stopping;
};

static void work(struct pool *p, int64_t steady_us);

const char *
pool_relay(const struct pool *p)
{
	return p->relay;
}

static void
finish(struct pool *p, struct task *t)
{
	p->ops->done(p->arg, t);
	task_free(t);
}

static struct task *
take(struct pool *p)
{
	struct task *t = p->waiting;

	if (t == NULL)
		return NULL;
	p->waiting = t->next;
	if (p->waiting == NULL)
		p->tail = &p->waiting;
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
fail_waiting(struct pool *p, enum status s, enum stage stage,
	     const char *detail)
{
	struct verdict v = verdict_of(s, stage, detail);
	struct task *t;

	snprintf(v.remote, sizeof v.remote, "%.200s:%u",
		 p->host[0] != '\0' ? p->host : p->relay, p->port);
	while ((t = take(p)) != NULL) {
		p->under_way--;
		task_judge_rest(t, &v);
		finish(p, t);
	}
}

static void
unlink_connection(struct pool *p, struct connection *c)
{
	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		p->open = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	p->nopen--;
}

static void
on_done(struct connection *c, struct task *t)
{
	struct pool *p = c->user;

	p->under_way--;
	finish(p, t);
}

static void
on_ready(struct connection *c)
{
	struct pool *p = c->user;
	struct task *t;

	if (c->messages >= p->messages_most || c->retire ||
	    p->nopen > p->share || (p->stopping && p->waiting == NULL)) {
		connection_quit(c);
		return;
	}
	t = take(p);
	if (t != NULL)
		connection_give(c, t, now_steady_us());
}

static void
on_gone(struct connection *c)
{
	struct pool *p = c->user;

	unlink_connection(p, c);
	work(p, now_steady_us());
}

static void
on_unreachable(struct connection *c, struct task *t, const char *why)
{
	struct pool *p = c->user;

	unlink_connection(p, c);
	put_back(p, t);
	snprintf(p->trouble, sizeof p->trouble, "%.80s: %.40s", c->remote, why);
	/* The next address; when all were tried, nobody can be reached. */
	if (++p->first < p->lookup.n) {
		work(p, now_steady_us());
		return;
	}
	p->first = 0;
	p->found = false;
	if (p->nopen == 0)
		fail_waiting(p, STATUS_NO_CONNECT, STAGE_CONNECT, p->trouble);
}

static const struct connection_ops connection_ops = {.done = on_done,
						     .ready = on_ready,
						     .gone = on_gone,
						     .unreachable =
							 on_unreachable};

static void
looked_up(struct lookup *l)
{
	struct pool *p = container_of(l, struct pool, lookup);
	int64_t now_us = now_steady_us();

	p->looking = false;
	p->first = 0;
	p->found = l->n > 0;
	p->found_until_us = now_us + (int64_t)l->ttl_s * SECOND_US;
	if (p->found)
		work(p, now_us);
	else
		fail_waiting(p, l->status, STAGE_LOOKUP, l->detail);
}

static bool
connect_one(struct pool *p, int64_t steady_us)
{
	struct connection *c;
	struct task *t = take(p);

	c = connection_open(p->outlet, &p->lookup.target[p->first], p->port,
			    &p->times, &connection_ops, p, t, steady_us);
	if (c == NULL) {
		put_back(p, t);
		fail_waiting(p, STATUS_NO_CONNECT, STAGE_CONNECT,
			     "no socket can be made");
		return false;
	}
	c->prev = NULL;
	c->next = p->open;
	if (p->open != NULL)
		p->open->prev = c;
	p->open = c;
	p->nopen++;
	return true;
}

static void
filed(void *arg, struct task *t)
{
	struct pool *p = arg;

	p->files--;
	p->under_way--;
	finish(p, t);
	work(p, now_steady_us());
}

static void
file_some(struct pool *p)
{
	struct err e;

	if (p->waiting != NULL && p->files == 0 && !maildir_make(p->dir, &e)) {
		fail_waiting(p, STATUS_NO_FILE, STAGE_FILE, e.text);
		return;
	}
	while (p->waiting != NULL && p->files < p->share) {
		struct task *t = take(p);

		p->files++;
		t->begun_us = t->open_us = now_steady_us();
		maildir_deliver(p->outlet, p->dir, t, now_us(), filed, p);
	}
}

/* Gives waiting jobs to idle connections, then to new ones. */
static void
work(struct pool *p, int64_t steady_us)
{
	struct connection *c, *next;

	if (p->waiting == NULL)
		return;
	if (!p->known) {
		fail_waiting(p, STATUS_NO_ROUTE, STAGE_NONE,
			     "the relay is no longer configured");
		return;
	}
	if (p->deliver == DELIVER_MAILDIR) {
		file_some(p);
		return;
	}
	for (c = p->open; c != NULL && p->waiting != NULL; c = next) {
		next = c->next;
		if (c->idle_us != 0 && !c->dead && !c->retire &&
		    c->dialogue.state == DIALOGUE_READY && c->task == NULL)
			connection_give(c, take(p), steady_us);
	}
	if (p->looking)
		return;
	if (p->waiting != NULL && p->nopen < p->share &&
	    (!p->found || steady_us >= p->found_until_us)) {
		p->looking = true;
		p->lookup.done = looked_up;
		resolve_start(p->resolver, &p->lookup,
			      &(struct question){.host = p->host,
						 .port = p->port,
						 .how = p->how});
		return; /* looked_up comes back here */
	}
	while (p->waiting != NULL && p->nopen < p->share)
		if (!connect_one(p, steady_us))
			break;
}

struct pool *
pool_open(struct outlet *o, struct resolver *r, const struct pool_ops *ops,
	  void *arg, const char *relay)
{
	struct pool *p = must_alloc(sizeof *p);

	p->outlet = o;
	p->resolver = r;
	p->ops = ops;
	p->arg = arg;
	p->tail = &p->waiting;
	snprintf(p->relay, sizeof p->relay, "%s", relay);
	return p;
}

/* Connections made under the old settings end when their task does. */
static void
retire_all(struct pool *p)
{
	struct connection *c, *next;

	for (c = p->open; c != NULL; c = next) {
		next = c->next;
		c->retire = true;
		if (c->idle_us != 0 && c->task == NULL &&
		    c->dialogue.state == DIALOGUE_READY)
			connection_quit(c);
	}
}

void
pool_configure(struct pool *p, const struct relay_settings *s)
{
	p->known = s != NULL;
	if (s == NULL)
		return;
	if (strcmp(p->host, s->host) != 0 || p->port != s->port ||
	    p->how != s->lookup) {
		retire_all(p);
		p->found = false;
	}
	p->deliver = s->deliver;
	p->how = s->lookup;
	snprintf(p->host, sizeof p->host, "%s", s->host);
	snprintf(p->dir, sizeof p->dir, "%s", s->dir);
	p->port = (uint16_t)s->port;
	p->messages_most = (unsigned)s->messages_per_connection;
	p->idle_us = s->idle_timeout_us;
	p->times = (struct connection_times){
	    s->connect_timeout_us, s->command_timeout_us, s->data_timeout_us};
}

void
pool_share(struct pool *p, uint32_t connections, int64_t steady_us)
{
	p->share = connections;
	work(p, steady_us);
}

void
pool_add(struct pool *p, struct task *t, int64_t steady_us)
{
	*p->tail = t;
	p->tail = &t->next;
	work(p, steady_us);
}

void
pool_tick(struct pool *p, int64_t steady_us)
{
	struct connection *c, *next;

	for (c = p->open; c != NULL; c = next) {
		next = c->next;
		if (c->idle_us != 0 && c->task == NULL && !c->dead &&
		    c->dialogue.state == DIALOGUE_READY &&
		    (p->stopping || p->nopen > p->share ||
		     steady_us - c->idle_us >= p->idle_us))
			connection_quit(c);
		else
			connection_tick(c, steady_us);
	}
	work(p, steady_us);
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
