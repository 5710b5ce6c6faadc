#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/dispatch_private.h"
#include "queue/sort.h"

enum {
	AGAIN_MS = 1000,      /* after a failed commit ... */
	AGAIN_FEW = 16,       /* ... so few outcomes go into the next one */
	PRUNE_EVERY = 16,     /* looks */
	PRUNE_MOST = 256,     /* old rows of the quotas' ledger in one commit */
	OLD_MOST = 1024,      /* entries of the journal that go in one commit */
	OLD_FEW = 64,         /* ... after a failed one */
	SLACK_MOST = 1 << 20, /* octets of it */
};

static bool
settle_some(struct dispatch *d, struct txn *t, struct step *s, struct err *e)
{
	struct settle_world w = dispatch_world(d);
	size_t most =
	    min_of(d->nsettle, d->cautious ? (size_t)AGAIN_FEW
					   : (size_t)DISPATCH_SETTLE_MOST);

	for (; s->settled < most && !bounces_full(&d->bounces); s->settled++) {
		struct settle *x = &d->settle[s->settled];

		x->ended_us = d->now_us;
		if (!settle_one(t, x, &w, e))
			return false;
	}
	if (most > 0) /* what failed may go on, what was spent may be free */
		d->next_due_us = INT64_MIN;
	return true;
}

static bool
order_some(struct dispatch *d, struct txn *t, struct step *s, struct err *e)
{
	struct settle_world w = dispatch_world(d);

	if (d->orders.n == 0)
		return true;
	d->next_due_us = INT64_MIN;
	return orders_carry_out(&d->orders, t, &w,
				d->cautious ? 1 : ORDERS_MOST, d->now_us,
				s->answer, &s->ordered, e);
}

static bool
sort_some(struct dispatch *d, struct txn *t, struct err *e)
{
	struct settle_world w = dispatch_world(d);
	unsigned moved;

	if (d->unsorted == 0 || d->cautious)
		return true;
	d->next_due_us = INT64_MIN;
	return sort_lane(t, &w, d->unsorted, d->now_us, &moved, e);
}

/* The commit did not happen: nothing of this step did. */
static void
undo(struct dispatch *d, struct step *s)
{
	for (size_t i = 0; i < s->nclaim; i++) {
		struct claim *c = &s->claim[i];
		size_t place = d->place[c->relay];

		plan_ended(&d->plan, place, c->worker);
		d->suspects[c->worker] -= c->suspect;
		if (c->permit)
			d->facts[place].outstanding -= c->nrcpt;
		if (c->mx != NULL)
			destination_ended(
			    &d->destinations,
			    destination_place(place, c->destination));
		claim_free(c);
	}
	book_undo(d->book);
	dispatch_keep_gates(d);
	later_forget(&d->log);
	bounces_forget(&d->bounces);
	d->next_due_us = INT64_MIN;
	d->not_before_us = d->steady_us + (int64_t)AGAIN_MS * 1000;
	d->cautious = true;
}

static void
hand_over(struct dispatch *d, struct claim *c)
{
	struct flight *x = flight_add(&d->flights, c->job, c->nrcpt, c->rcpt);
	unsigned worker = c->worker;

	x->message = c->message;
	x->arrival_us = c->arrival_us;
	x->claimed_us = d->now_us;
	x->relay = d->place[c->relay];
	x->permit = c->permit;
	x->mx = c->mx != NULL;
	if (x->mx)
		x->destination = destination_place(x->relay, c->destination);
	x->suspect = c->suspect;
	x->nstarts = c->nrcpt;
	x->worker = worker;
	d->ops->job(d->arg, worker, &c->frame); /* x may be gone behind this */
	claim_free(c);
	/* It may have been lost while it was given the jobs before this one. */
	if (!d->plan.worker[worker])
		dispatch_worker_gone(d, worker);
}

/* Durable: jobs leave, answers are given, lines are logged. */
static void
emit(struct dispatch *d, struct step *s)
{
	d->nsettle -= s->settled;
	if (s->settled > 0 && d->nsettle > 0)
		memmove(d->settle, d->settle + s->settled,
			d->nsettle * sizeof d->settle[0]);
	for (size_t i = 0; i < s->nclaim; i++)
		hand_over(d, &s->claim[i]);
	for (size_t i = 0; i < s->ordered; i++)
		d->ops->answer(d->arg, orders_client(&d->orders, i),
			       &s->answer[i]);
	orders_done(&d->orders, s->ordered);
	later_log(&d->log);
	remarks_done(&d->remarks);
	d->cautious = false;
}

