/* What an outcome says of its relay: a refused credential pauses it, trouble
 * before the mail trips the breaker, and without its block nobody is refused. */
#include "tests/queue/dispatcher.h"

#include "queue/book.h"

#define FRONT                                                                  \
	"instance=test hostname=a.b zone=Etc/UTC\n"                            \
	"bounce {enabled=no keep_failed=365d}\n"                               \
	"listen l {address=127.0.0.1:1}\n"                                     \
	"source s {from_ip=192.0.2.0/24}\n"                                    \
	"retry normal {intervals=[1min, 10min] jitter=0% lifetime=1h}\n"
#define ONE                                                                    \
	FRONT "relay a {host=c.d connections=10 recipients_per_message=1 "     \
	      "provider=sendgrid breaker_failures=1}\n"                        \
	      "relay b {host=e.f connections=10 recipients_per_message=1}\n"   \
	      "no_match=b\n"
#define ROUTE "route r {priority=1 via=[a, b] on_exhausted=wait}\n"
#define WAIT  "route r {priority=1 via=a on_exhausted=wait}\n"

struct said {
	enum verdict_kind kind;
	enum verdict_blame blame;
	enum stage stage;
	unsigned code;
	const char *status, *reply;
};

static const struct said refusal = {
    VERDICT_DEFER, BLAME_RELAY, STAGE_AUTH,
    535,           "5.7.8",     "535 5.7.8 authentication failed\x1b[2J"};

/* How the oldest job ended. */
static void
say(struct world *w, const struct said *x)
{
	struct job_outcome o = outcome(w, 0, w->held[0].rcpt[0], x->kind);

	assert_true(w->nheld > 0);
	o.blame = (uint8_t)x->blame;
	o.stage = (uint8_t)x->stage;
	o.code = (uint16_t)x->code;
	o.status = text_of(x->status);
	o.reply = text_of(x->reply);
	assert_true(dispatch_outcome(w->d, w->held[0].worker, &o));
	w->nheld--;
	memmove(w->held, w->held + 1, w->nheld * sizeof w->held[0]);
}

static struct gate
gate_of(struct world *w)
{
	struct book *b;
	struct gate g;

	box_read(&w->box);
	b = book_open(w->box.t, w->settings, w->now_us, &w->box.e);
	assert_non_null(b);
	g = *book_gate(b, 0);
	book_close(b);
	box_end(&w->box);
	return g;
}

static void
resume(struct world *w)
{
	struct control_change c = {.change = CHANGE_RELAY_RESUME,
				   .name = text_of("a")};

	dispatch_change(w->d, 1, "uid 0", &c);
	step(w);
	assert_int_equal(w->answer[w->nanswers - 1].answer, LEDGER_DONE);
}

static void
a_refused_credential_pauses(void **state)
{
	struct world w;
	struct gate g;
	uint64_t id;

	(void)state;
	begin(&w, ONE WAIT, 1);
	id = put(&w, 1);
	put(&w, 1);
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 2);
	say(&w, &refusal);
	step(&w);
	g = gate_of(&w); /* it is on the disk */
	assert_true(g.paused && g.paused_until_us == 0);
	assert_string_equal(g.paused_who, "mtq");
	assert_string_equal(g.paused_why, "credential refused: 535 5.7.8 "
					  "authentication failed?[2J");
	assert_true(g.last_error[0] != '\0');
	/* No attempt was made; it waits, and so does what comes. */
	expect_record(&w, id, RECIPIENT_WAITING, 0, "5.7.8", "535");
	put(&w, 1);
	after(&w, 10 * MINUTE_US);
	assert_int_equal(w.nheld, 1);
	say(&w, &refusal); /* one that was under way tells nothing new */
	after(&w, MINUTE_US);
	assert_true(gate_of(&w).paused_us == g.paused_us);
	assert_int_equal(w.nheld, 0);
	resume(&w);
	assert_false(gate_of(&w).paused);
	step(&w);
	assert_int_equal(w.nheld, 1); /* it finds out */
	answer(&w, VERDICT_SENT);
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 2);
	while (w.nheld > 0)
		answer(&w, VERDICT_SENT);
	step(&w);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

