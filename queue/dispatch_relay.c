#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/dispatch_private.h"
#include "queue/relays_now.h"

enum {
	/* A dot is claimed at most so long before its permit can come. */
	RATE_AHEAD_US = 1000000,
	WALL_DEFAULT_S = 3600, /* closed for so long when nobody says more */
};

struct relay_now
dispatch_relay_now(void *arg, size_t relay, unsigned type)
{
	struct dispatch *d = arg;
	size_t place = d->place[relay];
	struct relay_now now =
	    relays_now(d->settings, d->book, relay, type, d->now_us);

	/* The gate remembers for mtq; what holds is the breaker itself. */
	if (now.shut == SHUT_UNREACHABLE)
		now = (struct relay_now){.shut = SHUT_NOT};
	if (now.shut == SHUT_NOT && plan_shut(&d->plan, place, d->steady_us)) {
		int64_t closed = d->plan.relay[place].closed_until_us;

		/* Or one message is finding out: its outcome will tell. */
		now.shut = SHUT_UNREACHABLE;
		now.opens_us =
		    d->now_us +
		    (closed > d->steady_us ? closed - d->steady_us : SECOND_US);
	}
	return now;
}

uint32_t
dispatch_rate_room(const struct dispatch *d, size_t relay)
{
	const struct relay_facts *f = &d->facts[d->place[relay]];
	uint64_t count = f->rate.rate.count;

	if (!f->rated)
		return UINT32_MAX;
	if (f->outstanding >= count ||
	    rate_at(&f->rate, f->outstanding + 1, d->steady_us) >
		d->steady_us + RATE_AHEAD_US)
		return 0;
	return (uint32_t)(count - f->outstanding);
}

int
dispatch_room(const struct dispatch *d, size_t relay)
{
	if (dispatch_rate_room(d, relay) == 0)
		return -1;
	return plan_pick(&d->plan, d->place[relay], d->steady_us);
}

/* Half of what its worker may hold at most: another domain finds room. */
int
dispatch_worker_for(void *arg, size_t relay, const char *domain)
{
	struct dispatch *d = arg;
	size_t place = d->place[relay];
	uint64_t most = d->settings->relays[relay].connections_per_host;
	int w = plan_worker_for(&d->plan, place, destination_hash(domain));

	if (w < 0 || !plan_has_room(&d->plan, place, (unsigned)w))
		return -1;
	most =
	    min_of(most * PLAN_AHEAD, (uint64_t)d->plan.relay[place].share[w]);
	return destination_room(&d->destinations,
				destination_place(place, domain),
				(uint32_t)most)
		   ? w
		   : -1;
}

int64_t
dispatch_rates_us(const struct dispatch *d)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < d->settings->nrelays; i++) {
		const struct relay_facts *f = &d->facts[d->place[i]];
		uint32_t n = f->outstanding + 1;

		if (f->rated && d->wanting[i] && n <= f->rate.rate.count)
			next = min_of(next, rate_at(&f->rate, n, d->steady_us) -
						RATE_AHEAD_US);
	}
	for (size_t i = 0; i < d->npermits; i++)
		next = min_of(next, rate_at(&d->facts[d->permit[i].relay].rate,
					    1, d->steady_us));
	return next;
}

void
dispatch_configure_relays(struct dispatch *d)
{
	const struct settings *s = d->settings;

	for (size_t i = 0; i < s->nrelays; i++) {
		size_t place = plan_relay(&d->plan, s->relays[i].title);
		struct relay_facts *f = &d->facts[place];
		bool rated = s->relays[i].rate.window_us != 0;

		must(place < d->plan.nrelays);
		d->place[i] = place;
		d->turns[i] = (struct fair_turns){.now = 0};
		d->wanting[i] = false;
		if (s->relays[i].deliver == DELIVER_MX) /* it has no breaker */
			(void)plan_reached(&d->plan, place);
		if (rated && f->rated)
			rate_change(&f->rate, s->relays[i].rate, d->steady_us);
		else if (rated)
			rate_init(&f->rate, s->relays[i].rate, d->steady_us);
		else if (f->rated)
			rate_done(&f->rate);
		f->rated = rated;
	}
}

/* How long it is at least since a start under a rate.  The wall clock may have
 * jumped; the steady one says less than the truth after a boot, or nothing. */
static int64_t
rated_ago_us(const struct dispatch *d, const struct gate *g)
{
	int64_t ago = max_of(d->now_us - g->last_rated_us, (int64_t)0);

	if (d->steady_us >= g->last_rated_steady_us)
		ago = min_of(ago, d->steady_us - g->last_rated_steady_us);
	return ago;
}

