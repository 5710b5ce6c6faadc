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

	tls_close(c->prepared);
	close(c->fd);
	/* Only now may another take its place: never more than allowed. */
	c->ops->gone(c);
	dialogue_free(&c->dialogue);
	secrets_free(c->secrets);
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
	if (!c->dialogue.set_up)
		c->ops->refused(c, t, &c->dialogue.trouble);
	else if (t != NULL)
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
	case DIALOGUE_TLS:
		c->deadline_us = now_us + c->times.tls_us;
		break;
	case DIALOGUE_GREETING:
	case DIALOGUE_EHLO:
	case DIALOGUE_HELO:
	case DIALOGUE_STARTTLS:
	case DIALOGUE_AUTH:
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

	if (c->dialogue.chunked)
		bytes_add(&c->out, p, n);
	else
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
		/* A body that BDAT ended mid-line. */
		if (!c->dialogue.chunked && !c->line_start)
			bytes_add_text(&c->out, "\r\n");
		if (!c->task->job.permit)
			c->outgoing.dot = DOT_DUE;
	}
	return true;
}

static void take_step(struct connection *c, enum dialogue_step step,
		      int64_t now_us);

/* It is through: what the channel is, and on. */
static void
secured(struct connection *c, int64_t now_us)
{
	struct sasl_account *a = &c->terms.account;
	char words[JOB_SECURITY_MOST / 2], cipher[48];

	c->shaking = false;
	tls_cipher(c->tls, cipher, sizeof cipher);
	snprintf(words, sizeof words, "tls=%s cipher=%s%s", tls_version(c->tls),
		 cipher, tls_resumed(c->tls) ? " resumed=yes" : "");
	a->nbinding = tls_binding(c->tls, a->binding, sizeof a->binding);
	a->certificate = c->certificate;
	watch_for(&c->watch, LOOP_READ);
	take_step(c,
		  dialogue_secured(&c->dialogue, tls_verified(c->tls), words),
		  now_us);
}

static void
shake(struct connection *c, int64_t now_us)
{
	switch (tls_handshake(c->tls)) {
	case TLS_STEP_DONE:
		secured(c, now_us);
		break;
	case TLS_STEP_READ:
		watch_for(&c->watch, LOOP_READ);
		break;
	case TLS_STEP_WRITE:
		watch_for(&c->watch, LOOP_READ | LOOP_WRITE);
		break;
	case TLS_STEP_FAILED:
		c->dialogue.state = DIALOGUE_TLS; /* also of implicit TLS */
		fail(c,
		     tls_finding(c->tls)->finding != CERTIFICATE_GOOD
			 ? STATUS_UNVERIFIED
			 : STATUS_TLS_FAILED,
		     tls_why(c->tls));
		break;
	}
}

static void
secure(struct connection *c, int64_t now_us)
{
	c->tls = c->prepared;
	c->shaking = true;
	shake(c, now_us);
}

static void
take_step(struct connection *c, enum dialogue_step step, int64_t now_us)
{
	struct task *t = c->task;

	if (c->dialogue.set_up && !c->opened) {
		c->opened = true;
		c->ops->opened(c);
	}
	mark(c);
	wait_for_reply(c, now_us);
	switch (step) {
	case DIALOGUE_WAIT:
		break;
	case DIALOGUE_SECURE:
		secure(c, now_us);
		return;
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
		/* Nothing said in clear may count inside (attacks.md B2). */
		if (c->dialogue.state == DIALOGUE_STARTTLS && left > 0) {
			fail(c, STATUS_EARLY, NULL);
			return false;
		}
		take_step(c, dialogue_reply(&c->dialogue, &c->reply), now_us);
		if (!c->dead) {
			reply_begin(&c->reply);
			c->reply.long_lines =
			    c->dialogue.state == DIALOGUE_AUTH;
		}
	}
	return !c->dead;
}

static ssize_t
get(struct connection *c)
{
	return c->tls != NULL
		   ? tls_recv(c->tls, c->outlet->scratch, OUTLET_SCRATCH)
		   : recv(c->fd, c->outlet->scratch, OUTLET_SCRATCH, 0);
}

/* The last round is one more than TLS may hold back: no poll tells of it. */
static void
read_some(struct connection *c, int64_t now_us)
{
	ssize_t n;

	do {
		n = get(c);
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
	} while (take_replies(c, c->outlet->scratch, (size_t)n, now_us) &&
		 c->tls != NULL && !c->shaking && tls_pending(c->tls));
}

