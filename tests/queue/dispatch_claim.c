/* Which mail goes through which relay, and what holds it back: the dispatcher
 * over a real store, with routes, types and quotas. */
#include "tests/queue/dispatcher.h"

#include "queue/book.h"

#define FRONT                                                                  \
	"instance=test hostname=a.b zone=Etc/UTC\n"                            \
	"bounce {enabled=no keep_failed=365d}\n"                               \
	"listen l {address=127.0.0.1:1}\n"                                     \
	"source s {from_ip=192.0.2.0/24}\n"                                    \
	"retry normal {intervals=[1min, 10min] jitter=0% lifetime=5d}\n"       \
	"type individual {weight=6}\ntype workflow {weight=3}\n"               \
	"type mass {weight=1}\nno_match=crm\n"
#define RELAY(name, more)                                                      \
	"relay " name " {host=c.d connections=100 recipients_per_message=1\n"  \
	" breaker_open_for=8s " more "}\n"
#define CRM(more) RELAY("crm", "role=crm " more)

enum type { INDIVIDUAL, WORKFLOW, MASS };

static void
put_type(struct world *w, enum type type, unsigned n)
{
	struct lane lane = lane_unpack(lane_in(w->settings));

	lane.type = type;
	w->box.lane = lane_pack(&lane);
	for (unsigned i = 0; i < n; i++)
		put(w, 1);
}

/* Jobs held now for a relay. */
static unsigned
held(const struct world *w, const char *relay)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->nheld; i++)
		n += strcmp(w->held[i].relay, relay) == 0;
	return n;
}

static void
answer_all(struct world *w, enum verdict_kind kind)
{
	while (w->nheld > 0)
		answer(w, kind);
	step(w);
}

static void
audit(struct world *w)
{
	struct bytes report = {0};
	uint64_t differences;

	box_read(&w->box);
	yes(&w->box, book_audit(w->box.t, w->settings, w->now_us, &report,
				&differences, &w->box.e));
	if (differences > 0)
		fail_msg("%.*s", (int)report.n, (char *)report.data);
	bytes_free(&report);
	box_end(&w->box);
}

/* "Edition 5000 a day, 2000 by the relay, the rest by the CRM server", in
 * small: 7 and 3. */
static void
a_spent_relay_hands_on_to_the_crm(void **state)
{
	struct world w;

	(void)state;
	begin(&w,
	      FRONT "quota edition {limit=7}\nquota corp {limit=3}\n" RELAY(
		  "corp", "quota=[corp, edition]")
		  CRM("quota=edition") "route r {priority=1 via=corp "
				       "on_exhausted=crm}\n",
	      2);
	put_type(&w, INDIVIDUAL, 10);
	step(&w);
	step(&w);
	assert_int_equal(held(&w, "corp"), 3);
	assert_int_equal(held(&w, "crm"), 4);
	audit(&w);
	/* A refusal gives its place back: one more goes the same way. */
	answer(&w, VERDICT_FAIL);
	step(&w);
	step(&w);
	assert_int_equal(held(&w, "corp"), 3);
	answer_all(&w, VERDICT_SENT);
	step(&w);
	assert_int_equal(w.nheld, 0);
	books(&w, 2, 0, 0, 1);
	audit(&w);
	assert_true(w.wake_ms <= DISPATCH_IDLE_MS + 1);
	after(&w, DAY_US); /* a new day */
	step(&w);
	assert_int_equal(held(&w, "corp"), 2);
	answer_all(&w, VERDICT_SENT);
	books(&w, 0, 0, 0, 1);
	audit(&w);
	end(&w);
}

/* A cap of one type holds that type alone. */
static void
a_spent_type_blocks_no_other(void **state)
{
	struct world w;

	(void)state;
	begin(&w,
	      FRONT
	      "quota q {limit=20 cap {mass=2} reserve {workflow=5}}\n" RELAY(
		  "a", "quota=q")
		  CRM("") "route r {priority=1 via=a on_exhausted=wait}\n",
	      1);
	put_type(&w, MASS, 10);
	put_type(&w, INDIVIDUAL, 30);
	step(&w);
	step(&w);
	assert_int_equal(held(&w, "a"), 15); /* 5 are workflow's */
	put_type(&w, WORKFLOW, 9);
	step(&w);
	step(&w);
	assert_int_equal(held(&w, "a"), 20);
	answer_all(&w, VERDICT_SENT);
	audit(&w);
	end(&w);
}