void
dispatch_start_rates(struct dispatch *d, bool recovered)
{
	for (size_t i = 0; i < d->settings->nrelays; i++) {
		const struct gate *g = book_gate(d->book, i);
		struct relay_facts *f = &d->facts[d->place[i]];
		int64_t ago = rated_ago_us(d, g);

		if (g->failed_us != 0 &&
		    d->settings->relays[i].deliver != DELIVER_MX)
			plan_doubt(&d->plan, d->place[i]);
		if (!f->rated)
			continue;
		rate_done(&f->rate);
		/* Who held claims may have sent them a moment ago. */
		if (recovered)
			ago = 0;
		else if (g->last_rated_us == 0)
			ago = INT64_MAX / 4;
		rate_init(&f->rate, d->settings->relays[i].rate,
			  d->steady_us - ago);
	}
}

/* Did it end before a message was spoken of? */
static bool
is_early(enum stage s)
{
	return s < STAGE_MAIL || s == STAGE_STARTTLS || s == STAGE_TLS ||
	       s == STAGE_AUTH;
}

static bool
is_trouble(const struct job_outcome *o)
{
	return o->kind == VERDICT_DEFER &&
	       (o->blame == BLAME_RELAY ||
		(o->blame == BLAME_HOST && is_early((enum stage)o->stage)));
}

/* The host is one of many that the relay delivers to: what it says, also of
 * limits, is its own affair. */
static void
judge_destination(struct dispatch *d, const struct flight *x,
		  const struct job_outcome *o)
{
	if (is_trouble(o))
		d->destinations.failing[x->destination] = true;
	else if (o->code != 0 || o->kind == VERDICT_SENT)
		d->destinations.failing[x->destination] = false;
}

void
dispatch_judge(struct dispatch *d, const struct flight *x,
	       const struct job_outcome *o, struct settle *s)
{
	size_t place = x->relay;
	struct relay_facts *f = &d->facts[place];
	const struct relay_settings *r =
	    settings_relay(d->settings, d->plan.relay[place].name);
	struct wall wall = {.kind = WALL_NONE};

	f->used = true;
	if (r != NULL && o->kind != VERDICT_SENT)
		wall = wall_of(r, &s->verdict);
	if (x->mx) {
		if (wall.kind != WALL_NONE)
			s->verdict.kind = VERDICT_DEFER;
		judge_destination(d, x, o);
		return;
	}
	if (wall.kind != WALL_NONE) {
		s->walled = true;
		s->verdict.kind = VERDICT_DEFER;
		if (f->wall.kind != WALL_QUOTA)
			f->wall = wall;
		snprintf(f->words, sizeof f->words, "%.255s", s->verdict.reply);
		return;
	}
	/* The plan is told at the next step, which knows the time. */
	if (is_trouble(o)) {
		d->plan.relay[place].failing++;
		f->failed = true;
		snprintf(f->words, sizeof f->words, "%.255s", s->verdict.reply);
	} else if (o->code != 0 || o->kind == VERDICT_SENT) {
		d->plan.relay[place].answering = true;
	}
}

/* When the provider's day is over, as far as we know it. */
static int64_t
wall_ends_us(const struct dispatch *d, size_t relay, const struct wall *w)
{
	const struct relay_settings *r = &d->settings->relays[relay];
	int64_t wait_us =
	    (w->wait_s > 0 ? w->wait_s : (int64_t)WALL_DEFAULT_S) * SECOND_US;
	int64_t ends = 0;

	switch (w->until) {
	case WALL_UTC_DAY:
		return zone_day("Etc/UTC", d->now_us).to_us;
	case WALL_WAIT:
		return d->now_us + wait_us;
	case WALL_RESET:
		break;
	}
	for (size_t i = 0; i < d->settings->nquotas; i++)
		for (size_t j = 0; j < r->quota.n; j++) {
			/* The book has not turned yet in this step. */
			struct span span =
			    quota_window(book_terms(d->book, i), d->now_us);

			if (strcmp(d->settings->quotas[i].title,
				   r->quota.item[j]) == 0 &&
			    d->settings->quotas[i].window != WINDOW_ROLLING)
				ends = ends == 0 ? span.to_us
						 : min_of(ends, span.to_us);
		}
	return ends != 0 ? ends : d->now_us + wait_us;
}

static void
run_into_wall(struct dispatch *d, size_t relay, struct gate *g)
{
	struct relay_facts *f = &d->facts[d->place[relay]];
	const char *name = d->settings->relays[relay].title;

	if (f->wall.kind == WALL_RATE) {
		plan_slow(&d->plan, d->place[relay],
			  d->steady_us +
			      max_of(f->wall.wait_s, (int64_t)1) * SECOND_US);
		log_event(EVENT_RELAY_SLOWED, NULL,
			  "relay %s asks for patience: %s", name, f->words);
	} else if (g->closed_until_us <= d->now_us) {
		/* Jobs that were under way when it closed say the same. */
		g->closed_us = d->now_us;
		g->closed_until_us = wall_ends_us(d, relay, &f->wall);
		snprintf(g->closed_reply, sizeof g->closed_reply, "%s",
			 f->words);
		log_event(
		    EVENT_RELAY_CLOSED, NULL,
		    "relay %s is closed for %lld s, its limit is "
		    "reached: %s",
		    name,
		    (long long)((g->closed_until_us - d->now_us) / SECOND_US),
		    f->words);
	}
	f->wall.kind = WALL_NONE;
}

