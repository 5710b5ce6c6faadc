#include "queue/give_up.h"

#include <stdio.h>

struct giving {
	const struct settle_world *world;
	const char *who;
	const char *why;
	int64_t now_us;
	uint32_t changed;
	bool found, busy;
};

/* RFC 3463 has no status for a decision of ours: 5.0.0.  Who it was is nothing
 * that the sender must know. */
static struct verdict
verdict_by(const char *why)
{
	struct verdict v = {.kind = VERDICT_FAIL,
			    .blame = BLAME_US,
			    .category = CATEGORY_OTHER,
			    .status = "5.0.0"};

	snprintf(v.reply, sizeof v.reply, "given up by the administrator%s%s",
		 why[0] != '\0' ? ": " : "", why);
	return v;
}

static bool
give_up_one(struct txn *t, uint64_t id, uint32_t rcpt,
	    const struct recipient_record *r, struct giving *g, struct err *e)
{
	struct settle s = {.message = id,
			   .rcpt = rcpt,
			   .claimed_us = g->now_us,
			   .ended_us = g->now_us,
			   .untried = true,
			   .who = g->who,
			   .why = g->why,
			   .verdict = verdict_by(g->why)};
	struct message_record m;

	g->found = true;
	if (r->state == RECIPIENT_FAILED || r->archive)
		return true;
	if (r->state == RECIPIENT_CLAIMED) {
		g->busy = true;
		return true;
	}
	text_copy(r->relay, s.relay, sizeof s.relay);
	if (!ledger_message(t, id, &m, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "recipients without a message");
		return false;
	}
	s.arrival_us = (int64_t)m.arrival_us;
	g->changed++;
	return ledger_seize(t, id, rcpt, g->now_us, e) &&
	       settle_one(t, &s, g->world, e);
}

static bool
give_up_all(struct txn *t, uint64_t id, struct giving *g, struct err *e)
{
	struct recipient_record r;

	/* at most as many rounds as the message has recipients */
	for (uint32_t rcpt = 0; rcpt < UINT32_MAX; rcpt++) {
		if (!ledger_next(t, id, &rcpt, &r, e))
			return e->kind == ERR_NONE;
		if (!give_up_one(t, id, rcpt, &r, g, e))
			return false;
	}
	return true;
}

bool
give_up_mail(struct txn *t, const struct settle_world *w, uint64_t id,
	     uint32_t rcpt, const char *who, const char *why, int64_t now_us,
	     enum ledger_answer *answer, uint32_t *changed, struct err *e)
{
	struct giving g = {
	    .world = w, .who = who, .why = why, .now_us = now_us};
	struct recipient_record r;

	e->kind = ERR_NONE;
	if (rcpt == UINT32_MAX) {
		if (!give_up_all(t, id, &g, e))
			return false;
	} else if (!ledger_recipient(t, id, rcpt, &r, e)) {
		if (e->kind != ERR_NONE)
			return false;
	} else if (!give_up_one(t, id, rcpt, &r, &g, e)) {
		return false;
	}
	*changed = g.changed;
	*answer = ledger_answer_of(g.changed, g.found, g.busy);
	return true;
}
