#include <string.h>

#include "daemon/log.h"
#include "queue/dispatch_private.h"
#include "queue/lane.h"

enum {
	SWEEP_MOST = 20000, /* lanes looked at in one step */
	FULL_FLIGHTS_MOST =
	    16,             /* jobs, while the queue's file is nearly full */
	GIVE_UP_MOST = 256, /* recipients given up by the claims of one step */
	ASIDE_MOST = 256,   /* suspects put off by the claims of one step */
	SPENT_TOLD_EVERY_US = 60 * 1000 * 1000,
};

/* A sweep over the lanes in which mail waits. */
struct sweep {
	uint64_t group; /* that `chosen` is for */
	bool known;
	struct chosen chosen;
	bool room; /* a worker may take a job of the chosen relay */
};

static void
tell_spent(struct dispatch *d, const struct choose_step *s, unsigned type)
{
	int64_t *told = &d->spent_told_us[s->relay][type];
	size_t quota;
	int64_t opens_us;

	/* Places that come back may open it for a moment, again and again. */
	if (s->now.shut != SHUT_SPENT ||
	    (*told != 0 && d->steady_us - *told < SPENT_TOLD_EVERY_US))
		return;
	*told = d->steady_us;
	opens_us = book_opens_us(d->book, s->relay, type, d->now_us, &quota);
	dispatch_remark(d, JOURNAL_QUOTA, d->settings->quotas[quota].title,
			"spent", d->settings->types[type].title,
			d->settings->relays[s->relay].title,
			opens_us == INT64_MAX ? 0 : opens_us);
	log_event(EVENT_QUOTA_SPENT, NULL,
		  "quota %s has no room for %s: relay %s takes it again in "
		  "%lld s",
		  d->settings->quotas[quota].title,
		  d->settings->types[type].title,
		  d->settings->relays[s->relay].title,
		  opens_us == INT64_MAX
		      ? -1LL
		      : (long long)((opens_us - d->now_us) / SECOND_US));
}

static void
choose(struct dispatch *d, const struct lane *lane, struct sweep *w)
{
	struct choose_ops ops = {dispatch_relay_now, d};

	choose_relay(routing_way(d->settings, lane->way), lane->type,
		     lane->tried, &ops, &w->chosen);
	for (size_t i = 0; i < w->chosen.nsteps; i++)
		tell_spent(d, &w->chosen.step[i], lane->type);
	w->room = w->chosen.choice == CHOICE_GO &&
		  dispatch_room(d, w->chosen.relay) >= 0;
}

/* A lane that can't go now: when may it, and where does the sweep go on? */
static uint64_t
pass_over(struct dispatch *d, const struct sweep *w, uint64_t packed)
{
	switch (w->chosen.choice) {
	case CHOICE_GO:
		d->wanting[w->chosen.relay] = true;
		break;
	case CHOICE_WAIT:
		if (lane_unpack(packed).tried != 0) {
			d->unsorted = packed; /* back to the way's start */
			return packed + 1;
		}
		d->next_due_us = min_of(d->next_due_us, w->chosen.opens_us);
		break;
	case CHOICE_BOUNCE:
		/* Expire finds it; if it was just round and found nothing, copies
		 * for archives wait here, which are never given up. */
		if (d->expire.n > 0 || d->expire.lane != 0)
			d->look_us = min_of(d->look_us, d->steady_us);
		break;
	}
	return ((packed >> LANE_GROUP_SHIFT) + 1) << LANE_GROUP_SHIFT;
}

/* One lane with a waiting row; returns where to look for the next one, 0: the
 * sweep is over. */
static uint64_t
look_at(struct dispatch *d, struct sweep *w, uint64_t packed,
	const struct ledger_due *first)
{
	struct lane lane = lane_unpack(packed);

	if (lane.epoch != routing_epoch(d->settings)) {
		d->unsorted = packed;
		return lane.epoch == UINT32_MAX
			   ? 0
			   : (uint64_t)(lane.epoch + 1) << 32;
	}
	if (!w->known || w->group != packed >> LANE_GROUP_SHIFT) {
		w->known = true;
		w->group = packed >> LANE_GROUP_SHIFT;
		choose(d, &lane, w);
	}
	if (w->chosen.choice != CHOICE_GO || !w->room)
		return pass_over(d, w, packed);
	if (first->due_us > d->now_us)
		d->next_due_us = min_of(d->next_due_us, first->due_us);
	else if (!fair_add(&d->fair, w->chosen.relay, lane.type, packed)) {
		d->next_due_us = INT64_MIN;
		d->sweep_from = packed;
		return 0;
	}
	return packed + 1;
}

