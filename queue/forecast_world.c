#include "queue/forecast_world.h"

#include <stdlib.h>
#include <string.h>

#include "queue/relays_now.h"

/* Places of a minute leave together, as in the book. */
static void
add_minute(struct will_quota *q, struct book_minute m)
{
	struct book_minute *last =
	    q->n > q->first ? &q->minute[q->n - 1] : NULL;

	if (last != NULL && last->leaves_us == m.leaves_us &&
	    last->type == m.type) {
		last->places += m.places;
		return;
	}
	if (q->n == q->room) {
		q->room = max_of(q->room * 2, (size_t)64);
		q->minute =
		    must_realloc(q->minute, q->room * sizeof q->minute[0]);
	}
	q->minute[q->n++] = m;
}

/* Places that are used now; a rolling window begins a period before this
 * minute, and the minute leaves when its end is a period ago. */
static void
use(struct will_quota *q, size_t type, uint64_t places)
{
	q->use.used[type] += places;
	if (places > 0 && q->terms.block->window == WINDOW_ROLLING)
		add_minute(q, (struct book_minute){
				  q->window.from_us +
				      2 * q->terms.block->period_us + MINUTE_US,
				  type, places});
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
		uint64_t under_way = q->use.in_flight[t];

		q->use.in_flight[t] = 0;
		use(q, t, under_way);
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
	*w = (struct forecast_world){
	    .s = s, .b = b, .now_us = now_us, .since_us = now_us};
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
	quota_today(&q->terms, to_us);
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
forecast_world_turn(struct forecast_world *w, int64_t since_us, int64_t to_us)
{
	for (size_t i = 0; i < w->s->nquotas; i++)
		turn_quota(&w->quota[i], to_us);
	w->since_us = since_us;
	w->now_us = to_us;
}

static uint64_t
in_recipients(enum unit_kind unit, uint64_t room, uint64_t size_bytes)
{
	return unit == UNIT_BYTES ? room / max_of(size_bytes, (uint64_t)1)
				  : room;
}

static uint64_t
room_in(const struct forecast_world *w, const struct will_quota *q,
	unsigned type, uint64_t size_bytes)
{
	return in_recipients(
	    q->terms.block->unit,
	    quota_room(&q->terms, &q->use, &q->window, type, w->now_us),
	    size_bytes);
}

size_t
forecast_world_room(const struct forecast_world *w, size_t relay, unsigned type,
		    uint64_t size_bytes)
{
	const struct will_relay *r = &w->relay[relay];
	uint64_t room = SIZE_MAX;

	for (size_t i = 0; i < r->nquotas; i++)
		room = min_of(
		    room, room_in(w, &w->quota[r->quota[i]], type, size_bytes));
	return (size_t)room;
}

static int64_t
quota_will_open_us(const struct will_quota *q, const struct quota_terms *t,
		   unsigned type, int64_t now_us)
{
	int64_t at_us = quota_opens_us(t, &q->use, &q->window, type, now_us);

	if (t->block->window == WINDOW_ROLLING && q->first < q->n)
		at_us = min_of(at_us, q->minute[q->first].leaves_us);
	return at_us;
}

int64_t
forecast_world_opens_us(const struct forecast_world *w, size_t relay,
			unsigned type, uint64_t size_bytes)
{
	const struct will_relay *r = &w->relay[relay];
	int64_t at_us = w->now_us;

	for (size_t i = 0; i < r->nquotas; i++) {
		const struct will_quota *q = &w->quota[r->quota[i]];

		if (room_in(w, q, type, size_bytes) == 0)
			at_us =
			    max_of(at_us, quota_will_open_us(q, &q->terms, type,
							     w->now_us));
	}
	return at_us;
}

/* The gates as they are, at the moment that is thought of; quotas as they will
 * be.  As the scheduler does, it asks for room for one octet. */
static struct relay_now
relay_will(void *arg, size_t relay, unsigned type)
{
	const struct forecast_world *w = arg;
	struct relay_now now = relays_gate(w->s, w->b, relay, w->now_us);

	if (now.shut != SHUT_NOT || forecast_world_room(w, relay, type, 1) > 0)
		return now;
	return (struct relay_now){SHUT_SPENT,
				  forecast_world_opens_us(w, relay, type, 1)};
}

void
forecast_world_choose(struct forecast_world *w, uint32_t way, unsigned type,
		      struct chosen *out)
{
	struct choose_ops ops = {relay_will, w};

	choose_relay(routing_way(w->s, way), type, 0, &ops, out);
}

int64_t
forecast_world_free_us(const struct forecast_world *w, size_t relay)
{
	return w->relay[relay].free_us;
}

size_t
forecast_world_most(const struct forecast_world *w, size_t relay)
{
	const struct rate *rate = &w->s->relays[relay].rate;
	const struct will_relay *r = &w->relay[relay];
	int64_t to_us = INT64_MAX;

	for (size_t i = 0; i < r->nquotas; i++)
		to_us = min_of(to_us, w->quota[r->quota[i]].window.to_us);
	if (rate->window_us == 0 || to_us == INT64_MAX)
		return SIZE_MAX;
	return 1 + (size_t)((double)(to_us - w->now_us) * (double)rate->count /
			    (double)rate->window_us);
}

uint64_t
forecast_world_turn_of(const struct forecast_world *w, size_t relay,
		       unsigned type)
{
	const struct fair_turns *t = &w->relay[relay].turns;

	return max_of(t->next[type], t->now);
}

int64_t
forecast_world_send(struct forecast_world *w, size_t relay, unsigned type,
		    uint64_t size_bytes, size_t n)
{
	const struct rate *rate = &w->s->relays[relay].rate;
	struct will_relay *r = &w->relay[relay];

	for (size_t i = 0; i < r->nquotas; i++) {
		struct will_quota *q = &w->quota[r->quota[i]];

		use(q, type,
		    q->terms.block->unit == UNIT_BYTES ? n * size_bytes : n);
		if (q->full_us == INT64_MAX &&
		    quota_total(&q->use) >=
			quota_limit(&q->terms, &q->window, w->now_us))
			q->full_us = w->now_us;
	}
	r->turns.now = forecast_world_turn_of(w, relay, type);
	r->turns.next[type] =
	    r->turns.now + n * FAIR_SCALE / w->s->types[type].weight;
	if (rate->window_us == 0)
		return w->now_us;
	r->free_us = max_of(r->free_us, w->since_us) +
		     (int64_t)((double)n * (double)rate->window_us /
			       (double)rate->count);
	return r->free_us;
}

void
forecast_world_quota(const struct forecast_world *w, size_t quota,
		     int64_t *full_us, int64_t *opens_us)
{
	const struct will_quota *q = &w->quota[quota];
	struct quota_terms limit = q->terms; /* for nobody in particular */

	*full_us = q->full_us;
	*opens_us = q->opens_us;
	if (q->full_us == INT64_MAX || q->opens_us != INT64_MAX)
		return;
	limit.cap[0] = QUOTA_NO_CAP;
	memset(limit.reserve, 0, sizeof limit.reserve);
	*opens_us = quota_will_open_us(q, &limit, 0, w->now_us);
}
