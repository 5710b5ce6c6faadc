#include "queue/forecast_world.h"

#include <stdlib.h>
#include <string.h>

#include "queue/fair.h"
#include "queue/relays_now.h"

static void
add_minute(struct will_quota *q, struct book_minute m)
{
	if (q->n == q->room) {
		q->room = max_of(q->room * 2, (size_t)64);
		q->minute =
		    must_realloc(q->minute, q->room * sizeof q->minute[0]);
	}
	q->minute[q->n++] = m;
}

static void
init_quota(struct forecast_world *w, size_t i)
{
	struct will_quota *q = &w->quota[i];
	struct book_minute m;

	q->terms = *book_terms(w->b, i);
	q->use = *book_use(w->b, i);
	q->window = book_window(w->b, i);
	q->full_us = q->opens_us = INT64_MAX;
	for (size_t k = 0; book_minute_at(w->b, i, k, &m); k++)
		add_minute(q, m);
	if (quota_total(&q->use) >=
	    quota_limit(&q->terms, &q->window, w->now_us))
		q->full_us = w->now_us;
	/* What is under way is taken to arrive now. */
	for (unsigned t = 0; t < SETTINGS_TYPES; t++) {
		m = (struct book_minute){w->now_us + q->terms.block->period_us +
					     MINUTE_US,
					 t, q->use.in_flight[t]};
		q->use.used[t] += q->use.in_flight[t];
		q->use.in_flight[t] = 0;
		if (m.places > 0 && q->terms.block->window == WINDOW_ROLLING)
			add_minute(q, m);
	}
}

static void
init_relay(struct forecast_world *w, size_t i)
{
	const struct relay_settings *r = &w->s->relays[i];
	struct will_relay *to = &w->relay[i];

	for (size_t k = 0; k < r->quota.n; k++)
		for (size_t q = 0; q < w->s->nquotas; q++)
			if (strcmp(w->s->quotas[q].title, r->quota.item[k]) ==
				0 &&
			    to->nquotas < SETTINGS_RELAY_QUOTAS)
				to->quota[to->nquotas++] = q;
}

void
forecast_world_init(struct forecast_world *w, const struct settings *s,
		    const struct book *b, int64_t now_us)
{
	*w = (struct forecast_world){.s = s, .b = b, .now_us = now_us};
	w->quota = must_alloc(s->nquotas * sizeof w->quota[0]);
	w->relay = must_alloc(s->nrelays * sizeof w->relay[0]);
	for (size_t i = 0; i < s->nquotas; i++)
		init_quota(w, i);
	for (size_t i = 0; i < s->nrelays; i++)
		init_relay(w, i);
}

void
forecast_world_done(struct forecast_world *w)
{
	for (size_t i = 0; i < w->s->nquotas; i++)
		free(w->quota[i].minute);
	free(w->quota);
	free(w->relay);
}

static void
leave(struct will_quota *q, const struct book_minute *m)
{
	uint64_t *used = m->type < SETTINGS_TYPES ? &q->use.used[m->type]
						  : &q->use.used_other;

	*used -= min_of(*used, m->places);
}

static void
turn_quota(struct will_quota *q, int64_t to_us)
{
	if (q->terms.block->window == WINDOW_ROLLING) {
		for (;
		     q->first < q->n && q->minute[q->first].leaves_us <= to_us;
		     q->first++)
			leave(q, &q->minute[q->first]);
		q->window = quota_window(&q->terms, to_us);
	} else if (to_us >= q->window.to_us) {
		q->window = quota_window(&q->terms, to_us);
		memset(&q->use, 0, sizeof q->use);
	}
	if (q->full_us != INT64_MAX && q->opens_us == INT64_MAX &&
	    quota_limit(&q->terms, &q->window, to_us) > quota_total(&q->use))
		q->opens_us = to_us;
}

void
forecast_world_turn(struct forecast_world *w, int64_t to_us)
{
	for (size_t i = 0; i < w->s->nquotas; i++)
		turn_quota(&w->quota[i], to_us);
	w->now_us = to_us;
}

static uint64_t
in_recipients(enum unit_kind unit, uint64_t room, uint64_t size_bytes)
{
	return unit == UNIT_BYTES ? room / max_of(size_bytes, (uint64_t)1)
				  : room;
}

