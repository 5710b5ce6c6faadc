#include "delivery/dialogue.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "delivery/dialogue_private.h"
#include "delivery/judge.h"

void
dialogue_init(struct dialogue *d, const char *hostname, const char *remote,
	      struct dialogue_terms *terms, struct bytes *out)
{
	*d = (struct dialogue){.state = DIALOGUE_GREETING,
			       .hostname = hostname,
			       .remote = remote,
			       .terms = terms,
			       .owed = 1,
			       .out = out};
}

void
dialogue_free(struct dialogue *d)
{
	sasl_close(d->sasl);
	d->sasl = NULL;
}

enum stage
dialogue_stage(const struct dialogue *d)
{
	switch (d->state) {
	case DIALOGUE_GREETING:
		return STAGE_GREETING;
	case DIALOGUE_EHLO:
		return STAGE_EHLO;
	case DIALOGUE_HELO:
		return STAGE_HELO;
	case DIALOGUE_STARTTLS:
		return STAGE_STARTTLS;
	case DIALOGUE_TLS:
		return STAGE_TLS;
	case DIALOGUE_AUTH:
		return STAGE_AUTH;
	case DIALOGUE_READY:
	case DIALOGUE_MAIL:
		return STAGE_MAIL;
	case DIALOGUE_RCPT:
		return STAGE_RCPT;
	case DIALOGUE_DATA:
		return STAGE_DATA;
	case DIALOGUE_BODY:
		return STAGE_BODY;
	case DIALOGUE_DOT:
		return STAGE_DOT;
	case DIALOGUE_RSET:
		return STAGE_RSET;
	case DIALOGUE_QUIT:
		return STAGE_QUIT;
	}
	return STAGE_NONE;
}

static struct verdict
said(const struct dialogue *d, const struct reply *r, enum verdict_blame blame)
{
	return judge_reply(r, dialogue_stage(d), blame, d->remote);
}

struct verdict
dialogue_ours(const struct dialogue *d, enum status s, const char *detail)
{
	struct verdict v = verdict_of(s, dialogue_stage(d), detail);

	snprintf(v.remote, sizeof v.remote, "%s", d->remote);
	return v;
}

enum dialogue_step
dialogue_give_up(struct dialogue *d, const struct verdict *v)
{
	d->untouched = d->used && d->task != NULL && d->state == DIALOGUE_MAIL;
	if (!d->set_up || d->untouched)
		d->trouble = *v; /* no mail was touched */
	else if (d->task != NULL)
		task_judge_rest(d->task, v);
	d->owed = 0;
	d->state = DIALOGUE_QUIT;
	return DIALOGUE_CLOSE;
}

void
dialogue_end(struct dialogue *d, enum status why, const char *detail)
{
	struct verdict v = dialogue_ours(d, why, detail);

	dialogue_give_up(d, &v);
}

void
dialogue_ask(struct dialogue *d, enum dialogue_state next)
{
	d->owed++;
	d->state = next;
}

/* What this server can't carry is said before anything is sent. */
static bool
can_carry(struct dialogue *d)
{
	const struct job *j = &d->task->job;
	char limit[64];
	struct verdict v;

	if (d->task->utf8_needed && !d->utf8)
		v = dialogue_ours(d, STATUS_NO_UTF8, NULL);
	else if ((j->flags & (MESSAGE_8BIT | MESSAGE_HAS_8BIT)) &&
		 !d->eightbit && (j->flags & MESSAGE_HAS_8BIT))
		v = dialogue_ours(d, STATUS_NO_8BIT, NULL);
	else if (d->size_most > 0 && task_bytes(d->task) > d->size_most) {
		snprintf(limit, sizeof limit, "%" PRIu64 " > %" PRIu64,
			 task_bytes(d->task), d->size_most);
		v = dialogue_ours(d, STATUS_TOO_BIG, limit);
	} else {
		return true;
	}
	task_judge_rest(d->task, &v);
	return false;
}

