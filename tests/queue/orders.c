/* What people order, and what the journal keeps of it. */
#include "tests/queue/chain.h"

#include "queue/suppress.h"

#define TOLD                                                                   \
	"instance=test hostname=a.b\nlisten l {address=127.0.0.1:1}\n"         \
	"source s {from_ip=192.0.2.0/24}\n"                                    \
	"relay r {host=c.d connections=4}\n"                                   \
	"quota q {limit=100 window=day}\n"                                     \
	"retry normal {intervals=[1min] jitter=0% lifetime=1h}\n"

static enum ledger_answer
order(struct world *w, enum ledger_order what, uint64_t id, uint32_t rcpt)
{
	dispatch_order(
	    w->d, 1, "uid 7",
	    &(struct control_order){.order = (uint8_t)what,
				    .message = id,
				    .rcpt = rcpt,
				    .reason = text_of("wrong list")});
	step(w);
	assert_true(w->nanswers > 0);
	return (enum ledger_answer)w->answer[w->nanswers - 1].answer;
}

static uint64_t
messages(struct world *w)
{
	uint64_t n;

	box_read(&w->box);
	n = txn_state(w->box.t)->messages;
	box_end(&w->box);
	return n;
}

/* Mail is ended by a person: failed, in everybody's words, one report. */
static void
bounce_from_each_state(void **state)
{
	static const struct {
		const char *name;
		bool hold, claim, twice, unknown;
		enum ledger_answer answer;
		uint64_t reports;
		const char *chain;
	} rows[] = {
	    {"it waits", false, false, false, false, LEDGER_DONE, 1,
	     "accepted bounced reported"},
	    {"it is held", true, false, false, false, LEDGER_DONE, 1,
	     "accepted held bounced reported"},
	    {"a worker has it", false, true, false, false, LEDGER_BUSY, 0,
	     "accepted"},
	    {"it has failed", false, false, true, false, LEDGER_ALREADY, 1,
	     "accepted bounced reported"},
	    {"there is none", false, false, false, true, LEDGER_NOT_FOUND, 0,
	     "accepted"},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		enum ledger_answer got;
		struct world w;
		uint64_t id;

		print_message("%s\n", rows[i].name);
		begin(&w, TOLD, rows[i].claim);
		id = put(&w, 1);
		step(&w);
		if (rows[i].hold)
			order(&w, LEDGER_HOLD, id, 0);
		if (rows[i].twice)
			order(&w, LEDGER_BOUNCE, id, 0);
		got = order(&w, LEDGER_BOUNCE, id + 64 * rows[i].unknown,
			    UINT32_MAX);
		assert_int_equal(got, rows[i].answer);
		assert_int_equal(messages(&w), 1 + rows[i].reports);
		if (rows[i].reports > 0)
			expect_record(
			    &w, id, RECIPIENT_FAILED, 0, "5.0.0",
			    "given up by the administrator: wrong list");
		expect_chain(&w, id, 0, rows[i].chain);
		end(&w);
	}
}

/* One recipient of three: the others stay. */
static void
bounce_of_one(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, TOLD, 0);
	id = put(&w, 3);
	step(&w);
	assert_int_equal(order(&w, LEDGER_BOUNCE, id, 1), LEDGER_DONE);
	expect_record(&w, id, RECIPIENT_WAITING, 0, "", "");
	expect_chain(&w, id, 1, "accepted bounced reported");
	assert_int_equal(order(&w, LEDGER_BOUNCE, id, UINT32_MAX), LEDGER_DONE);
	assert_int_equal(w.answer[w.nanswers - 1].changed, 2);
	end(&w);
}

/* The journal's last entry; its texts are the map's. */
static struct journal_entry
last_entry(struct world *w)
{
	struct journal_entry x;

	box_read(&w->box);
	yes(&w->box, journal_get(w->box.t, txn_state(w->box.t)->last_entry, &x,
				 &w->box.e));
	return x; /* box_end by the caller */
}

