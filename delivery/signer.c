#include "delivery/signer.h"

#include <stdlib.h>
#include <unistd.h>

#include "daemon/log.h"
#include "delivery/body.h"
#include "delivery/sign_load.h"

enum {
	THREADS_MOST = 4,       /* libuv has no more */
	PROBE_MOST = 16 * 1024, /* octets of a message that the loop looks at */
	BUCKETS = 512,          /* of what was signed, by message */
	KEPT_MOST = 4,          /* results that a bucket keeps */
};

/* The keys of one configuration; threads use them, so that they live until the
 * last one that began with them has ended. */
struct set {
	struct sign_keys keys;
	size_t running;
};

/* The making: the thread's while it is under way. */
struct making {
	struct body body;
	struct sign sign;
	bool wanted, ok;
	struct err err;
	struct task *waiting; /* not the thread's */
};

/* What was made for a message, or is being made. */
struct entry {
	struct signer *signer;
	struct set *set;
	uint64_t message;
	bool rewritten;
	int64_t until_us; /* then other keys sign */
	struct bytes fields;
	struct making *making; /* NULL: it has ended */
	struct entry *next;
	struct entry *next_due;
};

struct signer {
	struct loop *loop;
	struct store *store;
	const struct signer_ops *ops;
	void *arg;
	struct set *set;
	int64_t until_us; /* other keys sign from then on */
	size_t busy;
	size_t running, most;           /* on threads */
	struct entry *first_due, **due; /* for a thread */
	struct entry *bucket[BUCKETS];
};

/* --- keys ------------------------------------------------------------------- */

static void
set_free(struct set *set)
{
	sign_keys_free(&set->keys);
	free(set);
}

/* --- what was made ---------------------------------------------------------- */

static void
entry_free(struct entry *x)
{
	bytes_free(&x->fields);
	free(x);
}

static struct entry **
bucket_of(struct signer *g, uint64_t message)
{
	return &g->bucket[crc32c(0, &message, sizeof message) % BUCKETS];
}

/* Results beyond so many go, the oldest first. */
static void
trim(struct entry **at, size_t keep)
{
	size_t n = 0;

	while (*at != NULL) {
		struct entry *x = *at;

		if (x->making != NULL || n++ < keep) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		entry_free(x);
	}
}

static void
forget(struct signer *g)
{
	for (size_t i = 0; i < BUCKETS; i++)
		trim(&g->bucket[i], 0);
}

static void
take_out(struct entry **at, const struct entry *x)
{
	while (*at != x)
		at = &(*at)->next;
	*at = x->next;
}

static void
put_octets(void *arg, const unsigned char *p, size_t n)
{
	struct making *m = arg;

	m->wanted = sign_add(&m->sign, p, n);
}

/* On the thread. */
static void
work(void *arg)
{
	struct entry *x = arg;
	struct making *m = x->making;
	bool more = true;

	m->wanted = m->ok = true;
	while (m->ok && more && m->wanted)
		m->ok = body_next(&m->body, put_octets, m, &more, &m->err);
	if (m->ok)
		m->ok = sign_end(&m->sign, &x->fields, &m->err);
}

static void
give(struct signer *g, const struct entry *x, struct task *t)
{
	if (x->fields.n > 0)
		bytes_add(&t->fields, x->fields.data, x->fields.n);
	g->ops->done(g->arg, t, false);
}

/* Mail that should be signed and can't be waits. */
static void
refuse(struct signer *g, const struct err *e, struct task *t)
{
	struct verdict v =
	    verdict_of(e->kind == ERR_CONFIG ? STATUS_UNSIGNED : STATUS_DAMAGED,
		       STAGE_NONE, e->text);

	task_judge_rest(t, &v);
	g->ops->done(g->arg, t, true);
}

static void
tell(const struct entry *x)
{
	const struct making *m = x->making;
	char id[ID_TEXT + 1];

	id_text(x->message, id);
	if (!m->ok && m->err.kind != ERR_CONFIG)
		log_event(EVENT_STORE_FAILED, NULL, "%s", m->err.text);
	if (*m->sign.note != '\0')
		log_event(EVENT_NOTE, id, "not signed: %s", m->sign.note);
}

/* To those that waited. */
static void
release(struct signer *g, const struct entry *x, const struct making *m)
{
	struct task *t = m->waiting, *next;

	for (; t != NULL; t = next) {
		next = t->next;
		t->next = NULL;
		g->busy--;
		if (m->ok)
			give(g, x, t);
		else
			refuse(g, &m->err, t);
	}
}

static void made(void *arg);

static void
start_due(struct signer *g)
{
	while (g->running < g->most && g->first_due != NULL) {
		struct entry *x = g->first_due;

		g->first_due = x->next_due;
		if (g->first_due == NULL)
			g->due = &g->first_due;
		g->running++;
		loop_work(g->loop, work, made, x);
	}
}

