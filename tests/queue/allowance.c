/* Reports to one sender: exact, bounded, and never withheld wrongly. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "queue/allowance.h"

static const struct rate HOURLY = {2, HOUR_US};
static const int64_t NOW = INT64_C(1795246544000000);

static enum allowance_answer
take(struct allowance *a, const char *who, int64_t after_us)
{
	return allowance_take(a, &HOURLY, text_of(who), NOW + after_us);
}

static void
a_window(void **state)
{
	static const struct {
		const char *name, *who;
		int64_t after_us;
		enum allowance_answer answer;
	} row[] = {
	    {"the first", "a@b.test", 0, ALLOWANCE_YES},
	    {"the second", "a@b.test", 1, ALLOWANCE_YES},
	    {"too much, said once", "a@b.test", 2, ALLOWANCE_FIRST_NO},
	    {"too much again", "A@B.test", 3, ALLOWANCE_NO},
	    {"somebody else", "c@b.test", 3, ALLOWANCE_YES},
	    {"a longer name", "a@b.test.", 3, ALLOWANCE_YES},
	    {"the window's last moment", "a@b.test", HOUR_US - 1, ALLOWANCE_NO},
	    {"a new window", "a@b.test", HOUR_US, ALLOWANCE_YES},
	    {"that one fills, too", "a@b.test", HOUR_US + 1, ALLOWANCE_YES},
	    {"and is said", "a@b.test", HOUR_US + 2, ALLOWANCE_FIRST_NO},
	    {"a clock set back", "a@b.test", 5, ALLOWANCE_YES},
	};
	struct allowance a = {.n = 0};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		if (take(&a, row[i].who, row[i].after_us) != row[i].answer)
			fail_msg("%s", row[i].name);
		if (i % 2 == 0)
			allowance_keep(&a);
	}
	allowance_free(&a);
}

static void
without_a_rate(void **state)
{
	const struct rate none = {0, 0};
	struct allowance a = {.n = 0};

	(void)state;
	for (int i = 0; i < 1000; i++)
		assert_int_equal(
		    allowance_take(&a, &none, text_of("a@b.test"), NOW),
		    ALLOWANCE_YES);
	assert_int_equal(a.n, 0);
	allowance_free(&a);
}

/* A commit that failed sent nothing: it costs nothing. */
static void
a_failed_step(void **state)
{
	struct allowance a = {.n = 0};

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(take(&a, "a@b.test", i), ALLOWANCE_YES);
		assert_int_equal(take(&a, "a@b.test", i), ALLOWANCE_YES);
		assert_int_equal(take(&a, "a@b.test", i), ALLOWANCE_FIRST_NO);
		allowance_drop(&a);
	}
	assert_int_equal(take(&a, "a@b.test", 10), ALLOWANCE_YES);
	allowance_keep(&a);
	allowance_drop(&a);
	assert_int_equal(take(&a, "a@b.test", 11), ALLOWANCE_YES);
	assert_int_equal(take(&a, "a@b.test", 12), ALLOWANCE_FIRST_NO);
	allowance_free(&a);
}

/* More senders than there is room for: nobody loses a report to another one,
 * and who is forgotten begins anew. */
static void
many_senders(void **state)
{
	struct allowance a = {.n = 0};
	char who[64];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 3 * ALLOWANCE_SENDERS; i++) {
			snprintf(who, sizeof who, "s%d@b.test", i);
			assert_int_equal(take(&a, who, i), ALLOWANCE_YES);
			assert_int_equal(take(&a, who, i), ALLOWANCE_YES);
			assert_int_equal(take(&a, who, i), ALLOWANCE_FIRST_NO);
		}
	assert_int_equal(a.n, ALLOWANCE_SENDERS);
	allowance_keep(&a);
	allowance_free(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_window),
	    cmocka_unit_test(without_a_rate),
	    cmocka_unit_test(a_failed_step),
	    cmocka_unit_test(many_senders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