size_t
forecast_world_room(const struct forecast_world *w, size_t relay, unsigned type,
		    uint64_t size_bytes, int64_t at_us)
{
	const struct will_relay *r = &w->relay[relay];
	uint64_t room = SIZE_MAX;

	for (size_t i = 0; i < r->nquotas; i++) {
		const struct will_quota *q = &w->quota[r->quota[i]];
		uint64_t one =
		    quota_room(&q->terms, &q->use, &q->window, type, at_us);

		room = min_of(
		    room, in_recipients(q->terms.block->unit, one, size_bytes));
	}
	return (size_t)room;
}

static int64_t
opens_us(const struct forecast_world *w, size_t relay, unsigned type)
{
	const struct will_relay *r = &w->relay[relay];
	int64_t at_us = w->now_us;

	for (size_t i = 0; i < r->nquotas; i++) {
		const struct will_quota *q = &w->quota[r->quota[i]];
		int64_t one;

		if (quota_room(&q->terms, &q->use, &q->window, type,
			       w->now_us) > 0)
			continue;
		one = quota_opens_us(&q->terms, &q->use, &q->window, type,
				     w->now_us);
		if (q->terms.block->window == WINDOW_ROLLING && q->first < q->n)
			one = min_of(one, q->minute[q->first].leaves_us);
		at_us = max_of(at_us, one);
	}
	return at_us;
}

/* The gates as they are, at the moment that is thought of; quotas as they will
 * be. */
static struct relay_now
relay_will(void *arg, size_t relay, unsigned type)
{
	const struct forecast_world *w = arg;
	struct relay_now now = relays_now(w->s, w->b, relay, type, w->now_us);

	switch (now.shut) {
	case SHUT_DISABLED:
	case SHUT_PAUSED:
	case SHUT_CLOSED:
		return now;
	case SHUT_NOT:
	case SHUT_TRIED:
	case SHUT_SPENT:
	case SHUT_UNREACHABLE:
	case SHUT_COUNT:
		break;
	}
	if (forecast_world_room(w, relay, type, 1, w->now_us) > 0)
		return (struct relay_now){SHUT_NOT, w->now_us};
	return (struct relay_now){SHUT_SPENT, opens_us(w, relay, type)};
}

void
forecast_world_choose(struct forecast_world *w, uint32_t way, unsigned type,
		      struct chosen *out)
{
	struct choose_ops ops = {relay_will, w};

	choose_relay(routing_way(w->s, way), type, 0, &ops, out);
}

bool
forecast_world_free(const struct forecast_world *w, size_t relay)
{
	return w->relay[relay].free_us <= w->now_us;
}

int64_t
forecast_world_free_us(const struct forecast_world *w, size_t relay)
{
	return w->relay[relay].free_us;
}

uint64_t
forecast_world_had(const struct forecast_world *w, size_t relay, unsigned type)
{
	return w->relay[relay].had[type];
}

int64_t
forecast_world_send(struct forecast_world *w, size_t relay, unsigned type,
		    uint64_t size_bytes, size_t n)
{
	const struct rate *rate = &w->s->relays[relay].rate;
	struct will_relay *r = &w->relay[relay];

	for (size_t i = 0; i < r->nquotas; i++) {
		struct will_quota *q = &w->quota[r->quota[i]];
		uint64_t places =
		    q->terms.block->unit == UNIT_BYTES ? n * size_bytes : n;

		q->use.used[type] += places;
		if (q->terms.block->window == WINDOW_ROLLING)
			add_minute(q,
				   (struct book_minute){
				       w->now_us + q->terms.block->period_us +
					   MINUTE_US,
				       type, places});
		if (q->full_us == INT64_MAX &&
		    quota_total(&q->use) >=
			quota_limit(&q->terms, &q->window, w->now_us))
			q->full_us = w->now_us;
	}
	r->had[type] += n * FAIR_SCALE / w->s->types[type].weight;
	if (rate->window_us == 0)
		return w->now_us;
	r->free_us = w->now_us + (int64_t)((double)n * (double)rate->window_us /
					   (double)rate->count);
	return r->free_us;
}

void
forecast_world_quota(const struct forecast_world *w, size_t quota,
		     int64_t *full_us, int64_t *opens_us)
{
	const struct will_quota *q = &w->quota[quota];

	*full_us = q->full_us;
	*opens_us = q->opens_us;
	if (q->full_us != INT64_MAX && q->opens_us == INT64_MAX)
		*opens_us = q->terms.block->window != WINDOW_ROLLING
				? q->window.to_us
			    : q->first < q->n ? q->minute[q->first].leaves_us
					      : INT64_MAX;
}
