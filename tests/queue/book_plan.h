/*
 * book_plan - configurations of quotas made of a seed, for book_naive.h.
 */
#ifndef MTQ_TESTS_BOOK_PLAN_H
#define MTQ_TESTS_BOOK_PLAN_H

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

#endif
