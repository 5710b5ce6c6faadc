#include "queue/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/claim.h"
#include "queue/flight.h"
#include "queue/route.h"
#include "queue/settle.h"

enum {
	AGAIN_MS = 1000, /* after a failed commit */
	RECOVER_MOST = 256,
	RECOVER_NAMED = 20, /* ids in the log */
};

struct order {
	uint64_t client;
	struct control_order what; /* its text points to `reason` */
	char reason[256];
	char who[64];
};

struct dispatch {
	struct store *store;
	const struct settings *settings;
	const struct dispatch_ops *ops;
	void *arg;
	struct plan plan;
	struct flights flights;
	struct later log;
	struct settle *settle;
	size_t nsettle, settle_room;
	struct order *order;
	size_t norder, order_room;
	uint64_t next_job;
	int64_t next_due_us;   /* of the lane; INT64_MIN: look */
	int64_t look_us;       /* steady: the next look without a bell */
	int64_t not_before_us; /* steady: after a failed commit */
	bool stopping;
};

struct dispatch *
dispatch_open(struct store *store, const struct settings *s,
	      const struct dispatch_ops *ops, void *arg, int64_t now_us)
{
	struct dispatch *d = must_alloc(sizeof *d);

	d->store = store;
	d->ops = ops;
	d->arg = arg;
	/* No outcome for a job of an earlier life can match one of ours. */
	d->next_job = (uint64_t)now_us << 8;
	d->next_due_us = INT64_MIN;
	dispatch_configure(d, s);
	return d;
}

void
dispatch_close(struct dispatch *d)
{
	if (d == NULL)
		return;
	flight_clear(&d->flights);
	bytes_free(&d->log.lines);
	free(d->settle);
	free(d->order);
	free(d);
}

static void
tell_shares(struct dispatch *d)
{
	for (unsigned w = 0; w < PLAN_WORKERS_MOST; w++)
		for (size_t i = 0; d->plan.worker[w] && i < d->plan.nrelays;
		     i++) {
			const struct plan_relay *r = &d->plan.relay[i];
			struct job_share s = {.relay = text_of(r->name),
					      .connections = r->share[w]};

			d->ops->share(d->arg, w, &s);
		}
}

void
dispatch_configure(struct dispatch *d, const struct settings *s)
{
	d->settings = s;
	plan_configure(&d->plan, s);
	d->next_due_us = INT64_MIN;
	tell_shares(d);
}

void
dispatch_worker_up(struct dispatch *d, unsigned worker)
{
	plan_worker_up(&d->plan, worker);
	tell_shares(d);
}

static struct settle *
add_settle(struct dispatch *d)
{
	if (d->nsettle == d->settle_room) {
		d->settle_room = max_of(d->settle_room * 2, (size_t)64);
		d->settle = must_realloc(d->settle,
					 d->settle_room * sizeof d->settle[0]);
	}
	d->settle[d->nsettle] = (struct settle){.message = 0};
	return &d->settle[d->nsettle++];
}

static struct settle *
settle_of(struct dispatch *d, const struct flight *x, uint32_t rcpt)
{
	struct settle *s = add_settle(d);

	s->message = x->message;
	s->rcpt = rcpt;
	s->arrival_us = x->arrival_us;
	s->claimed_us = x->claimed_us;
	snprintf(s->relay, sizeof s->relay, "%s", d->plan.relay[x->relay].name);
	return s;
}

void
dispatch_worker_gone(struct dispatch *d, unsigned worker)
{
	struct flight *x;

	while ((x = flight_of(&d->flights, worker)) != NULL) {
		for (uint32_t i = 0; i < x->nrcpt; i++) {
			struct settle *s = settle_of(d, x, x->rcpt[i]);

			s->worker_died = true;
			s->in_doubt = x->dot;
			s->verdict = verdict_of(
			    STATUS_WORKER_DIED, x->dot ? STAGE_DOT : STAGE_NONE,
			    x->dot ? "after the final dot: possible duplicate"
				   : NULL);
		}
		flight_remove(&d->flights, x);
	}
	plan_worker_gone(&d->plan, worker);
	tell_shares(d);
}