static void
unreachable(struct connection *c, int error)
{
	c->dialogue.trouble =
	    verdict_of(STATUS_NO_CONNECT, STAGE_CONNECT, strerror(error));
	snprintf(c->dialogue.trouble.remote, sizeof c->dialogue.trouble.remote,
		 "%s", c->remote);
	drop(c);
}

/* From its first octet on the peer may have the message.  A record that TLS
 * has taken may be on its way in part, whatever was said of it. */
static void
watch_dot(struct connection *c, size_t given, int64_t now_us)
{
	if (c->outgoing.dot == DOT_GOES && given > c->dot_at) {
		c->outgoing.dot = DOT_NONE;
		dialogue_dot(&c->dialogue);
		wait_for_reply(c, now_us);
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
				watch_dot(c, c->out.n, now_us);
			watch_for(&c->watch, LOOP_READ | LOOP_WRITE);
			return false;
		}
		if (n < 0) {
			fail(c, STATUS_LOST, strerror(errno));
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

static void
go(struct outgoing *o, int64_t now_us)
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
		if (c->terms.policy.tls && c->terms.policy.implicit) {
			c->deadline_us = now_us + c->times.tls_us;
			secure(c, now_us);
			return;
		}
	}
	if (c->shaking) {
		shake(c, now_us);
		return;
	}
	if (events & LOOP_READ)
		read_some(c, now_us);
	if (!c->dead && (events & LOOP_WRITE))
		mark(c);
}

/* Secrets are our own copy: they may change while we use them. */
static void
take_account(struct connection *c, const struct target *t, uint16_t port,
	     const struct connection_terms *x)
{
	struct sasl_account *a = &c->terms.account;

	if (x->auth == NULL)
		return;
	c->terms.wants_auth = true;
	c->terms.auth = *x->auth;
	snprintf(c->account, sizeof c->account, "%s", x->user);
	*a = (struct sasl_account){
	    .user = c->account, .host = c->host, .port = port};
	snprintf(c->host, sizeof c->host, "%s", t->host);
	c->terms.auth.user = c->account;
	c->secrets = secrets_open();
	if (x->password != NULL) {
		secrets_put(c->secrets, "", "password", x->password->value,
			    x->password->n);
		a->password = secret_find(c->secrets, "", "password");
	}
	if (x->token != NULL) {
		secrets_put(c->secrets, "", "token", x->token->value,
			    x->token->n);
		a->token = secret_find(c->secrets, "", "token");
	}
}

static void
prepare(struct connection *c, const struct connection_terms *x)
{
	struct tls_wish wish = x->wish;

	if (!x->policy.tls)
		return;
	wish.key = c->remote;
	wish.now_s = now_us() / SECOND_US;
	c->prepared = tls_open(x->setup, c->fd, &wish);
	c->certificate = tls_setup_has_certificate(x->setup);
}

struct connection *
connection_open(struct outlet *o, const struct target *t, uint16_t port,
		const struct connection_terms *terms,
		const struct connection_ops *ops, void *user, struct task *task,
		int64_t steady_us)
{
	struct connection *c = must_alloc(sizeof *c);
	int one = 1, rc;

	c->fd = socket(t->sa.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		free(c);
		return NULL;
	}
	c->outlet = o;
	c->outgoing.go = go;
	c->ops = ops;
	c->user = user;
	c->times = terms->times;
	c->terms.policy = terms->policy;
	snprintf(c->host, sizeof c->host, "%s", t->host);
	take_account(c, t, port, terms);
	snprintf(c->remote, sizeof c->remote, "%.200s[%s]:%u", t->host, t->text,
		 port);
	prepare(c, terms);
	reply_begin(&c->reply);
	dialogue_init(&c->dialogue, o->hostname, c->remote, &c->terms, &c->out);
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	watch_open(o->loop, &c->watch, c->fd, on_event);
	c->deadline_us = steady_us + c->times.connect_us;
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
	if (c->shaking)
		c->dialogue.state = DIALOGUE_TLS; /* also of implicit TLS */
	snprintf(what, sizeof what, "waiting for %s",
		 c->outgoing.dot == DOT_HELD
		     ? "our own permit to end the message"
		     : stage_text(dialogue_stage(&c->dialogue)));
	fail(c, STATUS_TIMEOUT, what);
}
