#include "tests/queue/dispatcher.h"

/* 1 min, 10 min, 10 min ... and the last try at the end of the hour. */
static void
schedule(void **state)
{
	static const int64_t wait[] = {1, 10, 10, 10, 10, 10, 8};
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, CONF("4"), 1);
	id = put(&w, 1);
	step(&w);
	for (size_t i = 0; i < countof(wait); i++) {
		assert_int_equal(w.nheld, 1);
		answer(&w, VERDICT_DEFER);
		step(&w);
		expect_record(&w, id, RECIPIENT_WAITING, (uint32_t)i + 1,
			      "4.2.0", "host mx[192.0.2.1]:25 said: words");
		after(&w, wait[i] * MINUTE_US - SECOND_US);
		assert_int_equal(w.nheld, 0);
		assert_true(w.wake_ms <= DISPATCH_IDLE_MS + 1);
		after(&w, SECOND_US);
	}
	after(&w, MINUTE_US);
	assert_int_equal(w.nheld, 1);
	answer(&w, VERDICT_DEFER);
	step(&w);
	assert_true(w.now_us - BOX_NOW >= HOUR_US);
	expect_record(&w, id, RECIPIENT_FAILED, 8, "4.4.7", "words");
	after(&w, DAY_US);
	assert_int_equal(w.nheld, 0);
	books(&w, 0, 0, 0, 1);
	end(&w);
}

static void
refused(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, CONF("4"), 1);
	id = put(&w, 1);
	step(&w);
	answer(&w, VERDICT_FAIL);
	step(&w);
	expect_record(&w, id, RECIPIENT_FAILED, 1, "4.2.0", "words");
	end(&w);
}

/* 1 s, 2 s, 4 s, 8 s, 8 s: one message finds out each time. */
static void
closed_relay(void **state)
{
	static const int64_t wait[] = {1, 2, 4, 8, 8};
	struct world w;

	(void)state;
	begin(&w, CONF("4"), 2);
	for (int i = 0; i < 40; i++)
		put(&w, 1);
	step(&w);
	while (w.nheld > 0)
		no_relay(&w);
	step(&w);
	for (size_t i = 0; i < countof(wait); i++) {
		assert_int_equal(w.nheld, 0);
		after(&w, wait[i] * SECOND_US - 10 * 1000);
		assert_int_equal(w.nheld, 0);
		assert_true(w.wake_ms <= 11);
		after(&w, 10 * 1000);
		assert_int_equal(w.nheld, 1);
		if (i + 1 < countof(wait))
			no_relay(&w);
		step(&w);
	}
	answer(&w, VERDICT_DEFER); /* it speaks */
	step(&w);
	assert_int_equal(w.nheld, 4 * PLAN_AHEAD);
	end(&w);
}

/* Nobody tries what waits for a closed relay; its time ends all the same. */
static void
lifetime_behind_a_closed_relay(void **state)
{
	enum { N = 700 };
	uint64_t first, last = 0;
	struct world w;

	(void)state;
	begin(&w, CONF("1"), 1);
	first = put(&w, 1);
	for (int i = 1; i < N; i++)
		last = put(&w, 1);
	step(&w);
	for (int i = 0; w.now_us < BOX_NOW + HOUR_US; i++) {
		must(i < 4000);
		while (w.nheld > 0)
			no_relay(&w);
		step(&w);
		books(&w, N - w.nheld, w.nheld, 0, 0);
		after(&w, SECOND_US);
	}
	for (int i = 0; i < 8; i++) {
		while (w.nheld > 0)
			no_relay(&w);
		after(&w, SECOND_US);
	}
	while (w.nheld > 0)
		no_relay(&w);
	step(&w);
	books(&w, 0, 0, 0, N);
	expect_record(&w, last, RECIPIENT_FAILED, 0, "4.4.7",
		      "the time allowed ran out");
	box_read(&w.box);
	{
		struct recipient_record r;

		yes(&w.box, ledger_recipient(w.box.t, first, 0, &r, &w.box.e));
		assert_true(r.attempts > 0); /* its last words are kept */
		assert_non_null(memmem(r.reason.p, r.reason.n, "refused", 7));
	}
	box_end(&w.box);
	end(&w);
}

/* No commit succeeds: nothing leaves, nothing is forgotten, and afterwards
 * everything happens once. */
