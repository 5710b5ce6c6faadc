#include "queue/committer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "daemon/now.h"

struct committer {
	struct store *store;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t work;
	struct commit_item *first, **last; /* to do */
	struct commit_item *ready, **ready_last;
	size_t pending; /* the loop's count of what is not done yet */
	bool ending;
	_Atomic int64_t since_us;
	struct bell bell;
};

/* Removes some chunks; *more is kept in `ok` of the item until it is done. */
static bool
abandon(struct txn *t, struct commit_item *i, bool *more, struct err *e)
{
	return ledger_abandon(t, i->id, COMMIT_CHUNKS_MOST, more, e);
}

static bool
write_item(struct txn *t, struct commit_item *i, bool *more, struct err *e)
{
	*more = false;
	switch (i->kind) {
	case COMMIT_CHUNK:
		return ledger_chunk(t, i->id, i->chunk, i->data.data, i->data.n,
				    true, i->now_us, e);
	case COMMIT_ACCEPT:
		i->message.record.arrival_us = (uint64_t)i->now_us;
		return ledger_chunk(t, i->id, i->chunk, i->data.data, i->data.n,
				    false, i->now_us, e) &&
		       ledger_accept(t, i->id, &i->message.record,
				     i->message.rcpt, i->message.nrcpt,
				     i->message.apart, e);
	case COMMIT_ABANDON:
		return abandon(t, i, more, e);
	}
	return false;
}

/* All of them or none. */
static bool
write_all(struct store *s, struct commit_item *list, struct err *e)
{
	struct txn *t = store_begin(s, true, e);

	if (t == NULL)
		return false;
	for (struct commit_item *i = list; i != NULL; i = i->next) {
		bool more;

		if (!write_item(t, i, &more, e)) {
			store_abort(t);
			return false;
		}
		i->ok = !more;
	}
	return store_commit(t, e);
}

static void
write_alone(struct store *s, struct commit_item *i)
{
	struct commit_item *next = i->next;

	i->next = NULL;
	if (!write_all(s, i, &i->err)) {
		i->ok = false;
		if (i->err.kind == ERR_NONE)
			i->err.kind = ERR_STORE;
	}
	i->next = next;
}

void
committer_run(struct store *s, struct commit_item *list)
{
	struct err e;

	for (struct commit_item *i = list; i != NULL; i = i->next) {
		i->ok = false;
		i->err.kind = ERR_NONE;
	}
	if (!write_all(s, list, &e)) {
		for (struct commit_item *i = list; i != NULL; i = i->next) {
			i->ok = false;
			if (list->next == NULL)
				i->err = e;
			else
				write_alone(s, i);
		}
	}
	/* What a large abandoned message still has, in commits of its own. */
	for (struct commit_item *i = list; i != NULL; i = i->next)
		while (i->kind == COMMIT_ABANDON && !i->ok &&
		       i->err.kind == ERR_NONE)
			write_alone(s, i);
}

/* Takes a batch off the list; the lock is held. */
static struct commit_item *
take_batch(struct committer *c)
{
	struct commit_item *list = c->first, **end = &c->first;
	size_t n = 0, octets = 0;

	while (*end != NULL && n < COMMIT_ITEMS_MOST &&
	       octets < COMMIT_BYTES_MOST) {
		octets += (*end)->data.n;
		n++;
		end = &(*end)->next;
	}
	c->first = *end;
	*end = NULL;
	if (c->first == NULL)
		c->last = &c->first;
	return list;
}

static void *
run(void *arg)
{
	struct committer *c = arg;

	pthread_mutex_lock(&c->lock);
	for (;;) {
		struct commit_item *list;

		while (c->first == NULL && !c->ending)
			pthread_cond_wait(&c->work, &c->lock);
		if (c->first == NULL)
			break;
		list = take_batch(c);
		pthread_mutex_unlock(&c->lock);
		atomic_store(&c->since_us, now_steady_us());
		committer_run(c->store, list);
		atomic_store(&c->since_us, 0);
		pthread_mutex_lock(&c->lock);
		*c->ready_last = list;
		while (*c->ready_last != NULL)
			c->ready_last = &(*c->ready_last)->next;
		bell_ring(&c->bell);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static void
deliver(struct bell *b)
{
	struct committer *c = container_of(b, struct committer, bell);
	struct commit_item *list;

	pthread_mutex_lock(&c->lock);
	list = c->ready;
	c->ready = NULL;
	c->ready_last = &c->ready;
	pthread_mutex_unlock(&c->lock);
	while (list != NULL) {
		struct commit_item *i = list;

		list = i->next;
		c->pending--;
		i->done(i);
	}
}

struct committer *
committer_open(struct loop *l, struct store *s)
{
	struct committer *c = must_alloc(sizeof *c);
	sigset_t all, old;

	c->store = s;
	c->last = &c->first;
	c->ready_last = &c->ready;
	must(pthread_mutex_init(&c->lock, NULL) == 0);
	must(pthread_cond_init(&c->work, NULL) == 0);
	bell_open(l, &c->bell, deliver);
	/* Signals are the loop's. */
	sigfillset(&all);
	must(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
	must(pthread_create(&c->thread, NULL, run, c) == 0);
	must(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
	return c;
}

void
committer_put(struct committer *c, struct commit_item *i)
{
	i->next = NULL;
	c->pending++;
	pthread_mutex_lock(&c->lock);
	*c->last = i;
	c->last = &i->next;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
}

int64_t
committer_since_us(struct committer *c)
{
	return atomic_load(&c->since_us);
}

size_t
committer_pending(struct committer *c)
{
	return c->pending;
}

void
committer_close(struct committer *c)
{
	pthread_mutex_lock(&c->lock);
	c->ending = true;
	pthread_cond_signal(&c->work);
	pthread_mutex_unlock(&c->lock);
	must(pthread_join(c->thread, NULL) == 0);
	bell_close(&c->bell, NULL);
}
