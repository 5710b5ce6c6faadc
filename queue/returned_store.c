#include "queue/returned_store.h"

#include <stdio.h>
#include <string.h>

#include "queue/category.h"
#include "queue/journal.h"

/* The last entry about a recipient, in the queue or not; 0: it is forgotten. */
static bool
last_entry(struct txn *t, const struct return_path *who, uint64_t *number,
	   struct err *e)
{
	struct recipient_record r;

	*number = 0;
	e->kind = ERR_NONE;
	if (ledger_recipient(t, who->message, who->rcpt, &r, e)) {
		*number = r.entry;
		return true;
	}
	return e->kind == ERR_NONE &&
	       (journal_history(t, who->message, who->rcpt, number, e) ||
		e->kind == ERR_NONE);
}

/* The address and the relay of a recipient. */
static bool
find(struct txn *t, struct returned_job *j, struct err *e)
{
	struct text address, relay;
	struct recipient_record r;
	struct journal_entry x;
	uint64_t number;

	e->kind = ERR_NONE;
	if (ledger_recipient(t, j->who.message, j->who.rcpt, &r, e)) {
		address = r.address;
		relay = r.relay;
	} else if (e->kind != ERR_NONE) {
		return false;
	} else if (journal_history(t, j->who.message, j->who.rcpt, &number,
				   e) &&
		   journal_get(t, number, &x, e)) {
		address = x.address;
		relay = x.relay;
	} else {
		return e->kind == ERR_NONE; /* forgotten */
	}
	text_copy(address, j->address, sizeof j->address);
	text_copy(relay, j->relay, sizeof j->relay);
	j->known = j->address[0] != '\0';
	return true;
}

static void
judge_bounce(const struct settings *s, const struct returned *report,
	     const struct returned_rcpt *x, struct returned_job *j)
{
	struct verdict *v = &j->verdict;
	char status[sizeof v->status];

	*v = (struct verdict){.kind = VERDICT_FAIL,
			      .blame = BLAME_RECIPIENT,
			      .stage = STAGE_RCPT,
			      .status = "5.0.0"};
	snprintf(v->reply, sizeof v->reply, "%s", report->subject);
	snprintf(v->remote, sizeof v->remote, "%s", report->reporter);
	if (x != NULL) {
		v->code = x->code;
		if (x->status[0] != '\0')
			memcpy(v->status, x->status, sizeof v->status);
		if (x->reply[0] != '\0')
			memcpy(v->reply, x->reply, sizeof v->reply);
		if (x->remote[0] != '\0')
			snprintf(v->remote, sizeof v->remote, "%s", x->remote);
	}
	memcpy(status, v->status, sizeof status);
	category_judge(s, j->relay, v);
	/* It has failed for good, whatever a block `reply` would do. */
	memcpy(v->status, status, sizeof status);
}

static void
judge_other(const struct returned *report, struct returned_job *j)
{
	struct verdict *v = &j->verdict;

	*v = (struct verdict){.kind = VERDICT_FAIL,
			      .blame = BLAME_RECIPIENT,
			      .category = CATEGORY_OTHER};
	snprintf(v->remote, sizeof v->remote, "%s", report->reporter);
	if (j->kind == RETURNED_COMPLAINT)
		snprintf(v->reply, sizeof v->reply, "%s", report->feedback);
	else
		snprintf(v->reply, sizeof v->reply, "%s", report->subject);
}

bool
returned_look(struct txn *t, const struct settings *s,
	      const struct return_path *who, const struct returned *report,
	      bool null_sender, struct returned_job *out, struct err *e)
{
	const struct returned_rcpt *x;
	bool named;

	*out = (struct returned_job){.who = *who,
				     .kind = report->kind,
				     .null_sender = null_sender,
				     .suppress = s->suppress};
	if (!find(t, out, e))
		return false;
	x = returned_about(report, text_of(out->address), &named);
	if (report->kind == RETURNED_BOUNCE && x != NULL)
		out->kind = x->kind;
	/* Prose often names nobody; fields that name somebody else are about
	 * where the mail was forwarded to. */
	out->counts = out->known && (named || x == NULL || x->final[0] == '\0');
	if (out->kind == RETURNED_BOUNCE)
		judge_bounce(s, report, x, out);
	else
		judge_other(report, out);
	snprintf(out->detail, sizeof out->detail, "%s%s%s",
		 out->kind == RETURNED_OTHER ? "not understood"
					     : returned_word(out->kind),
		 x != NULL && !named && x->final[0] != '\0' ? " about " : "",
		 x != NULL && !named ? x->final : "");
	return true;
}

