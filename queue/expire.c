#include "queue/expire.h"

#include <stdio.h>

#include "daemon/now.h"
#include "queue/lane.h"

void
expire_init(struct expire *x)
{
	x->lane = 0;
	x->from = (struct ledger_due){.due_us = 0};
	x->looked_us = x->looking_us = 0;
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

/* Has it waited for so long that its sender is told, and nobody did it yet? */
static bool
is_late(struct txn *t, const struct expire *x, const struct settle_world *w,
	const struct message_record *m, int64_t now_us, bool *late,
	struct err *e)
{
	int64_t after_us = w->settings->bounce.delay_after_us;
	struct recipient_record r;

	*late = false;
	if (after_us == 0 || now_us - (int64_t)m->arrival_us < after_us)
		return true;
	if (!ledger_recipient(t, x->from.id, x->from.rcpt, &r, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "a due row has no recipient");
		return false;
	}
	*late = !r.told && bounces_wanted(w->settings, DSN_DELAYED, m, &r);
	return true;
}

static bool
look_at(struct expire *x, struct txn *t, const struct settle_world *w,
	enum choice choice, int64_t now_us, struct err *e)
{
	int64_t lifetime_us = w->retry[lane_unpack(x->lane).type].lifetime_us;
	struct message_record m;
	bool late;

	if (!ledger_message(t, x->from.id, &m, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "recipients without a message");
		return false;
	}
	if (x->from.rcpt >= m.recipients - m.copies) {
		x->from.rcpt++; /* a copy waits as long as it takes */
		return true;
	}
	if (choice == CHOICE_BOUNCE ||
	    (choice == CHOICE_WAIT &&
	     now_us >= (int64_t)m.arrival_us + lifetime_us)) {
		x->found[x->n++] = (struct expired){
		    .lane = x->lane,
		    .row = x->from,
		    .arrival_us = (int64_t)m.arrival_us,
		    .why = choice == CHOICE_BOUNCE ? STATUS_NO_RELAY
						   : STATUS_EXPIRED};
	} else if (!is_late(t, x, w, &m, now_us, &late, e)) {
		return false;
	} else if (late) {
		x->found[x->n++] =
		    (struct expired){.lane = x->lane,
				     .row = x->from,
				     .arrival_us = (int64_t)m.arrival_us,
				     .delayed = true};
	}
	x->from.rcpt++; /* the row behind it: the last part of its key */
	return true;
}

/* In a lane that flows: what is due since before delay_after is late, and what
 * is behind it is not. */
static bool
is_stuck(const struct expire *x, const struct settle_world *w, int64_t now_us)
{
	int64_t after_us = w->settings->bounce.delay_after_us;

	return after_us > 0 &&
	       lane_unpack(x->lane).epoch == routing_epoch(w->settings) &&
	       now_us - max_of(x->from.due_us, x->looking_us) >= after_us;
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
		if (choice == CHOICE_GO && !is_stuck(x, w, now_us)) {
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
	if (now_us < x->looked_us ||
	    now_us - x->looked_us > EXPIRE_GAP_S * SECOND_US)
		x->looking_us = now_us;
	x->looked_us = now_us;
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

/* What keeps mail of this lane back, in words. */
static void
put_why(struct bytes *out, const struct settle_world *w, uint64_t packed)
{
	struct lane lane = lane_unpack(packed);
	const struct relay_settings *relay = w->settings->relays;
	char date[NOW_RFC5322_SIZE];
	struct chosen chosen;

	if (lane.epoch != routing_epoch(w->settings))
		return;
	choose_relay(routing_way(w->settings, lane.way), lane.type, lane.tried,
		     &w->choose, &chosen);
	if (chosen.choice == CHOICE_GO) {
		bytes_printf(out, "more mail waits than relay %s takes",
			     relay[chosen.relay].title);
		return;
	}
	bytes_add_text(out, "it waits for a relay");
	for (size_t i = 0; i < chosen.nsteps; i++) {
		const struct choose_step *step = &chosen.step[i];

		bytes_printf(out, "%s %s: %s", i == 0 ? "," : ";",
			     relay[step->relay].title,
			     relay_shut_text(step->now.shut));
		if (step->now.opens_us <= 0 || step->now.opens_us == INT64_MAX)
			continue;
		now_rfc5322(step->now.opens_us, date);
		bytes_printf(out, ", until %s", date);
	}
}

/* When the last attempt was; 0: there was none, or other things came since. */
static bool
last_attempt(struct txn *t, uint64_t entry, int64_t *last_us, struct err *e)
{
	struct journal_entry x;

	*last_us = 0;
	e->kind = ERR_NONE;
	if (!journal_get(t, entry, &x, e))
		return e->kind == ERR_NONE;
	if (x.kind == JOURNAL_DEFERRED)
		*last_us = (int64_t)x.at_us;
	return true;
}

/* Its sender is told that it waits, why, and until when. */
static bool
tell_one(struct txn *t, const struct expired *x, const struct settle_world *w,
	 int64_t now_us, struct err *e)
{
	/* RFC 3463 3.5: "mail system congestion" */
	struct verdict v = {
	    .kind = VERDICT_DEFER, .blame = BLAME_US, .status = "4.4.5"};
	int64_t lifetime_us = w->retry[lane_unpack(x->lane).type].lifetime_us,
		last_us;
	struct recipient_record r;
	struct bytes words = {0};
	bool told;

	if (!ledger_recipient(t, x->row.id, x->row.rcpt, &r, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "a due row has no recipient");
		return false;
	}
	put_why(&words, w, x->lane);
	if (r.attempts > 0 && r.reason.n > 0) {
		bytes_add_text(&words, "; at the last attempt: ");
		bytes_add(&words, r.reason.p, r.reason.n);
	}
	text_copy((struct text){(char *)words.data, words.n}, v.reply,
		  sizeof v.reply);
	bytes_free(&words);
	if (!last_attempt(t, r.entry, &last_us, e) ||
	    !ledger_tell(t, x->row.id, x->row.rcpt, now_us, &told, e))
		return false;
	if (!told)
		bounces_add(w->bounces, DSN_DELAYED, x->row.id, x->row.rcpt,
			    last_us, x->arrival_us + lifetime_us, &v);
	return true;
}

bool
expire_found(struct expire *x, struct txn *t, const struct settle_world *w,
	     int64_t now_us, struct err *e)
{
	x->rest = false;
	for (size_t i = 0; i < x->n; i++) {
		if (bounces_full(w->bounces)) { /* the next look goes on here */
			x->lane = x->found[i].lane;
			x->from = x->found[i].row;
			x->rest = true;
			break;
		}
		if (x->found[i].delayed
			? !tell_one(t, &x->found[i], w, now_us, e)
			: !expire_one(t, &x->found[i], w, now_us, e))
			return false;
	}
	return true;
}
