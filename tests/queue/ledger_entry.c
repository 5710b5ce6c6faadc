/* What the ledger's arrows write into the journal. */
#include "tests/queue/box.h"

/* The recipient's last entry; its texts are the map's. */
static struct journal_entry
last_of(struct box *b, uint64_t id, uint32_t rcpt)
{
	struct recipient_record r;
	struct journal_entry x;
	uint64_t number;

	if (ledger_recipient(b->t, id, rcpt, &r, &b->e))
		number = r.entry;
	else
		yes(b, journal_history(b->t, id, rcpt, &number, &b->e));
	yes(b, journal_get(b->t, number, &x, &b->e));
	return x;
}

static bool
has_history(struct box *b, uint64_t id, uint32_t rcpt)
{
	uint64_t number;
	bool has = journal_history(b->t, id, rcpt, &number, &b->e);

	assert_true(has || b->e.kind == ERR_NONE);
	return has;
}

/* One entry a message; all its recipients begin their chains with it. */
static void
accepted(void **state)
{
	struct journal_entry x;
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 100, 3, false);
	assert_int_equal(txn_state(b.t)->entries, 1);
	for (uint32_t i = 0; i < 3; i++) {
		x = last_of(&b, id, i);
		assert_int_equal(x.kind, JOURNAL_ACCEPTED);
		assert_int_equal(x.rcpt, 3);
		assert_true(x.message == id && x.previous == 0);
		assert_true(x.at_us == (uint64_t)BOX_NOW);
		assert_int_equal(x.size_bytes, 100);
		assert_true(text_is(x.sender, "sender@example.com"));
		assert_true(text_is(x.type, "mass"));
		assert_true(text_is(x.source, "crm"));
	}
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

static void
orders(void **state)
{
	static const struct {
		const char *name;
		enum ledger_order order;
		const char *by;
		enum journal_kind kind;
		const char *who, *detail;
		bool gone, silent;
	} rows[] = {
	    {"held, with a reason", LEDGER_HOLD, "uid 0: call me first",
	     JOURNAL_HELD, "uid 0", "call me first", false, false},
	    {"released without one", LEDGER_RELEASE, "uid 0", JOURNAL_RELEASED,
	     "uid 0", "", false, false},
	    {"dropped", LEDGER_DROP, "uid 0: a: b", JOURNAL_DROPPED, "uid 0",
	     "a: b", true, false},
	    {"forgotten by nobody", LEDGER_DROP, "", JOURNAL_BOUNCED, "", "",
	     true, true},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct journal_entry x;
		enum ledger_answer a;
		uint32_t changed;
		struct box b;
		uint64_t id;
		bool gone;

		print_message("%s\n", rows[i].name);
		box_make(&b);
		box_begin(&b);
		id = box_accept(&b, 100, 1, false);
		if (rows[i].order == LEDGER_RELEASE)
			yes(&b,
			    ledger_order(b.t, id, 0, LEDGER_HOLD, "x", BOX_NOW,
					 &a, &changed, &gone, &b.e));
		if (rows[i].silent) {
			box_claim(&b, id, 0);
			box_settle(&b, id, 0, VERDICT_FAIL, &gone);
			assert_true(has_history(&b, id, 0));
		}
		yes(&b, ledger_order(b.t, id, 0, rows[i].order, rows[i].by,
				     BOX_NOW + 5, &a, &changed, &gone, &b.e));
		assert_int_equal(a, LEDGER_DONE);
		assert_int_equal(gone, rows[i].gone);
		assert_int_equal(has_history(&b, id, 0), rows[i].gone);
		x = last_of(&b, id, 0);
		assert_int_equal(x.kind, rows[i].kind);
		assert_true(text_is(x.who, rows[i].who));
		assert_true(text_is(x.detail, rows[i].detail));
		assert_true(text_is(x.address, "reader@example.net"));
		box_commit(&b);
		box_verify(&b);
		box_remove(&b);
	}
}

/* A note goes behind the last entry, wherever the recipient is. */
static void
notes(void **state)
{
	static const struct {
		const char *name;
		bool settle;
		enum verdict_kind kind;
		enum journal_kind before;
		bool history;
	} rows[] = {
	    {"it waits", false, VERDICT_DEFER, JOURNAL_ACCEPTED, false},
	    {"it was put off", true, VERDICT_DEFER, JOURNAL_DEFERRED, false},
	    {"it has failed", true, VERDICT_FAIL, JOURNAL_BOUNCED, true},
	    {"it has gone", true, VERDICT_SENT, JOURNAL_DELIVERED, true},
	};
	const struct journal_entry note = {.kind = JOURNAL_REPORTED,
					   .at_us = (uint64_t)BOX_NOW + 9,
					   .detail = text_of("a report")};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct journal_entry x, before;
		struct box b;
		uint64_t id;
		bool gone;

		print_message("%s\n", rows[i].name);
		box_make(&b);
		box_begin(&b);
		id = box_accept(&b, 100, 1, false);
		if (rows[i].settle) {
			box_claim(&b, id, 0);
			box_settle(&b, id, 0, rows[i].kind, &gone);
		}
		yes(&b, ledger_note(b.t, id, 0, &note, &b.e));
		x = last_of(&b, id, 0);
		assert_int_equal(x.kind, JOURNAL_REPORTED);
		assert_true(text_is(x.detail, "a report"));
		assert_true(text_is(x.address, "reader@example.net"));
		assert_true(text_is(x.sender, "sender@example.com"));
		assert_true(x.message == id);
		yes(&b, journal_get(b.t, x.previous, &before, &b.e));
		assert_int_equal(before.kind, rows[i].before);
		assert_int_equal(has_history(&b, id, 0), rows[i].history);
		assert_false(ledger_note(b.t, id + 64, 0, &note, &b.e));
		assert_int_equal(b.e.kind, ERR_NONE);
		box_commit(&b);
		box_verify(&b);
		box_remove(&b);
	}
}

static void
told_once(void **state)
{
	struct recipient_record r;
	struct box b;
	uint64_t id;
	bool told;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 100, 1, false);
	yes(&b, ledger_tell(b.t, id, 0, BOX_NOW + 1, &told, &b.e));
	assert_false(told);
	yes(&b, ledger_tell(b.t, id, 0, BOX_NOW + 2, &told, &b.e));
	assert_true(told);
	yes(&b, ledger_recipient(b.t, id, 0, &r, &b.e));
	assert_int_equal(r.told, 1);
	assert_int_equal(r.state, RECIPIENT_WAITING);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accepted),
	    cmocka_unit_test(orders),
	    cmocka_unit_test(notes),
	    cmocka_unit_test(told_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