bool
dispatch_dot(struct dispatch *d, unsigned worker, uint64_t job)
{
	struct flight *x = flight_find(&d->flights, job);

	if (x == NULL || x->worker != worker)
		return false;
	x->dot = true;
	return true;
}

static void
judge_relay(struct dispatch *d, size_t relay, const struct job_outcome *o)
{
	bool failed = o->kind == VERDICT_DEFER &&
		      (o->blame == BLAME_RELAY ||
		       (o->blame == BLAME_HOST && o->stage < STAGE_MAIL));

	/* The plan is told at the next step, which knows the time. */
	if (failed)
		d->plan.relay[relay].failing = true;
	else if (o->code != 0 || o->kind == VERDICT_SENT)
		d->plan.relay[relay].answering = true;
}

bool
dispatch_outcome(struct dispatch *d, unsigned worker,
		 const struct job_outcome *o)
{
	struct flight *x = flight_find(&d->flights, o->job);
	struct settle *s;

	if (x == NULL || x->worker != worker || x->message != o->message ||
	    !flight_take(x, o->rcpt))
		return false;
	s = settle_of(d, x, o->rcpt);
	s->in_worker_us = o->in_worker_us;
	s->connect_us = o->connect_us;
	s->transmit_us = o->transmit_us;
	s->verdict.kind = (enum verdict_kind)o->kind;
	s->verdict.blame = (enum verdict_blame)o->blame;
	s->verdict.stage = (enum stage)o->stage;
	s->verdict.code = o->code;
	text_copy(o->status, s->verdict.status, sizeof s->verdict.status);
	log_safe(o->reply.p, o->reply.n, s->verdict.reply,
		 sizeof s->verdict.reply);
	log_safe(o->remote.p, o->remote.n, s->verdict.remote,
		 sizeof s->verdict.remote);
	judge_relay(d, x->relay, o);
	if (x->nrcpt == 0) {
		plan_ended(&d->plan, x->relay, worker);
		flight_remove(&d->flights, x);
	}
	return true;
}

void
dispatch_order(struct dispatch *d, uint64_t client, const char *who,
	       const struct control_order *o)
{
	struct order *x;

	if (d->norder == d->order_room) {
		d->order_room = max_of(d->order_room * 2, (size_t)16);
		d->order =
		    must_realloc(d->order, d->order_room * sizeof d->order[0]);
	}
	x = &d->order[d->norder++];
	*x = (struct order){.client = client, .what = *o};
	log_safe(o->reason.p, o->reason.n, x->reason, sizeof x->reason);
	snprintf(x->who, sizeof x->who, "%s", who);
}

void
dispatch_bell(struct dispatch *d)
{
	d->next_due_us = INT64_MIN;
}

void
dispatch_stop(struct dispatch *d)
{
	d->stopping = true;
}

size_t
dispatch_in_flight(const struct dispatch *d)
{
	return d->flights.n;
}

bool
dispatch_busy(const struct dispatch *d)
{
	return d->nsettle > 0 || d->norder > 0;
}

size_t
dispatch_outcomes(const struct dispatch *d)
{
	return d->nsettle;
}

static bool
settle_some(struct dispatch *d, struct txn *t, int64_t now_us, size_t *done,
	    struct err *e)
{
	for (*done = 0; *done < d->nsettle && *done < DISPATCH_SETTLE_MOST;
	     (*done)++) {
		struct settle *s = &d->settle[*done];
		int64_t again_us;

		s->ended_us = now_us;
		if (!settle_one(t, s, d->settings->normal_retry, &d->log,
				&again_us, e))
			return false;
		d->next_due_us = min_of(d->next_due_us, again_us);
	}
	return true;
}

