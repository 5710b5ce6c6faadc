#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/now.h"
#include "queue/client_private.h"

static void settle(struct client *c);

void
client_lend(struct client *c)
{
	struct clients *all = c->all;
	struct bytes *b = session_chunk(c->session);

	if (b->data == NULL && all->nspare > 0)
		*b = all->spare[--all->nspare];
}

static void
give_back(struct clients *all, struct bytes *b)
{
	if (b->data != NULL && all->nspare < CLIENTS_SPARE) {
		b->n = 0;
		all->spare[all->nspare++] = *b;
		*b = (struct bytes){0};
	}
	bytes_free(b);
}

void
client_unlend(struct client *c)
{
	struct bytes *b = session_chunk(c->session);

	if (b->n == 0 && b->data != NULL)
		give_back(c->all, b);
}

static void
report(struct client *c, const struct err *e)
{
	log_event(EVENT_STORE_FAILED, NULL, "%s", e->text);
	if (e->kind == ERR_FULL)
		c->all->full(c->all);
}

static struct commit *
put(struct client *c, enum commit_kind kind, void (*done)(struct commit *i))
{
	struct commit *i = must_alloc(sizeof *i);

	i->kind = kind;
	i->id = session_id(c->session);
	i->chunk = session_chunks(c->session);
	i->now_us = now_us();
	i->done = done;
	i->owner = c;
	c->items++;
	committer_put(c->all->committer, i);
	return i;
}

/* The item's memory is given back, and the client goes on. */
static void
take_back(struct commit *i)
{
	struct client *c = i->owner;

	give_back(c->all, &i->body);
	free(i);
	c->items--;
	settle(c);
	if (c->life != LIFE_GONE) {
		client_go_on(c);
		return;
	}
	client_forsake(c);
	client_release(c);
}

static void
chunk_done(struct commit *i)
{
	struct client *c = i->owner;

	if (i->err.kind != ERR_NONE) {
		report(c, &i->err);
		c->failed = i->err.kind;
		session_chunk_failed(c->session, &i->err);
	} else {
		c->stored_id = i->id;
		c->stored++;
	}
	take_back(i);
}

static void
abandon_done(struct commit *i)
{
	struct client *c = i->owner;

	/* What could not be removed now goes at the next start. */
	if (i->err.kind != ERR_NONE)
		report(c, &i->err);
	c->stored = 0;
	c->waits = SESSION_MORE;
	c->sent = false;
	session_abandoned(c->session);
	take_back(i);
}

/* What the log says of a message that is ours now, in Postfix's words. */
static void
log_queued(const struct client *c, uint64_t number)
{
	const struct message_record *m = &c->given.record;
	char id[ID_TEXT + 1], sender[ADDRESS_MOST + 1];
	char sasl[SESSION_ACCOUNT + 64] = "";

	id_text(number, id);
	log_safe(m->sender.p, m->sender.n, sender, sizeof sender);
	if (m->account.n > 0)
		snprintf(sasl, sizeof sasl,
			 ", sasl_method=%s, sasl_username=%.*s",
			 session_auth_method(c->session), (int)m->account.n,
			 m->account.p);
	log_event(EVENT_CLIENT, id,
		  "client=unknown[%s]%s, type=%.*s, source=%.*s", c->text, sasl,
		  (int)m->type.n, m->type.p, (int)m->source.n, m->source.p);
	if (m->verdict.n > 0)
		log_event(EVENT_VERDICT, id,
			  "verdict=accepted, source=%.*s, %.*s",
			  (int)m->source.n, m->source.p, (int)m->verdict.n,
			  m->verdict.p);
	log_event(EVENT_MESSAGE_ID, id, "message-id=%.*s", (int)m->message_id.n,
		  m->message_id.p);
	log_event(EVENT_QUEUED, id,
		  "from=<%s>, size=%llu, nrcpt=%u (queue active)", sender,
		  (unsigned long long)m->size_bytes,
		  c->given.nrcpt - m->copies);
}

static void
accept_done(struct commit *i)
{
	struct client *c = i->owner;
	bool ok = i->err.kind == ERR_NONE;

	if (ok) {
		log_queued(c, i->id);
		c->stored = 0; /* the message has them */
	} else {
		report(c, &i->err);
	}
	c->waits = SESSION_MORE;
	c->sent = false;
	session_accepted(c->session, ok ? NULL : &i->err);
	take_back(i);
}

void
client_put_chunk(struct client *c)
{
	struct bytes *b = session_chunk(c->session);
	struct commit *i = put(c, COMMIT_CHUNK, chunk_done);

	i->body = *b;
	*b = (struct bytes){0};
	session_chunk_taken(c->session);
	if (i->chunk == 0)
		c->failed = ERR_NONE;
}

static void
returned_done(struct commit *i)
{
	struct client *c = i->owner;
	bool ok = i->err.kind == ERR_NONE;

	if (ok)
		client_log_returned(c);
	else
		report(c, &i->err);
	free(c->returned);
	c->returned = NULL;
	c->waits = SESSION_MORE;
	c->sent = false;
	session_accepted(c->session, ok ? NULL : &i->err);
	take_back(i);
}

static void
put_returned(struct client *c)
{
	struct commit *i;
	struct err e;

	if (!client_judge_returned(c, &e)) {
		report(c, &e);
		c->waits = SESSION_MORE;
		c->sent = false;
		session_accepted(c->session, &e);
		return;
	}
	i = put(c, COMMIT_RETURNED, returned_done);
	i->returned = c->returned;
	i->nreturned = c->nreturned;
}

static void
put_accept(struct client *c)
{
	struct bytes *b = session_chunk(c->session);
	struct commit *i = put(c, COMMIT_ACCEPT, accept_done);

	session_message(c->session, &c->given);
	c->given.record.arrival_us = (uint64_t)i->now_us;
	i->apart = c->given.apart;
	i->message = &c->given.record;
	i->rcpt = c->given.rcpt;
	i->nrcpt = c->given.nrcpt;
	i->body = *b;
	*b = (struct bytes){0};
}

/*
 * Does what the session waits for, once its chunks are through: only then do we
 * know whether all of them lie in the queue, and whether any does.
 */
static void
settle(struct client *c)
{
	if (c->items > 0 || c->sent || c->waits == SESSION_MORE ||
	    c->verify != NULL)
		return;
	if (c->waits == SESSION_ACCEPT && session_chunks(c->session) > 0 &&
	    c->failed != ERR_NONE) { /* a chunk of it was not stored */
		c->waits = SESSION_MORE;
		session_accepted(c->session, &(struct err){.kind = c->failed});
		return;
	}
	c->sent = true;
	if (c->waits == SESSION_ACCEPT) {
		put_accept(c);
	} else if (c->waits == SESSION_RETURNED) {
		put_returned(c);
	} else if (c->stored > 0) {
		put(c, COMMIT_ABANDON, abandon_done)->id = c->stored_id;
	} else {
		c->waits = SESSION_MORE;
		c->sent = false;
		session_abandoned(c->session);
	}
}

void
client_finish(struct client *c, enum session_step step)
{
	c->waits = step;
	settle(c);
}

void
client_forsake(struct client *c)
{
	client_unverify(c);
	/* A message that is whole and with the committer will be ours; the
	 * client may send it again (RFC 1047). */
	if (c->waits != SESSION_MORE)
		return;
	if (c->stored > 0 || c->items > 0)
		client_finish(c, SESSION_ABANDON);
}
