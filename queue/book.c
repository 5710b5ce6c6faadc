#include "queue/book_private.h"

#include <stdlib.h>
#include <string.h>

size_t
book_quotas(const struct book *b)
{
	return b->settings->nquotas;
}

static const struct slot *
slot_at(const struct book *b, size_t quota)
{
	must(quota < b->settings->nquotas);
	return b->slot[quota];
}

const struct quota_terms *
book_terms(const struct book *b, size_t quota)
{
	return &slot_at(b, quota)->terms;
}

const struct quota_use *
book_use(const struct book *b, size_t quota)
{
	return &slot_at(b, quota)->use;
}

struct span
book_window(const struct book *b, size_t quota)
{
	return slot_at(b, quota)->window;
}

static const struct carrier *
carrier_at(const struct book *b, size_t relay)
{
	must(relay < b->settings->nrelays);
	return &b->carrier[relay];
}

static uint64_t
room_in(const struct slot *s, unsigned type, int64_t now_us)
{
	return quota_room(&s->terms, &s->use, &s->window, type, now_us);
}

/* Recipients of one message that fit into so much room. */
static uint32_t
fits(enum unit_kind unit, uint64_t room, uint64_t size_bytes, uint32_t most)
{
	switch (unit) {
	case UNIT_RECIPIENTS:
		return (uint32_t)min_of(room, (uint64_t)most);
	case UNIT_MESSAGES:
		return room > 0 ? most : 0;
	case UNIT_BYTES:
		return room > 0 && room >= size_bytes ? most : 0;
	case UNIT_COUNT:
		break;
	}
	must_failed("a unit of the table", __FILE__, __LINE__);
}

uint32_t
book_room(const struct book *b, size_t relay, unsigned type,
	  uint64_t size_bytes, uint32_t most, int64_t now_us)
{
	const struct carrier *c = carrier_at(b, relay);

	for (size_t i = 0; i < c->n && most > 0; i++) {
		const struct slot *s = b->slot[c->slot[i]];

		most = fits(s->terms.block->unit, room_in(s, type, now_us),
			    size_bytes, most);
	}
	return most;
}

/* Minutes leave one after the other: when is there more room than now?  Only
 * where enough has left for the limit and the cap the whole sum is done. */
static int64_t
rolling_opens_us(const struct book *b, const struct slot *s, unsigned type,
		 int64_t now_us)
{
	const struct quota_terms *t = &s->terms;
	const struct minutes *m = &s->minutes;
	uint64_t room = room_in(s, type, now_us);
	uint64_t limit = quota_limit(t, &s->window, now_us);
	struct quota_use u = s->use;
	uint64_t all = quota_total(&u);

	for (size_t i = m->first; i < m->n; i++) {
		const struct minute *at = &m->item[i];

		*book_used(b, &u, at->type) -= at->places;
		all -= at->places;
		if (i + 1 < m->n && at[1].at_us == at->at_us)
			continue;
		if (all >= limit ||
		    u.used[type] + u.in_flight[type] >= t->cap[type])
			continue;
		if (quota_room(t, &u, &s->window, type, now_us) > room)
			return at->at_us + t->block->period_us + MINUTE_US;
	}
	return INT64_MAX;
}

/* The end of a run-time change is an opening too: the file's value may be
 * larger. */
static int64_t
change_ends_us(const struct book *b, const struct slot *s, unsigned type)
{
	int64_t at_us = INT64_MAX;

	for (size_t i = 0; i < b->amends.n; i++) {
		const struct amend *a = &b->amends.item[i];

		if (a->over || a->until_us == 0 ||
		    strcmp(a->quota, s->name) != 0)
			continue;
		if (a->type[0] == '\0' ||
		    strcmp(a->type, b->settings->types[type].title) == 0)
			at_us = min_of(at_us, a->until_us);
	}
	return at_us;
}

static int64_t
slot_opens_us(const struct book *b, const struct slot *s, unsigned type,
	      int64_t now_us)
{
	int64_t at_us =
	    quota_opens_us(&s->terms, &s->use, &s->window, type, now_us);

	if (s->terms.block->window == WINDOW_ROLLING)
		at_us = min_of(at_us, rolling_opens_us(b, s, type, now_us));
	return min_of(at_us, change_ends_us(b, s, type));
}

int64_t
book_opens_us(const struct book *b, size_t relay, unsigned type, int64_t now_us,
	      size_t *quota)
{
	const struct carrier *c = carrier_at(b, relay);
	int64_t spent_us = now_us, tight_us = now_us;
	size_t spent = SIZE_MAX, tight = SIZE_MAX;

	for (size_t i = 0; i < c->n; i++) {
		const struct slot *s = b->slot[c->slot[i]];
		bool room = room_in(s, type, now_us) > 0;
		int64_t at_us;

		if (room && s->terms.block->unit != UNIT_BYTES)
			continue;
		at_us = slot_opens_us(b, s, type, now_us);
		if (!room && (spent == SIZE_MAX || at_us > spent_us)) {
			spent = c->slot[i];
			spent_us = at_us;
		} else if (room && (tight == SIZE_MAX || at_us > tight_us)) {
			tight = c->slot[i];
			tight_us = at_us;
		}
	}
	/* None is spent: a message was too large for what is left of one. */
	if (spent == SIZE_MAX) {
		spent = tight;
		spent_us = tight_us;
	}
	if (spent == SIZE_MAX && c->n > 0)
		spent = c->slot[0]; /* it has room */
	if (quota != NULL && spent != SIZE_MAX)
		*quota = spent;
	return spent_us;
}

bool
book_minute_at(const struct book *b, size_t quota, size_t i,
	       struct book_minute *out)
{
	const struct slot *s = slot_at(b, quota);
	const struct minutes *m = &s->minutes;
	const struct minute *at;

	if (s->terms.block->window != WINDOW_ROLLING || i >= m->n - m->first)
		return false;
	at = &m->item[m->first + i];
	out->leaves_us = at->at_us + s->terms.block->period_us + MINUTE_US;
	out->type = min_of(at->type, b->settings->ntypes);
	out->places = at->places;
	return true;
}

const struct gate *
book_gate(const struct book *b, size_t relay)
{
	must(relay < b->settings->nrelays);
	return &b->gated[relay].gate;
}

uint64_t *
book_used(const struct book *b, struct quota_use *u, size_t type)
{
	return type < b->settings->ntypes ? &u->used[type] : &u->used_other;
}

uint64_t *
book_in_flight(const struct book *b, struct quota_use *u, size_t type)
{
	return type < b->settings->ntypes ? &u->in_flight[type]
					  : &u->in_flight_other;
}

void
book_touch(struct slot *s)
{
	if (!s->touched) {
		s->use_was = s->use;
		s->window_was = s->window;
	}
	s->touched = true;
	s->dirty = true;
}

struct slot *
book_slot(struct book *b, struct text name)
{
	size_t i = names_add(&b->quotas, name);

	must(i <= b->nslots);
	if (i == b->nslots) {
		b->slot = must_realloc(b->slot, (i + 1) * sizeof b->slot[0]);
		b->slot[i] = must_alloc(sizeof *b->slot[i]);
		b->slot[i]->name = b->quotas.name[i];
		b->nslots++;
	}
	return b->slot[i];
}
