/*
 * book_naive - a book of quotas that is nothing but lists: what was booked, what
 * is open.  Each question is answered by going through them anew.
 *
 * The calendar is daemon/zone.c's, which tests/daemon/zone.c looks after.
 */
#ifndef MTQ_TESTS_BOOK_NAIVE_H
#define MTQ_TESTS_BOOK_NAIVE_H

#include "tests/queue/box.h"

#include "queue/book.h"

#include <inttypes.h>

enum {
	QUOTAS = 5,
	RELAYS = 4,
	TYPES = 3,
	JOBS = 40,
	BOOKINGS = 20000,
	ON_RELAY = 3,
	AMENDS = QUOTAS * (TYPES + 1),
};

/* One configuration; a quota or type that is not in it is `there` = false. */
struct plan_quota {
	bool there;
	enum unit_kind unit;
	enum window_kind window;
	const char *zone;
	int64_t period_us;
	uint64_t limit, cap[TYPES], reserve[TYPES]; /* cap 0: none */
	unsigned release;
	bool spread;
	int64_t ramp_days; /* 0: none; to = limit */
	uint64_t ramp_from;
};
struct plan {
	struct plan_quota quota[QUOTAS];
	bool type[TYPES]; /* type 0 is always there */
	bool relay[RELAYS];
	unsigned on[RELAYS][ON_RELAY], n[RELAYS];
};
struct booking {
	unsigned quota, type;
	int64_t at_us;
	uint64_t places;
};
struct open_job {
	uint64_t job;
	unsigned type, n, quota[ON_RELAY];
	enum unit_kind unit[ON_RELAY];
	uint64_t size;
	uint32_t open, taken;
};
struct amended {
	bool set;
	uint64_t value;
	int64_t until_us;
};
/* All that an abort takes back. */
struct model {
	struct booking booking[BOOKINGS];
	size_t n;
	struct open_job job[JOBS];
	size_t njobs;
	struct amended amend[QUOTAS][TYPES + 1]; /* [TYPES]: the limit */
	struct gate gate[RELAYS];
};
struct world {
	struct box box;
	struct book *book;
	struct settings *settings;
	struct plan plan;
	struct model m, kept;
	int64_t now_us, latest_us;
	uint64_t seed, next_job;
	bool forward; /* the clock never goes back, limits never shrink */
};
static struct world w; /* one at a time */

#define RAMP_START "2026-11-15"
static const char *const zones[] = {"Etc/UTC", "Europe/Berlin",
				    "America/St_Johns", "Asia/Kathmandu",
				    "America/Santiago"};

static inline uint64_t
roll(uint64_t n)
{
	w.seed ^= w.seed << 13;
	w.seed ^= w.seed >> 7;
	w.seed ^= w.seed << 17;
	return (w.seed >> 11) % n;
}

/* --- configurations ------------------------------------------------------- */

static inline void
plan_quota(struct plan_quota *q)
{
	*q = (struct plan_quota){
	    .there = true,
	    .unit = (enum unit_kind)roll(UNIT_COUNT),
	    .window = (enum window_kind)roll(WINDOW_COUNT),
	    .zone = zones[roll(countof(zones))],
	    .period_us = (int64_t)(1 + roll(90)) * MINUTE_US,
	};
	q->limit = q->unit == UNIT_BYTES ? 5000 + roll(200000)
		   : roll(8)             ? 1 + roll(60)
					 : 0;
	for (unsigned i = 0; i < TYPES; i++) {
		if (roll(3) == 0)
			q->cap[i] = 1 + roll(q->limit + 1);
		if (roll(3) == 0 && q->window != WINDOW_ROLLING)
			q->reserve[i] = roll(q->limit / 3 + 1);
	}
	q->release = (unsigned)roll(101);
	q->spread = q->window != WINDOW_ROLLING && roll(3) == 0;
	if (q->limit > 1 && roll(4) == 0) {
		q->ramp_days = 1 + (int64_t)roll(30);
		q->ramp_from = 1 + roll(q->limit);
	}
}

