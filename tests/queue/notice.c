/* Reports of delays and of deliveries, what stands in them, and what the
 * journal says of it. */
#include "tests/queue/told.h"

#define LATE TOLD("bounce {delay_after=10min}\n")

static size_t
count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

static void
has(const char *text, const char *what)
{
	if (text == NULL || strstr(text, what) == NULL)
		fail_msg("\"%s\" is not in: %s", what,
			 text != NULL ? text : "(nothing)");
}

/* Every job that is held gets this answer. */
static void
answer_all(struct world *w, enum verdict_kind kind)
{
	while (w->nheld > 0)
		answer(w, kind);
}

/* Kinds of the entries about one recipient, the last one first. */
static void
chain(struct world *w, uint64_t id, uint32_t rcpt, char out[256])
{
	struct recipient_record r;
	struct journal_entry x;
	uint64_t at = 0;

	box_read(&w->box);
	w->box.e.kind = ERR_NONE;
	if (ledger_recipient(w->box.t, id, rcpt, &r, &w->box.e))
		at = r.entry;
	else
		yes(&w->box,
		    journal_history(w->box.t, id, rcpt, &at, &w->box.e));
	out[0] = '\0';
	while (at != 0) {
		yes(&w->box, journal_get(w->box.t, at, &x, &w->box.e));
		snprintf(out + strlen(out), 256 - strlen(out), "%s ",
			 journal_word((enum journal_kind)x.kind));
		if (x.kind == JOURNAL_REPORTED || x.kind == JOURNAL_DELAYED)
			assert_int_equal(x.detail.n, ID_TEXT);
		at = x.previous;
	}
	box_end(&w->box);
}

/* NOTIFY, and whether its sender is told of a delay. */
static void
a_delay(void **state)
{
	static const struct {
		const char *name, *conf, *sender;
		uint8_t notify;
		bool told;
	} row[] = {
	    {"nothing was said", LATE, "a@from.test", 0, true},
	    {"DELAY", LATE, "a@from.test", NOTIFY_DELAY, true},
	    {"FAILURE", LATE, "a@from.test", NOTIFY_FAILURE, false},
	    {"NEVER", LATE, "a@from.test", NOTIFY_NEVER, false},
	    {"the null sender",
	     TOLD("bounce {delay_after=10min postmaster=p@from.test}\n"), "", 0,
	     false},
	    {"switched off", TOLD("bounce {delay_after=0s}\n"), "a@from.test",
	     0, false},
	    {"no reports at all",
	     TOLD("bounce {enabled=no delay_after=10min}\n"), "a@from.test", 0,
	     false},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		const struct mail mail = {row[i].sender, row[i].notify, 0, 0, 1,
					  NULL};
		char to[256], *text, words[256];
		struct world w;
		uint64_t id;

		begin(&w, row[i].conf, 1);
		id = accept_mail(&w, &mail);
		step(&w);
		answer(&w, VERDICT_DEFER);
		step(&w);
		assert_null(only_report(&w, to));
		after(&w, 11 * MINUTE_US);
		answer(&w, VERDICT_DEFER);
		step(&w);
		text = only_report(&w, to);
		if ((text != NULL) != row[i].told)
			fail_msg("%s", row[i].name);
		chain(&w, id, 0, words);
		if (text != NULL) {
			assert_string_equal(to, "a@from.test");
			has(text, "\r\nSubject: Delayed mail: ");
			has(text, "\r\nAction: delayed\r\nStatus: 4.2.0\r\n");
			has(text, "\r\nWill-Retry-Until: ");
			has(text, "\r\nIn-Reply-To: <one@from.test>\r\n");
			has(text, "\r\nReferences: <one@from.test>\r\n");
			assert_null(strstr(text, "the words"));
			assert_string_equal(
			    words, "delayed deferred deferred accepted ");
		}
		free(text);
		end(&w);
	}
}

/* Once, however often it is put off after that. */
static void
a_delay_once(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	struct world w;
	uint64_t first, id;
	char words[256];

	(void)state;
	begin(&w, LATE, 1);
	id = accept_mail(&w, &mail);
	step(&w);
	answer(&w, VERDICT_DEFER);
	step(&w);
	after(&w, 11 * MINUTE_US);
	answer(&w, VERDICT_DEFER);
	step(&w);
	step(&w);
	answer_all(&w, VERDICT_SENT); /* the report */
	box_read(&w.box);
	first = txn_state(w.box.t)->last_id;
	box_end(&w.box);
	assert_true(first > w.box.last);
	for (int i = 0; i < 5; i++) {
		after(&w, 2 * MINUTE_US);
		answer_all(&w, VERDICT_DEFER);
		step(&w);
	}
	box_read(&w.box);
	assert_int_equal(txn_state(w.box.t)->last_id, first);
	box_end(&w.box);
	chain(&w, id, 0, words);
	assert_int_equal(count(words, "delayed"), 1);
	end(&w);
}

