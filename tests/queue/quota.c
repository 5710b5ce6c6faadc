#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "queue/quota.h"
#include "tests/daemon/expect.h"

/* Noon of a day of 24 hours; windows of the tables begin at its midnight. */
static const int64_t DAY0 = INT64_C(1795219200000000); /* 2026-11-21 UTC */
enum { NO = -1 };                                      /* no cap, never */

/* Three types: 0 mass, 1 workflow, 2 individual. */
struct case_row {
	const char *name;
	uint64_t limit;
	uint64_t used[3], in_flight[3];
	int cap[3]; /* 0: none */
	uint64_t reserve[3];
	unsigned release; /* percent */
	bool spread;
	int at_min; /* of the day */
	unsigned type;
	uint64_t room;
	enum quota_why why;
	int opens_min; /* 1440: when the day ends */
};

static void
terms_of_row(const struct case_row *r, struct quota_settings *q,
	     struct quota_terms *t, struct quota_use *u)
{
	*q = (struct quota_settings){.limit = r->limit,
				     .window = WINDOW_DAY,
				     .release_percent = r->release,
				     .spread = r->spread};
	*t = (struct quota_terms){
	    .block = q, .zone = "Etc/UTC", .limit = r->limit};
	*u = (struct quota_use){0};
	for (unsigned i = 0; i < SETTINGS_TYPES; i++)
		t->cap[i] = QUOTA_NO_CAP;
	for (unsigned i = 0; i < 3; i++) {
		u->used[i] = r->used[i];
		u->in_flight[i] = r->in_flight[i];
		t->reserve[i] = r->reserve[i];
		if (r->cap[i] != 0)
			t->cap[i] = (uint64_t)r->cap[i];
	}
}

