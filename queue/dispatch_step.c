#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/claim.h"
#include "queue/dispatch_private.h"
#include "queue/route.h"

enum {
	AGAIN_MS = 1000, /* after a failed commit ... */
	AGAIN_FEW = 16,  /* ... so few outcomes go into the next one */
};

/* What one transaction did, until it is durable. */
struct step {
	size_t settled;
	size_t ordered;
	struct control_answer answer[ORDERS_MOST];
	struct claim claim[DISPATCH_JOBS_MOST];
	size_t nclaim;
};

static bool
settle_some(struct dispatch *d, struct txn *t, int64_t now_us, struct step *s,
	    struct err *e)
{
	size_t most =
	    min_of(d->nsettle, d->cautious ? (size_t)AGAIN_FEW
					   : (size_t)DISPATCH_SETTLE_MOST);

	for (; s->settled < most; s->settled++) {
		struct settle *x = &d->settle[s->settled];
		int64_t again_us;

		x->ended_us = now_us;
		if (!settle_one(t, x, d->settings->normal_retry, &d->log,
				&again_us, e))
			return false;
		d->next_due_us = min_of(d->next_due_us, again_us);
	}
	return true;
}

static bool
order_some(struct dispatch *d, struct txn *t, int64_t now_us, struct step *s,
	   struct err *e)
{
	if (d->orders.n == 0)
		return true;
	d->next_due_us = INT64_MIN;
	return orders_carry_out(&d->orders, t, now_us, &d->log, s->answer,
				&s->ordered, e);
}

/* How many jobs this commit may give out.  What makes room comes first when
 * the last one failed: the disk may be full. */
static size_t
jobs_most(const struct dispatch *d)
{
	if (d->stopping)
		return 0;
	if (d->cautious)
		return d->nsettle > 0 ? 0 : 1;
	return DISPATCH_JOBS_MOST;
}

/* Claims what is due for every worker with room. */
static bool
claim_some(struct dispatch *d, struct txn *t, int64_t now_us, int64_t steady_us,
	   struct step *s, struct err *e)
{
	const struct relay_settings *relay = route_relay(d->settings);
	size_t place, most = jobs_most(d), nrcpt = 0;

	if (relay == NULL || d->next_due_us > now_us)
		return true;
	place = plan_relay(&d->plan, relay->title);
	while (s->nclaim < most && nrcpt < DISPATCH_RCPTS_MOST) {
		struct claim *c = &s->claim[s->nclaim];
		int worker = plan_pick(&d->plan, place, steady_us);

		if (worker < 0)
			return true;
		*c = (struct claim){.worker = (unsigned)worker,
				    .relay = place,
				    .job = d->next_job++};
		if (!claim_next(t, relay, LANE_DEFAULT, now_us, c,
				&d->next_due_us, e)) {
			claim_free(c);
			return e->kind == ERR_NONE;
		}
		plan_began(&d->plan, place, c->worker);
		nrcpt += c->nrcpt;
		s->nclaim++;
	}
	return true;
}

/* The commit did not happen: nothing of this step did. */
static void
undo(struct dispatch *d, struct step *s, int64_t steady_us)
{
	for (size_t i = 0; i < s->nclaim; i++) {
		plan_ended(&d->plan, s->claim[i].relay, s->claim[i].worker);
		claim_free(&s->claim[i]);
	}
	later_forget(&d->log);
	d->next_due_us = INT64_MIN;
	d->not_before_us = steady_us + (int64_t)AGAIN_MS * 1000;
	d->cautious = true;
}

static void
hand_over(struct dispatch *d, struct claim *c, int64_t now_us)
{
	struct flight *x = flight_add(&d->flights, c->job, c->nrcpt, c->rcpt);
	unsigned worker = c->worker;

	x->message = c->message;
	x->arrival_us = c->arrival_us;
	x->claimed_us = now_us;
	x->relay = c->relay;
	x->worker = worker;
	d->ops->job(d->arg, worker, &c->frame); /* x may be gone behind this */
	claim_free(c);
	/* It may have been lost while it was given the jobs before this one. */
	if (!d->plan.worker[worker])
		dispatch_worker_gone(d, worker);
}

/* Durable: jobs leave, answers are given, lines are logged. */
static void
emit(struct dispatch *d, struct step *s, int64_t now_us)
{
	d->nsettle -= s->settled;
	if (s->settled > 0 && d->nsettle > 0)
		memmove(d->settle, d->settle + s->settled,
			d->nsettle * sizeof d->settle[0]);
	for (size_t i = 0; i < s->nclaim; i++)
		hand_over(d, &s->claim[i], now_us);
	for (size_t i = 0; i < s->ordered; i++)
		d->ops->answer(d->arg, orders_client(&d->orders, i),
			       &s->answer[i]);
	orders_done(&d->orders, s->ordered);
	later_log(&d->log);
	d->cautious = false;
}

