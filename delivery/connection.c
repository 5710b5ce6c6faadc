#include "delivery/connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"

enum {
	OUT_MOST = 256 * 1024, /* unwritten octets before the body waits */
};

static void
mark(struct connection *c)
{
	if (!c->dead)
		outlet_mark(c->outlet, &c->outgoing);
}

static void
closed(struct watch *w)
{
	struct connection *c = container_of(w, struct connection, watch);

	close(c->fd);
	/* Only now may another take its place: never more than allowed. */
	if (!c->refused)
		c->ops->gone(c);
	bytes_free(&c->out);
	free(c);
}

static void
drop(struct connection *c)
{
	struct task *t = c->task;

	if (c->dead)
		return;
	c->dead = true;
	outlet_unmark(c->outlet, &c->outgoing);
	c->task = NULL;
	if (t != NULL)
		c->ops->done(c, t);
	watch_close(&c->watch, closed);
}

/* The connection is no use any more; whoever has no verdict gets this one. */
static void
fail(struct connection *c, enum status why, const char *detail)
{
	dialogue_end(&c->dialogue, why, detail);
	drop(c);
}

static void
wait_for_reply(struct connection *c, int64_t now_us)
{
	switch (c->dialogue.state) {
	case DIALOGUE_DOT:
	case DIALOGUE_BODY:
		c->deadline_us = now_us + c->times.data_us;
		break;
	case DIALOGUE_GREETING:
	case DIALOGUE_EHLO:
	case DIALOGUE_HELO:
	case DIALOGUE_READY:
	case DIALOGUE_MAIL:
	case DIALOGUE_RCPT:
	case DIALOGUE_DATA:
	case DIALOGUE_RSET:
	case DIALOGUE_QUIT:
		c->deadline_us = now_us + c->times.command_us;
		break;
	}
}

static void
put_chunk(void *arg, const unsigned char *p, size_t n)
{
	struct connection *c = arg;

	body_stuff(&c->out, p, n, &c->line_start);
}

/* More of the body while there is room.  The dot follows when it has been
 * announced: at the end of the body, or, if it needs a permit, when the body
 * has left (then it can leave the moment the permit comes). */
static bool
fill(struct connection *c)
{
	struct err e;

	while (c->body_open && c->body_more &&
	       c->out.n - c->out_done < OUT_MOST)
		if (!body_next(&c->body, put_chunk, c, &c->body_more, &e)) {
			log_event(EVENT_STORE_FAILED, NULL, "%s", e.text);
			fail(c, STATUS_DAMAGED, e.text);
			return false;
		}
	if (c->body_open && !c->body_more) {
		c->body_open = false;
		if (!c->line_start) /* a body that BDAT ended mid-line */
			bytes_add_text(&c->out, "\r\n");
		if (!c->task->job.permit)
			c->outgoing.dot = DOT_DUE;
	}
	return true;
}

static void
take_step(struct connection *c, enum dialogue_step step, int64_t now_us)
{
	struct task *t = c->task;

	mark(c);
	wait_for_reply(c, now_us);
	switch (step) {
	case DIALOGUE_WAIT:
		break;
	case DIALOGUE_SEND:
		c->body = body_of(c->outlet->store, &t->job);
		c->body_open = c->body_more = c->line_start = true;
		fill(c);
		break;
	case DIALOGUE_DONE:
		c->task = NULL;
		c->messages++;
		c->ops->done(c, t);
		break;
	case DIALOGUE_CLOSE:
		drop(c);
		return;
	}
	if (c->dead)
		return;
	if (c->dialogue.state == DIALOGUE_READY && c->task == NULL) {
		c->idle_us = now_us;
		c->ops->ready(c);
	}
}

static void
give(struct connection *c, struct task *t, int64_t now_us)
{
	bool ready = c->dialogue.state == DIALOGUE_READY;

	c->task = t;
	c->idle_us = 0;
	c->outgoing.dot = DOT_NONE;
	c->outgoing.job = t->job.job;
	c->outgoing.permit = t->job.permit;
	t->begun_us = now_us;
	t->open_us = now_us;
	if (ready)
		take_step(c, dialogue_begin(&c->dialogue, t), now_us);
	else
		(void)dialogue_begin(&c->dialogue, t); /* waits for set-up */
}

void
connection_give(struct connection *c, struct task *t, int64_t steady_us)
{
	must(c->task == NULL && !c->dead);
	give(c, t, steady_us);
}

/* Every reply that has come; false when the connection is gone. */
static bool
take_replies(struct connection *c, const unsigned char *p, size_t left,
	     int64_t now_us)
{
	while (!c->dead && left > 0) {
		size_t n = left;
		enum reply_step r = reply_feed(&c->reply, p, &n);
		bool set_up = c->dialogue.state < DIALOGUE_READY;

		p += n;
		left -= n;
		if (r == REPLY_BAD) {
			fail(c, STATUS_BAD_REPLY, c->reply.why);
			return false;
		}
		if (r == REPLY_MORE)
			break;
		if (c->dialogue.state == DIALOGUE_EHLO)
			ehlo_line(&c->dialogue.offers, c->reply.line,
				  c->reply.nline);
		if (r == REPLY_LINE)
			continue;
		/* Until here the time was the connection's, not the mail's. */
		if (set_up && c->task != NULL)
			c->task->open_us = now_us;
		take_step(c, dialogue_reply(&c->dialogue, &c->reply), now_us);
		if (!c->dead)
			reply_begin(&c->reply);
	}
	return !c->dead;
}