/* Individual mail behind a newsletter goes with the next free connection. */
static void
a_newsletter_lets_others_by(void **state)
{
	struct world w;
	unsigned before = 0;

	(void)state;
	begin(&w,
	      FRONT "relay a {host=c.d connections=1}\n"
		    "route r {priority=1 via=a}\n" CRM(""),
	      1);
	put_type(&w, MASS, 400);
	step(&w);
	put_type(&w, INDIVIDUAL, 1);
	for (unsigned i = 0; i < 10; i++) {
		step(&w);
		while (w.nheld > 0) {
			answer(&w, VERDICT_SENT);
			before++;
		}
	}
	box_read(&w.box);
	assert_true(txn_state(w.box.t)->waiting > 350);
	box_end(&w.box);
	{ /* only mass is left: nothing of another type waits */
		struct lane lane = lane_unpack(lane_in(w.settings));
		struct ledger_due from = {.due_us = 0}, d;

		lane.type = INDIVIDUAL;
		box_read(&w.box);
		assert_false(ledger_first(w.box.t, lane_pack(&lane), &from, &d,
					  &w.box.e));
		box_end(&w.box);
	}
	end(&w);
}

/* Two senders of one type: the burst of one is no wall for the other. */
static void
a_burst_lets_another_sender_by(void **state)
{
	struct ledger_due from = {.due_us = 0}, d;
	struct lane lane;
	struct world w;

	(void)state;
	begin(&w,
	      FRONT "relay a {host=c.d connections=1}\n"
		    "route r {priority=1 via=a}\n" CRM(""),
	      1);
	put_type(&w, MASS, 400);
	step(&w);
	lane = lane_unpack(w.box.lane);
	lane.senders ^= 1;
	w.box.lane = lane_pack(&lane);
	put(&w, 1);
	for (int i = 0; i < 3; i++) {
		while (w.nheld > 0)
			answer(&w, VERDICT_SENT);
		step(&w);
	}
	box_read(&w.box);
	assert_true(txn_state(w.box.t)->waiting > 380);
	assert_false(ledger_first(w.box.t, w.box.lane, &from, &d, &w.box.e));
	box_end(&w.box);
	end(&w);
}

/* The very message that found its relay gone goes to the next one at once. */
static void
an_unreachable_relay_is_passed(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w,
	      FRONT RELAY("a", "") RELAY("b", "")
		  CRM("") "route r {priority=1 via=[a, b]}\n",
	      1);
	id = put(&w, 1);
	step(&w);
	assert_int_equal(held(&w, "a"), 1);
	no_relay(&w);
	step(&w);
	step(&w);
	assert_int_equal(held(&w, "b"), 1);
	no_relay(&w);
	step(&w);
	step(&w);
	/* Both are out of service: a round is over, the schedule holds. */
	assert_int_equal(w.nheld, 0);
	expect_record(&w, id, RECIPIENT_WAITING, 2, "4.4.1", "refused");
	after(&w, MINUTE_US);
	step(&w);
	assert_int_equal(held(&w, "a"), 1);
	answer_all(&w, VERDICT_SENT);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

/* Waiting mail follows the new routes; so does what lies in another lane than
 * its own. */
static void
a_reload_moves_what_waits(void **state)
{
	static const char more[] =
	    FRONT RELAY("b", "") CRM("") "route r {priority=1 via=b}\n";
	struct settings *next = talker_settings(more);
	struct world w;

	(void)state;
	begin(&w,
	      FRONT "quota none {limit=0}\n" RELAY("a", "quota=none")
		  CRM("") "route r {priority=1 via=a}\n",
	      1);
	put_type(&w, MASS, 700); /* more than one commit sorts */
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 0);
	assert_true(dispatch_configure(w.d, next, w.now_us, &w.box.e));
	settings_free(w.settings);
	w.settings = next;
	for (int i = 0; i < 40; i++) {
		step(&w);
		while (w.nheld > 0) {
			assert_string_equal(w.held[0].relay, "b");
			answer(&w, VERDICT_SENT);
		}
	}
	step(&w);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

static void
reload(struct world *w, const char *text)
{
	struct settings *next = talker_settings(text);

	assert_true(dispatch_configure(w->d, next, w->now_us, &w->box.e));
	settings_free(w->settings);
	w->settings = next;
}

