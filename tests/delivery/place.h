/* place - a worker's loop with its outlet, a queue with one message in it, and a
 * scheduler that answers DOT as the test wants. */
#ifndef MTQ_TESTS_PLACE_H
#define MTQ_TESTS_PLACE_H

#include "tests/queue/box.h"

#include <sys/socket.h>

#include "daemon/now.h"
#include "delivery/outlet.h"
#include "delivery/task.h"

enum { PLACE_TICK_MS = 5, PLACE_LATER_MS = 40, PLACE_END_MS = 10 * 1000 };
enum permits {
	NO_PERMIT,    /* the job needs none */
	PERMIT_SOON,  /* the answer to DOT */
	PERMIT_LATER, /* PLACE_LATER_MS after DOT */
	PERMIT_NEVER,
	PERMIT_OTHERS, /* only for other jobs */
	DOT_UNREAD,    /* none needed, but DOT finds the socket full until
			  PLACE_LATER_MS have passed */
};

struct place {
	struct box box;
	struct loop *loop;
	struct outlet outlet;
	struct channel jobs, scheduler;
	struct timer tick, later, end;
	void (*ticked)(struct place *p);
	void *arg;
	enum permits permits;
	unsigned dots;      /* frames that came */
	int64_t allowed_us; /* when the dot was permitted */
	struct task *task;
	bool over;
};

static inline void
place_send_permit(struct place *p, uint64_t job)
{
	struct job_permit permit = {.job = job};
	struct bytes b = {0};

	job_permit_encode(&b, &permit);
	channel_send(&p->scheduler, JOB_PERMIT, &b);
	bytes_free(&b);
}

static inline void
place_allow(struct place *p)
{
	p->allowed_us = now_steady_us();
	place_send_permit(p, p->task->job.job);
}

static inline bool
place_dot(struct channel *c, uint8_t type, const void *frame, size_t n)
{
	struct place *p = container_of(c, struct place, scheduler);
	struct job_dot dot;

	if (type != JOB_DOT)
		return true; /* what filled the socket */
	assert_true(job_dot_decode(&dot, frame, n));
	assert_true(dot.job == p->task->job.job);
	p->dots++;
	switch (p->permits) {
	case NO_PERMIT:
	case PERMIT_NEVER:
	case DOT_UNREAD:
		break;
	case PERMIT_SOON:
		place_allow(p);
		break;
	case PERMIT_LATER:
		timer_start(&p->later, PLACE_LATER_MS);
		break;
	case PERMIT_OTHERS:
		place_send_permit(p, dot.job + 1);
		place_send_permit(p, 0);
		break;
	}
	return true;
}

static inline bool
place_permit(struct channel *c, uint8_t type, const void *frame, size_t n)
{
	struct place *p = container_of(c, struct place, jobs);
	struct job_permit permit;

	assert_int_equal(type, JOB_PERMIT);
	assert_true(job_permit_decode(&permit, frame, n));
	outlet_permit(&p->outlet, permit.job);
	return true;
}

static inline void
place_gone(struct channel *c, const char *why)
{
	(void)c;
	fail_msg("%s", why);
}

static inline void
place_later(struct timer *t)
{
	struct place *p = container_of(t, struct place, later);

	if (p->permits == DOT_UNREAD) {
		p->allowed_us = now_steady_us();
		watch_for(&p->scheduler.watch, LOOP_READ);
	} else {
		place_allow(p);
	}
}

static inline void
place_tick(struct timer *t)
{
	struct place *p = container_of(t, struct place, tick);

	if (p->ticked != NULL)
		p->ticked(p);
	timer_start(t, PLACE_TICK_MS);
}

static inline void
place_end(struct timer *t)
{
	(void)t;
	fail_msg("it takes too long");
}

static inline void
place_after(void *arg)
{
	struct place *p = arg;

	outlet_flush(&p->outlet, now_steady_us());
	channel_flush(&p->jobs);
	channel_flush(&p->scheduler);
	if (p->over)
		loop_stop(p->loop);
}

/* The job of a message with such a body. */
static inline struct task *
place_task(struct place *p, size_t body)
{
	struct bytes blob = {0}, frame = {0};
	struct job_recipient r = {.rcpt = 0, .address = text_of("b@to.test")};
	struct job j = {.job = 7,
			.relay = text_of("out"),
			.sender = text_of("a@from.test"),
			.size_bytes = body,
			.chunks = (uint32_t)((body - 1) / CHUNK_MOST + 1),
			.nrecipients = 1,
			.permit = p->permits != NO_PERMIT &&
				  p->permits != DOT_UNREAD};
	struct task *t;

	box_begin(&p->box);
	j.message = box_accept(&p->box, body, 1, true);
	box_commit(&p->box);
	job_recipient_add(&blob, &r);
	j.recipients = (struct text){(const char *)blob.data, blob.n};
	job_encode(&frame, &j);
	t = task_open(frame.data, frame.n, now_steady_us());
	assert_non_null(t);
	bytes_free(&blob);
	bytes_free(&frame);
	return t;
}

static inline void
place_fill(struct place *p)
{
	struct bytes b = {0};

	for (int i = 0; i < 4096; i++)
		bytes_u64(&b, 0);
	while (channel_empty(&p->jobs)) {
		channel_send(&p->jobs, JOB_OUTCOME, &b);
		channel_flush(&p->jobs);
	}
	bytes_free(&b);
	watch_for(&p->scheduler.watch, 0);
	timer_start(&p->later, PLACE_LATER_MS);
}

static inline void
place_open(struct place *p, enum permits permits, size_t body)
{
	static const struct channel_ops worker = {place_permit, place_gone};
	static const struct channel_ops scheduler = {place_dot, place_gone};
	int fd[2];

	*p = (struct place){.permits = permits};
	box_make(&p->box);
	p->loop = loop_open();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
	channel_open(&p->jobs, p->loop, fd[0], &worker);
	channel_open(&p->scheduler, p->loop, fd[1], &scheduler);
	p->outlet = (struct outlet){.loop = p->loop,
				    .store = p->box.store,
				    .jobs = &p->jobs,
				    .hostname = "mtq.test",
				    .scratch = must_alloc(OUTLET_SCRATCH)};
	timer_open(p->loop, &p->tick, place_tick);
	timer_open(p->loop, &p->later, place_later);
	timer_open(p->loop, &p->end, place_end);
	timer_start(&p->tick, PLACE_TICK_MS);
	timer_start(&p->end, PLACE_END_MS);
	loop_after(p->loop, place_after, p);
	p->task = place_task(p, body);
	if (permits == DOT_UNREAD)
		place_fill(p);
}

static inline void
place_run(struct place *p)
{
	loop_run(p->loop);
}

static inline void
place_close(struct place *p)
{
	timer_close(&p->tick, NULL);
	timer_close(&p->later, NULL);
	timer_close(&p->end, NULL);
	channel_close(&p->jobs, NULL);
	channel_close(&p->scheduler, NULL);
	p->over = true;
	loop_run(p->loop);
	loop_close(p->loop);
	task_free(p->task);
	free(p->outlet.scratch);
	box_remove(&p->box);
}

#endif