static void
made(void *arg)
{
	struct entry *x = arg;
	struct signer *g = x->signer;
	struct making *m = x->making;
	bool keep = m->ok && x->set == g->set && x->until_us == g->until_us;

	g->running--;
	start_due(g);
	tell(x);
	sign_done(&m->sign);
	x->making = NULL;
	if (--x->set->running == 0 && x->set != g->set)
		set_free(x->set);
	if (!keep)
		take_out(bucket_of(g, x->message), x);
	release(g, x, m);
	if (!keep)
		entry_free(x);
	else
		trim(bucket_of(g, x->message), KEPT_MOST);
	free(m);
}

static struct entry *
begin(struct signer *g, const struct task *t, bool rewritten, int64_t now_us)
{
	struct entry *x = must_alloc(sizeof *x);
	struct making *m = must_alloc(sizeof *m);

	x->signer = g;
	x->set = g->set;
	x->set->running++;
	x->message = t->job.message;
	x->rewritten = rewritten;
	x->until_us = g->until_us;
	x->making = m;
	m->body = body_of(g->store, &t->job);
	sign_begin(&m->sign, &g->set->keys, now_us, rewritten);
	x->next = *bucket_of(g, x->message);
	*bucket_of(g, x->message) = x;
	*g->due = x;
	g->due = &x->next_due;
	start_due(g);
	return x;
}

static struct entry *
find(struct signer *g, uint64_t message, bool rewritten)
{
	struct entry *x = *bucket_of(g, message);

	while (x != NULL &&
	       (x->message != message || x->rewritten != rewritten ||
		x->set != g->set || x->until_us != g->until_us))
		x = x->next;
	return x;
}

/* --- for the worker --------------------------------------------------------- */

struct signer *
signer_open(struct loop *l, struct store *store, const struct signer_ops *ops,
	    void *arg)
{
	struct signer *g = must_alloc(sizeof *g);

	g->loop = l;
	g->store = store;
	g->ops = ops;
	g->arg = arg;
	g->set = must_alloc(sizeof *g->set);
	g->until_us = INT64_MAX;
	g->due = &g->first_due;
	g->most = 1;
	return g;
}

/* More threads than processors would take them from the loops, the workers'
 * own and those of everybody else. */
static size_t
share_of_processors(uint64_t workers)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	size_t processors = n > 0 ? (size_t)n : 1;

	return min_of(
	    max_of(processors / max_of((size_t)workers, (size_t)1), (size_t)1),
	    (size_t)THREADS_MOST);
}

void
signer_configure(struct signer *g, const struct settings *s,
		 const struct secrets *secrets)
{
	struct set *old = g->set, *set = must_alloc(sizeof *set);

	sign_keys_load(&set->keys, s, secrets);
	g->most = share_of_processors(s->workers);
	forget(g);
	g->set = set;
	g->until_us = INT64_MIN;
	if (old->running == 0)
		set_free(old);
}

struct probe {
	struct sign sign;
	bool wanted;
};

static void
put_first(void *arg, const unsigned char *p, size_t n)
{
	struct probe *x = arg;

	x->wanted = sign_add(&x->sign, p, min_of(n, (size_t)PROBE_MOST));
}

/* Is there nothing to do?  Mail that no key is for must not wait for threads
 * that are busy with signatures. */
static bool
is_plain(struct signer *g, const struct task *t, bool rewritten, int64_t now_us)
{
	struct probe x = {.wanted = true};
	struct body body = body_of(g->store, &t->job);
	struct err e;
	bool more, plain;

	sign_begin(&x.sign, &g->set->keys, now_us, rewritten);
	plain = body_next(&body, put_first, &x, &more, &e) && !x.wanted &&
		*x.sign.note == '\0';
	sign_done(&x.sign);
	return plain;
}

void
signer_sign(struct signer *g, struct task *t, bool rewritten, int64_t now_us)
{
	struct entry *x;

	if (g->set->keys.n == 0) {
		g->ops->done(g->arg, t, false);
		return;
	}
	if (now_us >= g->until_us) {
		forget(g);
		g->until_us = sign_next_change(&g->set->keys, now_us);
	}
	x = find(g, t->job.message, rewritten);
	if (x == NULL && is_plain(g, t, rewritten, now_us)) {
		g->ops->done(g->arg, t, false);
		return;
	}
	if (x == NULL)
		x = begin(g, t, rewritten, now_us);
	if (x->making == NULL) {
		give(g, x, t);
		return;
	}
	t->next = x->making->waiting;
	x->making->waiting = t;
	g->busy++;
}

size_t
signer_busy(const struct signer *g)
{
	return g->busy;
}