static void
disk_full(void **state)
{
	struct world w;
	uint64_t id = 0;

	(void)state;
	begin(&w, CONF("30"), 1);
	for (int i = 0; i < 40; i++)
		put(&w, 1);
	step(&w);
	assert_int_equal(w.nheld, 40);
	while (w.nheld > 0)
		answer(&w, VERDICT_SENT);
	for (int i = 0; i < 60; i++)
		id = put(&w, 1);
	dispatch_order(w.d, 5, "uid 0",
		       &(struct control_order){.order = LEDGER_RETRY,
					       .message = id,
					       .rcpt = UINT32_MAX});
	no_writes(true);
	w.broken = true;
	for (int i = 0; i < 5; i++) {
		bool ok;

		w.now_us += i % 2 ? 1100 * 1000 : 1000;
		ok = dispatch_step(w.d, w.now_us, w.now_us - BOX_NOW,
				   &w.wake_ms, &w.box.e);
		/* It is not tried again before a second is over. */
		assert_int_equal(ok, i != 0 && i % 2 == 0);
		assert_true(ok || w.box.e.kind == ERR_FULL);
		assert_in_range(w.wake_ms, 900, 1001);
		assert_int_equal(dispatch_outcomes(w.d), 40);
	}
	no_writes(false);
	w.broken = false;
	books(&w, 60, 40, 0, 0);
	after(&w, 1100 * 1000);
	assert_int_equal(dispatch_outcomes(w.d), 24); /* carefully first */
	assert_int_equal(w.nheld, 0);
	step(&w);
	assert_int_equal(dispatch_outcomes(w.d), 0);
	assert_int_equal(w.nanswers, 1);
	/* The claims that failed have left no trace: every place is free. */
	assert_int_equal(w.nheld, 30 * PLAN_AHEAD);
	books(&w, 0, 60, 0, 0);
	end(&w);
}

/* A map that is nearly full, far above the mark where the receiver stops:
 * commits that find no room become smaller until they do. */
static void
map_full(void **state)
{
	uint64_t accepted = 0, sent = 0;
	struct store_room room = {.map_bytes = 1};
	unsigned failed = 0;
	struct world w;

	(void)state;
	begin(&w, CONF("200"), 1);
	while (room.used_bytes * 100 < room.map_bytes * 98) {
		put(&w, 1);
		accepted++;
		yes(&w.box, store_room(w.box.store, &room, &w.box.e));
	}
	for (int i = 0; i < 4000 && sent < accepted; i++) {
		w.now_us += 1100 * 1000;
		if (!dispatch_step(w.d, w.now_us, w.now_us - BOX_NOW,
				   &w.wake_ms, &w.box.e)) {
			assert_int_equal(w.box.e.kind, ERR_FULL);
			failed++;
		}
		for (; w.nheld > 0; sent++)
			answer(&w, VERDICT_SENT);
	}
	assert_true(failed > 0);
	assert_int_equal(sent, accepted);
	for (int i = 0; i < 100 && dispatch_busy(w.d); i++)
		step(&w);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

/* Nothing to do is done without a commit. */
static void
idle(void **state)
{
	uint64_t before, id;
	struct world w;

	(void)state;
	begin(&w, CONF("4"), 1);
	id = put(&w, 1);
	step(&w);
	answer(&w, VERDICT_DEFER);
	step(&w);
	box_read(&w.box);
	before = txn_state(w.box.t)->txn;
	box_end(&w.box);
	for (int i = 0; i < 50; i++) {
		after(&w, SECOND_US);
		assert_true(w.wake_ms <= DISPATCH_IDLE_MS + 1);
	}
	box_read(&w.box);
	assert_true(txn_state(w.box.t)->txn == before);
	box_end(&w.box);
	expect_record(&w, id, RECIPIENT_WAITING, 1, "4.2.0", "words");
	end(&w);
}

/* A lost bell costs a second, not the message. */
static void
lost_bell(void **state)
{
	struct world w;

	(void)state;
	begin(&w, CONF("4"), 1);
	step(&w);
	box_begin(&w.box);
	box_accept(&w.box, 10, 1, false);
	box_commit(&w.box);
	step(&w);
	assert_int_equal(w.nheld, 0);
	after(&w, (int64_t)w.wake_ms * 1000);
	assert_int_equal(w.nheld, 1);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(schedule),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(closed_relay),
	    cmocka_unit_test(lifetime_behind_a_closed_relay),
	    cmocka_unit_test(disk_full),
	    cmocka_unit_test(map_full),
	    cmocka_unit_test(idle),
	    cmocka_unit_test(lost_bell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
