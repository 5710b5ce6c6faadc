#include "queue/ledger.h"
#include "queue/ledger_copies.h"
#include "queue/ledger_entry.h"
#include "queue/ledger_row.h"

#include <stdio.h>

enum { RELAY_MOST = 64, REASON_SIZE = 1024 + 1 }; /* RECIPIENT_FIELDS */

/* One outcome on its way into the records. */
struct ending {
	const struct verdict *verdict;
	struct text relay;
	int64_t now_us;
	const struct ledger_again *again;
	struct entry_about about;
};

/* What people read later: who said it, and what. */
static struct text
reason_of(const struct verdict *v, char out[REASON_SIZE])
{
	if (v->code != 0 && v->remote[0] != '\0')
		snprintf(out, REASON_SIZE, "host %s said: %s", v->remote,
			 v->reply);
	else
		snprintf(out, REASON_SIZE, "%s", v->reply);
	return text_of(out);
}

static enum recipient_state
state_after(const struct ending *x)
{
	if (x->verdict->kind == VERDICT_FAIL)
		return RECIPIENT_FAILED;
	return x->again->hold ? RECIPIENT_HELD : RECIPIENT_WAITING;
}

/* The kind that the caller did not name. */
static uint8_t
kind_of(const struct ending *x)
{
	if (x->again->entry.kind != JOURNAL_ACCEPTED)
		return x->again->entry.kind;
	switch (x->verdict->kind) {
	case VERDICT_SENT:
		return JOURNAL_DELIVERED;
	case VERDICT_FAIL:
		return JOURNAL_BOUNCED;
	case VERDICT_DEFER:
		return x->again->hold ? JOURNAL_HELD : JOURNAL_DEFERRED;
	case VERDICT_COUNT:
		break;
	}
	must_failed("a verdict", __FILE__, __LINE__);
}

static bool
note(struct txn *t, struct ending *x, uint32_t attempts, struct err *e)
{
	const struct verdict *v = x->verdict;
	struct journal_entry n = x->again->entry;

	n.at_us = (uint64_t)x->now_us;
	n.attempts = attempts;
	n.category = (uint8_t)v->category;
	n.code = v->code;
	n.relay = x->relay;
	n.remote = text_of(v->remote);
	n.status = text_of(v->status);
	n.reply = text_of(v->reply);
	if (x->again->security != NULL)
		n.security = text_of(x->again->security);
	if (x->again->in_doubt) {
		n.kind = JOURNAL_IN_DOUBT;
		if (!entry_add(t, &x->about, &n, e))
			return false;
	}
	n.kind = kind_of(x);
	if (v->kind == VERDICT_DEFER && !x->again->hold)
		n.next_us = (uint64_t)max_of(x->again->at_us, (int64_t)0);
	return entry_add(t, &x->about, &n, e);
}

static struct recipient_record
record_after(const struct ending *x, uint32_t attempts,
	     char reason[REASON_SIZE])
{
	const struct ledger_again *again = x->again;
	struct recipient_record to = x->about.recipient;

	to.state = (uint8_t)state_after(x);
	if (to.state == RECIPIENT_WAITING)
		to.due_us = again->at_us > 0 ? (uint64_t)again->at_us : 0;
	if (x->verdict->kind == VERDICT_DEFER && again->lane != 0)
		to.lane = again->lane;
	to.job = 0;
	to.rounds += again->round;
	to.attempts = attempts;
	to.claims = again->claims;
	to.told |= again->told;
	to.category = (uint8_t)x->verdict->category;
	to.changed_us = (uint64_t)x->now_us;
	to.relay = x->relay;
	to.status = text_of(x->verdict->status);
	to.reason = reason_of(x->verdict, reason);
	if (again->security != NULL)
		to.security = text_of(again->security);
	return to;
}

