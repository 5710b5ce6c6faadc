#include "delivery/connection_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"

/* What a server says to QUIT matters to nobody, and its place to somebody. */
enum { QUIT_WAIT_S = 5 };

void
connection_mark(struct connection *c)
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
	if (c->out.n > 0) /* what has not left may be an AUTH */
		secret_wipe(c->out.data, c->out.n);
	bytes_free(&c->out);
	free(c);
}

void
connection_drop(struct connection *c)
{
	struct task *t = c->task;

	if (c->dead)
		return;
	c->dead = true;
	outlet_unmark(c->outlet, &c->outgoing);
	c->task = NULL;
	if (!c->dialogue.set_up || c->dialogue.untouched)
		c->ops->refused(c, t, &c->dialogue.trouble);
	else if (t != NULL)
		c->ops->done(c, t);
	watch_close(&c->watch, closed);
}

/* The connection is no use any more; whoever has no verdict gets this one. */
void
connection_fail(struct connection *c, enum status why, const char *detail)
{
	dialogue_end(&c->dialogue, why, detail);
	connection_drop(c);
}

void
connection_await(struct connection *c, int64_t now_us)
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
		c->deadline_us = now_us + c->times.command_us;
		break;
	case DIALOGUE_QUIT:
		c->deadline_us = now_us + min_of(c->times.command_us,
						 QUIT_WAIT_S * SECOND_US);
		break;
	}
}

static void take_steps(struct connection *c, enum dialogue_step step,
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
	take_steps(c,
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
		connection_fail(c,
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
	connection_mark(c);
	connection_await(c, now_us);
	switch (step) {
	case DIALOGUE_WAIT:
		break;
	case DIALOGUE_SECURE:
		secure(c, now_us);
		return;
	case DIALOGUE_SEND:
		c->body = body_of(c->outlet->store, &t->job);
		c->body_open = c->body_more = c->line_start = true;
		if (t->fields.n > 0)
			bytes_add(&c->out, t->fields.data, t->fields.n);
		connection_fill(c);
		break;
	case DIALOGUE_DONE:
		c->task = NULL;
		c->messages++;
		c->ops->done(c, t);
		break;
	case DIALOGUE_CLOSE:
		connection_drop(c);
		return;
	}
	if (c->dead)
		return;
	if (c->dialogue.state == DIALOGUE_READY && c->task == NULL) {
		c->idle_us = now_us;
		c->ops->ready(c);
	}
}

/* A step may lead to the next at once: a task that ends before anything was
 * sent, and another that takes its place.  They come one after the other, not
 * one inside the other. */
static void
take_steps(struct connection *c, enum dialogue_step step, int64_t now_us)
{
	c->step = step;
	c->more_steps = true;
	if (c->stepping)
		return;
	c->stepping = true;
	while (c->more_steps && !c->dead) {
		c->more_steps = false;
		take_step(c, c->step, now_us);
	}
	c->stepping = false;
}

void
connection_take(struct connection *c, struct task *t, int64_t now_us)
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
		take_steps(c, dialogue_begin(&c->dialogue, t), now_us);
	else
		(void)dialogue_begin(&c->dialogue, t); /* waits for set-up */
}

void
connection_give(struct connection *c, struct task *t, int64_t steady_us)
{
	must(c->task == NULL && !c->dead);
	connection_take(c, t, steady_us);
}

/* Every reply that has come; false when the connection is gone. */
bool
connection_replies(struct connection *c, const unsigned char *p, size_t left,
		   int64_t now_us)
{
	while (!c->dead && left > 0) {
		size_t n = left;
		enum reply_step r = reply_feed(&c->reply, p, &n);
		bool set_up = c->dialogue.state < DIALOGUE_READY;

		p += n;
		left -= n;
		if (r == REPLY_BAD) {
			connection_fail(c, STATUS_BAD_REPLY, c->reply.why);
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
		/* Nothing said in clear may count inside (attacks.md B2), and
		 * nobody can answer what has not left. */
		if (c->dialogue.state == DIALOGUE_STARTTLS &&
		    (left > 0 || c->out_done < c->out.n)) {
			connection_fail(c, STATUS_EARLY, NULL);
			return false;
		}
		dialogue_conceal(&c->dialogue, &c->reply);
		take_steps(c, dialogue_reply(&c->dialogue, &c->reply), now_us);
		if (!c->dead) {
			reply_begin(&c->reply);
			c->reply.long_lines =
			    c->dialogue.state == DIALOGUE_AUTH;
		}
	}
	return !c->dead;
}

static void
unreachable(struct connection *c, int error)
{
	c->dialogue.trouble =
	    verdict_of(STATUS_NO_CONNECT, STAGE_CONNECT, strerror(error));
	snprintf(c->dialogue.trouble.remote, sizeof c->dialogue.trouble.remote,
		 "%s", c->remote);
	connection_drop(c);
}

void
connection_event(struct watch *w, int events)
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
		connection_await(c, now_us);
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
		connection_read(c, now_us);
	if (!c->dead && (events & LOOP_WRITE))
		connection_mark(c);
}

void
connection_quit(struct connection *c)
{
	must(c->task == NULL);
	if (c->dead)
		return;
	dialogue_quit(&c->dialogue);
	connection_mark(c);
	connection_await(c, now_steady_us());
}

static void
give_up(struct connection *c, const char *why)
{
	char what[128];

	if (c->connecting) {
		unreachable(c, ETIMEDOUT);
		return;
	}
	if (c->shaking)
		c->dialogue.state = DIALOGUE_TLS; /* also of implicit TLS */
	snprintf(what, sizeof what, "waiting for %s%s",
		 c->outgoing.dot == DOT_HELD
		     ? "our own permit to end the message"
		     : stage_text(dialogue_stage(&c->dialogue)),
		 why);
	connection_fail(c, STATUS_TIMEOUT, what);
}

void
connection_tick(struct connection *c, int64_t steady_us)
{
	if (c->dead || steady_us < c->deadline_us)
		return;
	if (c->dialogue.state == DIALOGUE_READY && c->task == NULL &&
	    !c->connecting)
		return; /* idle: its user closes it */
	give_up(c, "");
}

void
connection_give_up(struct connection *c, int64_t steady_us)
{
	char why[64];

	must(!c->dead && !c->dialogue.set_up);
	snprintf(why, sizeof why, " for %lld s, and other mail for its place",
		 (long long)((steady_us - c->began_us) / SECOND_US));
	give_up(c, why);
}