static enum dialogue_step
finish(struct dialogue *d)
{
	d->task = NULL;
	d->used = true;
	d->state = DIALOGUE_READY;
	return DIALOGUE_DONE;
}

/* After a transaction that did not end in a delivered message. */
static enum dialogue_step
reset(struct dialogue *d)
{
	d->task = NULL;
	d->used = true;
	bytes_add_text(d->out, "RSET\r\n");
	dialogue_ask(d, DIALOGUE_RSET);
	return DIALOGUE_DONE;
}

static enum dialogue_step
transact(struct dialogue *d)
{
	d->next = d->accepted = 0;
	d->refused = d->dot = false;
	d->written = d->pipelining;
	d->chunked = d->chunking;
	d->task->dsn_passed = d->dsn;
	snprintf(d->task->security, sizeof d->task->security, "%s",
		 d->security);
	if (!can_carry(d))
		return finish(d);
	dialogue_write_mail(d);
	if (d->written) {
		for (uint32_t i = 0; i < d->task->n; i++)
			dialogue_write_rcpt(d, i);
		if (!d->chunked)
			dialogue_write_data(d);
	}
	d->state = DIALOGUE_MAIL;
	return DIALOGUE_WAIT;
}

enum dialogue_step
dialogue_begin(struct dialogue *d, struct task *t)
{
	must(d->task == NULL);
	d->task = t;
	return d->state == DIALOGUE_READY ? transact(d) : DIALOGUE_WAIT;
}

enum dialogue_step
dialogue_ready(struct dialogue *d)
{
	d->set_up = true;
	d->state = DIALOGUE_READY;
	return d->task != NULL ? transact(d) : DIALOGUE_WAIT;
}

static enum dialogue_step
after_mail(struct dialogue *d, const struct reply *r)
{
	struct verdict v;

	if (r->code / 100 != 2) {
		v = said(d, r, BLAME_MESSAGE);
		task_judge_rest(d->task, &v);
		d->refused = true;
		if (!d->written)
			return reset(d);
	}
	d->state = DIALOGUE_RCPT;
	if (!d->written)
		dialogue_write_rcpt(d, 0);
	return DIALOGUE_WAIT;
}

/* The whole message as one chunk; its end is one of its own, so that it can be
 * announced before it leaves, as a dot is (RFC 3030 2). */
static enum dialogue_step
send_chunk(struct dialogue *d)
{
	bytes_printf(d->out, "BDAT %" PRIu64 "\r\n", task_bytes(d->task));
	dialogue_ask(d, DIALOGUE_BODY);
	return DIALOGUE_SEND;
}

const char *
dialogue_end_mark(const struct dialogue *d)
{
	return d->chunked ? "BDAT 0 LAST\r\n" : ".\r\n";
}

static enum dialogue_step
after_rcpt(struct dialogue *d, const struct reply *r)
{
	if (!d->refused && r->code / 100 == 2) {
		d->accepted++;
	} else if (!d->refused) {
		struct verdict v = said(d, r, BLAME_RECIPIENT);

		task_judge(d->task, d->next, &v);
	}
	if (++d->next < d->task->n) {
		if (!d->written)
			dialogue_write_rcpt(d, d->next);
		return DIALOGUE_WAIT;
	}
	if (d->accepted == 0 && (!d->written || d->chunked))
		return reset(d);
	if (d->chunked)
		return send_chunk(d);
	d->state = DIALOGUE_DATA;
	if (!d->written)
		dialogue_write_data(d);
	return DIALOGUE_WAIT;
}

