#include "queue/claim.h"
#include "queue/retry.h"
#include "queue/return_path.h"
#include "queue/suppress.h"

#include <stdlib.h>
#include <string.h>

enum { ASIDE_US = 4 * 1000 * 1000 }; /* and a second: see put_aside */

void
claim_free(struct claim *c)
{
	free(c->rcpt);
	bytes_free(&c->frame);
	c->rcpt = NULL;
	c->nrcpt = 0;
}

static bool
recipient_of(struct txn *t, const struct ledger_due *due,
	     struct recipient_record *r, struct err *e)
{
	if (ledger_recipient(t, due->id, due->rcpt, r, e))
		return true;
	if (e->kind == ERR_NONE)
		err_set(e, ERR_DAMAGED, "a due row has no recipient");
	return false;
}

static bool
is_suppressed(struct txn *t, const struct claim *c, struct text address,
	      int64_t now_us, bool *yes, struct err *e)
{
	struct suppress_record r;

	*yes = false;
	return !c->suppress || suppress_find(t, address, now_us, yes, &r, e);
}

/* Who was with a worker that died may have killed it.  How much of a worker's
 * room for such it takes. */
static uint32_t
suspect_of(const struct recipient_record *r)
{
	if (r->claims == 0)
		return 0;
	return r->claims == 1 ? 1 : CLAIM_SUSPECTS_MOST;
}

/* One recipient: into the JOB, then claimed.  In this order: what is read
 * points into the map only until the first write.  A recipient of another
 * domain than the job's stays: *took. */
static bool
take(struct txn *t, const struct ledger_due *due, const char *relay,
     int64_t now_us, struct claim *c, struct bytes *blob, bool *took,
     struct err *e)
{
	char domain[ADDRESS_DOMAIN_MOST + 1] = "";
	struct recipient_record r;
	struct job_recipient j;

	if (!recipient_of(t, due, &r, e))
		return false;
	if (c->mx != NULL)
		destination_of(r.address, domain);
	*took = (c->mx == NULL || strcmp(domain, c->destination) == 0) &&
		suspect_of(&r) == c->suspect && r.archive == c->copy;
	if (*took && c->nrcpt > 0) { /* the first one was looked up */
		bool suppressed;

		if (!is_suppressed(t, c, r.address, now_us, &suppressed, e))
			return false;
		*took = !suppressed;
	}
	if (!*took)
		return true;
	c->retried = c->retried && r.attempts > 0;
	j = (struct job_recipient){.rcpt = due->rcpt,
				   .notify = r.notify,
				   .address = r.address,
				   .orcpt = r.archive ? text_of("") : r.orcpt};
	job_recipient_add(blob, &j);
	c->rcpt[c->nrcpt++] = due->rcpt;
	return ledger_claim(t, c->lane, due, c->job, relay, now_us, e);
}

/* All of the message's recipients that are due in this lane, up to `most`;
 * *due is the lane's first row that stays, *more whether there is one. */
static bool
take_all(struct txn *t, const char *relay, uint32_t most, int64_t now_us,
	 struct claim *c, struct bytes *blob, struct ledger_due *due,
	 bool *more, struct err *e)
{
	struct ledger_due at = *due, from;
	unsigned passed = 0;

	do {
		bool took;

		if (!take(t, &at, relay, now_us, c, blob, &took, e))
			return false;
		if (!took && passed++ == 0)
			*due = at;
		from = at;
		from.rcpt++; /* the row behind it: the last part of its key */
		*more = ledger_first(t, c->lane, &from, &at, e);
		if (!*more && e->kind != ERR_NONE)
			return false;
	} while (*more && c->nrcpt < most && at.id == c->message &&
		 at.due_us <= now_us && passed < CLAIM_PASS_MOST);
	if (passed == 0)
		*due = at;
	*more = *more || passed > 0;
	return true;
}

/* The envelope sender that this job leaves with; c->kept: why it is the
 * client's, although the relay asks for another. */