/* What outcomes said of their relays since the last step. */
static void
judge_relays(struct dispatch *d, int64_t steady_us)
{
	for (size_t i = 0; i < d->plan.nrelays; i++) {
		struct plan_relay *r = &d->plan.relay[i];

		if (r->answering && plan_reached(&d->plan, i))
			log_event(EVENT_RELAY_UP, NULL,
				  "relay %s answers again", r->name);
		else if (r->failing && !r->answering &&
			 plan_unreachable(&d->plan, i, steady_us))
			log_event(
			    EVENT_RELAY_DOWN, NULL,
			    "relay %s can't be reached; tried again "
			    "after 1 s, then 2, 4 ... up to %lld s",
			    r->name,
			    (long long)(r->breaker_open_for_us / SECOND_US));
		r->answering = r->failing = false;
	}
}

/* Where mail of the lane goes; nrelays: nowhere. */
static size_t
way_out(const struct dispatch *d)
{
	const struct relay_settings *relay = route_relay(d->settings);

	return relay != NULL ? plan_relay(&d->plan, relay->title)
			     : d->plan.nrelays;
}

static bool
may_claim(const struct dispatch *d, int64_t now_us, int64_t steady_us)
{
	return !d->stopping && d->next_due_us <= now_us &&
	       plan_pick(&d->plan, way_out(d), steady_us) >= 0;
}

static uint64_t
wake_in_ms(const struct dispatch *d, int64_t now_us, int64_t steady_us)
{
	int64_t wait = (int64_t)DISPATCH_IDLE_MS * 1000;
	int64_t probe = plan_wake_us(&d->plan, steady_us);

	if (d->not_before_us > steady_us)
		return (uint64_t)(d->not_before_us - steady_us) / 1000 + 1;
	if (dispatch_busy(d) || may_claim(d, now_us, steady_us))
		return 1;
	if (probe != INT64_MAX)
		wait = min_of(wait, probe - steady_us);
	if (d->next_due_us > now_us && d->next_due_us != INT64_MAX)
		wait = min_of(wait, d->next_due_us - now_us);
	return (uint64_t)wait / 1000 + 1;
}

static bool
run(struct dispatch *d, struct step *s, int64_t now_us, int64_t steady_us,
    struct err *e)
{
	struct txn *t = store_begin(d->store, true, e);

	/* Outcomes first: what they free makes room for the rest. */
	if (t != NULL && settle_some(d, t, now_us, s, e) &&
	    expire_found(&d->expire, t, LANE_DEFAULT, d->settings->normal_retry,
			 route_relay(d->settings)->title, now_us, &d->log, e) &&
	    order_some(d, t, now_us, s, e) &&
	    claim_some(d, t, now_us, steady_us, s, e)) {
		if (store_commit(t, e))
			return true;
	} else {
		store_abort(t);
	}
	undo(d, s, steady_us);
	return false;
}

/* Once in DISPATCH_IDLE_MS: is there what no bell told of? */
static bool
look_around(struct dispatch *d, int64_t now_us, int64_t steady_us,
	    struct err *e)
{
	size_t relay = way_out(d);

	d->look_us = steady_us + (int64_t)DISPATCH_IDLE_MS * 1000;
	d->next_due_us = INT64_MIN; /* a bell may have been lost */
	if (d->stopping || relay == d->plan.nrelays ||
	    d->plan.relay[relay].failures == 0)
		return true;
	return expire_look(&d->expire, d->store, LANE_DEFAULT,
			   d->settings->normal_retry->lifetime_us, now_us, e);
}

bool
dispatch_step(struct dispatch *d, int64_t now_us, int64_t steady_us,
	      uint64_t *wake_ms, struct err *e)
{
	struct step *s;
	bool ok = true;

	judge_relays(d, steady_us);
	if (steady_us >= d->look_us)
		ok = look_around(d, now_us, steady_us, e);
	if (ok && steady_us >= d->not_before_us &&
	    (dispatch_busy(d) || d->expire.n > 0 ||
	     may_claim(d, now_us, steady_us))) {
		s = must_alloc(sizeof *s);
		ok = run(d, s, now_us, steady_us, e);
		if (ok)
			emit(d, s, now_us);
		free(s);
	}
	d->expire.n = 0; /* true only for as long as nothing else changed */
	*wake_ms = wake_in_ms(d, now_us, steady_us);
	return ok;
}
