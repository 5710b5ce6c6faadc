#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/settings_auth.h"
#include "queue/dispatch_private.h"
#include "queue/relays_now.h"

enum {
	/* A dot is claimed at most so long before its permit can come. */
	RATE_AHEAD_US = 1000000,
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
	uint16_t at = destination_place(place, domain);
	int64_t paced_us = d->destinations.paced_us[at];

	if (w < 0 || !plan_has_room(&d->plan, place, (unsigned)w))
		return -1;
	if (paced_us > d->steady_us) {
		d->paced_us = min_of(d->paced_us, paced_us);
		return -1;
	}
	most =
	    min_of(most * PLAN_AHEAD, (uint64_t)d->plan.relay[place].share[w]);
	return destination_room(&d->destinations, at, (uint32_t)most) ? w : -1;
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
	struct auth_settings auth;

	for (size_t i = 0; i < s->nrelays; i++) {
		size_t place = plan_relay(&d->plan, s->relays[i].title);
		struct relay_facts *f = &d->facts[place];
		bool rated = s->relays[i].rate.window_us != 0;

		must(place < d->plan.nrelays);
		d->place[i] = place;
		d->turns[i] = (struct fair_turns){.now = 0};
		d->wanting[i] = false;
		if (s->relays[i].deliver == DELIVER_SMTP &&
		    auth_of(&s->relays[i], &auth) && auth.enabled)
			d->plan.relay[place].unproven = true;
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
