/* Points in time as people type them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <time.h>

#include "admin/moment.h"

/* Saturday, 2026-11-21 12:00:00 in Berlin, 11:00 UTC. */
static const int64_t NOW = INT64_C(1795258800) * SECOND_US;

static void
what_people_type(void **state)
{
	static const struct {
		const char *typed;
		int64_t after_s; /* NOW */
	} rows[] = {
	    {"90s", 90},
	    {"2h", 7200},
	    {"3d", 3 * 86400},
	    {"13:00", 3600},
	    {"11:00", 23 * 3600}, /* tomorrow's: today's is over */
	    {"tomorrow", 12 * 3600},
	    {"2026-11-22", 12 * 3600},
	    {"2026-11-22 08:30", 20 * 3600 + 1800},
	    {"2026-11-21 12:00:30", 30},
	    {"2026-11-21T12:00:00Z", 3600},
	    {"2026-11-21T12:00:00+01:00", 0 + 0},
	    {"2026-11-21T12:00:01+01:00", 1},
	    {"2026-11-21T06:30:00-05:00", 1800},
	    {"2027-07-01 00:00", INT64_C(1814392800) - INT64_C(1795258800)},
	};
	char why[MOMENT_WHY];
	int64_t at;

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		bool ok = moment_parse(rows[i].typed, NOW, &at, why);

		if (rows[i].after_s == 0) { /* now is no time to come */
			assert_false(ok);
			continue;
		}
		if (!ok)
			fail_msg("%s: %s", rows[i].typed, why);
		if (at != NOW + rows[i].after_s * SECOND_US)
			fail_msg("%s is %lld s away", rows[i].typed,
				 (long long)((at - NOW) / SECOND_US));
	}
}

static void
what_is_no_time(void **state)
{
	static const char *const rows[] = {"",
					   "yesterday",
					   "5",
					   "2h30",
					   "25:00",
					   "2026-13-01",
					   "2026-11-22T08:00",
					   "2026-11-20",
					   "-3d",
					   "1000000d",
					   "2026-11-22 08:00 x",
					   "12:00:00:00",
					   "2026-11-22T08:00:00+1"};
	char why[MOMENT_WHY];
	int64_t at;

	(void)state;
	for (size_t i = 0; i < countof(rows); i++)
		if (moment_parse(rows[i], NOW, &at, why))
			fail_msg("'%s' was taken for a time", rows[i]);
}

/* The same words, for what is over. */
static void
what_was(void **state)
{
	static const struct {
		const char *typed;
		int64_t before_s; /* NOW; -1: no such time */
	} rows[] = {
	    {"90s", 90},
	    {"2h", 7200},
	    {"24h", 86400},
	    {"11:00", 3600},
	    {"12:00", 0},
	    {"13:00", 23 * 3600}, /* yesterday's: today's is to come */
	    {"today", 12 * 3600},
	    {"yesterday", 36 * 3600},
	    {"2026-11-21", 12 * 3600},
	    {"2026-11-21 11:59:30", 30},
	    {"2026-11-21T10:00:00Z", 3600},
	    {"2026-11-21T10:00:00.123Z", 3600},
	    {"1970-01-01T00:00:00Z", INT64_C(1795258800)},
	    {"1960-01-01T00:00:00Z", INT64_C(1795258800)},
	    {"tomorrow", -1},
	    {"2026-11-22", -1},
	    {"", -1},
	    {"soon", -1},
	    {"-3d", -1},
	    {"2026-11-21T10:00:00.Zx", -1},
	};
	char why[MOMENT_WHY];
	int64_t at;

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		bool ok = moment_since(rows[i].typed, NOW, &at, why);

		if (ok != (rows[i].before_s >= 0))
			fail_msg("%s", rows[i].typed);
		if (ok && at != NOW - rows[i].before_s * SECOND_US)
			fail_msg("%s was %lld s ago", rows[i].typed,
				 (long long)((NOW - at) / SECOND_US));
	}
}

static void
a_moment_reads_well(void **state)
{
	char text[MOMENT_TEXT];

	(void)state;
	assert_string_equal(moment_text(NOW, text), "Sat 2026-11-21 12:00 CET");
	assert_string_equal(moment_stamp(NOW, text), "2026-11-21 12:00:00");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_people_type),
	    cmocka_unit_test(what_is_no_time),
	    cmocka_unit_test(what_was),
	    cmocka_unit_test(a_moment_reads_well),
	};

	setenv("TZ", "Europe/Berlin", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
