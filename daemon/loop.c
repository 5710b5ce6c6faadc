#include "daemon/loop.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

enum { SIGNALS_MOST = 8 };

struct on_signal {
	uv_signal_t handle;
	void (*fn)(void *arg, int signo);
	void *arg;
};

struct loop {
	uv_loop_t uv;
	uv_prepare_t prepare; /* runs before each sleep: the after-hook */
	void (*after)(void *arg);
	void *after_arg;
	struct on_signal signal[SIGNALS_MOST];
	size_t nsignals;
};

struct work {
	uv_work_t req;
	void (*work)(void *arg);
	void (*done)(void *arg);
	void *arg;
};

static_assert(sizeof(uv_poll_t) <= LOOP_POLL_WORDS * sizeof(void *),
	      "LOOP_POLL_WORDS is too small for this libuv");
static_assert(sizeof(uv_timer_t) <= LOOP_TIMER_WORDS * sizeof(void *),
	      "LOOP_TIMER_WORDS is too small for this libuv");
static_assert(sizeof(uv_async_t) <= LOOP_BELL_WORDS * sizeof(void *),
	      "LOOP_BELL_WORDS is too small for this libuv");

static uv_poll_t *
poll_of(struct watch *w)
{
	return (uv_poll_t *)(void *)w->poll;
}

static uv_timer_t *
timer_of(struct timer *t)
{
	return (uv_timer_t *)(void *)t->timer;
}

static uv_async_t *
async_of(struct bell *b)
{
	return (uv_async_t *)(void *)b->async;
}

static void
before_sleep(uv_prepare_t *p)
{
	struct loop *l = p->data;

	if (l->after != NULL)
		l->after(l->after_arg);
}

struct loop *
loop_open(void)
{
	struct loop *l = must_alloc(sizeof *l);

	must(uv_loop_init(&l->uv) == 0);
	l->uv.data = l;
	must(uv_prepare_init(&l->uv, &l->prepare) == 0);
	l->prepare.data = l;
	must(uv_prepare_start(&l->prepare, before_sleep) == 0);
	uv_unref((uv_handle_t *)&l->prepare);
	return l;
}

void
loop_run(struct loop *l)
{
	uv_run(&l->uv, UV_RUN_DEFAULT);
}

void
loop_stop(struct loop *l)
{
	uv_stop(&l->uv);
}

static void
close_left(uv_handle_t *h, void *arg)
{
	(void)arg;
	if (!uv_is_closing(h))
		uv_close(h, NULL);
}

