#include "queue/sort.h"
#include "queue/lane.h"

static bool
sort_one(struct txn *t, const struct settle_world *w, uint64_t old,
	 const struct ledger_due *d, int64_t now_us, struct err *e)
{
	struct lane was = lane_unpack(old), lane;
	struct recipient_record r;
	struct message_record m;
	struct routing_ask ask;
	int64_t due_us = d->due_us;

	if (!ledger_recipient(t, d->id, d->rcpt, &r, e) ||
	    !ledger_message(t, d->id, &m, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED,
				"a due row without recipient or message");
		return false;
	}
	ask = lane_ask(w->settings, &m, &r);
	lane = lane_of(w->settings, &ask);
	/* It has just been refused by the relays it has tried. */
	if (was.epoch == lane.epoch && was.tried != 0 && due_us <= now_us)
		due_us = retry_after(&w->retry[lane.type],
				     r.archive ? now_us /* no lifetime */
					       : (int64_t)m.arrival_us,
				     now_us, r.rounds + 1, d->id ^ d->rcpt)
			     .at_us;
	must(lane_pack(&lane) != old);
	return ledger_sort(t, d->id, d->rcpt, lane_pack(&lane), due_us, e);
}

bool
sort_lane(struct txn *t, const struct settle_world *w, uint64_t lane,
	  int64_t now_us, unsigned *moved, struct err *e)
{
	struct ledger_due from = {.due_us = 0}, d;

	for (*moved = 0; *moved < SORT_MOST; ++*moved) {
		e->kind = ERR_NONE;
		if (!ledger_first(t, lane, &from, &d, e))
			return e->kind == ERR_NONE;
		if (!sort_one(t, w, lane, &d, now_us, e))
			return false;
	}
	return true;
}
