#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/now.h"
#include "queue/load.h"

/* One part at a time: when the load becomes high, and when it is over. */
static void
up_and_down(void **state)
{
	static const struct {
		const char *name;
		uint64_t used, most;
		unsigned percent;
		bool high;
	} row[] = {
	    {"nothing", 0, 100, 0, false},
	    {"one below", 79, 100, 79, false},
	    {"from shed_at on", 80, 100, 80, true},
	    {"a little less: it does not flap", 71, 100, 71, true},
	    {"well below", 70, 100, 70, false},
	    {"the same on the way up", 75, 100, 75, false},
	    {"more than there is", 250, 100, 250, true},
	    {"far more than there is", 5000, 1, 999, true},
	    {"huge figures", UINT64_MAX, UINT64_MAX, 100, true},
	    {"a part that does not count", 9, 0, 0, false},
	    {"all of a small limit", 4, 4, 100, true},
	};

	(void)state;
	for (unsigned part = 0; part < LOAD_COUNT; part++) {
		struct load l = {.high = false};

		for (size_t i = 0; i < countof(row); i++) {
			struct load_use u = {.used = {0}};
			bool before = l.high;

			u.used[part] = row[i].used;
			u.most[part] = row[i].most;
			if (load_update(&l, &u, 80) != (before != row[i].high))
				fail_msg("%s: a change", row[i].name);
			if (l.high != row[i].high ||
			    l.percent != row[i].percent)
				fail_msg("%s: %u%%", row[i].name, l.percent);
			if (row[i].percent > 0 &&
			    l.worst != (enum load_part)part)
				fail_msg("%s: %s", row[i].name,
					 load_words(l.worst));
		}
	}
}

/* The part that is used most is named. */
static void
the_worst_counts(void **state)
{
	struct load_use u = {.used = {10, 20, 95, 30, 5}};
	struct load l = {.high = false};

	(void)state;
	for (unsigned i = 0; i < LOAD_COUNT; i++)
		u.most[i] = 100;
	assert_true(load_update(&l, &u, 90));
	assert_int_equal(l.worst, LOAD_DESCRIPTORS);
	assert_string_equal(load_words(l.worst),
			    "open connections of the process");
}

/* What holds while the load is high, and what while it is not. */
static void
what_follows(void **state)
{
	static const struct {
		const char *name;
		bool high;
		uint64_t most, share;
		int64_t timeout_s, patience_s;
	} row[] = {
	    {"calm", false, 50, 50, 300, 300},
	    {"high", true, 50, 12, 300, 10},
	    {"a share of one stays", true, 1, 1, 300, 10},
	    {"less than a part", true, 3, 1, 300, 10},
	    {"a short timeout stays", true, 50, 12, 2, 2},
	};
	static const struct {
		const char *name;
		bool high;
		uint64_t bytes;
		int64_t age_s;
		bool good;
	} slow[] = {
	    {"calm", false, 0, 9999, true},
	    {"high, and it has just begun", true, 0, 60, true},
	    {"too slow", true, 30000, 61, false},
	    {"just fast enough", true, 30500, 61, true},
	    {"long but fast", true, 50000000, 5000, true},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct load l = {.high = row[i].high};

		if (load_share(&l, row[i].most) != row[i].share ||
		    load_patience(&l, row[i].timeout_s * SECOND_US) !=
			row[i].patience_s * SECOND_US)
			fail_msg("%s", row[i].name);
	}
	for (size_t i = 0; i < countof(slow); i++) {
		struct load l = {.high = slow[i].high};

		if (load_fast_enough(&l, slow[i].bytes,
				     slow[i].age_s * SECOND_US) != slow[i].good)
			fail_msg("%s", slow[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(up_and_down),
	    cmocka_unit_test(the_worst_counts),
	    cmocka_unit_test(what_follows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