/* The breaker. */
static void
judge_reach(struct dispatch *d, size_t relay, struct gate *g)
{
	size_t place = d->place[relay];
	struct plan_relay *r = &d->plan.relay[place];
	struct relay_facts *f = &d->facts[place];

	if (d->settings->relays[relay].deliver == DELIVER_MX)
		g->failed_us = 0;
	if (f->failed) {
		snprintf(g->last_error, sizeof g->last_error, "%s", f->words);
		g->last_error_us = d->now_us;
	}
	if (r->answering && plan_reached(&d->plan, place)) {
		log_event(EVENT_RELAY_UP, NULL, "relay %s answers again",
			  r->name);
		g->failed_us = 0;
	} else if (r->failing > 0 && !r->answering &&
		   plan_unreachable(&d->plan, place, r->failing,
				    d->steady_us)) {
		log_event(EVENT_RELAY_DOWN, NULL,
			  "relay %s can't be reached; tried again after 1 s, "
			  "then 2, 4 ... up to %lld s: %s",
			  r->name,
			  (long long)(r->breaker_open_for_us / SECOND_US),
			  f->words);
		g->failed_us = d->now_us;
	}
	r->answering = f->failed = false;
	r->failing = 0;
}

/* A pause or a wall whose time is over. */
static void
open_gate(struct dispatch *d, size_t relay, struct gate *g)
{
	const char *name = d->settings->relays[relay].title;

	if (g->paused && g->paused_until_us != 0 &&
	    d->now_us >= g->paused_until_us) {
		g->paused = false;
		log_event(EVENT_RELAY_UP, NULL, "relay %s: the pause is over",
			  name);
	}
	if (g->closed_until_us != 0 && d->now_us >= g->closed_until_us) {
		g->closed_until_us = 0;
		log_event(EVENT_RELAY_UP, NULL,
			  "relay %s is open again after its limit", name);
	}
}

void
dispatch_judge_relays(struct dispatch *d)
{
	for (size_t i = 0; i < d->settings->nrelays; i++) {
		struct relay_facts *f = &d->facts[d->place[i]];
		const struct gate *old = book_gate(d->book, i);
		const struct plan_relay *r = &d->plan.relay[d->place[i]];
		struct gate g;

		if (f->wall.kind == WALL_NONE && !r->answering &&
		    r->failing == 0 && !(f->used && f->rated) && !old->paused &&
		    !(old->failed_us != 0 &&
		      d->settings->relays[i].deliver == DELIVER_MX) &&
		    old->closed_until_us == 0)
			continue;
		g = *old;
		if (f->wall.kind != WALL_NONE)
			run_into_wall(d, i, &g);
		judge_reach(d, i, &g);
		open_gate(d, i, &g);
		if (f->used && f->rated) {
			g.last_rated_us = d->now_us;
			g.last_rated_steady_us = max_of(d->steady_us, 0);
		}
		f->used = false;
		if (memcmp(&g, old, sizeof g) != 0) {
			book_set_gate(d->book, i, &g);
			d->gate[i] = g;
			d->gate_changed[i] = d->gates_changed = true;
			d->next_due_us = INT64_MIN;
		}
	}
}

void
dispatch_keep_gates(struct dispatch *d)
{
	for (size_t i = 0; i < d->settings->nrelays; i++)
		if (d->gate_changed[i])
			book_set_gate(d->book, i, &d->gate[i]);
}

void
dispatch_grant_permits(struct dispatch *d)
{
	size_t kept = 0;

	for (size_t i = 0; i < d->npermits; i++) {
		struct permit p = d->permit[i];
		struct relay_facts *f = &d->facts[p.relay];
		struct flight *x = flight_find(&d->flights, p.job);
		uint32_t n;

		if (x == NULL || x->permitted)
			continue; /* it ended meanwhile */
		n = x->nstarts;
		if (f->rated && n <= f->rate.rate.count &&
		    rate_at(&f->rate, n, d->steady_us) > d->steady_us) {
			d->permit[kept++] = p;
			continue;
		}
		if (f->rated)
			rate_take(&f->rate,
				  min_of(n, (uint32_t)f->rate.rate.count),
				  d->steady_us);
		x->permitted = true;
		f->outstanding -= n;
		f->used = true;
		d->ops->permit(d->arg, x->worker, p.job);
	}
	d->npermits = kept;
}
