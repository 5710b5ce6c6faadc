#include "queue/plan.h"

#include <stdio.h>
#include <string.h>

/* Each worker's part of the relay's connections: as equal as can be, and in
 * all exactly what is allowed. */
static void
share_out(struct plan *p, struct plan_relay *r)
{
	uint32_t alive = 0, place = 0;

	for (unsigned w = 0; w < PLAN_WORKERS_MOST; w++)
		alive += p->worker[w];
	for (unsigned w = 0; w < PLAN_WORKERS_MOST; w++) {
		r->share[w] = 0;
		if (!p->worker[w])
			continue;
		r->share[w] =
		    r->connections / alive + (place < r->connections % alive);
		place++;
	}
}

static void
share_all(struct plan *p)
{
	for (size_t i = 0; i < p->nrelays; i++)
		share_out(p, &p->relay[i]);
}

static bool
unused(const struct plan_relay *r)
{
	for (unsigned w = 0; w < PLAN_WORKERS_MOST; w++)
		if (r->in_flight[w] > 0)
			return false;
	return r->connections == 0;
}

/* A place for a relay of this name: its old one, an unused one, a new one. */
static struct plan_relay *
place_for(struct plan *p, const char *name)
{
	size_t i = plan_relay(p, name);

	if (i < p->nrelays)
		return &p->relay[i];
	for (i = 0; i < p->nrelays; i++)
		if (unused(&p->relay[i]))
			break;
	if (i == p->nrelays) {
		must(p->nrelays < PLAN_RELAYS_MOST);
		p->nrelays++;
	}
	p->relay[i] = (struct plan_relay){.connections = 0};
	snprintf(p->relay[i].name, sizeof p->relay[i].name, "%s", name);
	return &p->relay[i];
}

void
plan_configure(struct plan *p, const struct settings *s)
{
	/* What is in flight keeps its place even when its relay is gone. */
	for (size_t i = 0; i < p->nrelays; i++)
		p->relay[i].connections = 0;
	for (size_t i = 0; i < s->nrelays; i++) {
		struct plan_relay *r = place_for(p, s->relays[i].title);

		r->connections = (uint32_t)s->relays[i].connections;
		r->breaker_open_for_us = s->relays[i].breaker_open_for_us;
		r->breaker_failures = (uint32_t)s->relays[i].breaker_failures;
		r->breaker_within_us = s->relays[i].breaker_within_us;
	}
	share_all(p);
}

void
plan_worker_up(struct plan *p, unsigned worker)
{
	must(worker < PLAN_WORKERS_MOST);
	p->worker[worker] = true;
	p->leaving[worker] = false;
	share_all(p);
}

void
plan_worker_gone(struct plan *p, unsigned worker)
{
	must(worker < PLAN_WORKERS_MOST);
	p->worker[worker] = false;
	p->leaving[worker] = false;
	for (size_t i = 0; i < p->nrelays; i++)
		p->relay[i].in_flight[worker] = 0;
	share_all(p);
}

void
plan_worker_leaves(struct plan *p, unsigned worker)
{
	must(worker < PLAN_WORKERS_MOST);
	p->leaving[worker] = true;
}

size_t
plan_relay(const struct plan *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->nrelays; i++)
		if (strcmp(p->relay[i].name, name) == 0)
			break;
	return i;
}

static uint32_t
in_flight(const struct plan_relay *r)
{
	uint32_t n = 0;

	for (unsigned w = 0; w < PLAN_WORKERS_MOST; w++)
		n += r->in_flight[w];
	return n;
}

bool
plan_shut(const struct plan *p, size_t relay, int64_t now_us)
{
	const struct plan_relay *r = &p->relay[relay];

	must(relay < p->nrelays);
	/* Open again after a failure: one job finds out. */
	return now_us < r->closed_until_us ||
	       (r->failures > 0 && in_flight(r) > 0);
}

void
plan_slow(struct plan *p, size_t relay, int64_t until_us)
{
	must(relay < p->nrelays);
	p->relay[relay].slow_until_us =
	    max_of(p->relay[relay].slow_until_us, until_us);
}

void
plan_doubt(struct plan *p, size_t relay)
{
	must(relay < p->nrelays);
	p->relay[relay].failures = 1;
}

