/* What follows the death of a worker: suspects, and poison. */
#include "tests/queue/chain.h"

#include "queue/claim.h"
#include "queue/retry.h"
#include "queue/settle.h"

/* CONF's second interval and half of it. */
#define LATE_US (15 * MINUTE_US)

/* Worker 0 dies with all that it holds, and comes back. */
static void
die(struct world *w)
{
	dispatch_worker_gone(w->d, 0);
	w->nheld = 0;
	step(w);
	dispatch_worker_up(w->d, 0);
	step(w);
}

/* At once, by schedule, held; a person's release begins anew. */
static void
three_deaths(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, CONF("4"), 1);
	id = put(&w, 1);
	step(&w);
	assert_int_equal(claims_of(&w, id), 1); /* before anybody has it */
	die(&w);
	expect_record(&w, id, RECIPIENT_CLAIMED, 1, "4.3.0", "process ended");
	assert_int_equal(w.nheld, 1);
	die(&w);
	assert_int_equal(claims_of(&w, id), 2);
	assert_int_equal(w.nheld, 0);
	after(&w, 9 * MINUTE_US);
	assert_int_equal(w.nheld, 0);
	after(&w, LATE_US - 9 * MINUTE_US);
	assert_int_equal(w.nheld, 1);
	die(&w);
	expect_record(&w, id, RECIPIENT_HELD, 3, "4.3.0",
		      "held: 3 workers died with it");
	expect_chain(&w, id, 0, "accepted deferred deferred held");
	after(&w, 20 * MINUTE_US);
	assert_int_equal(w.nheld, 0);
	dispatch_order(w.d, 1, "uid 0",
		       &(struct control_order){.order = LEDGER_RELEASE,
					       .message = id,
					       .rcpt = UINT32_MAX});
	step(&w);
	assert_int_equal(w.nheld, 1);
	assert_int_equal(claims_of(&w, id), 1);
	answer(&w, VERDICT_SENT);
	step(&w);
	expect_chain(&w, id, 0,
		     "accepted deferred deferred held released delivered");
	end(&w);
}

/* A worker that lives has said something: what came before counts no more. */
static void
an_outcome_clears(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, CONF("4"), 1);
	id = put(&w, 1);
	step(&w);
	die(&w);
	die(&w);
	after(&w, LATE_US);
	assert_int_equal(w.nheld, 1);
	answer(&w, VERDICT_DEFER);
	step(&w);
	assert_int_equal(claims_of(&w, id), 0);
	after(&w, LATE_US);
	die(&w);
	expect_record(&w, id, RECIPIENT_CLAIMED, 4, "4.3.0", "process ended");
	end(&w);
}

/* All of a dead worker's are suspects.  Few of them are out at a time, and when
 * a worker dies with some, nobody else is blamed. */
static void
few_suspects_at_a_time(void **state)
{
	enum { N = 40, FRESH = 20 };
	uint64_t id[N], fresh[FRESH];
	unsigned twice = 0;
	struct world w;

	(void)state;
	begin(&w, CONF("100"), 1);
	for (int i = 0; i < N; i++)
		id[i] = put(&w, 1);
	step(&w);
	assert_int_equal(w.nheld, N);
	die(&w);
	after(&w, 20 * SECOND_US);
	assert_int_equal(w.nheld, CLAIM_SUSPECTS_MOST);
	for (int i = 0; i < FRESH; i++)
		fresh[i] = put(&w, 1);
	step(&w);
	assert_int_equal(w.nheld, CLAIM_SUSPECTS_MOST + FRESH);
	dispatch_worker_gone(w.d, 0);
	w.nheld = 0;
	step(&w);
	for (int i = 0; i < N; i++)
		twice += claims_of(&w, id[i]) == 2;
	assert_int_equal(twice, CLAIM_SUSPECTS_MOST);
	for (int i = 0; i < FRESH; i++)
		assert_int_equal(claims_of(&w, fresh[i]), 0);
	dispatch_worker_up(w.d, 0);
	for (int i = 0; i < 1000; i++) { /* the others are let go, all */
		after(&w, SECOND_US);
		while (w.nheld > 0)
			answer(&w, VERDICT_SENT);
	}
	step(&w);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

/* Who was in two deaths goes alone; of a message one recipient at a time. */
static void
twice_goes_alone(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, CONF("100"), 1);
	id = put(&w, 3);
	step(&w);
	assert_int_equal(w.held[0].job.nrecipients, 3);
	die(&w);
	assert_int_equal(w.held[0].job.nrecipients, 3); /* as one suspect */
	die(&w);
	after(&w, LATE_US);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(w.nheld, 1);
		assert_int_equal(w.held[0].job.nrecipients, 1);
		answer(&w, VERDICT_SENT);
		step(&w);
		after(&w, 6 * SECOND_US);
	}
	books(&w, 0, 0, 0, 0);
	expect_chain(&w, id, 2, "accepted deferred deferred delivered");
	end(&w);
}