static enum dialogue_step
after_data(struct dialogue *d, const struct reply *r)
{
	struct verdict v;

	if (r->code == 354) {
		d->state = DIALOGUE_BODY;
		if (d->accepted > 0)
			return DIALOGUE_SEND;
		/* Nobody was accepted, yet it wants the message: an empty one
		 * ends it (RFC 2920 3.1). */
		bytes_add_text(d->out, ".\r\n");
		dialogue_ask(d, DIALOGUE_DOT);
		return DIALOGUE_WAIT;
	}
	if (r->code / 100 == 2 || r->code / 100 == 3) {
		v = dialogue_ours(d, STATUS_BAD_REPLY, r->text);
		return dialogue_give_up(d, &v);
	}
	v = said(d, r, BLAME_MESSAGE);
	task_judge_rest(d->task, &v);
	return reset(d);
}

void
dialogue_dot(struct dialogue *d)
{
	must(d->state == DIALOGUE_BODY);
	d->dot = true;
	d->task->dot_sent = true;
	dialogue_ask(d, DIALOGUE_DOT);
}

static enum dialogue_step
after_dot(struct dialogue *d, const struct reply *r)
{
	struct verdict v = said(d, r, BLAME_MESSAGE);

	if (d->owed > 0) { /* to the chunk, not to its end */
		d->refused = r->code / 100 != 2;
		d->trouble = v;
		return DIALOGUE_WAIT;
	}
	/* Both ends of a message it did not take, one of them well: nobody
	 * knows what it has. */
	if (r->code / 100 == 3 || (d->refused && r->code / 100 == 2)) {
		v = dialogue_ours(d, STATUS_BAD_REPLY, r->text);
		return dialogue_give_up(d, &v);
	}
	if (d->refused)
		v = d->trouble;
	task_judge_rest(d->task, &v);
	/* The dot ended the transaction, whatever the answer was. */
	return finish(d);
}

/* A yes is not searched: it is the common case, and who was trusted with the
 * credential has no reason to put it there. */
void
dialogue_conceal(const struct dialogue *d, struct reply *r)
{
	if (d->sasl == NULL ||
	    (r->code / 100 == 2 && d->state != DIALOGUE_AUTH) ||
	    !sasl_told(d->sasl, r->text))
		return;
	r->ntext =
	    (size_t)snprintf(r->text, sizeof r->text,
			     "%u (its words repeat our credential)", r->code);
}

enum dialogue_step
dialogue_reply(struct dialogue *d, const struct reply *r)
{
	struct verdict v;

	if (d->owed == 0 || r->code == 421) {
		/* In the middle of the message it may have had enough of it,
		 * or of us: its words, but it has not judged the message. */
		bool words = r->code == 421 ||
			     (d->state == DIALOGUE_BODY && r->code >= 400);

		v = words ? judge_host(r, dialogue_stage(d), d->remote)
			  : dialogue_ours(d, STATUS_BAD_REPLY, r->text);
		return dialogue_give_up(d, &v);
	}
	d->owed--;
	switch (d->state) {
	case DIALOGUE_GREETING:
	case DIALOGUE_EHLO:
	case DIALOGUE_HELO:
	case DIALOGUE_STARTTLS:
	case DIALOGUE_TLS:
	case DIALOGUE_AUTH:
		return dialogue_setup_reply(d, r);
	case DIALOGUE_MAIL:
		return after_mail(d, r);
	case DIALOGUE_RCPT:
		return after_rcpt(d, r);
	case DIALOGUE_DATA:
		return after_data(d, r);
	case DIALOGUE_DOT:
		return after_dot(d, r);
	case DIALOGUE_RSET:
		if (r->code / 100 != 2)
			break;
		return dialogue_ready(d);
	case DIALOGUE_BODY:
		if (r->code / 100 == 2)
			return DIALOGUE_WAIT; /* to the chunk that has left */
		v = said(d, r, BLAME_MESSAGE);
		return dialogue_give_up(d, &v);
	case DIALOGUE_READY:
	case DIALOGUE_QUIT:
		break;
	}
	v = judge_host(r, dialogue_stage(d), d->remote);
	return dialogue_give_up(d, &v);
}

void
dialogue_quit(struct dialogue *d)
{
	bytes_add_text(d->out, "QUIT\r\n");
	dialogue_ask(d, DIALOGUE_QUIT);
}
