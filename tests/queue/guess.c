#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "queue/guess.h"

static const unsigned char salt[MAC_SIZE] = "guess";
static const int64_t NOW = 1000 * HOUR_US;

static struct guard_settings
guard(uint64_t address, uint64_t account)
{
	return (struct guard_settings){
	    .auth_failures_per_address = {address, HOUR_US},
	    .auth_failures_per_account = {account, HOUR_US}};
}

static struct guess_who
who(unsigned address, const char *account, unsigned char room[GUESS_ADDRESS])
{
	memset(room, 0, GUESS_ADDRESS);
	put_be32(room, address);
	return (struct guess_who){.address = room, .account = account};
}

/* Nothing else runs. */
static enum guess_answer
try(struct guess *g, const struct guard_settings *s, const struct guess_who *w,
    int64_t now)
{
	return guess_ask(g, s, w, NULL, 0, now);
}

/* A try that is wrong, if it may be made. */
static enum guess_answer
fails(struct guess *g, const struct guard_settings *s,
      const struct guess_who *w, int64_t now)
{
	enum guess_answer a = try(g, s, w, now);

	if (a == GUESS_GO)
		guess_wrong(g, s, w, now);
	return a;
}

/* One line a try: when, from where, as whom, whether it is right, and what
 * comes of it. */
static void
budgets(void **state)
{
	enum { STEPS = 12 };
	static const struct {
		const char *name;
		unsigned address_most, account_most;
		struct {
			int minute;
			unsigned address;
			const char *account;
			bool right;
			enum guess_answer want;
		} step[STEPS];
	} table[] = {
	    {"an address's",
	     2,
	     100,
	     {{0, 1, "a", false, GUESS_GO},
	      {0, 1, "b", false, GUESS_GO},
	      {0, 1, "c", false, GUESS_ADDRESS_SPENT},
	      {0, 2, "c", false, GUESS_GO},
	      {59, 1, "a", false, GUESS_ADDRESS_SPENT},
	      {70, 1, "a", false, GUESS_GO}}},
	    {"what is right costs nothing",
	     1,
	     1,
	     {{0, 1, "a", true, GUESS_GO},
	      {0, 1, "a", true, GUESS_GO},
	      {0, 1, "a", false, GUESS_GO},
	      {0, 1, "a", true, GUESS_ADDRESS_SPENT}}},
	    {"an account's, from everywhere",
	     100,
	     2,
	     {{0, 1, "a", false, GUESS_GO},
	      {0, 2, "a", false, GUESS_GO},
	      {0, 3, "a", false, GUESS_ACCOUNT_SPENT},
	      {0, 3, "b", false, GUESS_GO}}},
	    {"its own people are not locked out",
	     100,
	     1,
	     {{0, 9, "a", true, GUESS_GO},
	      {1, 1, "a", false, GUESS_GO},
	      {1, 2, "a", true, GUESS_ACCOUNT_SPENT},
	      {1, 9, "a", true, GUESS_GO},
	      {1, 9, "b", false, GUESS_GO},
	      {1, 8, "b", false, GUESS_ACCOUNT_SPENT}}},
	    {"a window is never too short",
	     3,
	     100,
	     {{0, 1, "a", false, GUESS_GO},
	      {30, 1, "a", false, GUESS_GO},
	      {50, 1, "a", false, GUESS_GO},
	      {59, 1, "a", false, GUESS_ADDRESS_SPENT},
	      {68, 1, "a", false, GUESS_GO},
	      {80, 1, "a", false, GUESS_ADDRESS_SPENT},
	      {98, 1, "a", false, GUESS_GO}}},
	    {"no name yet",
	     100,
	     1,
	     {{0, 1, "", false, GUESS_GO}, {0, 1, "", false, GUESS_GO}}},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		const struct guard_settings s =
		    guard(table[i].address_most, table[i].account_most);
		struct guess *g = guess_open(salt);
		unsigned char room[GUESS_ADDRESS];

		for (size_t j = 0;
		     j < STEPS && table[i].step[j].account != NULL; j++) {
			const struct guess_who w =
			    who(table[i].step[j].address,
				table[i].step[j].account, room);
			int64_t now = NOW + table[i].step[j].minute * MINUTE_US;
			enum guess_answer ask = try(g, &s, &w, now);

			if (ask != table[i].step[j].want)
				fail_msg("%s: step %zu: %d", table[i].name, j,
					 ask);
			if (ask == GUESS_GO && table[i].step[j].right)
				guess_right(g, &w, now);
			else if (ask == GUESS_GO)
				guess_wrong(g, &s, &w, now);
		}
		guess_free(g);
	}
}

