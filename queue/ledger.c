#include "queue/ledger.h"
#include "queue/ledger_row.h"

#include <stdio.h>
#include <string.h>

enum { RELAY_MOST = 64, REASON_SIZE = 1024 + 1 }; /* RECIPIENT_FIELDS */

bool
ledger_accept(struct txn *t, uint64_t id, const struct message_record *m,
	      const struct ledger_recipient *rcpt, uint32_t n, bool apart,
	      struct err *e)
{
	struct state_record *s = txn_state(t);
	struct recipient_record r = {.state = RECIPIENT_WAITING,
				     .due_us = m->arrival_us,
				     .changed_us = m->arrival_us};
	struct bytes b = {0};
	unsigned char k[KEY_MESSAGE];
	bool ok;

	must(n > 0 && id_valid(id) && m->recipients == n && m->chunks > 0);
	key_message(k, id);
	message_seal(&b, m);
	ok = txn_put(t, STORE_MESSAGE, k, sizeof k, b.data, b.n, e);
	for (uint32_t i = 0; ok && i < n; i++) {
		r.address = rcpt[i].address;
		r.orcpt = rcpt[i].orcpt;
		r.notify = rcpt[i].notify;
		r.lane = rcpt[i].lane;
		ok = row_add(t, id, i, &r, &b, e);
	}
	if (ok && apart)
		ok = txn_del(t, STORE_PARTIAL, k, sizeof k, e) &&
		     row_take(&s->partials, 1, id, e);
	bytes_free(&b);
	s->messages++;
	s->accepted_total += n;
	s->last_id = max_of(s->last_id, id);
	return ok;
}

/* The first row of `due` at or after `from` in the same state and lane. */
static bool
first_due(struct txn *t, const struct due_key *from, struct ledger_due *out,
	  struct err *e)
{
	unsigned char k[KEY_DUE];
	const void *key, *val;
	struct due_key d;
	size_t nkey, nval;

	key_due(k, from);
	if (!txn_seek(t, STORE_DUE, k, sizeof k, &key, &nkey, &val, &nval, e))
		return false;
	if (!key_due_parse(key, nkey, &d) || !id_valid(d.id))
		return row_damaged(e, 0, "a row of the table due");
	if (d.state != from->state || d.lane != from->lane) {
		e->kind = ERR_NONE;
		return false;
	}
	*out = (struct ledger_due){d.id, d.rcpt, d.due_us};
	return true;
}

bool
ledger_first(struct txn *t, uint64_t lane, const struct ledger_due *from,
	     struct ledger_due *out, struct err *e)
{
	return first_due(t,
			 &(struct due_key){RECIPIENT_WAITING, lane,
					   from->due_us, from->id, from->rcpt},
			 out, e);
}

bool
ledger_waiting(struct txn *t, uint64_t *lane, struct ledger_due *row,
	       struct err *e)
{
	struct due_key d = {RECIPIENT_WAITING, *lane, row->due_us, row->id,
			    row->rcpt};
	unsigned char k[KEY_DUE];
	const void *key, *val;
	size_t nkey, nval;

	key_due(k, &d);
	if (!txn_seek(t, STORE_DUE, k, sizeof k, &key, &nkey, &val, &nval, e))
		return false;
	if (!key_due_parse(key, nkey, &d) || !id_valid(d.id))
		return row_damaged(e, 0, "a row of the table due");
	if (d.state != RECIPIENT_WAITING) {
		e->kind = ERR_NONE;
		return false;
	}
	*lane = d.lane;
	*row = (struct ledger_due){d.id, d.rcpt, d.due_us};
	return true;
}

bool
ledger_claimed(struct txn *t, const struct ledger_due *from,
	       struct ledger_due *out, struct err *e)
{
	return first_due(
	    t, &(struct due_key){RECIPIENT_CLAIMED, 0, 0, from->id, from->rcpt},
	    out, e);
}

bool
ledger_failed(struct txn *t, const struct ledger_due *from,
	      struct ledger_due *out, struct err *e)
{
	return first_due(
	    t, &(struct due_key){RECIPIENT_FAILED, 0, 0, from->id, from->rcpt},
	    out, e);
}

bool
ledger_recipient(struct txn *t, uint64_t id, uint32_t rcpt,
		 struct recipient_record *out, struct err *e)
{
	unsigned char k[KEY_RECIPIENT];
	const void *val;
	size_t nval;

	key_recipient(k, id, rcpt);
	return txn_get(t, STORE_RECIPIENT, k, sizeof k, &val, &nval, e) &&
	       recipient_open(val, nval, out, e);
}

bool
ledger_message(struct txn *t, uint64_t id, struct message_record *out,
	       struct err *e)
{
	unsigned char k[KEY_MESSAGE];
	const void *val;
	size_t nval;

	key_message(k, id);
	return txn_get(t, STORE_MESSAGE, k, sizeof k, &val, &nval, e) &&
	       message_open(val, nval, out, e);
}