static bool
sweep(struct dispatch *d, struct txn *t, struct err *e)
{
	struct sweep w = {.known = false};
	/* 0 is no lane.  When there were too many to look at, the sweep goes
	 * on where it stopped, so that none is left out for ever. */
	uint64_t lane = d->sweep_from != 0 ? d->sweep_from : 1;
	bool rest = d->sweep_from != 0;

	d->claims++;
	d->long_looks = 0;
	fair_clear(&d->fair);
	memset(d->wanting, 0, sizeof d->wanting);
	d->next_due_us = rest ? INT64_MIN : INT64_MAX;
	d->sweep_from = 0;
	d->unsorted = 0;
	for (int i = 0; lane != 0; i++) {
		struct ledger_due first = {.due_us = 0};

		if (i == SWEEP_MOST) {
			d->next_due_us = INT64_MIN;
			d->sweep_from = lane;
			break;
		}
		e->kind = ERR_NONE;
		if (!ledger_waiting(t, &lane, &first, e)) {
			if (e->kind != ERR_NONE)
				return false;
			break;
		}
		lane = look_at(d, &w, lane, &first);
	}
	for (size_t i = 0; i < d->settings->nrelays; i++)
		if (d->fair.wanted[i])
			fair_resume(&d->fair, i, &d->turns[i]);
	return true;
}

static uint32_t
recipients_most(const struct dispatch *d, size_t relay)
{
	uint64_t most = d->settings->relays[relay].recipients_per_message;

	most = min_of(most, (uint64_t)JOB_RECIPIENTS_MOST);
	return (uint32_t)min_of(most, (uint64_t)dispatch_rate_room(d, relay));
}

/* The claim was made: what the plan, the rate and the turns keep of it. */
static void
began(struct dispatch *d, struct step *s, struct claim *c)
{
	struct relay_facts *f = &d->facts[d->place[c->relay]];

	plan_began(&d->plan, d->place[c->relay], c->worker);
	d->suspects[c->worker] += c->suspect;
	if (c->mx != NULL)
		destination_began(
		    &d->destinations,
		    destination_place(d->place[c->relay], c->destination),
		    c->nrcpt, &d->settings->relays[c->relay].rate_per_domain,
		    d->steady_us);
	if (c->permit) {
		f->outstanding += c->nrcpt;
		f->used = true;
	}
	if (c->kept != NULL)
		later_add(&d->log, EVENT_RETURN_PATH, c->message,
			  "relay=%s: the client's envelope sender stays: %s",
			  d->settings->relays[c->relay].title, c->kept);
	s->nclaim++;
}

/* Where a claim of this lane begins to look. */
static struct look *
look_of(struct dispatch *d, uint64_t lane)
{
	struct look *k = &d->look[lane % LOOK_PLACES];

	if (k->lane != lane)
		*k = (struct look){.lane = lane};
	if (k->step != d->claims) {
		k->step = d->claims;
		k->from_deep = k->has_deep && d->claims % LOOK_DEEP == 0;
		k->at = k->from_deep ? k->deep
				     : (struct ledger_due){.due_us = INT64_MIN};
	}
	return k;
}

/* It found nothing to take: to the end of what is due, or of its patience. */
static void
looked(struct dispatch *d, struct look *k, const struct claim *c)
{
	if (c->rest && (k->from_deep || !k->has_deep))
		k->deep = c->from;
	k->has_deep = c->rest;
	if (!c->rest)
		return;
	d->long_looks++;
	d->next_due_us = INT64_MIN;
}

static struct claim
claim_of(struct dispatch *d, size_t relay, unsigned type, uint64_t lane,
	 unsigned worker)
{
	return (struct claim){.worker = worker,
			      .relay = relay,
			      .type = type,
			      .lane = lane,
			      .from = {.due_us = INT64_MIN},
			      .permit = d->facts[d->place[relay]].rated,
			      .suspects = d->suspects,
			      .suppress = d->suppress,
			      .lifetime_us = d->retry[type].lifetime_us,
			      .job = d->next_job++};
}

enum turn { TURN_DONE, TURN_NONE, TURN_FAILED };

/* Its relay takes mail, but never had room for one so large; or nobody is to
 * write to its address. */
static enum turn
give_up(struct dispatch *d, struct txn *t, const struct claim *c,
	struct step *s, struct err *e)
{
	struct settle_world w = dispatch_world(d);
	struct expired x = {.lane = c->lane,
			    .row = c->row,
			    .arrival_us = c->arrival_us,
			    .why = c->why};

	if (!expire_one(t, &x, &w, d->now_us, e))
		return TURN_FAILED;
	d->next_due_us = INT64_MIN;
	/* A mass mail may have hundreds that nobody is to write to. */
	return ++s->given_up < GIVE_UP_MOST && !bounces_full(&d->bounces)
		   ? TURN_DONE
		   : TURN_NONE;
}