static bool
sender_of(struct txn *t, const struct settings *s,
	  const struct message_record *m, struct claim *c,
	  char out[ADDRESS_MOST + 1], struct err *e)
{
	const char *mode = s->relays[c->relay].return_path;
	bool single = return_path_single(mode, m->sender);
	struct return_key key;
	struct return_path_ask ask = {
	    .mode = mode,
	    .domain = s->returns.domain,
	    .sender = m->sender,
	    .author = m->author,
	    .utf8 = (m->flags & MESSAGE_SMTPUTF8) != 0,
	    .who = {c->message, c->rcpt[0], (int64_t)m->arrival_us},
	    .key = &key};

	if (single && !return_key_read(t, &key, e))
		return false;
	c->kept = return_path_make(&ask, out);
	if (single)
		return_key_wipe(&key);
	return true;
}

static bool
write_frame(struct txn *t, const struct settings *s,
	    const struct message_record *m, struct claim *c,
	    const struct bytes *blob, struct err *e)
{
	char sender[ADDRESS_MOST + 1];
	struct job j = {
	    .job = c->job,
	    .message = c->message,
	    .relay = text_of(s->relays[c->relay].title),
	    .envid = m->envid,
	    .flags = m->flags,
	    .size_bytes = m->size_bytes,
	    .chunks = m->chunks,
	    .arrival_us = m->arrival_us,
	    .nrecipients = c->nrcpt,
	    .recipients = {.p = (const char *)blob->data, .n = blob->n},
	    .permit = c->permit,
	    .destination = text_of(c->destination),
	    .retried = c->retried,
	    .archive = c->copy};

	if (!sender_of(t, s, m, c, sender, e))
		return false;
	j.sender = text_of(sender);
	job_encode(&c->frame, &j);
	return true;
}

static bool
message_of(struct txn *t, uint64_t id, struct message_record *m, struct err *e)
{
	if (ledger_message(t, id, m, e))
		return true;
	if (e->kind == ERR_NONE)
		err_set(e, ERR_DAMAGED, "recipients without a message");
	return false;
}

static bool
take_message(struct txn *t, struct book *b, const struct settings *s,
	     uint32_t most, uint64_t size_bytes, int64_t now_us,
	     struct claim *c, struct ledger_due *due, bool *more, struct err *e)
{
	struct message_record m;
	struct bytes blob = {0};
	bool ok;

	c->rcpt = must_alloc(most * sizeof c->rcpt[0]);
	c->retried = true;
	ok = take_all(t, s->relays[c->relay].title, most, now_us, c, &blob, due,
		      more, e) &&
	     book_charge(b, t, c->job, c->relay, c->type, c->nrcpt, size_bytes,
			 now_us, e) &&
	     message_of(t, c->message, &m, e);
	if (ok && c->copy)
		m.sender = m.envid = text_of("");
	ok = ok && write_frame(t, s, &m, c, &blob, e);
	if (ok)
		c->arrival_us = (int64_t)m.arrival_us;
	bytes_free(&blob);
	return ok;
}

/* A quota counts octets, and the message is larger than what is left. */
static bool
put_off(struct txn *t, const struct book *b, const struct claim *c,
	const struct ledger_due *due, int64_t end_us, int64_t now_us,
	struct err *e)
{
	int64_t at_us = book_opens_us(b, c->relay, c->type, now_us, NULL);

	at_us = max_of(at_us, now_us + MINUTE_US);
	at_us = min_of(at_us, now_us + HOUR_US); /* places may come back */
	return ledger_sort(t, due->id, due->rcpt, c->lane,
			   min_of(at_us, end_us), e);
}

/* A suspect and no room for one: others pass it, for a few seconds. */
static bool
put_aside(struct txn *t, const struct claim *c, const struct ledger_due *due,
	  int64_t now_us, struct err *e)
{
	int64_t wait_us = (int64_t)(retry_mix(due->id ^ (uint64_t)now_us) %
				    (uint64_t)ASIDE_US);

	return ledger_sort(t, due->id, due->rcpt, c->lane,
			   now_us + SECOND_US + wait_us, e);
}

/* Is the lane's next recipient a suspect?  *aside: it can't go now; *most:
 * of a sure one, one at a time. */
static bool
look_suspect(struct txn *t, const struct ledger_due *due, struct claim *c,
	     uint32_t *most, bool *aside, struct err *e)
{
	struct recipient_record r;
	uint32_t taken = c->suspects != NULL ? c->suspects[c->worker] : 0;

	if (!recipient_of(t, due, &r, e))
		return false;
	c->suspect = suspect_of(&r);
	*aside = c->suspect > 0 &&
		 taken + c->suspect > (uint32_t)CLAIM_SUSPECTS_MOST;
	if (c->suspect == CLAIM_SUSPECTS_MOST)
		*most = min_of(*most, (uint32_t)1);
	return true;
}

