#include "queue/settle.h"

#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/lane.h"
#include "queue/suppress.h"

enum {
	DEATHS_AT_ONCE = 2, /* a worker's death is retried at once so often;
			       then by schedule: the message may be the cause */
};

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
		  "status=%s (%s)%s%s",
		  log_safe(address.p, address.n, to, sizeof to),
		  v->remote[0] != '\0' ? v->remote : "none", all, a, b, c, d,
		  v->status, verdict_word(v->kind), v->reply,
		  s->security[0] != '\0' ? " " : "", s->security);
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

static size_t
relay_of(const struct settings *s, const char *name)
{
	const struct relay_settings *r = settings_relay(s, name);

	return r != NULL ? (size_t)(r - s->relays) : s->nrelays;
}

/* May it go through another relay of its way at once?  *lane: where it then
 * waits. */
static bool
next_relay(const struct settle *s, const struct settle_world *w,
	   struct lane *lane)
{
	size_t relay = relay_of(w->settings, s->relay);
	const struct way *way;
	struct chosen chosen;

	if (s->in_doubt ||
	    (s->verdict.blame != BLAME_HOST &&
	     s->verdict.blame != BLAME_RELAY) ||
	    lane->epoch != routing_epoch(w->settings) ||
	    relay == w->settings->nrelays)
		return false;
	way = routing_way(w->settings, lane->way);
	lane->tried |= choose_bit(way, relay);
	choose_relay(way, lane->type, lane->tried, &w->choose, &chosen);
	return chosen.choice == CHOICE_GO && chosen.relay != relay;
}

/* What is recorded: a deferral whose time is over becomes a failure that keeps
 * the remote's last words. */
static struct verdict
judge(const struct settle *s, const struct settle_world *w, unsigned type,
      const struct recipient_record *before, struct ledger_again *again)
{
	struct lane lane = lane_unpack(before->lane);
	struct verdict v = s->verdict;
	struct retry_next next;

	*again = (struct ledger_again){.attempt = !s->untried && !s->walled};
	again->round = again->attempt;
	again->security = s->untried || s->worker_died ? NULL : s->security;
	if (v.kind != VERDICT_DEFER)
		return v;
	next = retry_after(&w->retry[type], s->arrival_us, s->ended_us,
			   before->rounds + 1,
			   s->message ^ ((uint64_t)s->rcpt << 40));
	if (next.expired) {
		struct verdict end =
		    verdict_of(STATUS_EXPIRED, v.stage, v.reply);

		memcpy(end.remote, v.remote, sizeof end.remote);
		return end;
	}
	again->at_us = s->ended_us;
	if (s->walled) {
		lane.tried = 0;
	} else if (next_relay(s, w, &lane)) {
		again->round = false;
	} else {
		lane.tried = 0;
		if (!s->worker_died || before->attempts >= DEATHS_AT_ONCE)
			again->at_us = next.at_us;
	}
	again->lane = lane_pack(&lane);
	return v;
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
	char safe[ADDRESS_MOST * 3 + 1];
	bool added;

	if (!suppress_bounced(t, w->settings, address, v, s->ended_us, &added,
			      e))
		return false;
	if (added)
		later_add(w->log, EVENT_SUPPRESSED, s->message,
			  "<%s> is on the suppression list from now on: %s",
			  log_safe(address.p, address.n, safe, sizeof safe),
			  v->status);
	return true;
}

bool
settle_one(struct txn *t, const struct settle *s, const struct settle_world *w,
	   struct err *e)
{
	struct recipient_record before;
	struct ledger_again again;
	enum ledger_answer answer;
	struct ledger_settled out;
	struct verdict v;
	struct lane lane;

	if (!ledger_recipient(t, s->message, s->rcpt, &before, e))
		return e->kind == ERR_NONE; /* gone: a doubled outcome */
	lane = lane_unpack(before.lane);
	v = judge(s, w, type_of(t, s, w, &lane), &before, &again);
	if (!ledger_settle(t, s->message, s->rcpt, &v, s->relay, s->ended_us,
			   &again, &answer, &out, e))
		return false;
	if (answer == LEDGER_DONE) {
		if (!settle_charge(t, s, w, e)) {
			bytes_free(&out.memory);
			return false;
		}
		log_attempt(w->log, s, &v, out.recipient.address);
		if (v.kind == VERDICT_FAIL)
			bounces_add(w->bounces, DSN_FAILED, s->message,
				    s->rcpt, s->untried ? 0 : s->ended_us, 0,
				    &v);
		if (v.kind == VERDICT_FAIL && !s->untried &&
		    !learn(t, w, out.recipient.address, &v, s, e)) {
			bytes_free(&out.memory);
			return false;
		}
		if (s->in_doubt)
			later_add(w->log, EVENT_IN_DOUBT, s->message,
				  "no answer after the final dot; sent again, "
				  "possible duplicate");
		if (out.message_gone)
			later_add(w->log, EVENT_REMOVED, s->message, "removed");
	}
	bytes_free(&out.memory);
	return true;
}
