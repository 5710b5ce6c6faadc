#include "admin/queue_oldest.h"

#include "daemon/log.h"
#include "queue/ledger.h"

enum { LANES_MOST = 1000 }; /* asked for their first row */

/* The waiting row that is due first, at or after `from_us`, in any lane. */
static bool
first_due(struct txn *t, int64_t from_us, struct due_key *out, bool *found,
	  struct err *e)
{
	struct due_key from = {.state = RECIPIENT_WAITING, .due_us = from_us};
	unsigned char k[KEY_DUE];
	const void *key, *val;
	size_t nkey, nval;
	struct due_key d;

	*found = false;
	for (int i = 0; i < 2 * LANES_MOST; i++) {
		key_due(k, &from);
		if (!txn_seek(t, STORE_DUE, k, sizeof k, &key, &nkey, &val,
			      &nval, e))
			return e->kind == ERR_NONE;
		if (!key_due_parse(key, nkey, &d) ||
		    d.state != RECIPIENT_WAITING)
			return true;
		if (d.due_us < from_us) { /* the begin of the next lane */
			from.lane = d.lane;
			continue;
		}
		if (!*found || d.due_us < out->due_us)
			*out = d;
		*found = true;
		if (d.lane == UINT64_MAX)
			return true;
		from.lane = d.lane + 1;
	}
	return true;
}

static bool
first_message(struct txn *t, struct queue_oldest *out, struct err *e)
{
	unsigned char k[KEY_MESSAGE];
	const void *key, *val;
	size_t nkey, nval;
	struct message_record m;

	key_message(k, 0); /* ids rise with time */
	if (!txn_seek(t, STORE_MESSAGE, k, sizeof k, &key, &nkey, &val, &nval,
		      e))
		return e->kind == ERR_NONE;
	if (!message_open(val, nval, &m, e))
		return false;
	out->message = true;
	out->arrival_us = (int64_t)m.arrival_us;
	return true;
}

static bool
last_words(struct txn *t, const struct due_key *d, struct queue_oldest *out,
	   struct err *e)
{
	struct recipient_record r;

	if (!ledger_recipient(t, d->id, d->rcpt, &r, e))
		return false;
	if (r.attempts == 0)
		return true;
	out->tried = true;
	out->tried_us = (int64_t)r.changed_us;
	text_copy(r.relay, out->relay, sizeof out->relay);
	text_copy(r.status, out->status, sizeof out->status);
	log_safe(r.reason.p, r.reason.n, out->reason, sizeof out->reason);
	return true;
}

static bool
look(struct txn *t, int64_t now_us, struct queue_oldest *out, struct err *e)
{
	struct due_key d;
	bool later;

	if (!first_message(t, out, e) || !first_due(t, 0, &d, &out->waiting, e))
		return false;
	if (!out->waiting)
		return true;
	out->due_us = d.due_us;
	if (!last_words(t, &d, out, e))
		return false;
	if (out->tried)
		return true;
	return first_due(t, now_us, &d, &later, e) &&
	       (!later || last_words(t, &d, out, e));
}

bool
queue_oldest(struct store *store, int64_t now_us, struct queue_oldest *out,
	     struct err *e)
{
	struct txn *t = store_begin(store, false, e);
	bool ok;

	*out = (struct queue_oldest){.message = false};
	if (t == NULL)
		return false;
	ok = look(t, now_us, out, e);
	store_abort(t);
	return ok;
}