static bool
end(struct txn *t, struct ending *x, struct ledger_settled *out, struct err *e)
{
	struct entry_about *a = &x->about;
	const struct recipient_record from = a->recipient;
	struct recipient_record to;
	char reason[REASON_SIZE];

	if (!note(t, x, out->attempts, e))
		return false;
	if (x->verdict->kind != VERDICT_DEFER &&
	    !journal_ended(t, a->id, a->rcpt, a->recipient.entry, e))
		return false;
	if (x->verdict->kind == VERDICT_SENT) {
		txn_state(t)->sent_total++;
		return row_remove(t, a->id, a->rcpt, &from, &out->message_gone,
				  e) &&
		       (out->message_gone ||
			copies_release(t, a->id, a->rcpt, &a->message,
				       x->now_us, e));
	}
	to = record_after(x, out->attempts, reason);
	return row_move(t, a->id, a->rcpt, &from, &to, e) &&
	       (to.state != RECIPIENT_FAILED ||
		copies_release(t, a->id, a->rcpt, &a->message, x->now_us, e));
}

bool
ledger_settle(struct txn *t, uint64_t id, uint32_t rcpt,
	      const struct verdict *v, const char *relay, int64_t now_us,
	      const struct ledger_again *again, enum ledger_answer *answer,
	      struct ledger_settled *out, struct err *e)
{
	struct ending x = {.verdict = v,
			   .relay = text_of(relay),
			   .now_us = now_us,
			   .again = again};

	*out = (struct ledger_settled){0};
	*answer = LEDGER_NOT_FOUND;
	x.relay.n = min_of(x.relay.n, (size_t)RELAY_MOST);
	if (!entry_about(t, id, rcpt, &x.about, e))
		return e->kind == ERR_NONE;
	out->recipient = x.about.recipient;
	out->message = x.about.message;
	out->memory = x.about.memory;
	if (out->recipient.state != RECIPIENT_CLAIMED)
		return true;
	out->attempts = out->recipient.attempts + again->attempt;
	if (!end(t, &x, out, e)) {
		bytes_free(&out->memory);
		*out = (struct ledger_settled){0};
		return false;
	}
	*answer = LEDGER_DONE;
	return true;
}

/* Behind the last entry about a recipient that has ended. */
static bool
note_ended(struct txn *t, uint64_t id, uint32_t rcpt,
	   const struct journal_entry *x, struct err *e)
{
	struct journal_entry last, n = *x;
	uint64_t number;

	if (!journal_history(t, id, rcpt, &n.previous, e) ||
	    !journal_get(t, n.previous, &last, e))
		return false;
	n.message = id;
	n.rcpt = rcpt;
	n.arrival_us = last.arrival_us;
	n.size_bytes = last.size_bytes;
	n.attempts = last.attempts;
	n.sender = last.sender;
	n.address = last.address;
	n.message_id = last.message_id;
	n.type = last.type;
	n.source = last.source;
	return journal_add(t, &n, &number, e) &&
	       journal_ended(t, id, rcpt, number, e);
}

bool
ledger_note(struct txn *t, uint64_t id, uint32_t rcpt,
	    const struct journal_entry *x, struct err *e)
{
	struct journal_entry n = *x;
	struct entry_about a;
	bool ok;

	if (!entry_about(t, id, rcpt, &a, e))
		return e->kind == ERR_NONE && note_ended(t, id, rcpt, x, e);
	n.attempts = a.recipient.attempts;
	ok = entry_add(t, &a, &n, e) &&
	     row_keep(t, id, rcpt, &a.recipient, e) &&
	     (a.recipient.state != RECIPIENT_FAILED ||
	      journal_ended(t, id, rcpt, a.recipient.entry, e));
	entry_done(&a);
	return ok;
}

bool
ledger_tell(struct txn *t, uint64_t id, uint32_t rcpt, int64_t now_us,
	    bool *told, struct err *e)
{
	struct recipient_record r;

	if (!ledger_recipient(t, id, rcpt, &r, e))
		return row_missing(e, id, "a delay of no recipient");
	*told = r.told;
	if (r.told)
		return true;
	r.told = 1;
	r.changed_us = (uint64_t)now_us;
	return row_keep(t, id, rcpt, &r, e);
}