static void
the_next_relay_takes_it_at_once(void **state)
{
	struct world w;

	(void)state;
	begin(&w, ONE ROUTE, 1);
	put(&w, 1);
	step(&w);
	assert_string_equal(w.held[0].relay, "a");
	say(&w, &refusal);
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 1);
	assert_string_equal(w.held[0].relay, "b");
	answer(&w, VERDICT_SENT);
	step(&w);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

/* What else is said where a credential is: the gate and the breaker after it. */
static void
other_words_are_no_refusal(void **state)
{
	static const struct {
		const char *what;
		struct said said;
		bool paused, closed, down;
	} row[] = {
	    {"a wall in the AUTH reply",
	     {VERDICT_DEFER, BLAME_RELAY, STAGE_AUTH, 451, "4.7.0",
	      "451 Authentication failed: Maximum credits exceeded"},
	     .closed = true},
	    {"4xx to AUTH is the host's trouble",
	     {VERDICT_DEFER, BLAME_HOST, STAGE_AUTH, 454, "4.7.0",
	      "454 4.7.0 temporary authentication failure"},
	     .down = true},
	    {"a secret that is missing",
	     {VERDICT_DEFER, BLAME_RELAY, STAGE_AUTH, 0, "4.3.5", "no secret"},
	     .down = true},
	    {"a failed handshake",
	     {VERDICT_DEFER, BLAME_HOST, STAGE_TLS, 0, "4.7.5", "TLS"},
	     .down = true},
	    {"STARTTLS refused",
	     {VERDICT_DEFER, BLAME_HOST, STAGE_STARTTLS, 454, "4.7.0", "454"},
	     .down = true},
	    {"530 to MAIL is about the message",
	     {VERDICT_DEFER, BLAME_RECIPIENT, STAGE_MAIL, 450, "4.7.0", "450"},
	     .down = false},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct world w;
		struct gate g;

		print_message("%s\n", row[i].what);
		begin(&w, ONE WAIT, 1);
		put(&w, 1);
		step(&w);
		say(&w, &row[i].said);
		step(&w);
		g = gate_of(&w);
		assert_int_equal(g.paused, row[i].paused);
		assert_int_equal(g.closed_until_us > w.now_us, row[i].closed);
		assert_int_equal(g.failed_us != 0, row[i].down);
		end(&w);
	}
}

/* Of all the mail that waits one message goes until somebody has taken our
 * credential: at the start, and after a refusal. */
static void
one_job_proves_a_credential(void **state)
{
	static const struct said greylisted = {
	    VERDICT_DEFER, BLAME_RECIPIENT, STAGE_RCPT, 450, "4.7.1", "450"};
	static const struct said lost = {
	    VERDICT_DEFER, BLAME_HOST, STAGE_AUTH, 0, "4.4.2", "lost"};
	struct world w;

	(void)state;
	begin(&w,
	      FRONT "relay a {host=c.d connections=10 tls=required-verify "
		    "recipients_per_message=1 breaker_failures=9\n"
		    "auth {user=u password=file:/x}}\nno_match=a\n",
	      2);
	for (int i = 0; i < 12; i++)
		put(&w, 1);
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 1);
	say(&w, &lost); /* which says nothing of it */
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 1);
	say(&w, &refusal);
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 0);
	resume(&w);
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 1);
	say(&w, &greylisted); /* it was let in */
	step(&w);
	step(&w);
	assert_int_equal(w.nheld, 10); /* two wait for their time */
	while (w.nheld > 0)
		answer(&w, VERDICT_SENT);
	step(&w);
	end(&w);
}

/* Its block has gone while its mail was under way: a no, which may have been
 * "limit reached", is nobody's failure; a yes is a yes. */
