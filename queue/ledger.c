#include "queue/ledger.h"
#include "queue/ledger_entry.h"
#include "queue/ledger_row.h"

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

	must(n > m->copies && id_valid(id) && m->recipients == n &&
	     m->chunks > 0);
	key_message(k, id);
	message_seal(&b, m);
	ok = txn_put(t, STORE_MESSAGE, k, sizeof k, b.data, b.n, e) &&
	     entry_accepted(t, id, m, &r.entry, e);
	for (uint32_t i = 0; ok && i < n; i++) {
		r.address = rcpt[i].address;
		r.orcpt = rcpt[i].orcpt;
		r.notify = rcpt[i].notify;
		r.lane = rcpt[i].lane;
		r.archive = i >= n - m->copies;
		r.state = r.archive ? RECIPIENT_PARKED : RECIPIENT_WAITING;
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
	if (relay != NULL) { /* before the JOB leaves: see claims in settle.c */
		to.relay = text_of(relay);
		to.claims = (uint8_t)min_of(from.claims + 1, (int)UINT8_MAX);
	}
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

bool
ledger_next(struct txn *t, uint64_t id, uint32_t *rcpt,
	    struct recipient_record *out, struct err *e)
{
	unsigned char k[KEY_RECIPIENT];
	const void *key, *val;
	size_t nkey, nval;

	key_recipient(k, id, *rcpt);
	if (!txn_seek(t, STORE_RECIPIENT, k, sizeof k, &key, &nkey, &val, &nval,
		      e))
		return false;
	if (nkey != KEY_RECIPIENT)
		return row_damaged(e, id, "a key of the table recipient");
	if (get_be64(key) != id) {
		e->kind = ERR_NONE;
		return false;
	}
	*rcpt = get_be32((const unsigned char *)key + 8);
	return recipient_open(val, nval, out, e);
}

bool
ledger_seize(struct txn *t, uint64_t id, uint32_t rcpt, int64_t now_us,
	     struct err *e)
{
	struct recipient_record from, to;

	if (!ledger_recipient(t, id, rcpt, &from, e))
		return row_missing(e, id, "a recipient that was there");
	if (from.state != RECIPIENT_WAITING && from.state != RECIPIENT_HELD)
		return row_damaged(e, id, "due and recipient disagree");
	to = from;
	to.state = RECIPIENT_CLAIMED;
	to.job = 0;
	to.changed_us = (uint64_t)now_us;
	return row_move(t, id, rcpt, &from, &to, e);
}
