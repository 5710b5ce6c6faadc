#include "queue/dispatch.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/log.h"
#include "queue/dispatch_private.h"
#include "queue/recover.h"

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
	expire_init(&d->expire);
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
	orders_clear(&d->orders);
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
	log_safe(o->status.p, o->status.n, s->verdict.status,
		 sizeof s->verdict.status);
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
	orders_add(&d->orders, client, who, o);
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
	return d->nsettle > 0 || d->orders.n > 0;
}

size_t
dispatch_outcomes(const struct dispatch *d)
{
	return d->nsettle;
}

bool
dispatch_recover(struct dispatch *d, int64_t now_us, uint64_t *n, struct err *e)
{
	d->next_due_us = INT64_MIN;
	return recover_claims(d->store, now_us, n, e);
}