/* A change of mind in the middle of the move: what lies right stays there. */
static void
a_reload_is_undone(void **state)
{
	static const char one[] =
	    FRONT "quota none {limit=0}\n" RELAY("a", "quota=none")
		CRM("") "route r {priority=1 via=a}\n";
	static const char two[] =
	    FRONT "quota none {limit=0}\n" RELAY("a", "quota=none")
		RELAY("b", "quota=none")
		    CRM("") "route r {priority=1 via=[a, b]}\n";
	struct world w;

	(void)state;
	begin(&w, one, 1);
	put_type(&w, MASS, 700);
	for (int i = 0; i < 12; i++) {
		step(&w);
		reload(&w, i % 2 == 0 ? two : one);
	}
	reload(&w, FRONT RELAY("a", "") CRM("") "route r {priority=1 via=a}\n");
	for (int i = 0; i < 40; i++) {
		step(&w);
		while (w.nheld > 0)
			answer(&w, VERDICT_SENT);
	}
	books(&w, 0, 0, 0, 0);
	end(&w);
}

static void
change(struct world *w, enum control_change_kind kind, const char *name,
       const char *type, uint64_t limit, int64_t until_us)
{
	struct control_change c = {.change = (uint8_t)kind,
				   .name = text_of(name),
				   .type = text_of(type),
				   .limit = limit,
				   .until_us = (uint64_t)until_us,
				   .reason = text_of("a test")};

	dispatch_change(w->d, 7, "uid 0", &c);
	step(w);
	step(w);
}

/* What `mtq` changes holds at once, until its time is over. */
static void
orders_open_and_shut(void **state)
{
	struct world w;

	(void)state;
	begin(&w,
	      FRONT "quota q {limit=0}\n" RELAY("a", "quota=q")
		  CRM("") "route r {priority=1 via=a}\n",
	      1);
	put_type(&w, INDIVIDUAL, 9);
	step(&w);
	assert_int_equal(w.nheld, 0);
	change(&w, CHANGE_QUOTA_SET, "q", "", 2, w.now_us + MINUTE_US);
	assert_int_equal(w.nanswers, 1);
	assert_int_equal(w.answer[0].answer, LEDGER_DONE);
	assert_int_equal(held(&w, "a"), 2);
	change(&w, CHANGE_RELAY_PAUSE, "a", "", 0, w.now_us + HOUR_US);
	change(&w, CHANGE_QUOTA_SET, "q", "", 5, 0);
	assert_int_equal(held(&w, "a"), 2);
	after(&w, HOUR_US);
	step(&w);
	assert_int_equal(held(&w, "a"), 5);
	change(&w, CHANGE_QUOTA_UNSET, "q", "", 0, 0);
	change(&w, CHANGE_QUOTA_SET, "nothing", "", 1, 0);
	assert_int_equal(w.answer[4].answer, LEDGER_NOT_FOUND);
	change(&w, CHANGE_RELAY_RESUME, "a", "", 0, 0);
	assert_int_equal(w.answer[5].answer, LEDGER_ALREADY);
	answer_all(&w, VERDICT_SENT);
	assert_int_equal(w.nheld, 0);
	audit(&w);
	end(&w);
}

/* No answer after the dot: the place stays used, and the mail goes again. */
static void
doubt_keeps_its_place(void **state)
{
	struct job_outcome o;
	struct world w;

	(void)state;
	begin(&w,
	      FRONT "quota q {limit=2}\n" RELAY("a", "quota=q")
		  CRM("") "route r {priority=1 via=a on_exhausted=wait}\n",
	      1);
	put_type(&w, INDIVIDUAL, 2);
	step(&w);
	assert_int_equal(held(&w, "a"), 2);
	o = outcome(&w, 0, 0, VERDICT_DEFER);
	o.code = 0;
	o.dot_sent = 1;
	o.blame = BLAME_HOST;
	o.stage = STAGE_DOT;
	assert_true(dispatch_outcome(w.d, w.held[0].worker, &o));
	o = outcome(&w, 1, 0, VERDICT_DEFER);
	o.dot_sent = 1; /* but the answer was a definite 450 */
	o.stage = STAGE_DOT;
	assert_true(dispatch_outcome(w.d, w.held[1].worker, &o));
	w.nheld = 0;
	step(&w);
	audit(&w);
	after(&w, 2 * MINUTE_US);
	step(&w);
	assert_int_equal(held(&w, "a"), 1); /* one of the two is used up */
	answer_all(&w, VERDICT_SENT);
	after(&w, HOUR_US);
	assert_int_equal(w.nheld, 0);
	books(&w, 1, 0, 0, 0);
	audit(&w);
	end(&w);
}

/* The provider's own limit closes the relay; the mail waits as if it had never
 * been tried. */