static void
deliver(struct world *w, bool passed)
{
	while (w->nheld > 0) {
		for (uint32_t i = 0; i < w->held[0].job.nrecipients; i++) {
			struct job_outcome o =
			    outcome(w, 0, w->held[0].rcpt[i], VERDICT_SENT);

			o.dsn_passed = passed;
			assert_true(
			    dispatch_outcome(w->d, w->held[0].worker, &o));
		}
		w->nheld--;
		memmove(w->held, w->held + 1, w->nheld * sizeof w->held[0]);
	}
	step(w);
}

/* RFC 3461 5.2.2: who asked, and whom nobody behind us will tell. */
static void
a_delivery(void **state)
{
	static const struct {
		const char *name, *conf, *sender;
		uint8_t notify;
		bool passed;
		const char *action; /* NULL: no report */
	} row[] = {
	    {"not asked", TOLD(""), "a@from.test", 0, false, NULL},
	    {"FAILURE", TOLD(""), "a@from.test", NOTIFY_FAILURE, false, NULL},
	    {"SUCCESS", TOLD(""), "a@from.test", NOTIFY_SUCCESS, false,
	     "relayed"},
	    {"the next hop tells", TOLD(""), "a@from.test", NOTIFY_SUCCESS,
	     true, NULL},
	    {"from nobody", TOLD("bounce {postmaster=p@from.test}\n"), "",
	     NOTIFY_SUCCESS, false, NULL},
	    {"into a Maildir",
	     "instance=test hostname=mtq.example\n"
	     "listen l {address=127.0.0.1:1}\n"
	     "source crm {from_ip=192.0.2.0/24}\ntype mass {}\n"
	     "relay r {deliver=maildir dir=/tmp recipients_per_message=3}\n",
	     "a@from.test", NOTIFY_SUCCESS, false, "delivered"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		const struct mail mail = {
		    row[i].sender, row[i].notify, MESSAGE_RET_FULL, 0, 3, NULL};
		char to[256], *text, words[256], action[64];
		struct world w;
		uint64_t id;

		begin(&w, row[i].conf, 1);
		id = accept_mail(&w, &mail);
		step(&w);
		deliver(&w, row[i].passed);
		text = only_report(&w, to);
		if ((text != NULL) != (row[i].action != NULL))
			fail_msg("%s", row[i].name);
		chain(&w, id, 2, words);
		if (text != NULL) {
			snprintf(action, sizeof action,
				 "\r\nAction: %s\r\nStatus: 2.0.0\r\n",
				 row[i].action);
			assert_int_equal(count(text, action), 3);
			/* RFC 3461 4.3: not more than the header */
			assert_null(strstr(text, "the words"));
			has(text, "X-A: b\r\n");
			assert_string_equal(words,
					    "reported delivered accepted ");
		} else {
			assert_string_equal(words, "delivered accepted ");
		}
		free(text);
		end(&w);
	}
}

/* Above the rate nobody is told, but it stays known. */
static void
too_many(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL},
			  other = {"b@from.test", 0, 0, 0, 1, NULL};
	struct world w;
	uint64_t id[5], before;
	char words[256];
	size_t told = 0;

	(void)state;
	begin(&w, TOLD("bounce {rate_per_sender=2/h max_original=1kb}\n"), 1);
	for (size_t i = 0; i < 5; i++)
		id[i] = accept_mail(&w, i == 4 ? &other : &mail);
	before = w.box.last;
	refuse(&w);
	for (size_t i = 0; i < 5; i++) {
		chain(&w, id[i], 0, words);
		told += count(words, "reported");
		assert_int_equal(
		    count(words, "reported") + count(words, "withheld"), 1);
	}
	assert_int_equal(told, 3);
	chain(&w, id[4], 0, words);
	assert_string_equal(words, "reported bounced accepted ");
	box_read(&w.box);
	assert_true(txn_state(w.box.t)->last_id > before);
	assert_int_equal(txn_state(w.box.t)->failed, 5);
	box_end(&w.box);
	end(&w);
}