/* The quotas' ledger forgets what no window reaches. */
static bool
prune_some(struct dispatch *d, struct txn *t, struct err *e)
{
	if (d->looks % PRUNE_EVERY != 0)
		return true;
	d->looks++;
	return book_prune(d->book, t, PRUNE_MOST, d->now_us, e);
}

/* What the journal may take. */
static bool
journal_most(struct dispatch *d, uint64_t *bytes, struct err *e)
{
	uint64_t map_bytes;

	if (!store_map_bytes(d->store, &map_bytes, e))
		return false;
	*bytes = settings_history_bytes(d->settings, map_bytes);
	return true;
}

/* Many at a time: a page whose rows all go is not written, one that loses a row
 * is.  So it begins only when there are SLACK_MOST octets, or what got old in
 * the second between two looks. */
static bool
forget_entries(struct dispatch *d, struct txn *t, struct err *e)
{
	unsigned most = d->cautious ? OLD_FEW : OLD_MOST;
	uint64_t bytes, slack;

	if (!journal_most(d, &bytes, e))
		return false;
	slack = min_of(bytes / 32, (uint64_t)SLACK_MOST);
	bytes -= slack;
	if (!d->forgetting && txn_state(t)->entry_bytes <= bytes)
		return true;
	return journal_prune(t, d->settings->history.keep_us, bytes - slack,
			     d->now_us, most, &d->forgetting, e);
}

static uint64_t
wake_in_ms(const struct dispatch *d)
{
	int64_t wait = (int64_t)DISPATCH_IDLE_MS * 1000, at;

	if (d->not_before_us > d->steady_us)
		return (uint64_t)(d->not_before_us - d->steady_us) / 1000 + 1;
	if (dispatch_busy(d) || dispatch_may_claim(d) || d->unsorted != 0 ||
	    d->forgetting)
		return 1;
	if ((at = plan_wake_us(&d->plan, d->steady_us)) != INT64_MAX)
		wait = min_of(wait, at - d->steady_us);
	if ((at = dispatch_rates_us(d)) != INT64_MAX)
		wait = min_of(wait, at - d->steady_us);
	if (!d->stopping && d->next_due_us != INT64_MAX)
		wait =
		    min_of(wait, max_of(d->next_due_us, d->now_us) - d->now_us);
	wait = min_of(wait, d->look_us - d->steady_us);
	if (d->paced_us != INT64_MAX)
		wait = min_of(wait, d->paced_us - d->steady_us);
	at = book_next_us(d->book, d->now_us);
	if (at != INT64_MAX)
		wait = min_of(wait, at - d->now_us);
	return (uint64_t)max_of(wait, (int64_t)0) / 1000 + 1;
}

/* How much is left of the file, as the last commit left it. */
static bool
look_at_room(struct dispatch *d, struct err *e)
{
	struct store_room r;

	if (!store_room(d->store, &r, e))
		return false;
	d->bounces.pressure = room_pressure(d->settings, &r);
	return true;
}

/* What failed is kept to be looked at while there is room. */
static int64_t
keep_failed_us(const struct dispatch *d)
{
	return d->bounces.pressure == BOUNCES_ROOM
		   ? d->settings->bounce.keep_failed_us
		   : 0;
}

/* Reports about all that has failed in this step; they go in the next one. */
static bool
report_some(struct dispatch *d, struct txn *t, struct err *e)
{
	if (d->bounces.n > 0) {
		d->next_due_us = INT64_MIN;
		if (!look_at_room(d, e))
			return false;
	}
	return bounces_enter(&d->bounces, t, d->settings, &d->log, d->now_us,
			     e);
}

/* An empty suppression list costs nothing more than this look. */
static bool
look_at_list(struct dispatch *d, struct txn *t, struct err *e)
{
	struct suppress_row first;

	e->kind = ERR_NONE;
	d->suppress =
	    suppress_first(t, (const unsigned char *)"", 0, &first, e);
	return e->kind == ERR_NONE;
}