static const char *
order_word(enum ledger_order o)
{
	switch (o) {
	case LEDGER_HOLD:
		return "hold";
	case LEDGER_RELEASE:
		return "release";
	case LEDGER_RETRY:
		return "retry";
	case LEDGER_DROP:
		return "drop";
	}
	return "?";
}

static bool
carry_out(struct dispatch *d, struct txn *t, struct order *o, int64_t now_us,
	  struct control_answer *a, struct err *e)
{
	enum ledger_order what = (enum ledger_order)o->what.order;
	enum ledger_answer answer;
	char who[sizeof o->who + sizeof o->reason + 4];
	bool gone;

	snprintf(who, sizeof who, "%s%s%s", o->who,
		 o->reason[0] != '\0' ? ": " : "", o->reason);
	*a = (struct control_answer){.message = o->what.message};
	if (!ledger_order(t, o->what.message, o->what.rcpt, what, who, now_us,
			  &answer, &a->changed, &gone, e))
		return false;
	a->answer = (uint8_t)answer;
	if (answer == LEDGER_DONE)
		later_add(&d->log, EVENT_ADMIN, o->what.message,
			  "%s by %s, %u recipients", order_word(what), who,
			  a->changed);
	if (answer == LEDGER_DONE && gone)
		later_add(&d->log, EVENT_REMOVED, o->what.message, "removed");
	d->next_due_us = INT64_MIN;
	return true;
}

struct step {
	size_t settled;
	size_t ordered;
	struct control_answer answer[DISPATCH_ORDERS_MOST];
	struct claim claim[DISPATCH_JOBS_MOST];
	size_t nclaim;
};

static bool
order_some(struct dispatch *d, struct txn *t, int64_t now_us, struct step *s,
	   struct err *e)
{
	size_t most = min_of(d->norder, (size_t)DISPATCH_ORDERS_MOST);

	for (s->ordered = 0; s->ordered < most; s->ordered++)
		if (!carry_out(d, t, &d->order[s->ordered], now_us,
			       &s->answer[s->ordered], e))
			return false;
	return true;
}

/* Claims what is due for every worker with room. */
static bool
claim_some(struct dispatch *d, struct txn *t, int64_t now_us, int64_t steady_us,
	   struct step *s, struct err *e)
{
	const struct relay_settings *relay = route_relay(d->settings);
	size_t place;

	if (d->stopping || relay == NULL || d->next_due_us > now_us)
		return true;
	place = plan_relay(&d->plan, relay->title);
	while (s->nclaim < DISPATCH_JOBS_MOST) {
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
}

/* Durable: jobs leave, answers are given, lines are logged. */
static void
emit(struct dispatch *d, struct step *s, int64_t now_us)
{
	for (size_t i = 0; i < s->nclaim; i++) {
		struct claim *c = &s->claim[i];
		struct flight *x =
		    flight_add(&d->flights, c->job, c->nrcpt, c->rcpt);

		x->message = c->message;
		x->arrival_us = c->arrival_us;
		x->claimed_us = now_us;
		x->relay = c->relay;
		x->worker = c->worker;
		d->ops->job(d->arg, c->worker, &c->frame);
		claim_free(c);
	}
	for (size_t i = 0; i < s->ordered; i++)
		d->ops->answer(d->arg, d->order[i].client, &s->answer[i]);
	later_log(&d->log);
	d->nsettle -= s->settled;
	if (d->nsettle > 0)
		memmove(d->settle, d->settle + s->settled,
			d->nsettle * sizeof d->settle[0]);
	d->norder -= s->ordered;
	if (d->norder > 0)
		memmove(d->order, d->order + s->ordered,
			d->norder * sizeof d->order[0]);
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
			log_event(EVENT_RELAY_DOWN, NULL,
				  "relay %s can't be reached; tried again "
				  "after 1 s, then 2, 4 ... up to %lld s",
				  r->name,
				  (long long)(r->reopen_after_us / SECOND_US));
		r->answering = r->failing = false;
	}
}