/* One message through this relay, if one may go. */
static enum turn
take_turn(struct dispatch *d, struct txn *t, size_t relay, struct step *s,
	  struct err *e)
{
	struct claim *c = &s->claim[s->nclaim];
	struct fair_turns *turns = &d->turns[relay];
	const struct claim_ops mx = {dispatch_worker_for, d};
	struct look *k;
	int worker = dispatch_room(d, relay);
	int64_t next_us;
	unsigned type;
	uint64_t lane, weight;

	if (!fair_turn(&d->fair, relay, turns, &type, &lane))
		return TURN_NONE;
	if (worker < 0) {
		d->wanting[relay] = true;
		return TURN_NONE;
	}
	if (d->long_looks == LOOK_LONG)
		return TURN_NONE; /* looked() has asked for the next step */
	weight = d->settings->types[type].weight;
	k = look_of(d, lane);
	*c = claim_of(d, relay, type, lane, (unsigned)worker);
	if (d->settings->relays[relay].deliver == DELIVER_MX) {
		c->mx = &mx;
		c->from = k->at;
	}
	switch (claim_next(t, d->book, d->settings, recipients_most(d, relay),
			   d->now_us, c, &next_us, e)) {
	case CLAIM_DONE:
		fair_done(&d->fair, relay, turns, type, weight, c->nrcpt,
			  next_us <= d->now_us);
		began(d, s, c);
		k->at = c->from;
		break;
	case CLAIM_LATER:
		fair_done(&d->fair, relay, turns, type, weight, 0, false);
		if (c->mx != NULL)
			looked(d, k, c);
		break;
	case CLAIM_SPENT: /* its lanes may have another relay */
		fair_drop(&d->fair, relay, type);
		d->next_due_us = INT64_MIN;
		return TURN_DONE;
	case CLAIM_OVER:
		return give_up(d, t, c, s, e);
	case CLAIM_ASIDE:
		d->next_due_us = INT64_MIN;
		return ++s->aside < ASIDE_MOST ? TURN_DONE : TURN_NONE;
	case CLAIM_TIGHT: /* one in a step: what is behind it comes next */
		d->next_due_us = INT64_MIN;
		return TURN_NONE;
	case CLAIM_FAILED:
		claim_free(c);
		return TURN_FAILED;
	}
	if (next_us > d->now_us)
		d->next_due_us = min_of(d->next_due_us, next_us);
	return TURN_DONE;
}

/* How many jobs this commit may give out.  What makes room comes first when
 * the last one failed: the disk may be full. */
static size_t
jobs_most(const struct dispatch *d)
{
	if (d->stopping)
		return 0;
	/* A claim takes room, and only its end gives some back. */
	if (d->bounces.pressure == BOUNCES_NONE &&
	    d->flights.n >= FULL_FLIGHTS_MOST)
		return 0;
	if (d->cautious || d->bounces.pressure == BOUNCES_NONE)
		return d->nsettle > 0 ? 0 : 1;
	return DISPATCH_JOBS_MOST;
}

/* Rounds over the relays, one message each, while there is mail and room. */
static bool
claim_rounds(struct dispatch *d, struct txn *t, struct step *s, struct err *e)
{
	size_t most = jobs_most(d), nrcpt = 0;
	bool busy = true;

	while (busy) {
		busy = false;
		for (size_t i = 0; i < d->settings->nrelays; i++) {
			size_t before = s->nclaim;

			if (!d->fair.wanted[i])
				continue;
			if (s->nclaim == most || nrcpt >= DISPATCH_RCPTS_MOST) {
				d->next_due_us = INT64_MIN;
				return true;
			}
			switch (take_turn(d, t, i, s, e)) {
			case TURN_DONE:
				busy = true;
				break;
			case TURN_NONE:
				d->fair.wanted[i] = false;
				break;
			case TURN_FAILED:
				return false;
			}
			if (s->nclaim > before)
				nrcpt += s->claim[before].nrcpt;
		}
	}
	return true;
}

bool
dispatch_may_claim(const struct dispatch *d)
{
	if (d->stopping)
		return false;
	if (d->next_due_us <= d->now_us)
		return true;
	for (size_t i = 0; i < d->settings->nrelays; i++)
		if (d->wanting[i] && dispatch_room(d, i) >= 0)
			return true;
	return false;
}

bool
dispatch_claim(struct dispatch *d, struct txn *t, struct step *s, struct err *e)
{
	if (jobs_most(d) == 0 || !dispatch_may_claim(d))
		return true;
	return sweep(d, t, e) && claim_rounds(d, t, s, e);
}