static void
read_some(struct connection *c, int64_t now_us)
{
	ssize_t n = recv(c->fd, c->outlet->scratch, OUTLET_SCRATCH, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		if (c->dialogue.state == DIALOGUE_QUIT)
			drop(c);
		else
			fail(c, STATUS_LOST,
			     n < 0 ? strerror(errno)
				   : "it closed the connection");
		return;
	}
	(void)take_replies(c, c->outlet->scratch, (size_t)n, now_us);
}

static void
unreachable(struct connection *c, int error)
{
	struct task *t = c->task;

	c->dead = c->refused = true;
	outlet_unmark(c->outlet, &c->outgoing);
	c->task = NULL;
	c->ops->unreachable(c, t, strerror(error));
	watch_close(&c->watch, closed);
}

/* True: `out` is empty. */
static bool
send_out(struct connection *c, int64_t now_us)
{
	while (c->out_done < c->out.n) {
		ssize_t n = send(c->fd, c->out.data + c->out_done,
				 c->out.n - c->out_done, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch_for(&c->watch, LOOP_READ | LOOP_WRITE);
			return false;
		}
		if (n < 0) {
			fail(c, STATUS_LOST, strerror(errno));
			return false;
		}
		c->out_done += (size_t)n;
		/* From its first octet on the peer may have the message. */
		if (c->outgoing.dot == DOT_GOES && c->out_done > c->dot_at) {
			c->outgoing.dot = DOT_NONE;
			dialogue_dot(&c->dialogue);
			wait_for_reply(c, now_us);
		}
	}
	c->out.n = c->out_done = 0;
	watch_for(&c->watch, LOOP_READ);
	return true;
}

static void
go(struct outgoing *o, int64_t now_us)
{
	struct connection *c = container_of(o, struct connection, outgoing);

	if (c->dead || c->connecting)
		return;
	if (o->dot == DOT_FREE) {
		o->dot = DOT_GOES;
		c->dot_at = c->out.n;
		bytes_add_text(&c->out, ".\r\n");
	}
	while (send_out(c, now_us)) {
		if (c->dialogue.state != DIALOGUE_BODY || o->dot != DOT_NONE)
			return;
		if (c->body_open) {
			wait_for_reply(c, now_us); /* it takes our octets */
			if (!fill(c))
				return;
		} else {
			o->dot = DOT_DUE; /* all but the dot has left */
			wait_for_reply(c, now_us);
		}
		if (o->dot == DOT_DUE) {
			mark(c); /* it has to be announced first */
			return;
		}
	}
}

static void
on_event(struct watch *w, int events)
{
	struct connection *c = container_of(w, struct connection, watch);
	int64_t now_us = now_steady_us();

	if (c->connecting) {
		int error = 0;
		socklen_t len = sizeof error;

		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
			error = errno;
		if (error == 0)
			error = c->connect_error;
		if (error != 0) {
			unreachable(c, error);
			return;
		}
		c->connecting = false;
		wait_for_reply(c, now_us);
		watch_for(&c->watch, LOOP_READ);
	}
	if (events & LOOP_READ)
		read_some(c, now_us);
	if (!c->dead && (events & LOOP_WRITE))
		mark(c);
}

struct connection *
connection_open(struct outlet *o, const struct target *t, uint16_t port,
		const struct connection_times *times,
		const struct connection_ops *ops, void *user, struct task *task,
		int64_t steady_us)
{
	struct connection *c = must_alloc(sizeof *c);
	int one = 1, rc;

	c->outlet = o;
	c->outgoing.go = go;
	c->ops = ops;
	c->user = user;
	c->times = *times;
	c->fd = socket(t->sa.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		free(c);
		return NULL;
	}
	snprintf(c->remote, sizeof c->remote, "%.200s[%s]:%u", t->host, t->text,
		 port);
	reply_begin(&c->reply);
	dialogue_init(&c->dialogue, o->hostname, c->remote, &c->out);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch_open(o->loop, &c->watch, c->fd, on_event);
	c->deadline_us = steady_us + times->connect_us;
	give(c, task, steady_us);
	rc = connect(c->fd, (const struct sockaddr *)&t->sa, t->len);
	c->connecting = true;
	/* Told in the loop, also when it failed at once. */
	if (rc != 0 && errno != EINPROGRESS)
		c->connect_error = errno;
	watch_for(&c->watch, LOOP_WRITE);
	return c;
}

void
connection_quit(struct connection *c)
{
	must(c->task == NULL);
	if (c->dead)
		return;
	dialogue_quit(&c->dialogue);
	mark(c);
	wait_for_reply(c, now_steady_us());
}

void
connection_tick(struct connection *c, int64_t steady_us)
{
	char what[64];

	if (c->dead || steady_us < c->deadline_us)
		return;
	if (c->connecting) {
		unreachable(c, ETIMEDOUT);
		return;
	}
	if (c->dialogue.state == DIALOGUE_READY && c->task == NULL)
		return; /* idle: its user closes it */
	snprintf(what, sizeof what, "waiting for %s",
		 c->outgoing.dot == DOT_HELD
		     ? "our own permit to end the message"
		     : stage_text(dialogue_stage(&c->dialogue)));
	fail(c, STATUS_TIMEOUT, what);
}