/* Few of many delays are told; each failure is, all the same. */
static void
too_many_delays(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	struct world w;
	uint64_t id[5];
	char words[256];
	size_t told = 0, withheld = 0;

	(void)state;
	begin(&w,
	      TOLD("bounce {delay_after=10min delays_per_sender=2/h "
		   "max_original=1kb}\n"),
	      1);
	for (size_t i = 0; i < countof(id); i++)
		id[i] = accept_mail(&w, &mail);
	step(&w);
	answer_all(&w, VERDICT_DEFER);
	step(&w);
	after(&w, 11 * MINUTE_US);
	answer_all(&w, VERDICT_DEFER);
	step(&w);
	for (size_t i = 0; i < countof(id); i++) {
		chain(&w, id[i], 0, words);
		told += count(words, "delayed");
		withheld += count(words, "withheld");
	}
	assert_int_equal(told, 2);
	assert_int_equal(withheld, countof(id) - 2);
	step(&w);
	answer_all(&w, VERDICT_SENT); /* the two reports */
	after(&w, 2 * MINUTE_US);
	answer_all(&w, VERDICT_FAIL);
	step(&w);
	for (size_t i = 0; i < countof(id); i++) {
		chain(&w, id[i], 0, words);
		assert_int_equal(count(words, "reported"), 1);
	}
	end(&w);
}

/* A step that fails before it comes to reports gives back what it took itself, and
 * nothing that was durable before it. */
static void
too_many_and_a_failed_commit(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	struct world w;
	char words[256];
	uint64_t id[4];
	size_t told = 0;

	(void)state;
	begin(&w, TOLD("bounce {rate_per_sender=2/h max_original=1kb}\n"), 1);
	for (size_t i = 0; i < countof(id); i++) {
		id[i] = accept_mail(&w, &mail);
		step(&w);
		assert_int_equal(w.nheld, 1);
		answer(&w, VERDICT_FAIL);
		no_writes(true);
		w.broken = true;
		w.now_us += 1000;
		assert_false(dispatch_step(w.d, w.now_us, w.now_us - BOX_NOW,
					   &w.wake_ms, &w.box.e));
		no_writes(false);
		w.broken = false;
		for (int k = 0; k < 4; k++) { /* the report goes */
			after(&w, 2 * SECOND_US);
			answer_all(&w, VERDICT_SENT);
		}
	}
	for (size_t i = 0; i < countof(id); i++) {
		chain(&w, id[i], 0, words);
		told += count(words, "reported");
	}
	assert_int_equal(told, 2);
	end(&w);
}

/* The stored message is damaged: its sender is told, without it. */
static void
a_damaged_message(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	unsigned char k[KEY_BODY], row[64] = {0};
	char to[256], *text;
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, TOLD(""), 1);
	id = accept_mail(&w, &mail);
	step(&w);
	box_begin(&w.box);
	key_body(k, id, 0);
	yes(&w.box, txn_put(w.box.t, STORE_BODY, k, sizeof k, row, sizeof row,
			    &w.box.e));
	box_commit(&w.box);
	answer(&w, VERDICT_FAIL);
	step(&w);
	text = only_report(&w, to);
	has(text, "\r\nAction: failed\r\n");
	has(text, "Content-Type: text/rfc822-headers\r\n");
	assert_null(strstr(text, "the words"));
	free(text);
	dispatch_close(w.d);
	settings_free(w.settings);
	box_remove(&w.box); /* it would not verify */
}

/* A person removes it in the step it fails in: nobody is told, and the queue
 * goes on. */
static void
removed_meanwhile(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	struct control_order drop = {.order = LEDGER_DROP, .rcpt = UINT32_MAX};
	char to[256];
	struct world w;

	(void)state;
	begin(&w, TOLD(""), 1);
	drop.message = accept_mail(&w, &mail);
	step(&w);
	answer(&w, VERDICT_FAIL);
	dispatch_order(w.d, 1, "me", &drop);
	step(&w);
	assert_null(only_report(&w, to));
	books(&w, 0, 0, 0, 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_delay),
	    cmocka_unit_test(a_delay_once),
	    cmocka_unit_test(a_delivery),
	    cmocka_unit_test(too_many),
	    cmocka_unit_test(too_many_delays),
	    cmocka_unit_test(too_many_and_a_failed_commit),
	    cmocka_unit_test(a_damaged_message),
	    cmocka_unit_test(removed_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
