#include "queue/ledger.h"
#include "queue/ledger_copies.h"
#include "queue/ledger_entry.h"
#include "queue/ledger_row.h"

#include <string.h>

enum {
	REASON_MOST = 1024, /* RECIPIENT_FIELDS */
	WHO_MOST = 63,      /* ENTRY_FIELDS */
	DETAIL_MOST = 255,
};

/* What an order makes of a recipient in a state.  A parked copy is for later:
 * it tells also of what was dropped. */
enum effect { NO, KEEP, WAIT, HOLD, REMOVE };
static const enum effect effect_of[][RECIPIENT_STATE_COUNT] = {
    /*		    WAITING CLAIMED HELD    FAILED  PARKED */
    [LEDGER_HOLD] = {HOLD, NO, KEEP, KEEP, KEEP},
    [LEDGER_RELEASE] = {KEEP, NO, WAIT, KEEP, KEEP},
    [LEDGER_RETRY] = {WAIT, NO, WAIT, WAIT, KEEP},
    [LEDGER_DROP] = {REMOVE, NO, REMOVE, REMOVE, KEEP},
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

/* "who: why" */
static void
set_who(struct journal_entry *x, const char *by)
{
	const char *colon = strstr(by, ": ");
	struct text why = text_of(colon != NULL ? colon + 2 : "");

	x->who = text_of(by);
	if (colon != NULL)
		x->who.n = (size_t)(colon - by);
	x->who.n = min_of(x->who.n, (size_t)WHO_MOST);
	why.n = min_of(why.n, (size_t)DETAIL_MOST);
	x->detail = why;
}

/* Nobody ("") is who removes what failed long ago: its end is told already. */
static bool
note(struct txn *t, struct entry_about *a, enum journal_kind kind,
     const struct order *o, struct err *e)
{
	struct journal_entry x = {.kind = (uint8_t)kind,
				  .at_us = (uint64_t)o->now_us,
				  .attempts = a->recipient.attempts,
				  .category = a->recipient.category,
				  .relay = a->recipient.relay,
				  .status = a->recipient.status};

	if (o->who[0] == '\0')
		return true;
	set_who(&x, o->who);
	return entry_add(t, a, &x, e);
}

static bool
change(struct txn *t, struct entry_about *a, enum recipient_state state,
       struct order *o, struct err *e)
{
	const struct recipient_record from = a->recipient;
	struct recipient_record to = from;

	to.state = (uint8_t)state;
	to.changed_us = (uint64_t)o->now_us;
	if (state == RECIPIENT_WAITING) {
		to.due_us = (uint64_t)o->now_us;
		to.claims = 0; /* somebody has looked at it */
	}
	to.reason = text_of(o->who);
	to.reason.n = min_of(to.reason.n, (size_t)REASON_MOST);
	o->changed++;
	if (!note(t, a,
		  state == RECIPIENT_HELD ? JOURNAL_HELD : JOURNAL_RELEASED, o,
		  e))
		return false;
	to.entry = a->recipient.entry;
	return row_move(t, a->id, a->rcpt, &from, &to, e);
}

static bool
drop(struct txn *t, struct entry_about *a, struct order *o, struct err *e)
{
	const struct recipient_record from = a->recipient;

	o->changed++;
	txn_state(t)->dropped_total++;
	return note(t, a, JOURNAL_DROPPED, o, e) &&
	       (o->who[0] == '\0' ||
		journal_ended(t, a->id, a->rcpt, a->recipient.entry, e)) &&
	       row_remove(t, a->id, a->rcpt, &from, &o->gone, e) &&
	       (o->gone ||
		copies_release(t, a->id, a->rcpt, &a->message, o->now_us, e));
}

static bool
carry_out(struct txn *t, uint64_t id, uint32_t rcpt, enum effect effect,
	  struct order *o, struct err *e)
{
	struct entry_about a;
	bool ok;

	if (!entry_about(t, id, rcpt, &a, e))
		return row_missing(e, id, "a recipient that was there");
	if (effect == REMOVE)
		ok = drop(t, &a, o, e);
	else
		ok = change(t, &a,
			    effect == HOLD ? RECIPIENT_HELD : RECIPIENT_WAITING,
			    o, e);
	entry_done(&a);
	return ok;
}

static bool
order_one(struct txn *t, uint64_t id, uint32_t rcpt,
	  const struct recipient_record *r, struct order *o, struct err *e)
{
	enum effect effect = effect_of[o->order][r->state];

	o->found = true;
	switch (effect) {
	case NO:
		o->busy = true;
		return true;
	case KEEP:
		return true;
	case WAIT:
	case HOLD:
	case REMOVE:
		return carry_out(t, id, rcpt, effect, o, e);
	}
	must_failed("an effect", __FILE__, __LINE__);
}

static bool
order_all(struct txn *t, uint64_t id, struct order *o, struct err *e)
{
	struct recipient_record r;
	struct message_record m;
	bool others = false;
	uint32_t end, copy;

	e->kind = ERR_NONE;
	if (!ledger_message(t, id, &m, e))
		return e->kind == ERR_NONE;
	end = m.recipients;
	copy = end - m.copies;
	/* Whoever means the message means its recipients: copies that are
	 * PARKED before anything changes tell what becomes of those. */
	if (m.copies > 0 && ledger_next(t, id, &copy, &r, e) &&
	    r.state == RECIPIENT_PARKED)
		end -= m.copies;
	if (e->kind != ERR_NONE)
		return false;
	for (uint32_t rcpt = 0; rcpt < end; rcpt++) {
		if (!ledger_next(t, id, &rcpt, &r, e))
			return e->kind == ERR_NONE;
		/* And none is thrown away while there is anything else. */
		if (rcpt >= end ||
		    (r.archive && others && o->order == LEDGER_DROP))
			return true;
		others = others || !r.archive;
		if (!order_one(t, id, rcpt, &r, o, e))
			return false;
	}
	return true;
}

enum ledger_answer
ledger_answer_of(uint32_t changed, bool found, bool busy)
{
	if (changed > 0)
		return LEDGER_DONE;
	if (!found)
		return LEDGER_NOT_FOUND;
	return busy ? LEDGER_BUSY : LEDGER_ALREADY;
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
	*answer = ledger_answer_of(o.changed, o.found, o.busy);
	return true;
}