int
plan_pick(const struct plan *p, size_t relay, int64_t now_us)
{
	const struct plan_relay *r = &p->relay[relay];
	uint32_t best_room = 0;
	int best = -1;

	if (relay >= p->nrelays || plan_shut(p, relay, now_us) ||
	    now_us < r->slow_until_us || (r->unproven && in_flight(r) > 0))
		return -1;
	for (unsigned w = 0; w < PLAN_WORKERS_MOST; w++) {
		uint32_t most = r->share[w] * PLAN_AHEAD, room;

		if (!p->worker[w] || p->leaving[w] || r->in_flight[w] >= most)
			continue;
		room = most - r->in_flight[w];
		if (room > best_room) {
			best_room = room;
			best = (int)w;
		}
	}
	return best;
}

/* Spreads every bit of both over the result (the finalizer of MurmurHash3):
 * for each worker another order of all destinations. */
static uint32_t
mix(uint32_t hash, unsigned worker)
{
	hash ^= worker * UINT32_C(0x9e3779b9);
	hash = (hash ^ hash >> 16) * UINT32_C(0x85ebca6b);
	hash = (hash ^ hash >> 13) * UINT32_C(0xc2b2ae35);
	return hash ^ hash >> 16;
}

int
plan_worker_for(const struct plan *p, size_t relay, uint32_t hash)
{
	uint32_t best_weight = 0;
	int best = -1;

	must(relay < p->nrelays);
	for (unsigned w = 0; w < PLAN_WORKERS_MOST; w++) {
		uint32_t weight = mix(hash, w);

		if (!p->worker[w] || p->relay[relay].share[w] == 0)
			continue;
		if (best < 0 || weight > best_weight) {
			best_weight = weight;
			best = (int)w;
		}
	}
	return best;
}

bool
plan_has_room(const struct plan *p, size_t relay, unsigned worker)
{
	const struct plan_relay *r = &p->relay[relay];

	must(relay < p->nrelays && worker < PLAN_WORKERS_MOST);
	return p->worker[worker] && !p->leaving[worker] &&
	       r->in_flight[worker] < r->share[worker] * PLAN_AHEAD;
}

void
plan_began(struct plan *p, size_t relay, unsigned worker)
{
	must(relay < p->nrelays && worker < PLAN_WORKERS_MOST);
	p->relay[relay].in_flight[worker]++;
}

void
plan_ended(struct plan *p, size_t relay, unsigned worker)
{
	must(relay < p->nrelays && worker < PLAN_WORKERS_MOST);
	must(p->relay[relay].in_flight[worker] > 0);
	p->relay[relay].in_flight[worker]--;
}

bool
plan_unreachable(struct plan *p, size_t relay, uint32_t n, int64_t now_us)
{
	struct plan_relay *r = &p->relay[relay];
	bool was_open = r->failures == 0;
	int64_t wait;

	must(relay < p->nrelays);
	/* Jobs that were under way when it closed report the same failure. */
	if (now_us < r->closed_until_us)
		return false;
	if (r->strikes == 0 ||
	    now_us - r->first_strike_us > r->breaker_within_us) {
		r->strikes = 0;
		r->first_strike_us = now_us;
	}
	r->strikes += n;
	if (was_open && r->strikes < r->breaker_failures)
		return false;
	wait = SECOND_US << min_of(r->failures, 20U);
	r->closed_until_us = now_us + min_of(wait, r->breaker_open_for_us);
	r->failures++;
	return was_open;
}

bool
plan_reached(struct plan *p, size_t relay)
{
	struct plan_relay *r = &p->relay[relay];
	bool was_closed = r->failures > 0;

	must(relay < p->nrelays);
	r->failures = r->strikes = 0;
	r->closed_until_us = 0;
	return was_closed;
}

int64_t
plan_wake_us(const struct plan *p, int64_t now_us)
{
	int64_t wake = INT64_MAX;

	for (size_t i = 0; i < p->nrelays; i++) {
		const struct plan_relay *r = &p->relay[i];

		if (r->closed_until_us > now_us)
			wake = min_of(wake, r->closed_until_us);
		if (r->slow_until_us > now_us)
			wake = min_of(wake, r->slow_until_us);
	}
	return wake;
}
