/* The dispatcher keeps the journal as short as `history` wants it. */
#include "tests/queue/dispatcher.h"

static struct state_record
state_of(struct world *w)
{
	struct state_record s;

	box_read(&w->box);
	s = *txn_state(w->box.t);
	box_end(&w->box);
	return s;
}

static void
fill(struct world *w, unsigned n)
{
	struct journal_entry x = {.kind = JOURNAL_RELAY,
				  .at_us = (uint64_t)w->now_us,
				  .relay = text_of("r")};
	uint64_t number;

	box_begin(&w->box);
	for (unsigned i = 0; i < n; i++)
		yes(&w->box, journal_add(w->box.t, &x, &number, &w->box.e));
	box_commit(&w->box);
}

/* What was written first is gone when its time is over: all of it, in commits
 * of a bounded size; then nothing more is written. */
static void
old_ones_go(void **state)
{
	enum { N = 3000 };
	struct state_record s;
	struct world w;
	uint64_t txn;

	(void)state;
	begin(&w, CONF("4") "history {keep=1d}\n", 1);
	fill(&w, N);
	after(&w, DAY_US - SECOND_US);
	s = state_of(&w);
	assert_int_equal(s.entries, N);
	txn = s.txn;
	after(&w, 2 * SECOND_US);
	s = state_of(&w);
	assert_in_range(s.entries, 1, N - 1);
	assert_in_range(w.wake_ms, 1, 2); /* the rest at once */
	for (int i = 0; i < 4; i++)
		step(&w);
	s = state_of(&w);
	assert_int_equal(s.entries, 0);
	assert_int_equal(s.entry_bytes, 0);
	assert_int_equal(s.entry_removed, s.last_entry);
	assert_in_range(s.txn, txn + 1, txn + 4);
	txn = s.txn;
	for (int i = 0; i < 10; i++)
		after(&w, SECOND_US);
	assert_int_equal(state_of(&w).txn, txn);
	end(&w);
}

/* Mail comes and goes, the journal stays below its size. */
static void
size_is_kept(void **state)
{
	uint64_t most = 0;
	struct world w;

	(void)state;
	begin(&w, CONF("4") "history {max_size=1mb}\nqueue {high_water=70%}\n",
	      1);
	for (int i = 0; i < 3000; i++) {
		put(&w, 1);
		step(&w);
		while (w.nheld > 0)
			answer(&w, VERDICT_SENT);
		step(&w);
		most = max_of(most, state_of(&w).entry_bytes);
	}
	assert_in_range(most, 800 << 10, 1 << 20);
	assert_true(state_of(&w).entry_removed > 0);
	end(&w);
}

/* Whatever is configured, the journal leaves the map to the mail: 6 of 100 are
 * half of what is above high_water. */
static void
map_is_not_filled(void **state)
{
	struct world w;

	(void)state;
	begin(&w, CONF("4") "queue {high_water=88%}\n", 1);
	for (int i = 0; i < 30; i++) {
		fill(&w, 500);
		after(&w, SECOND_US);
		for (int k = 0; k < 2; k++)
			step(&w);
		assert_in_range(state_of(&w).entry_bytes, 1, BOX_MAP / 100 * 6);
	}
	assert_true(state_of(&w).entry_removed > 0);
	end(&w);
}

/* A queue of small mail, full to the mark where the receiver stops, and no
 * journal yet: all of it goes, and what became of it has room. */
static void
full_of_small_mail(void **state)
{
	struct store_room room = {0};
	struct world w;
	unsigned n = 0;

	(void)state;
	begin(&w, CONF("64"), 4);
	while (room.used_bytes <= room.map_bytes / 100 * 85) {
		put(&w, 3);
		n += 3;
		yes(&w.box, store_room(w.box.store, &room, &w.box.e));
	}
	box_begin(&w.box);
	for (bool more = true; more;)
		yes(&w.box, journal_prune(w.box.t, 0, 0, w.now_us + 1, 1000,
					  &more, &w.box.e));
	box_commit(&w.box);
	while (state_of(&w).sent_total < n) {
		step(&w);
		must(w.nheld > 0);
		while (w.nheld > 0)
			answer(&w, VERDICT_SENT);
		step(&w);
	}
	assert_int_equal(state_of(&w).messages, 0);
	assert_in_range(state_of(&w).entry_bytes, 500 << 10,
			BOX_MAP / 200 * 15);
	end(&w);
}

/* While nothing can be written, nothing is forgotten; then it goes on. */
static void
disk_full(void **state)
{
	struct world w;

	(void)state;
	begin(&w, CONF("4") "history {keep=1d}\n", 1);
	fill(&w, 10);
	no_writes(true);
	for (int i = 0; i < 5; i++) {
		w.now_us += DAY_US;
		assert_false(dispatch_step(w.d, w.now_us, w.now_us - BOX_NOW,
					   &w.wake_ms, &w.box.e));
		assert_int_equal(w.box.e.kind, ERR_FULL);
	}
	no_writes(false);
	assert_int_equal(state_of(&w).entries, 10);
	after(&w, 2 * SECOND_US);
	assert_int_equal(state_of(&w).entries, 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(old_ones_go),
	    cmocka_unit_test(size_is_kept),
	    cmocka_unit_test(map_is_not_filled),
	    cmocka_unit_test(full_of_small_mail),
	    cmocka_unit_test(disk_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
