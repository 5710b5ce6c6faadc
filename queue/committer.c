#include "queue/committer.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

struct list {
	struct commit *first;
	struct commit *last;
};

struct committer {
	struct loop *loop;
	struct store *store;
	int bell_fd;
	pthread_t thread;
	struct bell bell;
	struct list gathered; /* the loop's */
	size_t pending;       /* the loop's */

	pthread_mutex_t lock; /* guards the next four */
	pthread_cond_t work;
	struct list ready;
	struct list written;
	bool waiting;
	bool ending;

	/* Odd while the thread is at a batch. */
	_Atomic uint64_t turns;
	uint64_t seen_turns;
	int64_t seen_us;
};

static void
append(struct list *l, struct commit *first, struct commit *last)
{
	if (first == NULL)
		return;
	if (l->last != NULL)
		l->last->next = first;
	else
		l->first = first;
	l->last = last;
}

static void
add(struct list *l, struct commit *i)
{
	i->next = NULL;
	append(l, i, i);
}

static struct list
take_all(struct list *l)
{
	struct list all = *l;

	*l = (struct list){NULL, NULL};
	return all;
}

/* The next message of an earlier life that was never whole, some of it. */
static bool
clean(struct txn *t, struct commit *i, struct err *e)
{
	uint64_t id;
	bool more;

	i->again = false;
	if (!ledger_partial(t, 0, &id, e))
		return e->kind == ERR_NONE;
	if (id > i->id)
		return true; /* of this life */
	i->again = true;
	if (!ledger_abandon(t, id, COMMIT_REMOVALS, &more, e))
		return false;
	if (!more)
		i->count++;
	return true;
}

static bool
write_returned(struct txn *t, struct commit *i, struct err *e)
{
	for (size_t k = 0; k < i->nreturned; k++)
		if (!returned_store(t, &i->returned[k], i->now_us, e))
			return false;
	return true;
}

static bool
write_item(struct txn *t, struct commit *i, struct err *e)
{
	e->kind = ERR_NONE;
	switch (i->kind) {
	case COMMIT_CHUNK:
		return ledger_chunk(t, i->id, i->chunk, i->body.data, i->body.n,
				    true, i->now_us, e);
	case COMMIT_ACCEPT:
		return ledger_chunk(t, i->id, i->chunk, i->body.data, i->body.n,
				    false, i->now_us, e) &&
		       ledger_accept(t, i->id, i->message, i->rcpt, i->nrcpt,
				     i->apart, e);
	case COMMIT_ABANDON:
		return ledger_abandon(t, i->id, COMMIT_REMOVALS, &i->again, e);
	case COMMIT_CLEAN:
		return clean(t, i, e);
	case COMMIT_RETURNED:
		return write_returned(t, i, e);
	case COMMIT_ROOM:
		return true;
	}
	return false;
}

static void
fail(struct commit *i, const struct err *e)
{
	i->err = *e;
	if (i->err.kind == ERR_NONE) /* an answer where a yes was due */
		err_set(&i->err, ERR_DAMAGED, "the queue contradicts itself");
	i->again = false;
}

/* One transaction with items up to `end`.  *bad: the item that failed, NULL if
 * it was the transaction itself. */
static bool
write_some(struct store *s, struct commit *first, const struct commit *end,
	   struct commit **bad, struct err *e)
{
	struct txn *t = store_begin(s, true, e);

	*bad = NULL;
	if (t == NULL)
		return false;
	for (struct commit *i = first; i != end; i = i->next)
		if (!write_item(t, i, e)) {
			*bad = i;
			store_abort(t);
			return false;
		}
	return store_commit(t, e);
}

static void
look_at_room(struct store *s, struct commit *i)
{
	unsigned dead;

	if (!store_room(s, &i->room, &i->err) && i->err.kind == ERR_NONE)
		err_set(&i->err, ERR_STORE, "the room is not known");
	else if (i->count % COMMIT_READERS_EVERY == 0 &&
		 !store_clear_readers(s, &dead, &i->err))
		err_add(&i->err, "dead readers");
	else
		i->err.kind = ERR_NONE;
}

/* Is there anything to write?  Then the writer's lock is worth having. */
static bool
has_writes(const struct commit *batch)
{
	while (batch != NULL && batch->kind == COMMIT_ROOM)
		batch = batch->next;
	return batch != NULL;
}

void
committer_write(struct store *s, struct commit *batch)
{
	struct commit *bad;
	struct err e;

	for (struct commit *i = batch; i != NULL; i = i->next) {
		i->err.kind = ERR_NONE;
		i->again = false;
	}
	if (has_writes(batch) && !write_some(s, batch, NULL, &bad, &e)) {
		for (struct commit *i = batch; i != NULL; i = i->next) {
			/* Only if one item was to blame can others succeed. */
			if (bad != NULL && batch->next != NULL) {
				struct commit *b;

				if (write_some(s, i, i->next, &b, &e))
					continue;
			}
			fail(i, &e);
		}
	}
	for (struct commit *i = batch; i != NULL; i = i->next)
		if (i->kind == COMMIT_ROOM)
			look_at_room(s, i);
}

