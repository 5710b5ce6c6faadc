/*
 * book_naive - a book of quotas that is nothing but lists: what was booked, what
 * is open.  Each question is answered by going through them anew.
 *
 * The calendar is daemon/zone.c's, which tests/daemon/zone.c looks after.
 */
#ifndef MTQ_TESTS_BOOK_NAIVE_H
#define MTQ_TESTS_BOOK_NAIVE_H

#include "tests/queue/book_plan.h"

static inline uint64_t
places(const struct open_job *j, enum unit_kind unit)
{
	return unit == UNIT_RECIPIENTS ? j->open
	       : unit == UNIT_MESSAGES ? 1
				       : j->size;
}

/* The calendar is slow, and asked often: the last answers are kept. */
enum { CALENDARS = 64 };
struct calendar {
	const char *zone;
	bool month;
	struct span span;
	int64_t days; /* since RAMP_START */
};
static inline const struct calendar *
calendar_at(const char *zone, bool month, int64_t t_us)
{
	static struct calendar kept[CALENDARS];
	static size_t next;
	struct calendar *c;
	int64_t start_us;

	for (size_t i = 0; i < CALENDARS; i++)
		if (kept[i].zone == zone && kept[i].month == month &&
		    t_us >= kept[i].span.from_us && t_us < kept[i].span.to_us)
			return &kept[i];
	c = &kept[next++ % CALENDARS];
	c->zone = zone;
	c->month = month;
	c->span = month ? zone_month(zone, t_us) : zone_day(zone, t_us);
	assert_true(zone_date(zone, RAMP_START, &start_us));
	c->days = t_us < start_us ? 0 : zone_days_between(zone, start_us, t_us);
	return c;
}

static inline struct span
window_at(const struct plan_quota *q, int64_t t_us)
{
	if (q->window == WINDOW_DAY)
		return calendar_at(q->zone, false, t_us)->span;
	if (q->window == WINDOW_MONTH)
		return calendar_at(q->zone, true, t_us)->span;
	return (struct span){t_us - t_us % MINUTE_US - q->period_us, INT64_MAX};
}

/* type TYPES: all. */
static inline uint64_t
used_at(unsigned quota, unsigned type, int64_t t_us)
{
	struct span win = window_at(&w.plan.quota[quota], t_us);
	uint64_t n = 0;

	for (size_t i = 0; i < w.m.n; i++) {
		const struct booking *k = &w.m.booking[i];

		if (k->quota == quota && (type == TYPES || k->type == type) &&
		    k->at_us >= win.from_us && k->at_us < win.to_us)
			n += k->places;
	}
	return n;
}

static inline uint64_t
in_flight(unsigned quota, unsigned type)
{
	uint64_t n = 0;

	for (size_t i = 0; i < w.m.njobs; i++)
		for (unsigned k = 0; k < w.m.job[i].n; k++)
			if (w.m.job[i].quota[k] == quota &&
			    (type == TYPES || w.m.job[i].type == type))
				n += places(&w.m.job[i], w.m.job[i].unit[k]);
	return n;
}

static inline const struct amended *
amended_at(unsigned quota, unsigned what, int64_t t_us)
{
	const struct amended *a = &w.m.amend[quota][what];

	return a->set && (a->until_us == 0 || a->until_us > t_us) ? a : NULL;
}

static inline uint64_t
limit_at(unsigned quota, int64_t t_us)
{
	const struct plan_quota *q = &w.plan.quota[quota];
	const struct amended *a = amended_at(quota, TYPES, t_us);
	struct span win = window_at(q, t_us);
	uint64_t n = a != NULL ? a->value : q->limit;
	const char *zone = q->window == WINDOW_ROLLING ? zones[0] : q->zone;

	if (a == NULL && q->ramp_days != 0) {
		int64_t d = calendar_at(zone, false, t_us)->days;

		d = d > q->ramp_days ? q->ramp_days : d;
		n = q->ramp_from +
		    (n - q->ramp_from) * (uint64_t)d / (uint64_t)q->ramp_days;
	}
	if (q->spread && q->window != WINDOW_ROLLING) {
		/* A step begins where its share of the window begins. */
		uint64_t k = 0, all = (uint64_t)(win.to_us - win.from_us);

		while (k < 95 &&
		       (k + 1) * all <= (uint64_t)(t_us - win.from_us) * 96)
			k++;
		n = (n * (k + 1) + 95) / 96;
	}
	return n;
}

