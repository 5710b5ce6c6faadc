/* No stretch of the window has more starts than the rate allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "queue/rate.h"

enum { STARTS_MOST = 20000, ROUNDS = 300, TAKES = 200 };

static uint64_t seed;

static uint32_t
chance(uint32_t n)
{
	seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

/* Every start there was, for the naive checker. */
struct starts {
	int64_t us[STARTS_MOST];
	size_t n;
};

static void
note(struct starts *s, uint32_t n, int64_t now_us)
{
	for (uint32_t i = 0; i < n; i++) {
		must(s->n < STARTS_MOST);
		s->us[s->n++] = now_us;
	}
}

/* The most in any half-open stretch of window_us among those from `first`. */
static size_t
most(const struct starts *s, size_t first, int64_t window_us)
{
	size_t best = 0;

	for (size_t i = first; i < s->n; i++) {
		size_t j = i;

		while (j < s->n && s->us[j] - s->us[i] < window_us)
			j++;
		best = max_of(best, j - i);
	}
	return best;
}

static struct rate
any_rate(void)
{
	static const int64_t window[] = {SECOND_US, MINUTE_US, HOUR_US};

	return (struct rate){.count = 1 + chance(30),
			     .window_us = window[chance(3)]};
}

/* As fast as it goes, with pauses, in pieces of any size: never too many, and
 * as soon as possible not too few. */
static void
never_more_than_the_rate(void **state)
{
	struct starts *s = must_alloc(sizeof *s);

	(void)state;
	for (seed = 1; seed < ROUNDS; seed++) {
		struct rate rate = any_rate();
		struct rate_log l;
		int64_t now_us = chance(1000000), from_us = now_us;

		s->n = 0;
		rate_init(&l, rate, INT64_MIN / 2);
		for (int i = 0; i < TAKES; i++) {
			uint32_t n = 1 + chance((uint32_t)rate.count);
			int64_t at = rate_at(&l, n, now_us);

			assert_true(at >= now_us);
			if (at > now_us) /* not a microsecond sooner */
				assert_true(rate_at(&l, n, at - 1) == at);
			now_us = at;
			assert_true(rate_at(&l, n, now_us) == now_us);
			rate_take(&l, n, now_us);
			note(s, n, now_us);
			if (chance(10) == 0)
				now_us += chance((uint32_t)rate.window_us);
		}
		assert_true(most(s, 0, rate.window_us + RATE_GUARD_US) <=
			    rate.count);
		/* Ones alone fill it: count a window and guard. */
		now_us = rate_at(&l, (uint32_t)rate.count, now_us);
		from_us = now_us;
		for (uint32_t i = 0; i < 3 * rate.count; i++) {
			now_us = rate_at(&l, 1, now_us);
			rate_take(&l, 1, now_us);
		}
		assert_true(now_us - from_us ==
			    2 * (rate.window_us + RATE_GUARD_US));
		rate_done(&l);
	}
	free(s);
}

/* A restart knows only when the last start may have been. */
static void
a_restart_does_not_burst(void **state)
{
	struct rate rate = {.count = 14, .window_us = SECOND_US};
	struct rate_log l;
	int64_t now_us = 50 * SECOND_US;

	(void)state;
	rate_init(&l, rate, now_us);
	assert_true(rate_at(&l, 1, now_us) ==
		    now_us + SECOND_US + RATE_GUARD_US);
	rate_done(&l);
	/* It was long ago; or never, whatever the clock says. */
	rate_init(&l, rate, now_us - SECOND_US - RATE_GUARD_US);
	assert_true(rate_at(&l, 14, now_us) == now_us);
	rate_done(&l);
	rate_init(&l, rate, now_us - INT64_MAX / 4);
	assert_true(rate_at(&l, 14, now_us) == now_us);
	rate_done(&l);
}

/* Whatever the rates were, from a change on the new one holds, and it counts
 * what was started before. */
static void
a_change_forgets_nothing(void **state)
{
	struct starts *s = must_alloc(sizeof *s);

	(void)state;
	for (seed = 1; seed < ROUNDS; seed++) {
		struct rate rate = any_rate();
		struct rate_log l;
		int64_t now_us = 0;

		s->n = 0;
		rate_init(&l, rate, INT64_MIN / 2);
		for (int c = 0; c < 6; c++) {
			size_t before = s->n;

			for (int i = 0; i < 40; i++) {
				uint32_t n = 1 + chance((uint32_t)rate.count);

				now_us = rate_at(&l, n, now_us);
				rate_take(&l, n, now_us);
				note(s, n, now_us);
			}
			/* Each start of this rate looks back on all. */
			for (size_t i = before; i < s->n; i++) {
				size_t j = i + 1;

				while (j > 0 &&
				       s->us[i] - s->us[j - 1] <
					   rate.window_us + RATE_GUARD_US)
					j--;
				assert_true(i + 1 - j <= rate.count);
			}
			now_us += chance(2) == 0 ? 0 : chance(2000000);
			rate = any_rate();
			rate_change(&l, rate, now_us);
		}
		rate_done(&l);
	}
	free(s);
}

/* A little more must not cost an hour. */
static void
a_faster_rate_is_not_a_pause(void **state)
{
	struct rate rate = {.count = 100, .window_us = HOUR_US};
	struct rate_log l;

	(void)state;
	rate_init(&l, rate, INT64_MIN / 2);
	for (int64_t i = 0; i < 100; i++)
		rate_take(&l, 1, i * MINUTE_US / 2);
	rate.count = 101;
	rate_change(&l, rate, 50 * MINUTE_US);
	assert_true(rate_at(&l, 1, 50 * MINUTE_US) == HOUR_US + RATE_GUARD_US);
	rate_done(&l);
}

static void
patience_lasts_as_long_as_asked(void **state)
{
	struct rate rate = {.count = 2, .window_us = SECOND_US};
	struct rate_log l;

	(void)state;
	rate_init(&l, rate, INT64_MIN / 2);
	rate_slow(&l, 7 * SECOND_US);
	rate_slow(&l, 5 * SECOND_US); /* the longer one holds */
	assert_true(rate_at(&l, 1, SECOND_US) == 7 * SECOND_US);
	rate.count = 3;
	rate_change(&l, rate, SECOND_US);
	assert_true(rate_at(&l, 1, SECOND_US) == 7 * SECOND_US);
	assert_true(rate_at(&l, 1, 8 * SECOND_US) == 8 * SECOND_US);
	rate_done(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(never_more_than_the_rate),
	    cmocka_unit_test(a_restart_does_not_burst),
	    cmocka_unit_test(a_change_forgets_nothing),
	    cmocka_unit_test(a_faster_rate_is_not_a_pause),
	    cmocka_unit_test(patience_lasts_as_long_as_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
