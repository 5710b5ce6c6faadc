#include "queue/expire.h"

#include <stdio.h>

void
expire_init(struct expire *x)
{
	x->from = (struct ledger_due){.due_us = INT64_MIN};
	x->n = 0;
}

/* Looks at one row; false with ERR_NONE when no more are due. */
static bool
look_at(struct expire *x, struct txn *t, uint64_t lane, int64_t lifetime_us,
	int64_t now_us, struct err *e)
{
	struct message_record m;
	struct ledger_due d;

	e->kind = ERR_NONE;
	if (!ledger_first(t, lane, &x->from, &d, e) || d.due_us > now_us)
		return false;
	if (!ledger_message(t, d.id, &m, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "recipients without a message");
		return false;
	}
	if (now_us >= (int64_t)m.arrival_us + lifetime_us) {
		x->found[x->n] = d;
		x->arrival_us[x->n++] = (int64_t)m.arrival_us;
	}
	/* The row behind this one; rcpt is the last part of its key. */
	x->from = d;
	x->from.rcpt++;
	return true;
}

bool
expire_look(struct expire *x, struct store *s, uint64_t lane,
	    int64_t lifetime_us, int64_t now_us, struct err *e)
{
	struct txn *t = store_begin(s, false, e);
	unsigned i;

	x->n = 0;
	if (t == NULL)
		return false;
	for (i = 0; i < EXPIRE_LOOK; i++)
		if (!look_at(x, t, lane, lifetime_us, now_us, e))
			break;
	store_abort(t);
	if (i == EXPIRE_LOOK)
		return true;
	x->from = (struct ledger_due){.due_us = INT64_MIN}; /* round again */
	return e->kind == ERR_NONE;
}

static bool
give_up(struct txn *t, uint64_t lane, const struct ledger_due *d,
	struct settle *s, const struct retry_settings *r, struct later *log,
	struct err *e)
{
	struct recipient_record before;
	int64_t again_us;

	if (!ledger_recipient(t, d->id, d->rcpt, &before, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "a due row has no recipient");
		return false;
	}
	/* If it was ever tried, the last words about it say more. */
	if (before.reason.n > 0)
		text_copy(before.reason, s->verdict.reply,
			  sizeof s->verdict.reply);
	return ledger_claim(t, lane, d, s->claimed_us, e) &&
	       settle_one(t, s, r, log, &again_us, e);
}

bool
expire_found(const struct expire *x, struct txn *t, uint64_t lane,
	     const struct retry_settings *r, const char *relay, int64_t now_us,
	     struct later *log, struct err *e)
{
	for (size_t i = 0; i < x->n; i++) {
		struct settle s = {.message = x->found[i].id,
				   .rcpt = x->found[i].rcpt,
				   .arrival_us = x->arrival_us[i],
				   .claimed_us = now_us,
				   .ended_us = now_us,
				   .untried = true,
				   .verdict = verdict_of(STATUS_NO_CONNECT,
							 STAGE_NONE, relay)};

		snprintf(s.relay, sizeof s.relay, "%s", relay);
		if (!give_up(t, lane, &x->found[i], &s, r, log, e))
			return false;
	}
	return true;
}
