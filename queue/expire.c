#include "queue/expire.h"

#include <stdio.h>

#include "queue/lane.h"

void
expire_init(struct expire *x)
{
	x->lane = 0;
	x->from = (struct ledger_due){.due_us = 0};
	x->n = 0;
}

/* What becomes of mail in this lane now.  Lanes of another configuration are
 * about to be sorted again: let them be. */
static enum choice
fate(const struct settle_world *w, uint64_t packed)
{
	struct lane lane = lane_unpack(packed);
	struct chosen chosen;

	if (lane.epoch != routing_epoch(w->settings))
		return CHOICE_GO;
	choose_relay(routing_way(w->settings, lane.way), lane.type, lane.tried,
		     &w->choose, &chosen);
	return chosen.choice;
}

static bool
look_at(struct expire *x, struct txn *t, const struct settle_world *w,
	enum choice choice, int64_t now_us, struct err *e)
{
	int64_t lifetime_us = w->retry[lane_unpack(x->lane).type].lifetime_us;
	struct message_record m;

	if (!ledger_message(t, x->from.id, &m, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "recipients without a message");
		return false;
	}
	if (now_us >= (int64_t)m.arrival_us + lifetime_us ||
	    choice == CHOICE_BOUNCE)
		x->found[x->n++] = (struct expired){
		    x->lane, x->from, (int64_t)m.arrival_us,
		    choice == CHOICE_BOUNCE ? STATUS_NO_RELAY : STATUS_EXPIRED};
	x->from.rcpt++; /* the row behind it: the last part of its key */
	return true;
}

/* At most EXPIRE_LOOK rows or lanes; false at the end or with an error. */
static bool
look(struct expire *x, struct txn *t, const struct settle_world *w,
     int64_t now_us, struct err *e)
{
	enum choice choice = CHOICE_GO;
	uint64_t known = 0; /* the lane that `choice` is of */

	for (unsigned i = 0; i < EXPIRE_LOOK; i++) {
		e->kind = ERR_NONE;
		if (!ledger_waiting(t, &x->lane, &x->from, e))
			return false;
		if (i == 0 || x->lane != known) {
			known = x->lane;
			choice = fate(w, known);
		}
		if (choice == CHOICE_GO) {
			if (x->lane == UINT64_MAX)
				return false;
			x->lane++;
			x->from = (struct ledger_due){.due_us = 0};
		} else if (!look_at(x, t, w, choice, now_us, e)) {
			return false;
		}
	}
	return true;
}

bool
expire_look(struct expire *x, struct store *s, const struct settle_world *w,
	    int64_t now_us, struct err *e)
{
	struct txn *t = store_begin(s, false, e);
	bool more;

	x->n = 0;
	if (t == NULL)
		return false;
	more = look(x, t, w, now_us, e);
	store_abort(t);
	if (more)
		return true;
	x->lane = 0; /* round again */
	x->from = (struct ledger_due){.due_us = 0};
	return e->kind == ERR_NONE;
}

/* The verdict on mail that nobody tried now; if it was ever tried, the last
 * words about it say more. */
bool
expire_one(struct txn *t, const struct expired *x, const struct settle_world *w,
	   int64_t now_us, struct err *e)
{
	struct settle s = {.message = x->row.id,
			   .rcpt = x->row.rcpt,
			   .arrival_us = x->arrival_us,
			   .claimed_us = now_us,
			   .ended_us = now_us,
			   .untried = true,
			   .verdict = verdict_of(x->why, STAGE_NONE, NULL)};
	struct recipient_record before;

	if (!ledger_recipient(t, x->row.id, x->row.rcpt, &before, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "a due row has no recipient");
		return false;
	}
	if (before.reason.n > 0) {
		char last[VERDICT_REPLY_MOST];

		s.verdict =
		    verdict_of(x->why, STAGE_NONE,
			       text_copy(before.reason, last, sizeof last));
	}
	text_copy(before.relay, s.relay, sizeof s.relay);
	return ledger_claim(t, x->lane, &x->row, 0, NULL, now_us, e) &&
	       settle_one(t, &s, w, e);
}

bool
expire_found(const struct expire *x, struct txn *t,
	     const struct settle_world *w, int64_t now_us, struct err *e)
{
	for (size_t i = 0; i < x->n; i++)
		if (!expire_one(t, &x->found[i], w, now_us, e))
			return false;
	return true;
}