static enum claim_answer
over(struct claim *c, const struct message_record *m,
     const struct ledger_due *due, enum status why)
{
	c->arrival_us = (int64_t)m->arrival_us;
	c->row = *due;
	c->why = why;
	return CLAIM_OVER;
}

/* The lane's first due row at or after c->from that a worker can take.  False
 * with ERR_NONE: none; *next_due_us. */
static bool
look(struct txn *t, int64_t now_us, struct claim *c, struct ledger_due *due,
     int64_t *next_due_us, struct err *e)
{
	struct recipient_record r;
	int worker;

	for (unsigned i = 0; ledger_first(t, c->lane, &c->from, due, e); i++) {
		if (i == CLAIM_PASS_MOST) {
			c->rest = true;
			e->kind = ERR_NONE;
			return false;
		}
		if (due->due_us > now_us) {
			*next_due_us = due->due_us;
			e->kind = ERR_NONE;
			return false;
		}
		if (c->mx == NULL)
			return true;
		if (!recipient_of(t, due, &r, e))
			return false;
		destination_of(r.address, c->destination);
		worker = c->mx->worker(c->mx->arg, c->relay, c->destination);
		c->from = *due;
		if (worker >= 0) {
			c->worker = (unsigned)worker;
			return true;
		}
		c->from.rcpt++;
	}
	return false;
}

static bool
first_suppressed(struct txn *t, const struct claim *c,
		 const struct ledger_due *due, int64_t now_us, bool *yes,
		 struct err *e)
{
	struct recipient_record r;

	*yes = false;
	return !c->suppress || (recipient_of(t, due, &r, e) &&
				is_suppressed(t, c, r.address, now_us, yes, e));
}

enum claim_answer
claim_next(struct txn *t, struct book *b, const struct settings *s,
	   uint32_t most, int64_t now_us, struct claim *c, int64_t *next_due_us,
	   struct err *e)
{
	struct ledger_due due;
	struct message_record m;
	int64_t end_us;
	bool more, suppressed, aside;

	*next_due_us = INT64_MAX;
	if (!look(t, now_us, c, &due, next_due_us, e))
		return e->kind == ERR_NONE ? CLAIM_LATER : CLAIM_FAILED;
	*next_due_us = due.due_us;
	if (!message_of(t, due.id, &m, e))
		return CLAIM_FAILED;
	c->message = due.id;
	c->copy = due.rcpt >= m.recipients - m.copies;
	end_us = c->copy ? INT64_MAX - CLAIM_LATE_US
			 : (int64_t)m.arrival_us + c->lifetime_us;
	if (now_us >= end_us + CLAIM_LATE_US)
		return over(c, &m, &due, STATUS_EXPIRED);
	if (!first_suppressed(t, c, &due, now_us, &suppressed, e))
		return CLAIM_FAILED;
	if (suppressed && !c->copy)
		return over(c, &m, &due, STATUS_SUPPRESSED);
	if (!c->copy &&
	    return_path_single(s->relays[c->relay].return_path, m.sender))
		most = min_of(most,
			      1U); /* each recipient has a sender of its own */
	if (!look_suspect(t, &due, c, &most, &aside, e))
		return CLAIM_FAILED;
	if (aside)
		return put_aside(t, c, &due, now_us, e) ? CLAIM_ASIDE
							: CLAIM_FAILED;
	most = book_room(b, c->relay, c->type, m.size_bytes, most, now_us);
	if (most == 0 && book_room(b, c->relay, c->type, 1, 1, now_us) == 0)
		return CLAIM_SPENT;
	if (most == 0 && now_us >= end_us)
		return over(c, &m, &due, STATUS_EXPIRED);
	if (most == 0)
		return put_off(t, b, c, &due, end_us, now_us, e) ? CLAIM_TIGHT
								 : CLAIM_FAILED;
	if (!take_message(t, b, s, most, m.size_bytes, now_us, c, &due, &more,
			  e))
		return CLAIM_FAILED;
	*next_due_us = more ? due.due_us : INT64_MAX;
	if (c->mx != NULL && more)
		c->from = due;
	return CLAIM_DONE;
}
