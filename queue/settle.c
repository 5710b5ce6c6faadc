#include "queue/settle.h"

#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/category.h"
#include "queue/lane.h"
#include "queue/settle_private.h"
#include "queue/suppress.h"

void
delay_text(int64_t us, char out[DELAY_TEXT])
{
	if (us <= 0)
		snprintf(out, DELAY_TEXT, "0");
	else if (us < 100 * 1000)
		snprintf(out, DELAY_TEXT, "%.2g",
			 (double)us / (double)SECOND_US);
	else if (us < 10 * SECOND_US)
		snprintf(out, DELAY_TEXT, "%.1f",
			 (double)us / (double)SECOND_US);
	else
		snprintf(out, DELAY_TEXT, "%lld", (long long)(us / SECOND_US));
}

/* Postfix's line, word for word, so that pflogsumm counts it. */
static void
log_attempt(struct later *log, const struct settle *s, const struct verdict *v,
	    struct text address)
{
	char all[DELAY_TEXT], a[DELAY_TEXT], b[DELAY_TEXT], c[DELAY_TEXT],
	    d[DELAY_TEXT], to[ADDRESS_MOST * 3 + 1];
	int64_t held = s->ended_us - s->claimed_us;

	delay_text(s->ended_us - s->arrival_us, all);
	delay_text(s->claimed_us - s->arrival_us, a);
	delay_text(min_of((int64_t)s->in_worker_us, held), b);
	delay_text(s->connect_us, c);
	delay_text(s->transmit_us, d);
	later_add(log, EVENT_ATTEMPT, s->message,
		  "to=<%s>, relay=%s, delay=%s, delays=%s/%s/%s/%s, dsn=%s, "
		  "status=%s (%s)%s%s%s%s",
		  log_safe(address.p, address.n, to, sizeof to),
		  v->remote[0] != '\0' ? v->remote : "none", all, a, b, c, d,
		  v->status, verdict_word(v->kind), v->reply,
		  s->security[0] != '\0' ? " " : "", s->security,
		  v->category != CATEGORY_NONE ? " category=" : "",
		  v->category != CATEGORY_NONE ? category_word(v->category)
					       : "");
}

/* The message's type, also when the lane was made by another configuration. */
static unsigned
type_of(struct txn *t, const struct settle *s, const struct settle_world *w,
	const struct lane *lane)
{
	struct message_record m;
	struct err e;

	if (lane->epoch == routing_epoch(w->settings) &&
	    lane->type < w->settings->ntypes)
		return lane->type;
	return routing_type(w->settings, ledger_message(t, s->message, &m, &e)
					     ? m.type
					     : text_of(""));
}

static bool
settle_charge(struct txn *t, const struct settle *s,
	      const struct settle_world *w, struct err *e)
{
	bool taken = s->verdict.kind == VERDICT_SENT || s->in_doubt;

	return s->job == 0 ||
	       book_settle(w->book, t, s->job, taken ? BOOK_TAKEN : BOOK_BACK,
			   s->ended_us, e);
}

/* An address that does not exist gets no more mail. */
static bool
learn(struct txn *t, const struct settle_world *w, struct text address,
      const struct verdict *v, const struct settle *s, struct err *e)
{
	const struct journal_entry x = {
	    .kind = JOURNAL_SUPPRESSED,
	    .at_us = (uint64_t)s->ended_us,
	    .next_us = (uint64_t)(s->ended_us +
				  w->settings->suppress.hard_bounce_ttl_us),
	    .category = (uint8_t)v->category,
	    .code = v->code,
	    .relay = text_of(s->relay),
	    .status = text_of(v->status),
	    .reply = text_of(v->reply)};
	char safe[ADDRESS_MOST * 3 + 1];
	bool added;

	if (!suppress_bounced(t, w->settings, address, v, s->ended_us, &added,
			      e))
		return false;
	if (!added)
		return true;
	later_add(w->log, EVENT_SUPPRESSED, s->message,
		  "<%s> is on the suppression list from now on: %s",
		  log_safe(address.p, address.n, safe, sizeof safe), v->status);
	return ledger_note(t, s->message, s->rcpt, &x, e);
}

