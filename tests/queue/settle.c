/* What follows a lost reply, by the policy of its type; delays. */
#include "tests/queue/chain.h"

#define DOUBT(policy)                                                          \
	CONF("4")                                                              \
	"type normal {in_doubt=" policy "}\n"                                  \
	"quota q {limit=100 window=day}\n"

/* A lost reply, and what each type makes of it. */
static void
doubt(void **state)
{
	static const struct {
		const char *name, *conf;
		bool died;
		enum recipient_state to;
		bool gone;
		const char *status, *reason, *chain;
	} rows[] = {
	    {"sent again", DOUBT("resend"), false, RECIPIENT_WAITING, false,
	     "4.4.2", "connection lost", "accepted in_doubt"},
	    {"sent again after a death", DOUBT("resend"), true,
	     RECIPIENT_WAITING, false, "4.3.0", "possible duplicate",
	     "accepted in_doubt"},
	    {"held", DOUBT("hold"), false, RECIPIENT_HELD, false, "4.4.2",
	     "held, it may have arrived: no reply after the final dot "
	     "(connection lost)",
	     "accepted in_doubt held"},
	    {"held after a death", DOUBT("hold"), true, RECIPIENT_HELD, false,
	     "4.3.0", "held, it may have arrived", "accepted in_doubt held"},
	    {"assumed", DOUBT("assume-sent"), false, RECIPIENT_WAITING, true,
	     "", "", "accepted in_doubt delivered"},
	    {"assumed after a death", DOUBT("assume-sent"), true,
	     RECIPIENT_WAITING, true, "", "", "accepted in_doubt delivered"},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct job_outcome o;
		struct world w;
		uint64_t id;

		print_message("%s\n", rows[i].name);
		begin(&w, rows[i].conf, 1);
		id = put(&w, 1);
		step(&w);
		assert_int_equal(w.nheld, 1);
		o = outcome(&w, 0, 0, VERDICT_DEFER);
		o.code = 0;
		o.dot_sent = 1;
		o.blame = BLAME_HOST;
		o.stage = STAGE_DOT;
		o.status = text_of("4.4.2");
		o.reply = text_of("connection lost");
		assert_true(dispatch_dot(w.d, 0, w.held[0].job.job));
		if (rows[i].died)
			dispatch_worker_gone(w.d, 0);
		else
			assert_true(dispatch_outcome(w.d, 0, &o));
		dispatch_stop(w.d);
		step(&w);
		if (!rows[i].gone)
			expect_record(&w, id, rows[i].to, 1, rows[i].status,
				      rows[i].reason);
		else
			books(&w, 0, 0, 0, 0);
		expect_chain(&w, id, 0, rows[i].chain);
		end(&w);
	}
}

/* Nobody knows whether a claim of an earlier life had sent its dot: it may be
 * held, but is never assumed to have arrived. */
static void
doubt_after_a_crash(void **state)
{
	static const struct {
		const char *name, *conf;
		enum recipient_state to;
		const char *chain;
	} rows[] = {
	    {"sent again", DOUBT("resend"), RECIPIENT_WAITING,
	     "accepted in_doubt"},
	    {"held", DOUBT("hold"), RECIPIENT_HELD, "accepted in_doubt held"},
	    {"not assumed", DOUBT("assume-sent"), RECIPIENT_WAITING,
	     "accepted in_doubt"},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct world w;
		uint64_t id, n;

		print_message("%s\n", rows[i].name);
		begin(&w, rows[i].conf, 1);
		id = put(&w, 1);
		step(&w);
		dispatch_close(w.d);
		w.d = dispatch_open(w.box.store, w.settings, &ops, &w, w.now_us,
				    &w.box.e);
		assert_non_null(w.d);
		yes(&w.box, dispatch_recover(w.d, w.now_us, 0, &n, &w.box.e));
		assert_int_equal(n, 1);
		expect_record(&w, id, rows[i].to, 1, "4.3.0",
			      "the system stopped");
		assert_int_equal(claims_of(&w, id), 0);
		expect_chain(&w, id, 0, rows[i].chain);
		end(&w);
	}
}

/* Its sender is told once that it waits, when it is old enough. */
static void
told_once(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w,
	      "instance=test hostname=a.b\n"
	      "listen l {address=127.0.0.1:1}\n"
	      "source s {from_ip=192.0.2.0/24}\n"
	      "bounce {delay_after=3min}\n"
	      "relay r {host=c.d connections=4}\n"
	      "retry normal {intervals=2min jitter=0% lifetime=7min}\n",
	      1);
	id = put(&w, 1);
	step(&w);
	for (int i = 0; i < 5; i++) {
		while (w.nheld > 0) { /* the report arrives */
			bool ours = w.held[0].job.message == id;

			answer(&w, ours ? VERDICT_DEFER : VERDICT_SENT);
		}
		step(&w);
		after(&w, 2 * MINUTE_US);
	}
	expect_chain(&w, id, 0,
		     "accepted deferred deferred deferred delayed deferred "
		     "expired reported");
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(doubt),
	    cmocka_unit_test(doubt_after_a_crash),
	    cmocka_unit_test(told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
