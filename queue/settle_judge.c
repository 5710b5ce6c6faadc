#include <stdio.h>
#include <string.h>

#include "queue/category.h"
#include "queue/lane.h"
#include "queue/settle_private.h"

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
	   const struct verdict *v, struct lane *lane)
{
	size_t relay = relay_of(w->settings, s->relay);
	const struct way *way;
	struct chosen chosen;

	if (s->in_doubt ||
	    (v->blame != BLAME_HOST && v->blame != BLAME_RELAY) ||
	    lane->epoch != routing_epoch(w->settings) ||
	    relay == w->settings->nrelays)
		return false;
	way = routing_way(w->settings, lane->way);
	lane->tried |= choose_bit(way, relay);
	choose_relay(way, lane->type, lane->tried, &w->choose, &chosen);
	return chosen.choice == CHOICE_GO && chosen.relay != relay;
}

/* Our words before the remote's, which may be cut. */
static void
explain(struct verdict *v, const char *words)
{
	char all[VERDICT_REPLY_MOST];

	snprintf(all, sizeof all, "%s (%.440s)", words, v->reply);
	memcpy(v->reply, all, sizeof v->reply);
}

static void
hold(struct judged *j, const char *words)
{
	j->again.hold = true;
	j->again.entry.kind = JOURNAL_HELD;
	explain(&j->verdict, words);
}

static void
assume(struct judged *j)
{
	struct verdict *v = &j->verdict;

	j->assumed = true;
	j->again.entry.kind = JOURNAL_DELIVERED;
	v->kind = VERDICT_SENT;
	v->blame = BLAME_NOBODY;
	v->category = CATEGORY_NONE;
	v->code = 0;
	snprintf(v->status, sizeof v->status, "2.0.0");
	explain(v, "assumed: no reply after the final dot");
}

/* What may have arrived follows the policy of its type.  False: it goes on as
 * if it had not. */
static bool
judge_doubt(const struct settle_world *w, unsigned type, struct judged *j)
{
	j->again.in_doubt = true;
	switch (w->settings->types[type].in_doubt) {
	case IN_DOUBT_RESEND:
		return false;
	case IN_DOUBT_HOLD:
		hold(j, "held, it may have arrived: no reply after the final "
			"dot");
		return true;
	case IN_DOUBT_ASSUME_SENT:
		assume(j);
		return true;
	case IN_DOUBT_COUNT:
		break;
	}
	must_failed("a policy", __FILE__, __LINE__);
}

static void
hold_poison(struct judged *j)
{
	char words[64];

	snprintf(words, sizeof words, "held: %u workers died with it",
		 j->again.claims);
	j->poison = true;
	hold(j, words);
}

/* Has it seen too many deaths for one that is innocent?  Where workers die of
 * something else (somebody kills them) it must see more. */
static bool
is_poison(const struct settle *s, const struct judged *j)
{
	uint32_t claims = j->again.claims;
	uint32_t others = s->deaths > claims ? s->deaths - claims : 0;
	uint32_t more = min_of(others / POISON_OTHERS, (uint32_t)POISON_MORE);

	return s->worker_died && !s->innocent && claims >= POISON_CLAIMS + more;
}

/* Claims without an outcome.  A worker that lives has told us one; one that
 * died of another message has not, but this one did not kill it. */
static uint8_t
claims_of(const struct settle *s, const struct recipient_record *before)
{
	if (!s->worker_died)
		return 0;
	return (uint8_t)(before->claims - (s->innocent && before->claims > 0));
}

/* After a worker's death nobody knows which message it died of.  They come back
 * one after another; those of a second one by schedule and half as late again,
 * so that who kills workers at regular times does not meet them again.  All
 * recipients of a message wait equally long, and go together. */
static int64_t
apart_us(const struct settle *s, const struct judged *j, int64_t scheduled_us)
{
	int64_t at_us = s->ended_us, spread_us = s->spread_us;

	if (j->again.claims > 1) {
		at_us = scheduled_us;
		spread_us = (scheduled_us - s->ended_us) / 2;
	}
	if (spread_us <= 0)
		return at_us;
	return at_us + (int64_t)(retry_mix(s->message ^ j->again.claims) %
				 (uint64_t)spread_us);
}

/* When, and in which lane, it is tried again. */
static void
try_again(const struct settle *s, const struct settle_world *w,
	  const struct recipient_record *before, int64_t scheduled_us,
	  struct judged *j)
{
	struct lane lane = lane_unpack(before->lane);

