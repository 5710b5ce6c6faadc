#include "queue/quota.h"

#include <string.h>

enum { SPREAD_STEPS = 96 }; /* a quarter of an hour of a day */

/* 128 bits: a limit of 10^12 by a month in microseconds. */
__extension__ typedef unsigned __int128 wide;

/* n * part / whole, rounded up. */
static uint64_t
share_up(uint64_t n, int64_t part, int64_t whole)
{
	wide w = (wide)(uint64_t)whole;

	return (uint64_t)(((wide)n * (wide)(uint64_t)part + w - 1) / w);
}

static int64_t
floor_minute(int64_t us)
{
	int64_t rest = us % MINUTE_US;

	return us - (rest < 0 ? rest + MINUTE_US : rest);
}

static bool
is_rolling(const struct quota_terms *t)
{
	return t->block->window == WINDOW_ROLLING;
}

struct span
quota_window(const struct quota_terms *t, int64_t now_us)
{
	struct span w = {.to_us = INT64_MAX};

	switch (t->block->window) {
	case WINDOW_DAY:
		return zone_day(t->zone, now_us);
	case WINDOW_MONTH:
		return zone_month(t->zone, now_us);
	case WINDOW_ROLLING:
		w.from_us = floor_minute(now_us) - t->block->period_us;
		return w;
	case WINDOW_COUNT:
		break;
	}
	must_failed("a window of the table", __FILE__, __LINE__);
}

/* On the first day `from`, over_days later `to`. */
static uint64_t
ramp_on(const struct quota_terms *t, int64_t now_us)
{
	int64_t day;

	if (now_us < t->ramp_start_us)
		return t->ramp_from;
	day = zone_days_between(t->zone, t->ramp_start_us, now_us);
	if (day >= t->ramp_over_days || t->ramp_to < t->ramp_from)
		return t->ramp_to;
	return t->ramp_from + (uint64_t)((wide)(t->ramp_to - t->ramp_from) *
					 (wide)(uint64_t)day /
					 (wide)(uint64_t)t->ramp_over_days);
}

void
quota_today(struct quota_terms *t, int64_t now_us)
{
	if (t->ramp_over_days == 0 ||
	    (now_us >= t->today.from_us && now_us < t->today.to_us))
		return;
	t->today = zone_day(t->zone, now_us);
	t->ramp_today = ramp_on(t, now_us);
}

static uint64_t
whole_limit(const struct quota_terms *t, int64_t now_us)
{
	if (t->limit_set || t->ramp_over_days == 0)
		return t->limit;
	if (now_us >= t->today.from_us && now_us < t->today.to_us)
		return t->ramp_today;
	return ramp_on(t, now_us);
}

uint64_t
quota_limit(const struct quota_terms *t, const struct span *w, int64_t now_us)
{
	uint64_t limit = whole_limit(t, now_us);
	int64_t step;

	if (!t->block->spread || is_rolling(t) || now_us >= w->to_us)
		return limit;
	step = now_us <= w->from_us
		   ? 0
		   : (int64_t)((wide)(uint64_t)(now_us - w->from_us) *
			       SPREAD_STEPS /
			       (wide)(uint64_t)(w->to_us - w->from_us));
	return share_up(limit, step + 1, SPREAD_STEPS);
}

/* What is still kept for a type: in the last part of the window it shrinks. */
static uint64_t
reserve_now(const struct quota_terms *t, const struct span *w, unsigned type,
	    int64_t now_us)
{
	uint64_t all = t->reserve[type];
	int64_t last;

	if (all == 0 || is_rolling(t))
		return all;
	last =
	    (w->to_us - w->from_us) / 100 * (int64_t)t->block->release_percent;
	if (now_us < w->to_us - last)
		return all;
	if (now_us >= w->to_us)
		return 0;
	return share_up(all, w->to_us - now_us, last);
}

static uint64_t
less(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

uint64_t
quota_total(const struct quota_use *u)
{
	uint64_t n = u->used_other + u->in_flight_other;

	for (unsigned i = 0; i < SETTINGS_TYPES; i++)
		n += u->used[i] + u->in_flight[i];
	return n;
}

static uint64_t
spent_of(const struct quota_use *u, unsigned type)
{
	return u->used[type] + u->in_flight[type];
}

static uint64_t
kept_for_others(const struct quota_terms *t, const struct quota_use *u,
		const struct span *w, unsigned type, int64_t now_us)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < SETTINGS_TYPES; i++)
		if (i != type && t->reserve[i] != 0)
			n += less(reserve_now(t, w, i, now_us), spent_of(u, i));
	return n;
}

