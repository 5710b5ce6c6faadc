/* Whose turn it is: shares by weight, turns within a type. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "queue/fair.h"

enum { RELAY = 3, TURNS = 10000 };

static const uint64_t weight[] = {6, 3, 1};

/* A fair queue takes its space from the heap: it is large. */
static struct fair *
fresh(void)
{
	struct fair *f = must_alloc(sizeof *f);

	fair_clear(f);
	return f;
}

/* Every type always has mail: its share of the recipients is its weight's. */
static void
shares_follow_weights(void **state)
{
	static const uint32_t costs[][3] = {
	    {1, 1, 1}, {1, 10, 100}, {100, 1, 1}, {7, 5, 3}};

	(void)state;
	for (size_t c = 0; c < countof(costs); c++) {
		struct fair *f = fresh();
		struct fair_turns t = {.now = 0};
		uint64_t sent[3] = {0}, all = 0, lane;
		unsigned type;

		for (unsigned i = 0; i < 3; i++)
			assert_true(fair_add(f, RELAY, i, i + 1));
		for (int i = 0; i < TURNS; i++) {
			assert_true(fair_turn(f, RELAY, &t, &type, &lane));
			assert_int_equal(lane, type + 1);
			sent[type] += costs[c][type];
			all += costs[c][type];
			fair_done(f, RELAY, &t, type, weight[type],
				  costs[c][type], true);
		}
		for (unsigned i = 0; i < 3; i++) {
			uint64_t due = all * weight[i] / 10;
			uint64_t off =
			    sent[i] > due ? sent[i] - due : due - sent[i];

			assert_true(off <= 2 * 100 * 10);
		}
		free(f);
	}
}

/* Individual mail that comes while mass mail is being sent waits for no more
 * than the message under way, and a type that was away has not saved up. */
static void
a_newcomer_is_next(void **state)
{
	struct fair *f = fresh();
	struct fair_turns t = {.now = 0};
	unsigned type, mass = 0;
	uint64_t lane;

	(void)state;
	assert_true(fair_add(f, RELAY, 2, 30));
	for (int i = 0; i < TURNS; i++) {
		assert_true(fair_turn(f, RELAY, &t, &type, &lane));
		fair_done(f, RELAY, &t, type, 1, 1, true);
	}
	assert_true(fair_add(f, RELAY, 0, 10));
	assert_true(fair_turn(f, RELAY, &t, &type, &lane));
	assert_int_equal(type, 0);
	for (int i = 0; i < 700; i++) {
		assert_true(fair_turn(f, RELAY, &t, &type, &lane));
		mass += type == 2;
		fair_done(f, RELAY, &t, type, weight[type], 1, true);
	}
	assert_in_range(mass, 99, 101); /* 1 of 7, from now on */
	free(f);
}

/* Senders of one type take turns, over the end of a sweep too. */
static void
lanes_take_turns(void **state)
{
	struct fair *f = fresh();
	struct fair_turns t = {.now = 0};
	unsigned type, seen[5] = {0};
	uint64_t lane;

	(void)state;
	for (int sweep = 0; sweep < 100; sweep++) {
		fair_clear(f);
		for (uint64_t i = 0; i < 5; i++)
			assert_true(fair_add(f, RELAY, 1, 100 + i));
		fair_resume(f, RELAY, &t);
		for (int i = 0; i < 3; i++) { /* fewer than there are lanes */
			assert_true(fair_turn(f, RELAY, &t, &type, &lane));
			seen[lane - 100]++;
			fair_done(f, RELAY, &t, type, 3, 1, true);
		}
	}
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(seen[i], 60);
	free(f);
}

/* A lane without more mail leaves; the type with its last lane. */
static void
what_is_empty_leaves(void **state)
{
	struct fair *f = fresh();
	struct fair_turns t = {.now = 0};
	unsigned type;
	uint64_t lane;

	(void)state;
	assert_true(fair_add(f, RELAY, 0, 1));
	assert_true(fair_add(f, RELAY, 0, 2));
	assert_true(fair_add(f, RELAY, 1, 9));
	fair_drop(f, RELAY, 1);
	for (uint64_t want = 1; want <= 2; want++) {
		assert_true(fair_turn(f, RELAY, &t, &type, &lane));
		assert_int_equal(type, 0);
		assert_int_equal(lane, want);
		fair_done(f, RELAY, &t, 0, 6, 1, false);
	}
	assert_false(fair_turn(f, RELAY, &t, &type, &lane));
	fair_clear(f);
	for (uint64_t i = 0; i < FAIR_LANES; i++)
		assert_true(fair_add(f, RELAY, 0, i + 1));
	assert_false(fair_add(f, RELAY, 0, FAIR_LANES + 1));
	free(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shares_follow_weights),
	    cmocka_unit_test(a_newcomer_is_next),
	    cmocka_unit_test(lanes_take_turns),
	    cmocka_unit_test(what_is_empty_leaves),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
