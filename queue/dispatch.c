#include "queue/dispatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/dispatch_private.h"
#include "queue/recover.h"

/* Deaths within this time say how common they are now. */
#define DEATH_WITHIN_US (10 * MINUTE_US)
/* What a dead worker held comes back one after another, so long apart. */
#define SPREAD_US      (SECOND_US / 10)
#define SPREAD_MOST_US (5 * MINUTE_US)

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

static void
configure(struct dispatch *d, const struct settings *s)
{
	d->settings = s;
	plan_configure(&d->plan, s);
	for (unsigned i = 0; i < s->ntypes; i++)
		d->retry[i] = retry_of(s, i);
	memset(d->spent_told_us, 0, sizeof d->spent_told_us);
	memset(d->gate_changed, 0, sizeof d->gate_changed);
	dispatch_configure_relays(d);
	d->next_due_us = INT64_MIN;
	d->unsorted = 0; /* it may be in order now; the next sweep tells */
	tell_shares(d);
}

struct settle_world
dispatch_world(struct dispatch *d)
{
	return (struct settle_world){.settings = d->settings,
				     .retry = d->retry,
				     .book = d->book,
				     .choose = {dispatch_relay_now, d},
				     .log = &d->log,
				     .bounces = &d->bounces};
}

void
dispatch_remark(struct dispatch *d, enum journal_kind kind, const char *name,
		const char *word, const char *type, const char *words,
		int64_t until_us)
{
	struct remark x = {
	    .kind = kind, .at_us = d->now_us, .until_us = until_us};

	snprintf(x.name, sizeof x.name, "%s", name);
	snprintf(x.type, sizeof x.type, "%s", type);
	snprintf(x.word, sizeof x.word, "%s", word);
	snprintf(x.words, sizeof x.words, "%s", words);
	remarks_add(&d->remarks, &x);
}

static bool
open_book(struct dispatch *d, int64_t now_us, struct err *e)
{
	struct txn *t = store_begin(d->store, false, e);

	if (t != NULL)
		d->book = book_open(t, d->settings, now_us, e);
	store_abort(t);
	return d->book != NULL;
}

struct dispatch *
dispatch_open(struct store *store, const struct settings *s,
	      const struct dispatch_ops *ops, void *arg, int64_t now_us,
	      struct err *e)
{
	struct dispatch *d = must_alloc(sizeof *d);

	d->store = store;
	d->ops = ops;
	d->arg = arg;
	/* No outcome for a job of an earlier life can match one of ours. */
	d->next_job = (uint64_t)now_us << 8;
	d->settings = s;
	expire_init(&d->expire);
	forget_init(&d->forget);
	d->paced_us = INT64_MAX;
	if (!open_book(d, now_us, e)) {
		dispatch_close(d);
		return NULL;
	}
	configure(d, s);
	return d;
}

void
dispatch_close(struct dispatch *d)
{
	if (d == NULL)
		return;
	flight_clear(&d->flights);
	book_close(d->book);
	for (size_t i = 0; i < PLAN_RELAYS_MOST; i++)
		if (d->facts[i].rated)
			rate_done(&d->facts[i].rate);
	free(d->permit);
	bytes_free(&d->log.lines);
	remarks_free(&d->remarks);
	bounces_free(&d->bounces);
	free(d->settle);
	orders_clear(&d->orders);
	free(d);
}

bool
dispatch_configure(struct dispatch *d, const struct settings *s, int64_t now_us,
		   struct err *e)
{
	struct txn *t = store_begin(d->store, false, e);
	bool ok = t != NULL && book_configure(d->book, t, s, now_us, e);

	store_abort(t);
	if (ok)
		configure(d, s);
	return ok;
}

void
dispatch_worker_up(struct dispatch *d, unsigned worker)
{
	plan_worker_up(&d->plan, worker);
	d->next_due_us = INT64_MIN;
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
	s->job = x->job;
	snprintf(s->relay, sizeof s->relay, "%s", d->plan.relay[x->relay].name);
	return s;
}

/* The job is over.  If its dot never got a permit, it does not count any more.
 */