uint64_t
quota_room(const struct quota_terms *t, const struct quota_use *u,
	   const struct span *w, unsigned type, int64_t now_us)
{
	uint64_t room = less(quota_limit(t, w, now_us), quota_total(u));

	must(type < SETTINGS_TYPES);
	if (room > 0)
		room = less(room, kept_for_others(t, u, w, type, now_us));
	return min_of(room, less(t->cap[type], spent_of(u, type)));
}

enum quota_why
quota_why(const struct quota_terms *t, const struct quota_use *u,
	  const struct span *w, unsigned type, int64_t now_us)
{
	if (quota_room(t, u, w, type, now_us) > 0)
		return QUOTA_OPEN;
	if (quota_limit(t, w, now_us) <= quota_total(u))
		return QUOTA_LIMIT;
	return t->cap[type] <= spent_of(u, type) ? QUOTA_CAP : QUOTA_RESERVE;
}

/* With nothing settled room only grows until `to`, so half and half again. */
static int64_t
grows_before(const struct quota_terms *t, const struct quota_use *u,
	     const struct span *w, unsigned type, int64_t now_us, int64_t to_us)
{
	uint64_t room = quota_room(t, u, w, type, now_us);
	int64_t from_us = now_us;

	if (to_us - now_us < 2 || quota_room(t, u, w, type, to_us - 1) <= room)
		return to_us;
	to_us--;
	while (to_us - from_us > 1) {
		int64_t mid = from_us + (to_us - from_us) / 2;

		if (quota_room(t, u, w, type, mid) > room)
			to_us = mid;
		else
			from_us = mid;
	}
	return to_us;
}

/* Can any window ever have a place for this type? */
static bool
ever_opens(const struct quota_terms *t, unsigned type)
{
	uint64_t most = t->limit;

	if (!t->limit_set && t->ramp_over_days != 0)
		most = max_of(t->ramp_from, t->ramp_to);
	return most > 0 && t->cap[type] > 0;
}

int64_t
quota_opens_us(const struct quota_terms *t, const struct quota_use *u,
	       const struct span *w, unsigned type, int64_t now_us)
{
	int64_t to_us = w->to_us;

	if (!ever_opens(t, type))
		return INT64_MAX;
	/* A ramp steps at midnight, in the midst of a longer window. */
	if (t->ramp_over_days != 0 && !t->limit_set &&
	    t->block->window != WINDOW_DAY) {
		struct span day =
		    now_us >= t->today.from_us && now_us < t->today.to_us
			? t->today
			: zone_day(t->zone, now_us);

		to_us = min_of(to_us, day.to_us);
	}
	if (is_rolling(t))
		return to_us;
	return grows_before(t, u, w, type, now_us, to_us);
}

static unsigned
type_named(const struct settings *s, const char *name)
{
	unsigned i = 0;

	while (i < s->ntypes && strcmp(s->types[i].title, name) != 0)
		i++;
	return i;
}

static void
counts_of(const struct settings *s, const struct counts *c,
	  uint64_t out[SETTINGS_TYPES])
{
	for (size_t i = 0; i < c->n; i++) {
		unsigned type = type_named(s, c->item[i].name);

		if (type < s->ntypes)
			out[type] = c->item[i].count;
	}
}

static void
ramp_of(const struct lists *ramp, struct quota_terms *t)
{
	for (size_t i = 0; i < ramp->n; i++) {
		const struct list_of *l = &ramp->item[i];
		const struct value_text v = {.item = l->value.item,
					     .n = l->value.n};
		char why[VALUE_WHY];
		int64_t us = 0;

		/* The checks have seen to it that each is what it should be. */
		if (strcmp(l->name, "from") == 0)
			must(value_parse(VALUE_count, &v, NULL, NULL, NULL,
					 &t->ramp_from, why));
		else if (strcmp(l->name, "to") == 0)
			must(value_parse(VALUE_count, &v, NULL, NULL, NULL,
					 &t->ramp_to, why));
		else if (strcmp(l->name, "over") == 0)
			must(value_parse(VALUE_duration, &v, NULL, NULL, NULL,
					 &us, why));
		else if (strcmp(l->name, "start") == 0 && v.n == 1)
			must(zone_date(t->zone, v.item[0], &t->ramp_start_us));
		if (us > 0)
			t->ramp_over_days = (us + DAY_US - 1) / DAY_US;
	}
}

void
quota_terms_of(const struct settings *s, const struct quota_settings *q,
	       struct quota_terms *out)
{
	*out =
	    (struct quota_terms){.block = q,
				 .zone = q->zone[0] != '\0' ? q->zone : s->zone,
				 .limit = q->limit};
	for (unsigned i = 0; i < SETTINGS_TYPES; i++)
		out->cap[i] = QUOTA_NO_CAP;
	counts_of(s, &q->cap, out->cap);
	counts_of(s, &q->reserve, out->reserve);
	ramp_of(&q->ramp, out);
}