/* A day of 1,440 minutes; what is free, why not more, and when there is. */
static void
rooms(void **state)
{
	static const struct case_row rows[] = {
	    /* clang-format off */
	    {"nothing sent",
	     2000, {0}, {0}, {0}, {0}, 25, false, 60, 0, 2000, QUOTA_OPEN, 1440},
	    {"used and in flight of all types",
	     2000, {500, 300, 200}, {50}, {0}, {0}, 25, false, 60, 2, 950, QUOTA_OPEN, 1440},
	    {"full by what is in flight",
	     10, {9}, {0, 1}, {0}, {0}, 25, false, 60, 0, 0, QUOTA_LIMIT, 1440},
	    {"the limit was lowered: never below nothing",
	     10, {30}, {5}, {0}, {0}, 25, false, 60, 0, 0, QUOTA_LIMIT, 1440},
	    {"closed",
	     0, {0}, {0}, {0}, {0}, 25, false, 60, 0, 0, QUOTA_LIMIT, NO},
	    {"a cap of its own",
	     2000, {1190}, {5}, {1200}, {0}, 25, false, 60, 0, 5, QUOTA_OPEN, 1440},
	    {"the cap is spent, the limit not",
	     2000, {1200}, {0}, {1200}, {0}, 25, false, 60, 0, 0, QUOTA_CAP, 1440},
	    {"another type has no cap",
	     2000, {1200}, {0}, {1200}, {0}, 25, false, 60, 1, 800, QUOTA_OPEN, 1440},
	    {"300 kept for workflow",
	     2000, {1700}, {0}, {0}, {0, 300}, 25, false, 60, 0, 0, QUOTA_RESERVE, 1082},
	    {"workflow itself has them",
	     2000, {1700}, {0}, {0}, {0, 300}, 25, false, 60, 1, 300, QUOTA_OPEN, 1440},
	    {"what workflow has sent counts",
	     2000, {1600, 200}, {0, 40}, {0}, {0, 300}, 25, false, 60, 0, 100, QUOTA_OPEN, 1082},
	    {"a reserve more than used up is none",
	     2000, {0, 900}, {0}, {0}, {0, 300}, 25, false, 60, 0, 1100, QUOTA_OPEN, 1440},
	    {"both others' reserves",
	     1000, {0}, {0}, {0}, {0, 300, 200}, 25, false, 60, 0, 500, QUOTA_OPEN, 1082},
	    {"just before the release",
	     2000, {0}, {0}, {0}, {0, 300}, 25, false, 1080, 0, 1700, QUOTA_OPEN, 1082},
	    {"half of the release is over",
	     2000, {0}, {0}, {0}, {0, 300}, 25, false, 1260, 0, 1850, QUOTA_OPEN, 1262},
	    {"a minute before the end: rounded for the reserve",
	     2000, {0}, {0}, {0}, {0, 300}, 25, false, 1439, 0, 1999, QUOTA_OPEN, 1440},
	    {"never released",
	     2000, {0}, {0}, {0}, {0, 300}, 0, false, 1439, 0, 1700, QUOTA_OPEN, 1440},
	    {"released from the start",
	     2000, {0}, {0}, {0}, {0, 300}, 100, false, 720, 0, 1850, QUOTA_OPEN, 725},
	    {"spread: the first quarter of an hour",
	     96, {0}, {0}, {0}, {0}, 25, true, 0, 0, 1, QUOTA_OPEN, 15},
	    {"spread: spent until the next",
	     96, {1}, {0}, {0}, {0}, 25, true, 14, 0, 0, QUOTA_LIMIT, 15},
	    {"spread: what was not used stays",
	     96, {1}, {0}, {0}, {0}, 25, true, 720, 0, 48, QUOTA_OPEN, 735},
	    {"spread: all of it in the last",
	     96, {0}, {0}, {0}, {0}, 25, true, 1425, 0, 96, QUOTA_OPEN, 1440},
	    {"spread: less than a place a step, rounded up",
	     10, {1}, {0}, {0}, {0}, 25, true, 15, 0, 0, QUOTA_LIMIT, 135},
	    {"spread and a reserve",
	     960, {10}, {0}, {0}, {0, 30}, 0, true, 30, 0, 0, QUOTA_RESERVE, 60},
	    /* clang-format on */
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct case_row *r = &rows[i];
		int64_t now = DAY0 + r->at_min * MINUTE_US, opens, want;
		struct quota_settings q;
		struct quota_terms t;
		struct quota_use u;
		struct span w;
		uint64_t room;

		terms_of_row(r, &q, &t, &u);
		w = quota_window(&t, now);
		assert_true(w.from_us == DAY0);
		room = quota_room(&t, &u, &w, r->type, now);
		if (room != r->room)
			fail_msg("%s: room %d", r->name, (int)room);
		if (quota_why(&t, &u, &w, r->type, now) != r->why)
			fail_msg("%s: why %d", r->name,
				 (int)quota_why(&t, &u, &w, r->type, now));
		opens = quota_opens_us(&t, &u, &w, r->type, now);
		want = r->opens_min == NO ? INT64_MAX
					  : DAY0 + r->opens_min * MINUTE_US;
		/* Within the minute: reserves shrink by places, not minutes. */
		if (opens > want ||
		    (opens != INT64_MAX && opens <= want - MINUTE_US))
			fail_msg("%s: opens %d s after midnight", r->name,
				 (int)((opens - DAY0) / SECOND_US));
		if (opens < w.to_us &&
		    (quota_room(&t, &u, &w, r->type, opens) <= room ||
		     quota_room(&t, &u, &w, r->type, opens - 1) > room))
			fail_msg("%s: not the first moment", r->name);
	}
}