/* What runs may fail: the next waits for it, and is not refused for it. */
static void
at_once(void **state)
{
	static const struct {
		const char *name;
		unsigned address_most, account_most, failed;
		bool other_address, other_account; /* than those that run */
		size_t running;
		enum guess_answer want;
	} table[] = {
	    {"nothing runs", 3, 100, 2, false, false, 0, GUESS_GO},
	    {"room for all", 3, 100, 0, false, false, 2, GUESS_GO},
	    {"room for what runs", 3, 100, 1, false, false, 2, GUESS_WAIT},
	    {"the last failure runs", 3, 100, 2, false, false, 1, GUESS_WAIT},
	    {"spent by failures", 3, 100, 3, false, false, 2,
	     GUESS_ADDRESS_SPENT},
	    {"others' tries", 3, 100, 2, true, true, 2, GUESS_GO},
	    {"as the same account", 100, 3, 1, true, false, 2, GUESS_WAIT},
	    {"and spent", 100, 3, 3, true, false, 2, GUESS_ACCOUNT_SPENT},
	    {"more than the budget run", 1, 1, 0, false, false, 2, GUESS_WAIT},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		const struct guard_settings s =
		    guard(table[i].address_most, table[i].account_most);
		struct guess *g = guess_open(salt);
		unsigned char here[GUESS_ADDRESS], there[GUESS_ADDRESS];
		const struct guess_who w = who(1, "a", here);
		const struct guess_who other =
		    who(table[i].other_address ? 2 : 1,
			table[i].other_account ? "b" : "a", there);
		const struct guess_who runs[] = {other, other};
		enum guess_answer a;

		for (unsigned j = 0; j < table[i].failed; j++)
			guess_wrong(g, &s, &w, NOW);
		a = guess_ask(g, &s, &w, runs, table[i].running, NOW);
		if (a != table[i].want)
			fail_msg("%s: %d", table[i].name, a);
		guess_free(g);
	}
}

/* In no hour are there more, whenever the tries come. */
static void
never_more(void **state)
{
	enum { TRIES = 20000, MOST = 20 };
	static int64_t when[TRIES];
	const struct guard_settings s = guard(MOST, 1000000);
	struct guess *g = guess_open(salt);
	unsigned char room[GUESS_ADDRESS];
	const struct guess_who w = who(1, "a", room);
	int64_t now = NOW;
	size_t n = 0;

	(void)state;
	srandom(6);
	for (size_t i = 0; i < TRIES; i++) {
		now += random() % (4 * MINUTE_US);
		if (fails(g, &s, &w, now) == GUESS_GO)
			when[n++] = now;
	}
	for (size_t i = MOST; i < n; i++)
		assert_true(when[i] - when[i - MOST] >= HOUR_US);
	/* An eighth more than the window at most. */
	assert_true((int64_t)n * HOUR_US * 9 / 8 >=
		    (now - NOW) * MOST * 9 / 10);
	guess_free(g);
}

/* Other keys after a reload: nobody is shut out for ever. */
static void
another_window(void **state)
{
	const struct guard_settings was = {
	    .auth_failures_per_address = {2, SECOND_US},
	    .auth_failures_per_account = {2, SECOND_US}};
	const struct guard_settings s = guard(2, 2), none = {.node = NULL};
	struct guess *g = guess_open(salt);
	unsigned char room[GUESS_ADDRESS];
	const struct guess_who w = who(1, "a", room);

	(void)state;
	assert_int_equal(fails(g, &was, &w, NOW), GUESS_GO);
	assert_int_equal(fails(g, &was, &w, NOW), GUESS_GO);
	assert_int_equal(fails(g, &was, &w, NOW), GUESS_ADDRESS_SPENT);
	assert_int_equal(fails(g, &s, &w, NOW + 1), GUESS_GO);
	assert_int_equal(fails(g, &s, &w, NOW + 2), GUESS_GO);
	assert_int_equal(fails(g, &s, &w, NOW + 3), GUESS_ADDRESS_SPENT);
	for (int i = 0; i < 100; i++)
		assert_int_equal(fails(g, &none, &w, NOW + 4), GUESS_GO);
	guess_free(g);
}

/* A flood from everywhere: the table is full, and who comes new is let in. */
static void
a_full_table(void **state)
{
	const struct guard_settings s = guard(2, 1000000);
	struct guess *g = guess_open(salt);
	unsigned char room[GUESS_ADDRESS];

	(void)state;
	for (unsigned i = 0; i < 4 * GUESS_CELLS; i++) {
		const struct guess_who w = who(i, "a", room);

		assert_int_equal(fails(g, &s, &w, NOW + i), GUESS_GO);
	}
	guess_free(g);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(budgets), cmocka_unit_test(at_once),
	    cmocka_unit_test(never_more), cmocka_unit_test(another_window),
	    cmocka_unit_test(a_full_table)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