	j->again.at_us = s->ended_us;
	if (s->walled) {
		lane.tried = 0;
	} else if (next_relay(s, w, &j->verdict, &lane)) {
		j->again.round = false;
	} else {
		lane.tried = 0;
		j->again.at_us = s->worker_died ? apart_us(s, j, scheduled_us)
						: scheduled_us;
	}
	j->again.lane = lane_pack(&lane);
	j->again.entry.kind =
	    j->again.in_doubt ? JOURNAL_IN_DOUBT : JOURNAL_DEFERRED;
	j->again.in_doubt = false; /* one entry says both */
}

/* The time is over: a failure that keeps the remote's last words. */
static void
expire(struct judged *j)
{
	struct verdict end =
	    verdict_of(STATUS_EXPIRED, j->verdict.stage, j->verdict.reply);

	end.category = CATEGORY_EXPIRED;
	memcpy(end.remote, j->verdict.remote, sizeof end.remote);
	j->verdict = end;
	j->again.entry.kind = JOURNAL_EXPIRED;
}

static void
judge_delay(const struct settle *s, const struct settle_world *w,
	    const struct recipient_record *before, struct judged *j)
{
	int64_t after_us = w->settings->bounce.delay_after_us;

	j->delayed = after_us > 0 && !before->told &&
		     s->ended_us - s->arrival_us >= after_us;
	j->again.told = j->delayed;
}

static void
begin(const struct settle *s, const struct settle_world *w,
      const struct recipient_record *before, struct judged *j)
{
	int64_t queued_us = s->claimed_us - s->arrival_us;

	*j = (struct judged){.verdict = s->verdict};
	j->again.attempt = !s->untried && !s->walled;
	j->again.round = j->again.attempt;
	j->again.claims = claims_of(s, before);
	j->again.security = s->untried || s->worker_died ? NULL : s->security;
	j->again.entry.queued_us = (uint64_t)max_of(queued_us, (int64_t)0);
	if (s->who != NULL) {
		j->again.entry.who = text_of(s->who);
		j->again.entry.detail = text_of(s->why);
	}
	j->again.entry.in_worker_us = s->in_worker_us;
	j->again.entry.connect_us = s->connect_us;
	j->again.entry.transmit_us = s->transmit_us;
	if (j->verdict.kind != VERDICT_SENT &&
	    j->verdict.category == CATEGORY_NONE)
		category_judge(w->settings, s->relay, &j->verdict);
}

/* A copy for an archive is never given up: what refuses it needs a person, and
 * until then it is held; all else is tried again for as long as it takes. */
static void
judge_copy(const struct settle *s, const struct settle_world *w, unsigned type,
	   const struct recipient_record *before, struct judged *j)
{
	struct retry_next next;

	if (j->verdict.kind == VERDICT_SENT) {
		j->again.entry.kind = JOURNAL_DELIVERED;
		return;
	}
	if (j->verdict.kind == VERDICT_FAIL) {
		j->verdict.kind = VERDICT_DEFER;
		j->copy_held = true;
		hold(j, "held: a copy for an archive was refused");
		return;
	}
	if (is_poison(s, j)) {
		hold_poison(j);
		return;
	}
	j->again.in_doubt = s->in_doubt;
	next = retry_after(&w->retry[type], s->ended_us, s->ended_us,
			   before->rounds + 1,
			   s->message ^ ((uint64_t)s->rcpt << 40));
	try_again(s, w, before, next.at_us, j);
}

void
settle_judge(const struct settle *s, const struct settle_world *w,
	     unsigned type, const struct recipient_record *before,
	     struct judged *j)
{
	struct retry_next next;

	begin(s, w, before, j);
	if (before->archive) {
		judge_copy(s, w, type, before, j);
		return;
	}
	if (s->in_doubt && judge_doubt(w, type, j))
		return;
	switch (j->verdict.kind) {
	case VERDICT_SENT:
		j->again.entry.kind = JOURNAL_DELIVERED;
		return;
	case VERDICT_FAIL:
		/* A remote may say that of its own time, with a code. */
		j->again.entry.kind = j->verdict.category == CATEGORY_EXPIRED &&
					      j->verdict.code == 0
					  ? JOURNAL_EXPIRED
					  : JOURNAL_BOUNCED;
		return;
	case VERDICT_DEFER:
		break;
	case VERDICT_COUNT:
		must_failed("a verdict", __FILE__, __LINE__);
	}
	if (is_poison(s, j)) {
		hold_poison(j);
		return;
	}
	next = retry_after(&w->retry[type], s->arrival_us, s->ended_us,
			   before->rounds + 1,
			   s->message ^ ((uint64_t)s->rcpt << 40));
	j->until_us = s->arrival_us + w->retry[type].lifetime_us;
	if (next.expired) {
		expire(j);
		return;
	}
	try_again(s, w, before, next.at_us, j);
	judge_delay(s, w, before, j);
}