bool
ledger_claim(struct txn *t, uint64_t lane, const struct ledger_due *d,
	     uint64_t job, const char *relay, int64_t now_us, struct err *e)
{
	struct recipient_record from, to;

	if (!ledger_recipient(t, d->id, d->rcpt, &from, e))
		return row_missing(e, d->id, "due without a recipient");
	if (from.state != RECIPIENT_WAITING || from.lane != lane ||
	    from.due_us != (uint64_t)d->due_us)
		return row_damaged(e, d->id, "due and recipient disagree");
	to = from;
	to.state = RECIPIENT_CLAIMED;
	to.job = job;
	if (relay != NULL)
		to.relay = text_of(relay);
	to.changed_us = (uint64_t)now_us;
	return row_move(t, d->id, d->rcpt, &from, &to, e);
}

bool
ledger_sort(struct txn *t, uint64_t id, uint32_t rcpt, uint64_t lane,
	    int64_t due_us, struct err *e)
{
	struct recipient_record from, to;

	if (!ledger_recipient(t, id, rcpt, &from, e))
		return row_missing(e, id, "due without a recipient");
	if (from.state != RECIPIENT_WAITING)
		return row_damaged(e, id, "due and recipient disagree");
	to = from;
	to.lane = lane;
	to.due_us = due_us > 0 ? (uint64_t)due_us : 0;
	return row_move(t, id, rcpt, &from, &to, e);
}

/* Copies of both records as they were, before anything is written. */
static bool
remember(struct txn *t, uint64_t id, uint32_t rcpt, struct ledger_settled *out,
	 struct err *e)
{
	unsigned char kr[KEY_RECIPIENT], km[KEY_MESSAGE];
	const void *r, *m;
	size_t nr, nm;

	key_recipient(kr, id, rcpt);
	key_message(km, id);
	if (!txn_get(t, STORE_RECIPIENT, kr, sizeof kr, &r, &nr, e))
		return false;
	if (!txn_get(t, STORE_MESSAGE, km, sizeof km, &m, &nm, e))
		return row_missing(e, id, "recipients without a message");
	bytes_reserve(&out->memory, nr + nm); /* pointers into it must hold */
	bytes_add(&out->memory, r, nr);
	bytes_add(&out->memory, m, nm);
	return recipient_open(out->memory.data, nr, &out->recipient, e) &&
	       message_open(out->memory.data + nr, nm, &out->message, e);
}

/* What people read later: who said it, and what. */
static struct text
reason_of(const struct verdict *v, char out[REASON_SIZE])
{
	if (v->code != 0 && v->remote[0] != '\0')
		snprintf(out, REASON_SIZE, "host %s said: %s", v->remote,
			 v->reply);
	else
		snprintf(out, REASON_SIZE, "%s", v->reply);
	return text_of(out);
}

static bool
settle_one(struct txn *t, uint64_t id, uint32_t rcpt, const struct verdict *v,
	   const char *relay, int64_t now_us, const struct ledger_again *again,
	   struct ledger_settled *out, struct err *e)
{
	struct recipient_record to = out->recipient;
	char reason[REASON_SIZE];

	if (v->kind == VERDICT_SENT) {
		txn_state(t)->sent_total++;
		return row_remove(t, id, rcpt, &out->recipient,
				  &out->message_gone, e);
	}
	to.state = RECIPIENT_FAILED;
	if (v->kind == VERDICT_DEFER) {
		to.state = RECIPIENT_WAITING;
		to.due_us = again->at_us > 0 ? (uint64_t)again->at_us : 0;
		if (again->lane != 0)
			to.lane = again->lane;
	}
	to.job = 0;
	to.rounds += again->round;
	to.attempts = out->attempts;
	to.changed_us = (uint64_t)now_us;
	to.relay = text_of(relay);
	to.relay.n = min_of(to.relay.n, (size_t)RELAY_MOST);
	to.status = text_of(v->status);
	to.reason = reason_of(v, reason);
	if (again->security != NULL)
		to.security = text_of(again->security);
	return row_move(t, id, rcpt, &out->recipient, &to, e);
}

bool
ledger_settle(struct txn *t, uint64_t id, uint32_t rcpt,
	      const struct verdict *v, const char *relay, int64_t now_us,
	      const struct ledger_again *again, enum ledger_answer *answer,
	      struct ledger_settled *out, struct err *e)
{
	*out = (struct ledger_settled){0};
	*answer = LEDGER_NOT_FOUND;
	if (!remember(t, id, rcpt, out, e)) {
		bytes_free(&out->memory);
		*out = (struct ledger_settled){0};
		return e->kind == ERR_NONE;
	}
	if (out->recipient.state != RECIPIENT_CLAIMED)
		return true;
	out->attempts = out->recipient.attempts + again->attempt;
	if (!settle_one(t, id, rcpt, v, relay, now_us, again, out, e)) {
		bytes_free(&out->memory);
		*out = (struct ledger_settled){0};
		return false;
	}
	*answer = LEDGER_DONE;
	return true;
}
