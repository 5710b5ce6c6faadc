/* What people order, and what the journal keeps of it. */
#include "tests/queue/chain.h"

#include "queue/suppress.h"

#define TOLD                                                                   \
	"instance=test hostname=a.b\nlisten l {address=127.0.0.1:1}\n"         \
	"source s {from_ip=192.0.2.0/24}\n"                                    \
	"relay r {host=c.d connections=4}\n"                                   \
	"quota q {limit=100 window=day}\n"                                     \
	"retry normal {intervals=[1min] jitter=0% lifetime=1h}\n"

static const struct suppress_entry bob = {.origin = SUPPRESS_MANUAL,
					  .address = {"bob@to.test", 11},
					  .reason = {"by phone", 8}},
				   eve = {.origin = SUPPRESS_IMPORT,
					  .address = {"eve@to.test", 11}},
				   joe = {.origin = SUPPRESS_IMPORT,
					  .address = {"joe@to.test", 11}};

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

enum { NONE, ONE, TWO }; /* addresses in the batch */
static const struct {
	const char *name;
	enum control_change_kind change;
	const char *of;
	uint64_t limit;
	int batch;
	enum journal_kind kind;
	const char *address, *detail;
} change_rows[] = {
    {"quota set", CHANGE_QUOTA_SET, "q", 7, NONE, JOURNAL_QUOTA, "", "set 7"},
    {"quota unset", CHANGE_QUOTA_UNSET, "q", 0, NONE, JOURNAL_QUOTA, "",
     "unset"},
    {"paused", CHANGE_RELAY_PAUSE, "r", 0, NONE, JOURNAL_RELAY, "", "paused"},
    {"resumed", CHANGE_RELAY_RESUME, "r", 0, NONE, JOURNAL_RELAY, "",
     "resumed"},
    {"one address", CHANGE_SUPPRESS_ADD, "", 0, ONE, JOURNAL_SUPPRESSED,
     "bob@to.test", ""},
    {"an import", CHANGE_SUPPRESS_ADD, "", 0, TWO, JOURNAL_SUPPRESSED, "",
     "2 addresses"},
    {"one removed", CHANGE_SUPPRESS_REMOVE, "", 0, ONE, JOURNAL_UNSUPPRESSED,
     "bob@to.test", ""},
};

/* What is of no message is an entry, too, with who did it. */
static void
changes(void **state)
{
	struct bytes batch[3] = {{0}, {0}, {0}};
	struct world w;

	(void)state;
	suppress_entry_add(&batch[ONE], &bob);
	suppress_entry_add(&batch[TWO], &eve);
	suppress_entry_add(&batch[TWO], &joe);
	begin(&w, TOLD, 0);
	for (size_t i = 0; i < countof(change_rows); i++) {
		const struct bytes *entries = &batch[change_rows[i].batch];
		struct control_change c = {
		    .change = (uint8_t)change_rows[i].change,
		    .name = text_of(change_rows[i].of),
		    .limit = change_rows[i].limit,
		    .entries = {(const char *)entries->data, entries->n}};
		struct journal_entry x;

		print_message("%s\n", change_rows[i].name);
		dispatch_change(w.d, 1, "uid 7", &c);
		step(&w);
		assert_int_equal(w.answer[i].answer, LEDGER_DONE);
		x = last_entry(&w);
		assert_int_equal(x.kind, change_rows[i].kind);
		assert_true(text_is(x.relay, change_rows[i].of));
		assert_true(text_is(x.address, change_rows[i].address));
		assert_true(text_is(x.detail, change_rows[i].detail));
		assert_true(text_is(x.who, "uid 7"));
		box_end(&w.box);
	}
	end(&w);
	for (size_t i = 0; i < countof(batch); i++)
		bytes_free(&batch[i]);
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
