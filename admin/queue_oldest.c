#include "admin/queue_oldest.h"

#include "daemon/log.h"
#include "queue/ledger.h"

enum { LANES_MOST = 1000 }; /* asked for their first row */

static bool
first_due(struct txn *t, struct queue_oldest *out, uint32_t *rcpt,
	  struct err *e)
{
	struct due_key from = {.state = RECIPIENT_WAITING};
	unsigned char k[KEY_DUE];
	const void *key, *val;
	size_t nkey, nval;
	struct due_key d;

	for (int i = 0; i < LANES_MOST; i++) {
		key_due(k, &from);
		if (!txn_seek(t, STORE_DUE, k, sizeof k, &key, &nkey, &val,
			      &nval, e))
			return e->kind == ERR_NONE;
		if (!key_due_parse(key, nkey, &d) ||
		    d.state != RECIPIENT_WAITING)
			return true;
		if (!out->waiting || d.due_us < out->due_us) {
			out->waiting = true;
			out->due_us = d.due_us;
			out->id = d.id;
			*rcpt = d.rcpt;
		}
		if (d.lane == UINT32_MAX)
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

bool
queue_oldest(struct store *store, struct queue_oldest *out, struct err *e)
{
	struct txn *t = store_begin(store, false, e);
	struct recipient_record r;
	uint32_t rcpt = 0;
	bool ok;

	*out = (struct queue_oldest){.message = false};
	if (t == NULL)
		return false;
	ok = first_message(t, out, e) && first_due(t, out, &rcpt, e);
	if (ok && out->waiting) {
		ok = ledger_recipient(t, out->id, rcpt, &r, e);
		if (ok) {
			text_copy(r.relay, out->relay, sizeof out->relay);
			log_safe(r.reason.p, r.reason.n, out->reason,
				 sizeof out->reason);
		}
	}
	store_abort(t);
	return ok;
}