void
loop_close(struct loop *l)
{
	if (l == NULL)
		return;
	l->after = NULL;
	uv_walk(&l->uv, close_left, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	must(uv_loop_close(&l->uv) == 0);
	free(l);
}

void
loop_after(struct loop *l, void (*fn)(void *arg), void *arg)
{
	l->after = fn;
	l->after_arg = arg;
}

static int
uv_events_of(int events)
{
	return (events & LOOP_READ ? UV_READABLE : 0) |
	       (events & LOOP_WRITE ? UV_WRITABLE : 0);
}

static void
polled(uv_poll_t *p, int status, int events)
{
	struct watch *w = p->data;
	int got = 0;

	/*
	 * An error is told as both: the read or write that follows meets it.
	 * libuv has stopped to watch by now; but a reset connection may still
	 * hold octets that are read first, and the error must be told again
	 * after them.
	 */
	if (status < 0)
		must(uv_poll_start(p, uv_events_of(w->events), polled) == 0);
	if (status < 0 || (events & UV_READABLE))
		got |= LOOP_READ;
	if (status < 0 || (events & UV_WRITABLE))
		got |= LOOP_WRITE;
	w->fn(w, got);
}

void
watch_open(struct loop *l, struct watch *w, int fd,
	   void (*fn)(struct watch *w, int events))
{
	w->fn = fn;
	w->closed = NULL;
	w->events = 0;
	must(uv_poll_init(&l->uv, poll_of(w), fd) == 0);
	poll_of(w)->data = w;
}

void
watch_for(struct watch *w, int events)
{
	int want = uv_events_of(events);

	if (events == w->events) /* libuv would ask the kernel again */
		return;
	w->events = events;
	if (want == 0)
		must(uv_poll_stop(poll_of(w)) == 0);
	else
		must(uv_poll_start(poll_of(w), want, polled) == 0);
}

static void
watch_is_closed(uv_handle_t *h)
{
	struct watch *w = h->data;

	if (w->closed != NULL)
		w->closed(w);
}

void
watch_close(struct watch *w, void (*closed)(struct watch *w))
{
	w->closed = closed;
	uv_close((uv_handle_t *)poll_of(w),
		 closed != NULL ? watch_is_closed : NULL);
}

static void
timer_fired(uv_timer_t *u)
{
	struct timer *t = u->data;

	t->fn(t);
}

void
timer_open(struct loop *l, struct timer *t, void (*fn)(struct timer *t))
{
	t->fn = fn;
	t->closed = NULL;
	must(uv_timer_init(&l->uv, timer_of(t)) == 0);
	timer_of(t)->data = t;
}

void
timer_start(struct timer *t, uint64_t ms)
{
	must(uv_timer_start(timer_of(t), timer_fired, max_of(ms, 1), 0) == 0);
}

void
timer_stop(struct timer *t)
{
	must(uv_timer_stop(timer_of(t)) == 0);
}

static void
timer_is_closed(uv_handle_t *h)
{
	struct timer *t = h->data;

	if (t->closed != NULL)
		t->closed(t);
}

void
timer_close(struct timer *t, void (*closed)(struct timer *t))
{
	t->closed = closed;
	uv_close((uv_handle_t *)timer_of(t),
		 closed != NULL ? timer_is_closed : NULL);
}

static void
bell_rang(uv_async_t *a)
{
	struct bell *b = a->data;

	b->fn(b);
}

void
bell_open(struct loop *l, struct bell *b, void (*fn)(struct bell *b))
{
	b->fn = fn;
	b->closed = NULL;
	must(uv_async_init(&l->uv, async_of(b), bell_rang) == 0);
	async_of(b)->data = b;
}

void
bell_ring(struct bell *b)
{
	must(uv_async_send(async_of(b)) == 0);
}

static void
bell_is_closed(uv_handle_t *h)
{
	struct bell *b = h->data;

	if (b->closed != NULL)
		b->closed(b);
}

void
bell_close(struct bell *b, void (*closed)(struct bell *b))
{
	b->closed = closed;
	uv_close((uv_handle_t *)async_of(b),
		 closed != NULL ? bell_is_closed : NULL);
}

static void
signalled(uv_signal_t *s, int signo)
{
	struct on_signal *o = s->data;

	o->fn(o->arg, signo);
}

void
loop_signal(struct loop *l, int signo, void (*fn)(void *arg, int signo),
	    void *arg)
{
	struct on_signal *o = &l->signal[l->nsignals++];

	must(l->nsignals <= SIGNALS_MOST);
	o->fn = fn;
	o->arg = arg;
	must(uv_signal_init(&l->uv, &o->handle) == 0);
	o->handle.data = o;
	must(uv_signal_start(&o->handle, signalled, signo) == 0);
	uv_unref((uv_handle_t *)&o->handle);
}

static void
work_begin(uv_work_t *req)
{
	struct work *w = req->data;

	w->work(w->arg);
}

static void
work_end(uv_work_t *req, int status)
{
	struct work *w = req->data;

	(void)status; /* never cancelled: nothing calls uv_cancel */
	w->done(w->arg);
	free(w);
}

void
loop_work(struct loop *l, void (*work)(void *arg), void (*done)(void *arg),
	  void *arg)
{
	struct work *w = must_alloc(sizeof *w);

	w->work = work;
	w->done = done;
	w->arg = arg;
	w->req.data = w;
	must(uv_queue_work(&l->uv, &w->req, work_begin, work_end) == 0);
}