static inline void
plan_make(struct plan *p, const struct plan *old)
{
	*p = *old;
	p->type[0] = true;
	for (unsigned i = 1; i < TYPES; i++)
		p->type[i] = roll(4) != 0;
	for (unsigned i = 0; i < QUOTAS; i++)
		if (!w.forward && (roll(3) == 0 || old->quota[i].zone == NULL))
			plan_quota(&p->quota[i]);
	for (unsigned i = 0; i < QUOTAS; i++)
		p->quota[i].there = roll(6) != 0;
	for (unsigned r = 0; r < RELAYS; r++) {
		p->n[r] = 0;
		p->relay[r] = r == 0 || roll(6) != 0;
		for (unsigned i = 0; i < QUOTAS && p->n[r] < ON_RELAY; i++)
			if (p->quota[i].there && roll(2) == 0)
				p->on[r][p->n[r]++] = i;
	}
}

static inline void
print_counts(struct bytes *b, const char *what, const uint64_t n[TYPES],
	     const struct plan *p)
{
	bytes_printf(b, " %s {", what);
	for (unsigned i = 0; i < TYPES; i++)
		if (n[i] != 0 && p->type[i])
			bytes_printf(b, " t%u = %" PRIu64 "\n", i, n[i]);
	bytes_add_text(b, "}\n");
}

static inline void
print_quota(struct bytes *b, unsigned i, const struct plan *p)
{
	static const char *const units[] = {"recipients", "messages", "bytes"};
	static const char *const windows[] = {"day", "month", "rolling"};
	const struct plan_quota *q = &p->quota[i];

	bytes_printf(b,
		     "quota q%u { limit = %" PRIu64 " unit = %s window = %s\n",
		     i, q->limit, units[q->unit], windows[q->window]);
	print_counts(b, "cap", q->cap, p);
	print_counts(b, "reserve", q->reserve, p);
	if (q->window == WINDOW_ROLLING)
		bytes_printf(b, "period = %" PRId64 "min\n",
			     q->period_us / MINUTE_US);
	else
		bytes_printf(b, "zone = %s release = %u%% spread = %s\n",
			     q->zone, q->release, q->spread ? "yes" : "no");
	if (q->ramp_days != 0)
		bytes_printf(b,
			     "ramp { from = %" PRIu64 " to = %" PRIu64
			     " over = %" PRId64 "d start = " RAMP_START " }\n",
			     q->ramp_from, q->limit, q->ramp_days);
	bytes_add_text(b, "}\n");
}

static inline struct settings *
plan_settings(const struct plan *p)
{
	struct bytes b = {0}, report = {0};
	struct settings *s;

	bytes_add_text(&b, "instance = a\nhostname = a.example\nno_match = r0\n"
			   "listen in { address = 127.0.0.1:25 }\n"
			   "source crm { from_ip = 192.0.2.0/24 }\n");
	for (unsigned i = 0; i < TYPES; i++)
		if (p->type[i])
			bytes_printf(&b, "type t%u { }\n", i);
	for (unsigned i = 0; i < QUOTAS; i++)
		if (p->quota[i].there)
			print_quota(&b, i, p);
	for (unsigned r = 0; r < RELAYS; r++) {
		if (!p->relay[r])
			continue;
		bytes_printf(&b, "relay r%u { host = mail.example quota = [",
			     r);
		for (unsigned i = 0; i < p->n[r]; i++)
			bytes_printf(&b, "%sq%u", i ? ", " : "", p->on[r][i]);
		bytes_add_text(&b, "] }\n");
	}
	s = settings_parse("f", (const char *)b.data, b.n, &report);
	if (s == NULL)
		fail_msg("%.*s\n%.*s", (int)report.n, (char *)report.data,
			 (int)b.n, (char *)b.data);
	bytes_free(&b);
	bytes_free(&report);
	return s;
}

/* --- the naive book ------------------------------------------------------- */

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