/* The step's one transaction. */
static bool
run(struct dispatch *d, struct step *s, struct err *e)
{
	struct settle_world w = dispatch_world(d);
	struct txn *t = store_begin(d->store, true, e);
	bool turned = false;
	uint64_t map_bytes;

	if (t != NULL && !store_map_bytes(d->store, &map_bytes, e)) {
		store_abort(t);
		t = NULL;
	}
	if (t != NULL) {
		d->bounces.most_bytes = d->settings->bounce.enabled
					    ? room_step_bytes(map_bytes)
					    : 0;
		d->bounces.original_bytes =
		    d->settings->bounce.max_original_bytes;
	}
	if (d->cautious) { /* it may have been too much for the room there is */
		d->expire.n = min_of(d->expire.n, (size_t)AGAIN_FEW);
		d->forget.n = min_of(d->forget.n, (size_t)AGAIN_FEW);
	}

	/* Outcomes first: what they free makes room for the rest. */
	if (t != NULL && book_turn(d->book, t, d->now_us, &turned, e) &&
	    settle_some(d, t, s, e) &&
	    expire_found(&d->expire, t, &w, d->now_us, e) &&
	    suppress_forget(&d->suppress_old, t, d->now_us, e) &&
	    forget_found(&d->forget, t, keep_failed_us(d), d->now_us, &d->log,
			 e) &&
	    order_some(d, t, s, e) && sort_some(d, t, e) &&
	    prune_some(d, t, e)) {
		if (turned)
			d->next_due_us = INT64_MIN;
		if (look_at_list(d, t, e) && dispatch_claim(d, t, s, e) &&
		    report_some(d, t, e) && forget_entries(d, t, e) &&
		    remarks_write(&d->remarks, t, e) &&
		    book_flush(d->book, t, d->now_us, e)) {
			if (store_commit(t, e)) {
				book_committed(d->book);
				bounces_committed(&d->bounces);
				return true;
			}
			t = NULL;
		}
	}
	store_abort(t);
	undo(d, s);
	return false;
}

static bool
look_at_old(struct dispatch *d, struct err *e)
{
	struct txn *t = store_begin(d->store, false, e);
	uint64_t bytes;
	bool ok = t != NULL &&
		  suppress_look(&d->suppress_old, t, d->now_us, e) &&
		  journal_most(d, &bytes, e) &&
		  journal_may_prune(t, d->settings->history.keep_us, bytes,
				    d->now_us, &d->forgetting, e);

	store_abort(t);
	return ok;
}

/* Once in DISPATCH_IDLE_MS: is there what no bell told of? */
static bool
look_around(struct dispatch *d, struct err *e)
{
	struct settle_world w = dispatch_world(d);

	d->looks++;
	d->look_us = d->steady_us + (int64_t)DISPATCH_IDLE_MS * 1000;
	d->next_due_us = INT64_MIN; /* a bell may have been lost */
	if (d->stopping)
		return true;
	return look_at_room(d, e) &&
	       expire_look(&d->expire, d->store, &w, d->now_us, e) &&
	       forget_look(&d->forget, d->store, keep_failed_us(d), d->now_us,
			   e) &&
	       look_at_old(d, e);
}

static bool
something_to_do(const struct dispatch *d)
{
	return dispatch_busy(d) || d->expire.n > 0 || d->forget.n > 0 ||
	       d->suppress_old.n > 0 || d->forgetting || d->unsorted != 0 ||
	       d->gates_changed || d->remarks.n > 0 || dispatch_may_claim(d) ||
	       book_next_us(d->book, d->now_us) <= d->now_us;
}

bool
dispatch_step(struct dispatch *d, int64_t now_us, int64_t steady_us,
	      uint64_t *wake_ms, struct err *e)
{
	struct step *s;
	bool ok = true;

	d->now_us = now_us;
	d->steady_us = steady_us;
	if (steady_us >= d->paced_us) { /* who was too fast may go on */
		d->paced_us = INT64_MAX;
		d->next_due_us = INT64_MIN;
	}
	dispatch_judge_relays(d);
	dispatch_grant_permits(d);
	if (steady_us >= d->look_us)
		ok = look_around(d, e);
	if (ok && steady_us >= d->not_before_us && something_to_do(d)) {
		s = must_alloc(sizeof *s);
		if (d->cautious && !store_turn(d->store, e))
			e->kind = ERR_NONE; /* run() meets it, too */
		ok = run(d, s, e);
		if (ok) {
			d->gates_changed = false;
			memset(d->gate_changed, 0, sizeof d->gate_changed);
			emit(d, s);
		}
		free(s);
	}
	if (ok && d->expire.n > 0 && d->expire.rest)
		d->look_us = d->steady_us;
	d->expire.n = 0; /* true only for as long as nothing else changed */
	*wake_ms = wake_in_ms(d);
	return ok;
}
