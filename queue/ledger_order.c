#include "queue/ledger.h"
#include "queue/ledger_row.h"

#include <string.h>

enum { REASON_MOST = 1024 }; /* RECIPIENT_FIELDS */

/* What an order makes of a recipient in a state. */
enum effect { NO, KEEP, WAIT, HOLD, REMOVE };
static const enum effect effect_of[][RECIPIENT_STATE_COUNT] = {
    /*		    WAITING CLAIMED HELD    FAILED */
    [LEDGER_HOLD] = {HOLD, NO, KEEP, HOLD},
    [LEDGER_RELEASE] = {KEEP, NO, WAIT, KEEP},
    [LEDGER_RETRY] = {WAIT, NO, WAIT, WAIT},
    [LEDGER_DROP] = {REMOVE, NO, REMOVE, REMOVE},
    [LEDGER_BOUNCE] = {NO, NO, NO, KEEP},
};

struct order {
	enum ledger_order order;
	const char *who;
	int64_t now_us;
	uint32_t changed;
	bool busy;
	bool found;
	bool gone;
};

static bool
change(struct txn *t, uint64_t id, uint32_t rcpt,
       const struct recipient_record *from, enum recipient_state state,
       struct order *o, struct err *e)
{
	struct recipient_record to = *from;

	to.state = (uint8_t)state;
	to.changed_us = (uint64_t)o->now_us;
	if (state == RECIPIENT_WAITING)
		to.due_us = (uint64_t)o->now_us;
	to.reason = text_of(o->who);
	to.reason.n = min_of(to.reason.n, (size_t)REASON_MOST);
	o->changed++;
	return row_move(t, id, rcpt, from, &to, e);
}

static bool
order_one(struct txn *t, uint64_t id, uint32_t rcpt,
	  const struct recipient_record *r, struct order *o, struct err *e)
{
	o->found = true;
	switch (effect_of[o->order][r->state]) {
	case NO:
		o->busy = true;
		return true;
	case KEEP:
		return true;
	case WAIT:
		return change(t, id, rcpt, r, RECIPIENT_WAITING, o, e);
	case HOLD:
		return change(t, id, rcpt, r, RECIPIENT_HELD, o, e);
	case REMOVE:
		o->changed++;
		txn_state(t)->dropped_total++;
		return row_remove(t, id, rcpt, r, &o->gone, e);
	}
	must_failed("an effect", __FILE__, __LINE__);
}

/* The first recipient of the message at or after *rcpt. */
static bool
next_recipient(struct txn *t, uint64_t id, uint32_t *rcpt,
	       struct recipient_record *r, struct err *e)
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
	return recipient_open(val, nval, r, e);
}

static bool
order_all(struct txn *t, uint64_t id, struct order *o, struct err *e)
{
	struct recipient_record r;

	/* at most as many rounds as the message has recipients */
	for (uint32_t rcpt = 0; rcpt < UINT32_MAX; rcpt++) {
		if (!next_recipient(t, id, &rcpt, &r, e))
			return e->kind == ERR_NONE;
		if (!order_one(t, id, rcpt, &r, o, e))
			return false;
	}
	return true;
}

bool
ledger_order(struct txn *t, uint64_t id, uint32_t rcpt, enum ledger_order order,
	     const char *who, int64_t now_us, enum ledger_answer *answer,
	     uint32_t *changed, bool *message_gone, struct err *e)
{
	struct order o = {.order = order, .who = who, .now_us = now_us};
	struct recipient_record r;

	must((size_t)order < countof(effect_of));
	if (rcpt == UINT32_MAX) {
		if (!order_all(t, id, &o, e))
			return false;
	} else if (!ledger_recipient(t, id, rcpt, &r, e)) {
		if (e->kind != ERR_NONE)
			return false;
	} else if (!order_one(t, id, rcpt, &r, &o, e)) {
		return false;
	}
	*changed = o.changed;
	*message_gone = o.gone;
	if (o.changed > 0)
		*answer = LEDGER_DONE;
	else if (!o.found)
		*answer = LEDGER_NOT_FOUND;
	else
		*answer = o.busy ? LEDGER_BUSY : LEDGER_ALREADY;
	return true;
}
