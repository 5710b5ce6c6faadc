/* All that is known of a recipient, in the queue and after it, and who is found
 * by an address or a Message-ID. */
#include "tests/queue/box.h"

#include "admin/history_find.h"
#include "admin/trail.h"

static void
settle(struct box *b, uint64_t id, uint32_t rcpt, enum verdict_kind kind,
       enum journal_kind entry)
{
	struct verdict v = {.kind = kind,
			    .code = kind == VERDICT_SENT ? 250 : 450,
			    .status = "4.2.0",
			    .reply = "450 4.2.0 try later"};
	struct ledger_again again = {.at_us = BOX_NOW + HOUR_US,
				     .attempt = true,
				     .entry = {.kind = (uint8_t)entry}};
	struct ledger_settled s;
	enum ledger_answer a;

	box_claim(b, id, rcpt);
	yes(b, ledger_settle(b->t, id, rcpt, &v, "corp",
			     BOX_NOW + 2 * SECOND_US, &again, &a, &s, &b->e));
	assert_int_equal(a, LEDGER_DONE);
	bytes_free(&s.memory);
}

static void
expect(struct box *b, uint64_t id, uint32_t rcpt, const char *outcome,
       const char *kinds)
{
	struct trail_end end;
	struct trail t;
	char got[256] = "";

	yes(b, trail_read(b->store, id, rcpt, &t, &b->e));
	trail_end(&t, &end);
	assert_string_equal(end.outcome, outcome);
	assert_true(text_is(end.address, "reader@example.net"));
	assert_true(text_is(end.sender, "sender@example.com"));
	assert_int_equal(end.arrival_us, BOX_NOW);
	for (size_t i = 0; i < t.n; i++) {
		strcat(got, journal_word((enum journal_kind)t.entry[i].x.kind));
		strcat(got, " ");
		assert_true(i == 0 ||
			    t.entry[i].x.previous == t.entry[i - 1].number);
	}
	assert_string_equal(got, kinds);
	trail_free(&t);
}

static void
note(struct box *b, uint64_t id, uint32_t rcpt, enum journal_kind kind)
{
	struct journal_entry x = {.kind = (uint8_t)kind,
				  .at_us = (uint64_t)BOX_NOW + 5};

	yes(b, ledger_note(b->t, id, rcpt, &x, &b->e));
}

/* Here, gone, failed and kept, come back later. */
static void
what_became_of_each(void **state)
{
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 10, 4, false);
	settle(&b, id, 0, VERDICT_SENT, JOURNAL_DELIVERED);
	settle(&b, id, 1, VERDICT_DEFER, JOURNAL_DEFERRED);
	settle(&b, id, 2, VERDICT_FAIL, JOURNAL_BOUNCED);
	box_commit(&b);
	expect(&b, id, 0, "delivered", "accepted delivered ");
	expect(&b, id, 1, "waiting", "accepted deferred ");
	expect(&b, id, 2, "bounced", "accepted bounced ");
	expect(&b, id, 3, "waiting", "accepted ");
	box_begin(&b);
	note(&b, id, 0, JOURNAL_RETURNED);
	note(&b, id, 1, JOURNAL_DELAYED);
	note(&b, id, 2, JOURNAL_REPORTED);
	box_commit(&b);
	expect(&b, id, 0, "returned", "accepted delivered returned ");
	expect(&b, id, 1, "waiting", "accepted deferred delayed ");
	expect(&b, id, 2, "bounced", "accepted bounced reported ");
	box_remove(&b);
}

static void
each_recipient_in_turn(void **state)
{
	uint32_t rcpt = 0, n = 0;
	struct trail t;
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 10, 4, false);
	settle(&b, id, 1, VERDICT_SENT, JOURNAL_DELIVERED);
	settle(&b, id, 3, VERDICT_SENT, JOURNAL_DELIVERED);
	(void)box_accept(&b, 10, 1, false);
	box_commit(&b);
	for (; trail_next(b.store, id, &rcpt, &b.e); rcpt++)
		assert_int_equal(rcpt, n++);
	assert_int_equal(b.e.kind, ERR_NONE);
	assert_int_equal(n, 4);
	assert_false(trail_read(b.store, id, 4, &t, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	assert_false(trail_read(b.store, id - ID_WRITERS, 0, &t, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	box_remove(&b);
}

static void
which_words_are_which(void **state)
{
	static const struct {
		const char *text;
		bool ok, message_id;
	} rows[] = {
	    {"reader@example.net", true, false},
	    {"READER@EXAMPLE.net", true, false},
	    {"\"a b\"@example.net", true, false},
	    {"<1@x>", true, true},
	    {"<no sign at all>", true, true},
	    {"<>", false, false},
	    {"@example.net", false, false},
	    {"reader@", false, false},
	    {"", false, false},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct history_ask a = {.nkey = 0};
		bool ok = history_ask_parse(&a, rows[i].text);

		if (ok != rows[i].ok ||
		    (ok && (a.message_id.n > 0) != rows[i].message_id))
			fail_msg("%s", rows[i].text);
	}
}

static size_t
find(struct box *b, const char *text, int64_t since_us)
{
	struct history_ask a = {.since_us = since_us};
	struct history_found f;
	size_t n;

	assert_true(history_ask_parse(&a, text));
	yes(b, history_find(b->store, &a, &f, &b->e));
	for (size_t i = 1; i < f.n; i++)
		assert_true(f.at[i].message > f.at[i - 1].message ||
			    f.at[i].rcpt > f.at[i - 1].rcpt);
	n = f.n;
	history_found_free(&f);
	return n;
}

static void
who_is_found(void **state)
{
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	box_begin(&b);
	for (unsigned i = 0; i < 60; i++) {
		id = box_accept(&b, 10, 3, false);
		settle(&b, id, 0, VERDICT_SENT, JOURNAL_DELIVERED);
		settle(&b, id, 1, VERDICT_DEFER, JOURNAL_DEFERRED);
	}
	box_commit(&b);
	/* Delivered, tried and never tried; each once. */
	assert_int_equal(find(&b, "reader@example.net", 0), 180);
	assert_int_equal(find(&b, "Reader@Example.NET", BOX_NOW), 180);
	assert_int_equal(find(&b, "reader@example.ne", 0), 0);
	/* The journal from then on, and who is still here. */
	assert_int_equal(find(&b, "reader@example.net", BOX_NOW + HOUR_US),
			 120);
	assert_int_equal(find(&b, "<reader@example.net>", 0), 0);
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_became_of_each),
	    cmocka_unit_test(each_recipient_in_turn),
	    cmocka_unit_test(which_words_are_which),
	    cmocka_unit_test(who_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
