#include "tests/queue/dispatcher.h"
#include "queue/orders.h"
#include "queue/recover.h"

static void
one_message(void **state)
{
	struct world w;

	(void)state;
	begin(&w, CONF("4"), 1);
	step(&w);
	assert_int_equal(w.nheld, 0);
	put(&w, 1);
	step(&w);
	assert_int_equal(w.nheld, 1);
	assert_int_equal(dispatch_in_flight(w.d), 1);
	books(&w, 0, 1, 0, 0);
	answer(&w, VERDICT_SENT);
	assert_true(dispatch_busy(w.d));
	assert_int_equal(dispatch_outcomes(w.d), 1);
	step(&w);
	assert_false(dispatch_busy(w.d));
	assert_int_equal(dispatch_in_flight(w.d), 0);
	books(&w, 0, 0, 0, 0);
	box_read(&w.box);
	assert_int_equal(txn_state(w.box.t)->messages, 0);
	assert_int_equal(txn_state(w.box.t)->sent_total, 1);
	box_end(&w.box);
	end(&w);
}

/* Recipients of one message travel together, three at a time, never with
 * those of another. */
static void
together(void **state)
{
	static const uint32_t size[] = {3, 2, 1};
	struct world w;
	uint64_t id[2];

	(void)state;
	begin(&w, CONF("4"), 1);
	id[0] = put(&w, 5);
	id[1] = put(&w, 1);
	step(&w);
	assert_int_equal(w.nheld, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(w.held[i].job.nrecipients, size[i]);
		assert_true(w.held[i].job.message == id[i == 2]);
	}
	books(&w, 0, 6, 0, 0);
	end(&w);
}

/* Jobs and shares follow `connections`, over workers that come and go and over
 * a reload. */
static void
shares(void **state)
{
	struct settings *more = talker_settings(CONF("7"));
	struct world w;

	(void)state;
	begin(&w, CONF("5"), 2);
	assert_int_equal(w.share[0] + w.share[1], 5);
	for (int i = 0; i < 40; i++)
		put(&w, 1);
	step(&w);
	assert_int_equal(w.nheld, 5 * PLAN_AHEAD);
	dispatch_worker_up(w.d, 2);
	assert_int_equal(w.share[0] + w.share[1] + w.share[2], 5);
	step(&w);
	/* The newcomer gets its share; nobody is told to give a job back. */
	assert_in_range(w.nheld, 5 * PLAN_AHEAD, 6 * PLAN_AHEAD);
	assert_true(dispatch_configure(w.d, more, w.now_us, &w.box.e));
	settings_free(w.settings);
	w.settings = more;
	assert_int_equal(w.share[0] + w.share[1] + w.share[2], 7);
	step(&w);
	assert_int_equal(w.nheld, 7 * PLAN_AHEAD);
	end(&w);
}

/* A worker speaks only of what it holds, and of each recipient once. */
static void
foreign_outcomes(void **state)
{
	struct job_outcome o;
	struct world w;

	(void)state;
	begin(&w, CONF("4"), 2);
	put(&w, 2);
	step(&w);
	assert_int_equal(w.nheld, 1);
	o = outcome(&w, 0, 0, VERDICT_SENT);
	assert_false(dispatch_outcome(w.d, !w.held[0].worker, &o));
	assert_false(dispatch_dot(w.d, !w.held[0].worker, o.job));
	assert_false(dispatch_dot(w.d, w.held[0].worker, o.job + 1));
	o.job++;
	assert_false(dispatch_outcome(w.d, w.held[0].worker, &o));
	o = outcome(&w, 0, 2, VERDICT_SENT);
	assert_false(dispatch_outcome(w.d, w.held[0].worker, &o));
	o = outcome(&w, 0, 0, VERDICT_SENT);
	o.message++;
	assert_false(dispatch_outcome(w.d, w.held[0].worker, &o));
	books(&w, 0, 2, 0, 0);
	assert_true(dispatch_dot(w.d, w.held[0].worker, o.job));
	o = outcome(&w, 0, 1, VERDICT_SENT);
	assert_true(dispatch_outcome(w.d, w.held[0].worker, &o));
	assert_false(dispatch_outcome(w.d, w.held[0].worker, &o));
	step(&w);
	books(&w, 0, 1, 0, 0);
	o = outcome(&w, 0, 0, VERDICT_SENT);
	assert_true(dispatch_outcome(w.d, w.held[0].worker, &o));
	assert_false(dispatch_outcome(w.d, w.held[0].worker, &o));
	step(&w);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

/* What a worker says is cleaned before it is kept. */
static void
hostile_words(void **state)
{
	struct job_outcome o;
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, CONF("4"), 1);
	id = put(&w, 1);
	step(&w);
	o = outcome(&w, 0, 0, VERDICT_DEFER);
	o.status = text_of("4\n\x1b[31m");
	o.reply = text_of("a\r\nb\x1b");
	assert_true(dispatch_outcome(w.d, w.held[0].worker, &o));
	step(&w);
	expect_record(&w, id, RECIPIENT_WAITING, 1, "4??[31m", "a??b?");
	end(&w);
}

/* A worker that is lost while it is given its jobs keeps none of them; those
 * that it never saw are not suspected of its death. */
static void
death_in_the_middle(void **state)
{
	struct recipient_record r;
	struct world w;
	uint64_t id[6];

	(void)state;
	begin(&w, CONF("8"), 1);
	for (int i = 0; i < 6; i++)
		id[i] = put(&w, 1);
	w.dies_at = 3;
	step(&w);
	assert_int_equal(w.nheld, 6);
	assert_int_equal(dispatch_in_flight(w.d), 0);
	step(&w);
	books(&w, 6, 0, 0, 0);
	box_read(&w.box);
	for (int i = 0; i < 6; i++) {
		yes(&w.box, ledger_recipient(w.box.t, id[i], 0, &r, &w.box.e));
		assert_int_equal(r.claims, i < 3);
	}
	box_end(&w.box);
	end(&w);
}

