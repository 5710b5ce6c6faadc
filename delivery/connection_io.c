/* A connection's octets, in clear or by TLS; its message and the end of it. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/log.h"
#include "delivery/connection_private.h"

enum {
	OUT_MOST = 256 * 1024, /* unwritten octets before the body waits */
};

static void
put_chunk(void *arg, const unsigned char *p, size_t n)
{
	struct connection *c = arg;

	if (c->dialogue.chunked)
		bytes_add(&c->out, p, n);
	else
		body_stuff(&c->out, p, n, &c->line_start);
}

/* More of the body while there is room.  The dot follows when it has been
 * announced: at the end of the body, or, if it needs a permit, when the body
 * has left (then it can leave the moment the permit comes). */
bool
connection_fill(struct connection *c)
{
	struct err e;

	while (c->body_open && c->body_more &&
	       c->out.n - c->out_done < OUT_MOST)
		if (!body_next(&c->body, put_chunk, c, &c->body_more, &e)) {
			log_event(EVENT_STORE_FAILED, NULL, "%s", e.text);
			connection_fail(c, STATUS_DAMAGED, e.text);
			return false;
		}
	if (c->body_open && !c->body_more) {
		c->body_open = false;
		/* A body that BDAT ended mid-line. */
		if (!c->dialogue.chunked && !c->line_start)
			bytes_add_text(&c->out, "\r\n");
		if (!c->task->job.permit)
			c->outgoing.dot = DOT_DUE;
	}
	return true;
}

static ssize_t
get(struct connection *c)
{
	return c->tls != NULL
		   ? tls_recv(c->tls, c->outlet->scratch, OUTLET_SCRATCH)
		   : recv(c->fd, c->outlet->scratch, OUTLET_SCRATCH, 0);
}

/* The last round is one more than TLS may hold back: no poll tells of it. */
void
connection_read(struct connection *c, int64_t now_us)
{
	ssize_t n;

	do {
		n = get(c);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			if (c->dialogue.state == DIALOGUE_QUIT)
				connection_drop(c);
			else
				connection_fail(
				    c, STATUS_LOST,
				    n < 0 ? strerror(errno)
					  : "it closed the connection");
			return;
		}
	} while (connection_replies(c, c->outlet->scratch, (size_t)n, now_us) &&
		 c->tls != NULL && !c->shaking && tls_pending(c->tls));
}

/* From its first octet on the peer may have the message.  A record that TLS
 * has taken may be on its way in part, whatever was said of it. */
static void
watch_dot(struct connection *c, size_t given, int64_t now_us)
{
	if (c->outgoing.dot == DOT_GOES && given > c->dot_at) {
		c->outgoing.dot = DOT_NONE;
		dialogue_dot(&c->dialogue);
		connection_await(c, now_us);
	}
}

static ssize_t
put(struct connection *c)
{
	const unsigned char *p = c->out.data + c->out_done;
	size_t n = c->out.n - c->out_done;

	return c->tls != NULL ? tls_send(c->tls, p, n)
			      : send(c->fd, p, n, MSG_NOSIGNAL);
}

/* True: `out` is empty. */
static bool
send_out(struct connection *c, int64_t now_us)
{
	while (c->out_done < c->out.n) {
		ssize_t n = put(c);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (c->tls != NULL)
				watch_dot(c, c->out_done + tls_taken(c->tls),
					  now_us);
			watch_for(&c->watch, LOOP_READ | LOOP_WRITE);
			return false;
		}
		if (n < 0) {
			connection_fail(c, STATUS_LOST, strerror(errno));
			return false;
		}
		c->out_done += (size_t)n;
		watch_dot(c, c->out_done, now_us);
	}
	if (c->dialogue.state == DIALOGUE_AUTH && c->out.n > 0)
		secret_wipe(c->out.data, c->out.n);
	c->out.n = c->out_done = 0;
	watch_for(&c->watch, LOOP_READ);
	return true;
}

void
connection_go(struct outgoing *o, int64_t now_us)
{
	struct connection *c = container_of(o, struct connection, outgoing);

	if (c->dead || c->connecting || c->shaking)
		return;
	if (o->dot == DOT_FREE) {
		o->dot = DOT_GOES;
		c->dot_at = c->out.n;
		bytes_add_text(&c->out, dialogue_end_mark(&c->dialogue));
	}
	while (send_out(c, now_us)) {
		if (c->dialogue.state != DIALOGUE_BODY || o->dot != DOT_NONE)
			return;
		if (c->body_open) {
			connection_await(c, now_us); /* it takes our octets */
			if (!connection_fill(c))
				return;
		} else {
			o->dot = DOT_DUE; /* all but the dot has left */
			connection_await(c, now_us);
		}
		if (o->dot == DOT_DUE) {
			connection_mark(c); /* it has to be announced first */
			return;
		}
	}
}