static void
changes(void **state)
{
	struct bytes one = {0}, two = {0};
	const struct suppress_entry bob = {.origin = SUPPRESS_MANUAL,
					   .address = text_of("bob@to.test"),
					   .reason = text_of("by phone")};
	const struct suppress_entry eve = {.origin = SUPPRESS_IMPORT,
					   .address = text_of("eve@to.test")};
	const struct suppress_entry joe = {.origin = SUPPRESS_IMPORT,
					   .address = text_of("joe@to.test")};

	(void)state;
	suppress_entry_add(&one, &bob);
	suppress_entry_add(&two, &eve);
	suppress_entry_add(&two, &joe);
	{
		const struct {
			const char *name;
			enum control_change_kind change;
			const char *of;
			uint64_t limit;
			const struct bytes *entries;
			enum journal_kind kind;
			const char *relay, *address, *detail;
		} rows[] = {
		    {"quota set", CHANGE_QUOTA_SET, "q", 7, NULL, JOURNAL_QUOTA,
		     "q", "", "set 7"},
		    {"quota unset", CHANGE_QUOTA_UNSET, "q", 0, NULL,
		     JOURNAL_QUOTA, "q", "", "unset"},
		    {"paused", CHANGE_RELAY_PAUSE, "r", 0, NULL, JOURNAL_RELAY,
		     "r", "", "paused"},
		    {"resumed", CHANGE_RELAY_RESUME, "r", 0, NULL,
		     JOURNAL_RELAY, "r", "", "resumed"},
		    {"one address", CHANGE_SUPPRESS_ADD, "", 0, &one,
		     JOURNAL_SUPPRESSED, "", "bob@to.test", ""},
		    {"an import", CHANGE_SUPPRESS_ADD, "", 0, &two,
		     JOURNAL_SUPPRESSED, "", "", "2 addresses"},
		    {"one removed", CHANGE_SUPPRESS_REMOVE, "", 0, &one,
		     JOURNAL_UNSUPPRESSED, "", "bob@to.test", ""},
		};
		struct world w;

		begin(&w, TOLD, 0);
		for (size_t i = 0; i < countof(rows); i++) {
			struct control_change c = {.change =
						       (uint8_t)rows[i].change,
						   .name = text_of(rows[i].of),
						   .limit = rows[i].limit};
			struct journal_entry x;

			print_message("%s\n", rows[i].name);
			if (rows[i].entries != NULL)
				c.entries = (struct text){
				    (const char *)rows[i].entries->data,
				    rows[i].entries->n};
			dispatch_change(w.d, 1, "uid 7", &c);
			step(&w);
			assert_int_equal(w.answer[i].answer, LEDGER_DONE);
			x = last_entry(&w);
			assert_int_equal(x.kind, rows[i].kind);
			assert_true(text_is(x.relay, rows[i].relay));
			assert_true(text_is(x.address, rows[i].address));
			assert_true(text_is(x.detail, rows[i].detail));
			assert_true(text_is(x.who, "uid 7"));
			box_end(&w.box);
		}
		end(&w);
	}
	bytes_free(&one);
	bytes_free(&two);
}

/* Who has read the journal says so, and only what was written. */
static void
acknowledgements(void **state)
{
	static const struct {
		const char *name, *reader;
		bool ahead, none;
		enum ledger_answer answer;
	} rows[] = {
	    {"all of it", "crm", false, false, LEDGER_DONE},
	    {"what is not there", "crm", true, false, LEDGER_NOT_FOUND},
	    {"a name that is none", "a b", false, false, LEDGER_NOT_FOUND},
	    {"no reader any more", "crm", false, true, LEDGER_DONE},
	    {"twice", "crm", false, true, LEDGER_NOT_FOUND},
	};
	struct world w;
	uint64_t last;

	(void)state;
	begin(&w, TOLD, 0);
	put(&w, 1);
	step(&w);
	box_read(&w.box);
	last = txn_state(w.box.t)->last_entry;
	box_end(&w.box);
	for (size_t i = 0; i < countof(rows); i++) {
		print_message("%s\n", rows[i].name);
		dispatch_change(
		    w.d, 1, "uid 7",
		    &(struct control_change){
			.change = CHANGE_EVENTS_ACK,
			.name = text_of(rows[i].reader),
			.limit = rows[i].none ? 0 : last + rows[i].ahead});
		step(&w);
		assert_int_equal(w.answer[i].answer, rows[i].answer);
	}
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(bounce_from_each_state),
	    cmocka_unit_test(bounce_of_one),
	    cmocka_unit_test(changes),
	    cmocka_unit_test(acknowledgements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
