#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue/retry.h"

static const int64_t NOW = INT64_C(1795246544000000);
static int64_t steps[] = {MINUTE_US, 5 * MINUTE_US, HOUR_US};

static struct retry_settings
settings(unsigned jitter_percent)
{
	struct retry_settings r = {.lifetime_us = DAY_US};

	r.intervals.us = steps;
	r.intervals.n = countof(steps);
	r.jitter_percent = jitter_percent;
	return r;
}

static void
when(void **state)
{
	static const struct {
		const char *name;
		int64_t age_us; /* now - arrival */
		uint32_t attempts;
		int64_t wait_us;
		bool expired;
	} rows[] = {
	    {"after the first", 0, 1, MINUTE_US, false},
	    {"none counted yet", 0, 0, MINUTE_US, false},
	    {"after the second", 60, 2, 5 * MINUTE_US, false},
	    {"after the third", HOUR_US, 3, HOUR_US, false},
	    {"the last interval repeats", HOUR_US, 4, HOUR_US, false},
	    {"for ever", HOUR_US, UINT32_MAX, HOUR_US, false},
	    {"the last try is at the end", DAY_US - MINUTE_US, 9, MINUTE_US,
	     false},
	    {"one before the end", DAY_US - 1, 9, 1, false},
	    {"the end", DAY_US, 9, 0, true},
	    {"long after it", 2 * DAY_US, 9, -DAY_US, true},
	    {"clock set back an hour", -HOUR_US, 1, MINUTE_US, false},
	    {"clock set back a year", -365 * DAY_US, 1, MINUTE_US, false},
	};
	struct retry_settings r = settings(0);

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct retry_next n = retry_after(&r, NOW - rows[i].age_us, NOW,
						  rows[i].attempts, 7);

		if (n.expired != rows[i].expired)
			fail_msg("%s: expired", rows[i].name);
		if (n.at_us - NOW != rows[i].wait_us)
			fail_msg("%s: %lld us", rows[i].name,
				 (long long)(n.at_us - NOW));
	}
}

/* Within its bounds, spread over both halves, and the same when repeated. */
static void
jitter(void **state)
{
	static const unsigned percent[] = {1, 10, 50};

	(void)state;
	for (size_t i = 0; i < countof(percent); i++) {
		struct retry_settings r = settings(percent[i]);
		int64_t most = MINUTE_US / 100 * (int64_t)percent[i];
		unsigned early = 0;

		for (uint64_t salt = 0; salt < 10000; salt++) {
			struct retry_next n =
			    retry_after(&r, NOW, NOW, 1, salt);
			struct retry_next again =
			    retry_after(&r, NOW, NOW, 1, salt);
			int64_t off = n.at_us - NOW - MINUTE_US;

			assert_true(off >= -most && off <= most);
			assert_true(n.at_us == again.at_us);
			early += off < 0;
		}
		assert_in_range(early, 4500, 5500);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(when),
	    cmocka_unit_test(jitter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