static bool
has_room(const struct dispatch *d, int64_t steady_us)
{
	const struct relay_settings *relay = route_relay(d->settings);

	return relay != NULL &&
	       plan_pick(&d->plan, plan_relay(&d->plan, relay->title),
			 steady_us) >= 0;
}

static uint64_t
wake_in_ms(const struct dispatch *d, int64_t now_us, int64_t steady_us)
{
	int64_t wait = (int64_t)DISPATCH_IDLE_MS * 1000;
	int64_t probe = plan_wake_us(&d->plan, steady_us);

	if (d->not_before_us > steady_us)
		return (uint64_t)(d->not_before_us - steady_us) / 1000 + 1;
	if (d->nsettle > 0 || d->norder > 0)
		return 1;
	if (probe != INT64_MAX)
		wait = min_of(wait, probe - steady_us);
	if (d->next_due_us <= now_us)
		wait = has_room(d, steady_us) ? 0 : wait;
	else if (d->next_due_us != INT64_MAX)
		wait = min_of(wait, d->next_due_us - now_us);
	return (uint64_t)max_of(wait, (int64_t)0) / 1000 + 1;
}

static bool
run(struct dispatch *d, struct step *s, int64_t now_us, int64_t steady_us,
    struct err *e)
{
	struct txn *t = store_begin(d->store, true, e);

	if (t != NULL && settle_some(d, t, now_us, &s->settled, e) &&
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

bool
dispatch_step(struct dispatch *d, int64_t now_us, int64_t steady_us,
	      uint64_t *wake_ms, struct err *e)
{
	struct step *s;
	bool ok = true;

	judge_relays(d, steady_us);
	if (steady_us >= d->look_us) { /* a bell may have been lost */
		d->look_us = steady_us + (int64_t)DISPATCH_IDLE_MS * 1000;
		d->next_due_us = INT64_MIN;
	}
	if (steady_us >= d->not_before_us &&
	    (dispatch_busy(d) || (!d->stopping && d->next_due_us <= now_us &&
				  has_room(d, steady_us)))) {
		s = must_alloc(sizeof *s);
		ok = run(d, s, now_us, steady_us, e);
		if (ok)
			emit(d, s, now_us);
		free(s);
	}
	*wake_ms = wake_in_ms(d, now_us, steady_us);
	return ok;
}

/* Up to RECOVER_MOST claims go back in one commit. */
static bool
recover_some(struct dispatch *d, int64_t now_us, uint64_t *n, struct err *e)
{
	struct verdict v = verdict_of(STATUS_WORKER_DIED, STAGE_NONE,
				      "the system stopped: possible duplicate");
	struct ledger_due from = {.id = 0}, due;
	struct txn *t = store_begin(d->store, true, e);
	uint64_t before = *n;

	if (t == NULL)
		return false;
	while (*n - before < RECOVER_MOST &&
	       ledger_claimed(t, &from, &due, e)) {
		enum ledger_answer answer;
		struct ledger_settled out;

		if (!ledger_settle(t, due.id, due.rcpt, &v, "", now_us, now_us,
				   true, &answer, &out, e))
			goto fail;
		bytes_free(&out.memory);
		if (*n < RECOVER_NAMED)
			later_add(&d->log, EVENT_IN_DOUBT, due.id,
				  "was with a worker when the system stopped; "
				  "sent again, possible duplicate");
		++*n;
	}
	if (*n - before < RECOVER_MOST && e->kind != ERR_NONE)
		goto fail;
	if (!store_commit(t, e))
		return false;
	later_log(&d->log);
	return true;
fail:
	store_abort(t);
	return false;
}

bool
dispatch_recover(struct dispatch *d, int64_t now_us, uint64_t *n, struct err *e)
{
	uint64_t before;

	*n = 0;
	do {
		before = *n;
		e->kind = ERR_NONE;
		if (!recover_some(d, now_us, n, e))
			return false;
	} while (*n - before == RECOVER_MOST);
	d->next_due_us = INT64_MIN;
	return true;
}