/* Told before it goes: what the next hop will not tell (RFC 3461 5.2.2), or tells
 * an address of ours (return_path = verp). */
static bool
tell_delivered(struct txn *t, const struct settle *s,
	       const struct settle_world *w,
	       const struct recipient_record *before, const struct judged *j,
	       struct err *e)
{
	const struct relay_settings *r = settings_relay(w->settings, s->relay);
	bool relayed = r == NULL || r->deliver != DELIVER_MAILDIR;
	bool passed =
	    s->dsn_passed && (r == NULL || strcmp(r->return_path, "verp") != 0);

	return j->verdict.kind != VERDICT_SENT || j->assumed || passed ||
	       bounces_delivered(w->bounces, t, w->settings, s->message,
				 s->rcpt, before, relayed, &j->verdict,
				 s->ended_us, e);
}

static void
tell_bounces(const struct settle *s, const struct settle_world *w,
	     const struct judged *j)
{
	int64_t last_us = s->untried ? 0 : s->ended_us;

	if (j->verdict.kind == VERDICT_FAIL)
		bounces_add(w->bounces, DSN_FAILED, s->message, s->rcpt,
			    last_us, 0, &j->verdict);
	if (j->delayed)
		bounces_add(w->bounces, DSN_DELAYED, s->message, s->rcpt,
			    last_us, j->until_us, &j->verdict);
}

static void
log_doubt(struct later *log, const struct settle *s, const struct judged *j)
{
	if (j->copy_held)
		later_add(log, EVENT_ARCHIVE, s->message,
			  "a copy for an archive was refused: held until "
			  "\"mtq queue release\"");
	if (s->in_doubt)
		later_add(log, EVENT_IN_DOUBT, s->message,
			  "no answer after the final dot; %s",
			  j->assumed      ? "taken as delivered"
			  : j->again.hold ? "held"
			  : j->verdict.kind == VERDICT_FAIL
			      ? "its time is over"
			      : "sent again, possible duplicate");
	if (j->poison)
		later_add(log, EVENT_POISON, s->message,
			  "%u workers died with it, one after another: held "
			  "until \"mtq queue release\"",
			  j->again.claims);
}

/* The ledger has it: quotas, log, reports, the suppression list. */
static bool
follow(struct txn *t, const struct settle *s, const struct settle_world *w,
       const struct judged *j, const struct ledger_settled *out, struct err *e)
{
	if (!settle_charge(t, s, w, e))
		return false;
	log_attempt(w->log, s, &j->verdict, out->recipient.address);
	log_doubt(w->log, s, j);
	tell_bounces(s, w, j);
	if (out->message_gone)
		later_add(w->log, EVENT_REMOVED, s->message, "removed");
	return j->verdict.kind != VERDICT_FAIL || s->untried ||
	       learn(t, w, out->recipient.address, &j->verdict, s, e);
}

bool
settle_one(struct txn *t, const struct settle *s, const struct settle_world *w,
	   struct err *e)
{
	struct recipient_record before;
	enum ledger_answer answer;
	struct ledger_settled out;
	struct judged j;
	struct lane lane;
	bool ok = true;

	if (!ledger_recipient(t, s->message, s->rcpt, &before, e))
		return e->kind == ERR_NONE; /* gone: a doubled outcome */
	if (before.state != RECIPIENT_CLAIMED)
		return true; /* doubled, too */
	lane = lane_unpack(before.lane);
	settle_judge(s, w, type_of(t, s, w, &lane), &before, &j);
	if (!tell_delivered(t, s, w, &before, &j, e) ||
	    !ledger_settle(t, s->message, s->rcpt, &j.verdict, s->relay,
			   s->ended_us, &j.again, &answer, &out, e))
		return false;
	if (answer == LEDGER_DONE)
		ok = follow(t, s, w, &j, &out, e);
	bytes_free(&out.memory);
	return ok;
}