static void
without_its_block_nobody_is_refused(void **state)
{
	static const struct said no = {VERDICT_FAIL, BLAME_RECIPIENT,
				       STAGE_DOT,    550,
				       "5.4.5",      "550 daily limit"};
	struct settings *s =
	    talker_settings(FRONT "relay b {host=e.f connections=10 "
				  "recipients_per_message=1}\nno_match=b\n");
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, ONE WAIT, 1);
	id = put(&w, 1);
	put(&w, 1);
	step(&w);
	assert_int_equal(w.nheld, 2);
	yes(&w.box, dispatch_configure(w.d, s, w.now_us, &w.box.e));
	settings_free(w.settings);
	w.settings = s;
	say(&w, &no);
	step(&w);
	expect_record(&w, id, RECIPIENT_WAITING, 0, "5.4.5", "daily");
	answer(&w, VERDICT_SENT);
	for (int i = 0; i < 4; i++)
		step(&w);
	assert_int_equal(w.nheld, 1);
	assert_string_equal(w.held[0].relay, "b");
	say(&w, &no);
	step(&w);
	books(&w, 0, 0, 0, 1);
	end(&w);
}

/* Its category is in the record of each outcome; a `reply` block may say
 * otherwise, but not of a limit or of a credential. */
static void
a_category_for_each_outcome(void **state)
{
	static const struct {
		const char *what;
		struct said said;
		enum recipient_state state;
		enum category_kind category;
		const char *status;
	} row[] = {
	    {"the table",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 550, "5.1.1",
	      "550 5.1.1 user unknown"},
	     RECIPIENT_FAILED,
	     CATEGORY_BAD_ADDRESS,
	     "5.1.1"},
	    {"a block retries",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 553, "5.1.1",
	      "553 5.1.1 user unknown"},
	     RECIPIENT_WAITING,
	     CATEGORY_SYSTEM,
	     "4.1.1"},
	    {"a block fails",
	     {VERDICT_DEFER, BLAME_RECIPIENT, STAGE_RCPT, 452, "4.2.2",
	      "452 4.2.2 mailbox full"},
	     RECIPIENT_FAILED,
	     CATEGORY_MAILBOX_FULL,
	     "5.2.2"},
	    {"a limit, whatever a block says",
	     {VERDICT_DEFER, BLAME_RECIPIENT, STAGE_DOT, 452, "4.7.0",
	      "452 4.7.0 exceeded your outmail quota"},
	     RECIPIENT_WAITING,
	     CATEGORY_QUOTA,
	     "4.7.0"},
	    {"a credential, whatever a block says",
	     {VERDICT_DEFER, BLAME_RELAY, STAGE_AUTH, 553, "5.7.8", "553 no"},
	     RECIPIENT_WAITING,
	     CATEGORY_SYSTEM,
	     "5.7.8"},
	    {"our own words",
	     {VERDICT_DEFER, BLAME_HOST, STAGE_TLS, 0, "4.7.5",
	      "certificate not verified (452 user unknown)"},
	     RECIPIENT_WAITING,
	     CATEGORY_POLICY,
	     "4.7.5"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct recipient_record r;
		struct world w;
		uint64_t id;

		print_message("%s\n", row[i].what);
		begin(&w,
		      ONE WAIT
		      "reply x {priority=1 match=\"553 *\" then=retry "
		      "category=system}\n"
		      "reply y {priority=2 match=\"452 *\" then=fail}\n",
		      1);
		id = put(&w, 1);
		step(&w);
		say(&w, &row[i].said);
		step(&w);
		expect_record(&w, id, row[i].state,
			      row[i].category == CATEGORY_QUOTA ||
				      row[i].said.stage == STAGE_AUTH
				  ? 0
				  : 1,
			      row[i].status, "");
		box_read(&w.box);
		yes(&w.box, ledger_recipient(w.box.t, id, 0, &r, &w.box.e));
		assert_int_equal(r.category, row[i].category);
		box_end(&w.box);
		end(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_refused_credential_pauses),
	    cmocka_unit_test(the_next_relay_takes_it_at_once),
	    cmocka_unit_test(other_words_are_no_refusal),
	    cmocka_unit_test(one_job_proves_a_credential),
	    cmocka_unit_test(without_its_block_nobody_is_refused),
	    cmocka_unit_test(a_category_for_each_outcome),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