static inline uint64_t
room_at(unsigned quota, unsigned type, int64_t t_us)
{
	const struct plan_quota *q = &w.plan.quota[quota];
	struct span win = window_at(q, t_us);
	const struct amended *cap = amended_at(quota, type, t_us);
	int64_t most = (int64_t)limit_at(quota, t_us) -
		       (int64_t)used_at(quota, TYPES, t_us) -
		       (int64_t)in_flight(quota, TYPES);
	int64_t mine = (int64_t)used_at(quota, type, t_us) +
		       (int64_t)in_flight(quota, type);

	for (unsigned i = 0; i < TYPES; i++) {
		int64_t kept = (int64_t)q->reserve[i];
		int64_t last, has = (int64_t)(used_at(quota, i, t_us) +
					      in_flight(quota, i));

		if (i == type || kept == 0 || !w.plan.type[i])
			continue;
		last = (win.to_us - win.from_us) / 100 * (int64_t)q->release;
		if (q->window != WINDOW_ROLLING && win.to_us - t_us < last)
			kept = (kept * (win.to_us - t_us) + last - 1) / last;
		most -= kept > has ? kept - has : 0;
	}
	if (cap != NULL)
		most = min_of(most, (int64_t)cap->value - mine);
	else if (q->cap[type] != 0)
		most = min_of(most, (int64_t)q->cap[type] - mine);
	return most > 0 ? (uint64_t)most : 0;
}

static inline uint32_t
relay_room(unsigned relay, unsigned type, uint64_t size, uint32_t most,
	   int64_t t_us)
{
	for (unsigned i = 0; i < w.plan.n[relay]; i++) {
		unsigned q = w.plan.on[relay][i];
		uint64_t room = room_at(q, type, t_us);

		if (w.plan.quota[q].unit == UNIT_RECIPIENTS)
			most = (uint32_t)min_of((uint64_t)most, room);
		else if (w.plan.quota[q].unit == UNIT_MESSAGES)
			most = room > 0 ? most : 0;
		else
			most = room > 0 && room >= size ? most : 0;
	}
	return most;
}

/* Something other than room alone happens then: a window ends, a ramp steps, a
 * run-time change ends. */
static inline bool
is_edge(unsigned relay, int64_t t_us)
{
	for (unsigned k = 0; k < w.plan.n[relay]; k++) {
		unsigned i = w.plan.on[relay][k];
		const struct plan_quota *q = &w.plan.quota[i];
		const char *zone =
		    q->window == WINDOW_ROLLING ? "Etc/UTC" : q->zone;

		if (q->window != WINDOW_ROLLING &&
		    window_at(q, w.now_us).to_us == t_us)
			return true;
		if (q->ramp_days != 0 && zone_day(zone, t_us).from_us == t_us)
			return true;
		for (unsigned a = 0; a <= TYPES; a++)
			if (w.m.amend[i][a].until_us == t_us)
				return true;
	}
	return false;
}

/* --- names of the plan as places in the settings -------------------------- */

static inline size_t
place(const bool *there, size_t stride, unsigned i)
{
	size_t n = 0;

	for (unsigned k = 0; k < i; k++)
		n += *(const bool *)((const char *)there + k * stride);
	return n;
}
#define QUOTA(i) place(&w.plan.quota[0].there, sizeof w.plan.quota[0], i)
#define RELAY(i) place(w.plan.relay, sizeof w.plan.relay[0], i)
#define TYPE(i)  ((unsigned)place(w.plan.type, sizeof w.plan.type[0], i))

#endif