static void
a_wall_closes_the_relay(void **state)
{
	struct job_outcome o;
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w,
	      FRONT RELAY("a", "provider=google")
		  CRM("") "route r {priority=1 via=a on_exhausted=wait}\n",
	      1);
	id = put(&w, 1);
	step(&w);
	o = outcome(&w, 0, 0, VERDICT_FAIL);
	o.code = 550;
	o.status = text_of("5.4.5");
	o.reply = text_of("550 5.4.5 Daily SMTP relay limit exceeded for user");
	assert_true(dispatch_outcome(w.d, w.held[0].worker, &o));
	w.nheld = 0;
	put(&w, 1);
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 0);
	expect_record(&w, id, RECIPIENT_WAITING, 0, "5.4.5", "limit exceeded");
	after(&w, DAY_US + HOUR_US);
	step(&w);
	assert_int_equal(held(&w, "a"), 2);
	answer_all(&w, VERDICT_SENT);
	end(&w);
}

/* A dot through a relay with a rate leaves only with a permit. */
static void
permits_keep_the_rate(void **state)
{
	struct world w;

	(void)state;
	begin(&w,
	      FRONT RELAY("a", "rate=5/s")
		  CRM("") "route r {priority=1 via=a}\n",
	      1);
	w.now_us += MINUTE_US;
	put_type(&w, INDIVIDUAL, 20);
	step(&w);
	assert_int_equal(held(&w, "a"), 5);
	for (size_t i = 0; i < 5; i++) {
		assert_true(w.held[i].job.permit == 1);
		assert_true(dispatch_dot(w.d, 0, w.held[i].job.job));
	}
	step(&w);
	assert_int_equal(w.npermits, 5);
	answer_all(&w, VERDICT_SENT);
	for (int i = 0; i < 10; i++)
		after(&w, 50 * 1000);
	for (size_t i = 0; i < w.nheld; i++)
		assert_true(dispatch_dot(w.d, 0, w.held[i].job.job));
	step(&w);
	assert_int_equal(w.npermits, 5); /* not within the second */
	after(&w, SECOND_US);
	assert_int_equal(w.npermits, 10);
	answer_all(&w, VERDICT_SENT);
	end(&w);
}

/* What is larger than the rest of a quota of octets lets others pass. */
static void
a_large_message_is_passed(void **state)
{
	struct world w;
	uint64_t large;

	(void)state;
	begin(&w,
	      FRONT "quota q {limit=1000 unit=bytes}\n" RELAY("a", "quota=q")
		  CRM("") "route r {priority=1 via=a on_exhausted=wait}\n",
	      1);
	put_type(&w, INDIVIDUAL, 3);
	box_begin(&w.box);
	large = box_accept(&w.box, 900, 1, false);
	box_commit(&w.box);
	put_type(&w, INDIVIDUAL, 3);
	for (int i = 0; i < 5; i++)
		step(&w);
	assert_int_equal(held(&w, "a"), 6);
	for (size_t i = 0; i < w.nheld; i++)
		assert_true(w.held[i].job.message != large);
	answer_all(&w, VERDICT_SENT);
	audit(&w);
	after(&w, DAY_US);
	step(&w);
	assert_int_equal(held(&w, "a"), 1);
	answer_all(&w, VERDICT_SENT);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

/* Mail that stood behind others until its time was over is not sent late. */
static void
late_mail_is_given_up(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w,
	      FRONT RELAY("a", "rate=1/h")
		  CRM("") "route r {priority=1 via=a}\n",
	      1);
	w.now_us += 2 * HOUR_US;
	step(&w);
	put_type(&w, INDIVIDUAL, 1);
	id = put(&w, 1);
	step(&w);
	assert_int_equal(held(&w, "a"), 1);
	assert_true(dispatch_dot(w.d, 0, w.held[0].job.job));
	step(&w);
	assert_int_equal(w.npermits, 1);
	answer_all(&w, VERDICT_SENT);
	after(&w, 5 * DAY_US + HOUR_US);
	for (int i = 0; i < 5; i++)
		step(&w);
	assert_int_equal(w.nheld, 0);
	expect_record(&w, id, RECIPIENT_FAILED, 0, "4.4.7", "ran out");
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_spent_relay_hands_on_to_the_crm),
	    cmocka_unit_test(a_spent_type_blocks_no_other),
	    cmocka_unit_test(a_newsletter_lets_others_by),
	    cmocka_unit_test(a_burst_lets_another_sender_by),
	    cmocka_unit_test(an_unreachable_relay_is_passed),
	    cmocka_unit_test(a_reload_moves_what_waits),
	    cmocka_unit_test(a_reload_is_undone),
	    cmocka_unit_test(orders_open_and_shut),
	    cmocka_unit_test(doubt_keeps_its_place),
	    cmocka_unit_test(a_wall_closes_the_relay),
	    cmocka_unit_test(permits_keep_the_rate),
	    cmocka_unit_test(a_large_message_is_passed),
	    cmocka_unit_test(late_mail_is_given_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