static void
orders(void **state)
{
	static const struct {
		const char *name;
		enum ledger_order order;
		bool unknown;
		enum ledger_answer answer;
		unsigned jobs;
	} table[] = {
	    {"hold", LEDGER_HOLD, false, LEDGER_DONE, 0},
	    {"hold again", LEDGER_HOLD, false, LEDGER_ALREADY, 0},
	    {"no such message", LEDGER_HOLD, true, LEDGER_NOT_FOUND, 0},
	    {"release: it goes", LEDGER_RELEASE, false, LEDGER_DONE, 1},
	    {"too late to hold", LEDGER_HOLD, false, LEDGER_BUSY, 1},
	};
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, CONF("4"), 0);
	id = put(&w, 1);
	step(&w);
	for (size_t i = 0; i < countof(table); i++) {
		struct control_order o = {.order = (uint8_t)table[i].order,
					  .message = id + 4 * table[i].unknown,
					  .rcpt = UINT32_MAX,
					  .reason = text_of("because\n")};

		dispatch_order(w.d, 70 + i, "uid 0", &o);
		if (i == 1)
			dispatch_worker_up(w.d, 0);
		step(&w);
		assert_int_equal(w.nanswers, i + 1);
		assert_int_equal(w.client[i], 70 + i);
		assert_int_equal(w.nheld, table[i].jobs);
		if (w.answer[i].answer != table[i].answer ||
		    w.answer[i].changed != (table[i].answer == LEDGER_DONE))
			fail_msg("%s: answer %u, %u changed", table[i].name,
				 w.answer[i].answer, w.answer[i].changed);
		if (i == 0)
			expect_record(&w, id, RECIPIENT_HELD, 0, "",
				      "uid 0: because?");
	}
	answer(&w, VERDICT_DEFER);
	dispatch_order(w.d, 1, "uid 0",
		       &(struct control_order){.order = LEDGER_DROP,
					       .message = id,
					       .rcpt = UINT32_MAX});
	step(&w);
	assert_int_equal(w.answer[5].answer, LEDGER_DONE);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

/* More orders than one commit takes: all are answered, in order. */
static void
many_orders(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, CONF("4"), 0);
	id = put(&w, 1);
	for (uint64_t i = 0; i < ANSWERS_MOST; i++)
		dispatch_order(
		    w.d, i, "uid 0",
		    &(struct control_order){.order = i % 2 ? LEDGER_RELEASE
							   : LEDGER_HOLD,
					    .message = id,
					    .rcpt = UINT32_MAX});
	step(&w);
	assert_int_equal(w.nanswers, ORDERS_MOST);
	step(&w);
	assert_int_equal(w.nanswers, ANSWERS_MOST);
	for (size_t i = 0; i < ANSWERS_MOST; i++) {
		assert_int_equal(w.client[i], i);
		assert_int_equal(w.answer[i].answer, LEDGER_DONE);
	}
	end(&w);
}

/* The scheduler's next life: all claims wait again, old outcomes are nobody's.
 */
static void
next_life(void **state)
{
	struct job_outcome o;
	uint64_t n, last;
	struct world w;

	(void)state;
	begin(&w, CONF("200"), 1);
	for (int i = 0; i < RECOVER_MOST + 20; i++)
		last = put(&w, 1);
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, RECOVER_MOST + 20);
	o = outcome(&w, 0, 0, VERDICT_SENT);
	dispatch_close(w.d);
	w.nheld = 0;
	w.d = dispatch_open(w.box.store, w.settings, &ops, &w, w.now_us,
			    &w.box.e);
	assert_non_null(w.d);
	yes(&w.box, dispatch_recover(w.d, w.now_us, 0, &n, &w.box.e));
	assert_int_equal(n, RECOVER_MOST + 20);
	books(&w, RECOVER_MOST + 20, 0, 0, 0);
	expect_record(&w, last, RECIPIENT_WAITING, 1, "4.3.0",
		      "possible duplicate");
	dispatch_worker_up(w.d, 0);
	step(&w);
	assert_true(w.nheld > 0);
	assert_false(dispatch_outcome(w.d, 0, &o));
	yes(&w.box, dispatch_recover(w.d, w.now_us, 0, &n, &w.box.e));
	end(&w);
}

static void
stopping(void **state)
{
	struct world w;

	(void)state;
	begin(&w, CONF("1"), 1);
	for (int i = 0; i < 5; i++)
		put(&w, 1);
	step(&w);
	assert_int_equal(w.nheld, PLAN_AHEAD);
	dispatch_stop(w.d);
	while (w.nheld > 0)
		answer(&w, VERDICT_SENT);
	step(&w);
	assert_int_equal(w.nheld, 0);
	assert_int_equal(dispatch_in_flight(w.d), 0);
	assert_true(w.wake_ms >= 900); /* what waits does not keep it busy */
	books(&w, 5 - PLAN_AHEAD, 0, 0, 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_message),
	    cmocka_unit_test(together),
	    cmocka_unit_test(shares),
	    cmocka_unit_test(foreign_outcomes),
	    cmocka_unit_test(hostile_words),
	    cmocka_unit_test(death_in_the_middle),
	    cmocka_unit_test(orders),
	    cmocka_unit_test(many_orders),
	    cmocka_unit_test(next_life),
	    cmocka_unit_test(stopping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