static bool
is_written(const struct returned_job *j)
{
	switch (j->kind) {
	case RETURNED_OTHER:
		return j->null_sender;
	case RETURNED_BOUNCE:
	case RETURNED_COMPLAINT:
		return true;
	case RETURNED_DELAYED:
	case RETURNED_DELIVERED:
	case RETURNED_AUTO:
	case RETURNED_KIND_COUNT:
		break;
	}
	return false;
}

/* Behind what is known of the recipient.  If that is nothing, a chain begins
 * with it, without an address: the report's own may be a lie, and must never be
 * taken for the one that our mail went to. */
static bool
add(struct txn *t, const struct returned_job *j, enum journal_kind kind,
    int64_t at_us, int64_t until_us, struct err *e)
{
	struct journal_entry x = {.kind = (uint8_t)kind,
				  .at_us = (uint64_t)at_us,
				  .next_us = (uint64_t)until_us,
				  .category = (uint8_t)j->verdict.category,
				  .code = j->verdict.code,
				  .relay = text_of(j->relay),
				  .remote = text_of(j->verdict.remote),
				  .status = text_of(j->verdict.status),
				  .reply = text_of(j->verdict.reply),
				  .detail = text_of(j->detail)};
	uint64_t number;

	e->kind = ERR_NONE;
	if (ledger_note(t, j->who.message, j->who.rcpt, &x, e))
		return true;
	if (e->kind != ERR_NONE)
		return false;
	x.message = j->who.message;
	x.rcpt = j->who.rcpt;
	x.arrival_us = (uint64_t)j->who.arrival_us;
	return journal_add(t, &x, &number, e) &&
	       journal_ended(t, x.message, x.rcpt, number, e);
}

/* Looked at in the transaction that writes: others may have come meanwhile.
 * j->again: it said so before, so it counts no more. */
static bool
is_full(struct txn *t, struct returned_job *j, bool *full, struct err *e)
{
	unsigned n = 0;
	uint64_t number;
	struct journal_entry x;

	*full = false;
	if (!last_entry(t, &j->who, &number, e))
		return false;
	for (unsigned i = 0; i < RETURNED_CHAIN_MOST && number != 0; i++) {
		if (!journal_get(t, number, &x, e))
			return e->kind == ERR_NONE; /* forgotten from here on */
		n += x.kind == JOURNAL_RETURNED || x.kind == JOURNAL_COMPLAINT;
		j->again = j->again || (x.kind == JOURNAL_RETURNED &&
					text_is(x.status, j->verdict.status));
		number = x.previous;
	}
	*full = n >= RETURNED_ENTRIES_MOST;
	return true;
}

static bool
suppress(struct txn *t, struct returned_job *j, int64_t now_us,
	 int64_t *until_us, struct err *e)
{
	const struct text address = text_of(j->address);

	j->suppressed = false;
	if (!j->known)
		return true;
	if (j->kind == RETURNED_COMPLAINT) {
		*until_us = now_us + j->suppress.complaint_ttl_us;
		return suppress_complained(t, &j->suppress, address,
					   &j->verdict, now_us, &j->suppressed,
					   e);
	}
	if (j->kind != RETURNED_BOUNCE || !j->counts || j->again)
		return true;
	*until_us = now_us + j->suppress.hard_bounce_ttl_us;
	return suppress_failed(t, &j->suppress, address, &j->verdict, now_us,
			       &j->suppressed, e);
}

bool
returned_store(struct txn *t, struct returned_job *j, int64_t now_us,
	       struct err *e)
{
	const bool complaint = j->kind == RETURNED_COMPLAINT;
	int64_t until_us = 0;

	j->dropped = j->suppressed = j->again = false;
	if (!is_written(j))
		return true;
	if (!is_full(t, j, &j->dropped, e))
		return false;
	return j->dropped ||
	       (add(t, j, complaint ? JOURNAL_COMPLAINT : JOURNAL_RETURNED,
		    now_us, 0, e) &&
		suppress(t, j, now_us, &until_us, e) &&
		(!j->suppressed ||
		 add(t, j, JOURNAL_SUPPRESSED, now_us, until_us, e)));
}
