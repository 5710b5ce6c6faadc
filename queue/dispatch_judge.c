#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/category.h"
#include "queue/dispatch_private.h"

enum {
	WALL_DEFAULT_S = 3600, /* closed for so long when nobody says more */
};

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

/* The relay has tried our credential and does not take it (RFC 4954 6): asking
 * again would lock the account.  4xx is its trouble, not ours. */
static bool
is_refusal(const struct job_outcome *o)
{
	return o->kind != VERDICT_SENT && o->stage == STAGE_AUTH &&
	       o->blame == BLAME_RELAY && o->code >= 500;
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
	const char *name = d->plan.relay[place].name;
	const struct relay_settings *r = settings_relay(d->settings, name);
	struct wall wall = {.kind = WALL_NONE};

	f->used = true;
	if (r != NULL && o->kind != VERDICT_SENT)
		wall = wall_of(r, &s->verdict);
	/* A provider's limit comes before what `reply` blocks say. */
	if (wall.kind == WALL_NONE)
		category_judge(d->settings, name, &s->verdict);
	else
		s->verdict.category = CATEGORY_QUOTA;
	/* Its block has gone, and with it what its words mean: a limit may speak
	 * of no recipient. */
	if (r == NULL && o->kind == VERDICT_FAIL) {
		s->walled = true;
		s->verdict.kind = VERDICT_DEFER;
		return;
	}
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
	if (is_refusal(o)) {
		s->walled = true;
		s->verdict.kind = VERDICT_DEFER;
		f->refused = f->failed = true;
		snprintf(f->words, sizeof f->words, "%.255s", s->verdict.reply);
		return;
	}
	if (!is_early((enum stage)o->stage) &&
	    (o->kind == VERDICT_SENT || o->code != 0))
		d->plan.relay[place].unproven = false;
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
		dispatch_remark(d, JOURNAL_RELAY, name, "slowed", "", f->words,
				0);
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
		dispatch_remark(d, JOURNAL_RELAY, name, "closed", "", f->words,
				g->closed_until_us);
	}
	f->wall.kind = WALL_NONE;
}

/* Until somebody has looked: `mtq relay resume`. */
static void
pause_refused(struct dispatch *d, size_t relay, struct gate *g)
{
	struct relay_facts *f = &d->facts[d->place[relay]];
	const char *name = d->settings->relays[relay].title;

	f->refused = false;
	d->plan.relay[d->place[relay]].unproven = true;
	if (g->paused && g->paused_until_us == 0)
		return; /* jobs that were under way say the same */
	g->paused = true;
	g->paused_us = d->now_us;
	g->paused_until_us = 0;
	snprintf(g->paused_who, sizeof g->paused_who, "mtq");
	snprintf(g->paused_why, sizeof g->paused_why,
		 "credential refused: %.230s", f->words);
	log_event(EVENT_RELAY_REFUSED, NULL,
		  "a relay refused our credential: %s is paused until \"mtq "
		  "relay resume %s\": %s",
		  name, name, f->words);
	dispatch_remark(d, JOURNAL_RELAY, name, "refused", "", f->words, 0);
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
		dispatch_remark(d, JOURNAL_RELAY, r->name, "reached", "", "",
				0);
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
		dispatch_remark(d, JOURNAL_RELAY, r->name, "unreachable", "",
				f->words,
				d->now_us + r->closed_until_us - d->steady_us);
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
		dispatch_remark(d, JOURNAL_RELAY, name, "resumed", "", "", 0);
	}
	if (g->closed_until_us != 0 && d->now_us >= g->closed_until_us) {
		g->closed_until_us = 0;
		log_event(EVENT_RELAY_UP, NULL,
			  "relay %s is open again after its limit", name);
		dispatch_remark(d, JOURNAL_RELAY, name, "open", "", "", 0);
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

		if (f->wall.kind == WALL_NONE && !f->refused && !r->answering &&
		    r->failing == 0 && !(f->used && f->rated) && !old->paused &&
		    !(old->failed_us != 0 &&
		      d->settings->relays[i].deliver == DELIVER_MX) &&
		    old->closed_until_us == 0)
			continue;
		g = *old;
		if (f->wall.kind != WALL_NONE)
			run_into_wall(d, i, &g);
		if (f->refused)
			pause_refused(d, i, &g);
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