static void
ramps(void **state)
{
	static const struct {
		const char *name;
		const char *ramp;
		const char *zone;
		int64_t at_us; /* after midnight of 2026-11-21 UTC */
		uint64_t limit;
	} rows[] = {
	    {"before it starts", "2026-11-22", "Etc/UTC", 0, 500},
	    {"the first day", "2026-11-21", "Etc/UTC", DAY_US - 1, 500},
	    {"the second", "2026-11-21", "Etc/UTC", DAY_US, 2150},
	    {"half way", "2026-11-21", "Etc/UTC", 15 * DAY_US, 25250},
	    {"the last step", "2026-11-21", "Etc/UTC", 30 * DAY_US, 50000},
	    {"and it stays", "2026-11-21", "Etc/UTC", 300 * DAY_US, 50000},
	    {"days of the zone", "2026-11-21", "Europe/Berlin", 23 * HOUR_US,
	     2150},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		int64_t now = DAY0 + rows[i].at_us;
		struct bytes b = {0}, report = {0};
		struct settings *s;
		struct quota_terms t;
		struct span w;

		bytes_printf(&b,
			     GOOD "quota warm { limit = 50k zone = %s "
				  "ramp { from = 500  to = 50k  over = 30d "
				  "start = %s } }\n",
			     rows[i].zone, rows[i].ramp);
		bytes_u8(&b, 0);
		s = parse((const char *)b.data, &report);
		if (s == NULL)
			fail_msg("%s", (char *)report.data);
		quota_terms_of(s, &s->quotas[0], &t);
		w = quota_window(&t, now);
		if (quota_limit(&t, &w, now) != rows[i].limit)
			fail_msg("%s: %d", rows[i].name,
				 (int)quota_limit(&t, &w, now));
		quota_today(&t, now);
		assert_int_equal(quota_limit(&t, &w, now), rows[i].limit);
		t.limit = 7;
		t.limit_set = true; /* a run-time change knows no ramp */
		assert_int_equal(quota_limit(&t, &w, now), 7);
		settings_free(s);
		bytes_free(&b);
		bytes_free(&report);
	}
}

/* The largest numbers: nothing wraps. */
static void
large(void **state)
{
	struct quota_settings q = {.limit = UINT64_C(1000000000000),
				   .window = WINDOW_MONTH,
				   .release_percent = 100,
				   .spread = true};
	struct quota_terms t = {
	    .block = &q, .zone = "Etc/UTC", .limit = q.limit};
	struct quota_use u = {0};
	struct span w = quota_window(&t, DAY0);

	(void)state;
	for (unsigned i = 0; i < SETTINGS_TYPES; i++)
		t.cap[i] = QUOTA_NO_CAP;
	t.reserve[1] = q.limit;
	assert_int_equal(quota_limit(&t, &w, w.to_us - 1), q.limit);
	/* A microsecond's share of the reserve is less than a place: one. */
	assert_int_equal(quota_room(&t, &u, &w, 0, w.to_us - 1), q.limit - 1);
	t.limit = UINT64_MAX; /* mtq quota set takes any number */
	t.limit_set = true;
	assert_true(quota_limit(&t, &w, w.to_us - 1) == UINT64_MAX);
	u.used[0] = u.used[2] = UINT64_MAX / 4;
	assert_true(quota_room(&t, &u, &w, 1, w.to_us - 1) ==
		    UINT64_MAX - UINT64_MAX / 4 * 2);
}

/* A rolling minute counts until its last second is a period ago. */
static void
rolling_window(void **state)
{
	struct quota_settings q = {.window = WINDOW_ROLLING,
				   .period_us = DAY_US};
	struct quota_terms t = {.block = &q, .zone = "Etc/UTC"};
	struct span w = quota_window(&t, DAY0 + 59 * SECOND_US);

	(void)state;
	assert_true(w.from_us == DAY0 - DAY_US);
	assert_true(w.to_us == INT64_MAX);
	w = quota_window(&t, DAY0 + 60 * SECOND_US);
	assert_true(w.from_us == DAY0 - DAY_US + MINUTE_US);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rooms),
	    cmocka_unit_test(ramps),
	    cmocka_unit_test(large),
	    cmocka_unit_test(rolling_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