/* Has the worker one of these messages? */
static bool
holds(const struct world *w, const uint64_t *poison, unsigned n)
{
	for (size_t i = 0; i < w->nheld; i++)
		for (unsigned k = 0; k < n; k++)
			if (w->held[i].job.message == poison[k])
				return true;
	return false;
}

/* Some messages kill whoever takes them: they are held after few deaths, and all
 * others arrive. */
static void
poison_among_many(void **state)
{
	enum { N = 60, POISON_MOST = 4 };
	static const struct {
		const char *name;
		unsigned poison, deaths_most;
	} rows[] = {
	    {"one", 1, POISON_CLAIMS},
	    {"two", 2, 2 * (POISON_CLAIMS + POISON_MORE)},
	    {"four", 4, 4 * (POISON_CLAIMS + POISON_MORE)},
	};

	(void)state;
	for (size_t r = 0; r < countof(rows); r++) {
		uint64_t poison[POISON_MOST];
		unsigned deaths = 0, n = 0;
		struct world w;

		print_message("%s\n", rows[r].name);
		begin(&w, CONF("100"), 1);
		for (unsigned i = 0; i < N; i++) {
			uint64_t id = put(&w, 1);

			if (i % 13 == 7 && n < rows[r].poison)
				poison[n++] = id;
		}
		for (int i = 0; i < 3000; i++) {
			after(&w, SECOND_US);
			if (holds(&w, poison, n)) {
				deaths++;
				die(&w);
			}
			while (w.nheld > 0 && !holds(&w, poison, n))
				answer(&w, VERDICT_SENT);
		}
		assert_in_range(deaths, POISON_CLAIMS, rows[r].deaths_most);
		books(&w, 0, 0, n, 0);
		for (unsigned i = 0; i < n; i++)
			expect_record(&w, poison[i], RECIPIENT_HELD,
				      claims_of(&w, poison[i]), "4.3.0",
				      "workers died with it");
		end(&w);
	}
}

/* Somebody kills the worker every second, while mail needs many of them to get
 * through: nobody innocent is held.  Without POISON_OTHERS 17 were. */
static void
killed_by_somebody(void **state)
{
	enum { N = 400, KILLS = 600 };
	struct world w;
	uint64_t dice = 2;
	unsigned put_in = 0;

	(void)state;
	begin(&w,
	      "instance=test hostname=a.b\n"
	      "listen l {address=127.0.0.1:1}\n"
	      "source s {from_ip=192.0.2.0/24}\n"
	      "bounce {enabled=no}\n"
	      "relay r {host=c.d connections=100 recipients_per_message=3}\n"
	      "retry normal {intervals=1s jitter=0% lifetime=30d}\n",
	      1);
	for (int i = 0; i < KILLS * 20; i++) {
		dice = retry_mix(dice);
		if (put_in < N) {
			put(&w, 1);
			put_in++;
		}
		after(&w, SECOND_US / 20);
		for (uint64_t n = dice % 2; n > 0 && w.nheld > 0; n--)
			answer(&w, VERDICT_SENT);
		if (i % 20 == 7)
			die(&w);
	}
	for (int i = 0; i < 400; i++) {
		after(&w, SECOND_US);
		while (w.nheld > 0)
			answer(&w, VERDICT_SENT);
	}
	step(&w);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(three_deaths),
	    cmocka_unit_test(an_outcome_clears),
	    cmocka_unit_test(few_suspects_at_a_time),
	    cmocka_unit_test(twice_goes_alone),
	    cmocka_unit_test(poison_among_many),
	    cmocka_unit_test(killed_by_somebody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