/* Cuts a batch off what is ready; the lock is held. */
static struct commit *
take_batch(struct committer *c)
{
	struct commit *first = c->ready.first, *i = first;
	size_t n = 1, octets = first->body.n;

	while (i->next != NULL && n < COMMIT_MESSAGES &&
	       octets + i->next->body.n <= COMMIT_BYTES) {
		i = i->next;
		octets += i->body.n;
		n++;
	}
	c->ready.first = i->next;
	if (c->ready.first == NULL)
		c->ready.last = NULL;
	i->next = NULL;
	return first;
}

/* What has more to do goes to the end of the line, the rest back to the loop;
 * the lock is held. */
static void
sort_out(struct committer *c, struct commit *batch)
{
	while (batch != NULL) {
		struct commit *i = batch;

		batch = i->next;
		add(i->again ? &c->ready : &c->written, i);
	}
}

static bool
has_message(const struct commit *batch)
{
	for (; batch != NULL; batch = batch->next)
		if (batch->kind == COMMIT_ACCEPT && batch->err.kind == ERR_NONE)
			return true;
	return false;
}

static void
ring(struct committer *c)
{
	uint64_t one = 1;

	/* A full eventfd has been rung already: the scheduler will come. */
	if (c->bell_fd >= 0)
		(void)!write(c->bell_fd, &one, sizeof one);
}

static void *
run(void *arg)
{
	struct committer *c = arg;

	must(pthread_mutex_lock(&c->lock) == 0);
	for (;;) {
		struct commit *batch;

		c->waiting = true;
		while (c->ready.first == NULL && !c->ending)
			must(pthread_cond_wait(&c->work, &c->lock) == 0);
		c->waiting = false;
		if (c->ready.first == NULL)
			break;
		batch = take_batch(c);
		must(pthread_mutex_unlock(&c->lock) == 0);
		atomic_fetch_add(&c->turns, 1);
		committer_write(c->store, batch);
		atomic_fetch_add(&c->turns, 1);
		if (has_message(batch))
			ring(c);
		must(pthread_mutex_lock(&c->lock) == 0);
		sort_out(c, batch);
		bell_ring(&c->bell);
	}
	must(pthread_mutex_unlock(&c->lock) == 0);
	return NULL;
}

static void
hand_back(struct bell *b)
{
	struct committer *c = container_of(b, struct committer, bell);
	struct commit *i, *next;

	must(pthread_mutex_lock(&c->lock) == 0);
	i = take_all(&c->written).first;
	must(pthread_mutex_unlock(&c->lock) == 0);
	for (; i != NULL; i = next) {
		next = i->next;
		c->pending--;
		i->done(i);
	}
}

struct committer *
committer_open(struct loop *l, struct store *s, int bell_fd)
{
	struct committer *c = must_alloc(sizeof *c);
	sigset_t all, old;

	c->loop = l;
	c->store = s;
	c->bell_fd = bell_fd;
	must(pthread_mutex_init(&c->lock, NULL) == 0);
	must(pthread_cond_init(&c->work, NULL) == 0);
	bell_open(l, &c->bell, hand_back);
	/* Signals are the loop's. */
	must(sigfillset(&all) == 0);
	must(pthread_sigmask(SIG_SETMASK, &all, &old) == 0);
	must(pthread_create(&c->thread, NULL, run, c) == 0);
	must(pthread_sigmask(SIG_SETMASK, &old, NULL) == 0);
	return c;
}

void
committer_put(struct committer *c, struct commit *i)
{
	c->pending++;
	add(&c->gathered, i);
}

void
committer_flush(struct committer *c)
{
	struct list all = take_all(&c->gathered);

	if (all.first == NULL)
		return;
	must(pthread_mutex_lock(&c->lock) == 0);
	append(&c->ready, all.first, all.last);
	if (c->waiting)
		must(pthread_cond_signal(&c->work) == 0);
	must(pthread_mutex_unlock(&c->lock) == 0);
}

size_t
committer_pending(const struct committer *c)
{
	return c->pending;
}

int64_t
committer_stuck_us(struct committer *c, int64_t now_us)
{
	uint64_t turns = atomic_load(&c->turns);

	if (turns % 2 == 0 || turns != c->seen_turns) {
		c->seen_turns = turns;
		c->seen_us = now_us;
	}
	return now_us - c->seen_us;
}

bool
committer_alive(struct committer *c, int64_t now_us, int64_t most_us)
{
	return committer_stuck_us(c, now_us) <= most_us;
}

static void
closed(struct bell *b)
{
	free(container_of(b, struct committer, bell));
}

void
committer_close(struct committer *c)
{
	if (c == NULL)
		return;
	committer_flush(c);
	must(pthread_mutex_lock(&c->lock) == 0);
	c->ending = true;
	must(pthread_cond_signal(&c->work) == 0);
	must(pthread_mutex_unlock(&c->lock) == 0);
	must(pthread_join(c->thread, NULL) == 0);
	must(pthread_mutex_destroy(&c->lock) == 0);
	must(pthread_cond_destroy(&c->work) == 0);
	bell_close(&c->bell, closed);
}