static void
land(struct dispatch *d, struct flight *x)
{
	if (x->permit && !x->permitted)
		d->facts[x->relay].outstanding -= x->nstarts;
	if (x->mx)
		destination_ended(&d->destinations, x->destination);
	d->suspects[x->worker] -= x->suspect;
	flight_remove(&d->flights, x);
}

/* This worker has died: how many have, lately? */
static uint32_t
count_death(struct dispatch *d)
{
	uint32_t n = 0;

	d->death_us[d->deaths++ % DEATHS_KEPT] = d->steady_us;
	for (size_t i = 0; i < min_of(d->deaths, (uint64_t)DEATHS_KEPT); i++)
		n += d->steady_us - d->death_us[i] < DEATH_WITHIN_US;
	return n;
}

void
dispatch_worker_leaves(struct dispatch *d, unsigned worker)
{
	plan_worker_leaves(&d->plan, worker);
}

void
dispatch_worker_gone(struct dispatch *d, unsigned worker)
{
	uint32_t njobs = flight_count(&d->flights, worker);
	/* Dead or leaving already: what was still on its way to it never came
	 * there. */
	bool alive = d->plan.worker[worker] && !d->plan.leaving[worker];
	uint32_t deaths = alive && njobs > 0 ? count_death(d) : 0;
	bool suspected = d->suspects[worker] > 0;
	struct flight *x;

	while ((x = flight_of(&d->flights, worker)) != NULL) {
		/* A dot that waited for its permit has not left. */
		bool dot = x->dot && (!x->permit || x->permitted);

		for (uint32_t i = 0; i < x->nrcpt; i++) {
			struct settle *s = settle_of(d, x, x->rcpt[i]);

			s->worker_died = true;
			s->innocent = !alive || (suspected && x->suspect == 0);
			s->deaths = deaths;
			s->spread_us = s->innocent
					   ? 0
					   : min_of((njobs - 1) * SPREAD_US,
						    SPREAD_MOST_US);
			s->in_doubt = dot;
			s->verdict = verdict_of(
			    STATUS_WORKER_DIED, dot ? STAGE_DOT : STAGE_NONE,
			    dot ? "after the final dot: possible duplicate"
				: NULL);
		}
		land(d, x);
	}
	plan_worker_gone(&d->plan, worker);
	d->next_due_us = INT64_MIN; /* its destinations have another worker */
	tell_shares(d);
}

bool
dispatch_dot(struct dispatch *d, unsigned worker, uint64_t job)
{
	struct flight *x = flight_find(&d->flights, job);

	if (x == NULL || x->worker != worker)
		return false;
	if (!x->dot && x->permit) {
		if (d->npermits == d->permit_room) {
			d->permit_room = max_of(d->permit_room * 2, (size_t)16);
			d->permit = must_realloc(
			    d->permit, d->permit_room * sizeof d->permit[0]);
		}
		d->permit[d->npermits++] = (struct permit){job, x->relay};
	}
	x->dot = true;
	return true;
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
	log_safe(o->security.p, o->security.n, s->security, sizeof s->security);
	s->dsn_passed = o->dsn_passed;
	/* RFC 5321 4.5.3.2.6: it may have the mail, or not. */
	s->in_doubt = o->kind != VERDICT_SENT && o->dot_sent && o->code == 0;
	dispatch_judge(d, x, o, s);
	if (x->nrcpt == 0) {
		plan_ended(&d->plan, x->relay, worker);
		land(d, x);
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
dispatch_change(struct dispatch *d, uint64_t client, const char *who,
		const struct control_change *c)
{
	orders_add_change(&d->orders, client, who, c);
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
dispatch_recover(struct dispatch *d, int64_t now_us, int64_t steady_us,
		 uint64_t *n, struct err *e)
{
	d->next_due_us = INT64_MIN;
	d->now_us = now_us;
	d->steady_us = steady_us;
	if (!recover_claims(d->store, d->settings, d->book, now_us, n, e))
		return false;
	dispatch_start_rates(d, *n > 0);
	return true;
}
