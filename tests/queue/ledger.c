#include "tests/queue/box.h"

static uint64_t
count_of(struct box *b, enum recipient_state s)
{
	struct state_record *r = txn_state(b->t);

	switch (s) {
	case RECIPIENT_WAITING:
		return r->waiting;
	case RECIPIENT_CLAIMED:
		return r->claimed;
	case RECIPIENT_HELD:
		return r->held;
	case RECIPIENT_FAILED:
		return r->failed;
	case RECIPIENT_PARKED:
		return r->parked;
	case RECIPIENT_STATE_COUNT:
		break;
	}
	return UINT64_MAX;
}

/* A fresh message of one recipient, brought into a state. */
static uint64_t
bring(struct box *b, enum recipient_state s)
{
	uint64_t id = box_accept(b, 100, 1, false);
	enum ledger_answer a;
	uint32_t changed;
	bool gone;

	switch (s) {
	case RECIPIENT_CLAIMED:
		box_claim(b, id, 0);
		break;
	case RECIPIENT_FAILED:
		box_claim(b, id, 0);
		assert_int_equal(box_settle(b, id, 0, VERDICT_FAIL, &gone),
				 LEDGER_DONE);
		break;
	case RECIPIENT_HELD:
		yes(b, ledger_order(b->t, id, 0, LEDGER_HOLD, "root", BOX_NOW,
				    &a, &changed, &gone, &b->e));
		break;
	case RECIPIENT_WAITING:
	case RECIPIENT_PARKED: /* tests/queue/ledger_copies.c */
	case RECIPIENT_STATE_COUNT:
		break;
	}
	return id;
}

enum { GONE = RECIPIENT_STATE_COUNT };

/* What an outcome does; anything not claimed is left as it was. */
static void
outcomes(void **state)
{
	static const struct {
		const char *name;
		enum recipient_state from;
		enum verdict_kind kind;
		enum ledger_answer answer;
		unsigned to;
	} rows[] = {
	    {"delivered", RECIPIENT_CLAIMED, VERDICT_SENT, LEDGER_DONE, GONE},
	    {"put off", RECIPIENT_CLAIMED, VERDICT_DEFER, LEDGER_DONE,
	     RECIPIENT_WAITING},
	    {"refused", RECIPIENT_CLAIMED, VERDICT_FAIL, LEDGER_DONE,
	     RECIPIENT_FAILED},
	    {"delivered, but waiting", RECIPIENT_WAITING, VERDICT_SENT,
	     LEDGER_NOT_FOUND, RECIPIENT_WAITING},
	    {"delivered, but held", RECIPIENT_HELD, VERDICT_SENT,
	     LEDGER_NOT_FOUND, RECIPIENT_HELD},
	    {"put off, but failed", RECIPIENT_FAILED, VERDICT_DEFER,
	     LEDGER_NOT_FOUND, RECIPIENT_FAILED},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct recipient_record r;
		struct box b;
		uint64_t id;
		bool gone;

		print_message("%s\n", rows[i].name);
		box_make(&b);
		box_begin(&b);
		id = bring(&b, rows[i].from);
		assert_int_equal(box_settle(&b, id, 0, rows[i].kind, &gone),
				 rows[i].answer);
		assert_int_equal(gone, rows[i].to == GONE);
		if (rows[i].to == GONE) {
			assert_false(ledger_recipient(b.t, id, 0, &r, &b.e));
			assert_int_equal(b.e.kind, ERR_NONE);
			assert_true(txn_state(b.t)->sent_total == 1);
		} else {
			yes(&b, ledger_recipient(b.t, id, 0, &r, &b.e));
			assert_int_equal(r.state, rows[i].to);
			assert_true(
			    count_of(&b, (enum recipient_state)rows[i].to) ==
			    1);
		}
		box_commit(&b);
		box_verify(&b);
		box_remove(&b);
	}
}

/* Every outcome may come twice; the second says "not found" and changes
 * nothing. */
static void
doubled_outcomes(void **state)
{
	(void)state;
	for (int kind = 0; kind < VERDICT_COUNT; kind++) {
		uint32_t before = 0, after = 0;
		struct box b;
		uint64_t id;
		bool gone;

		box_make(&b);
		box_begin(&b);
		id = bring(&b, RECIPIENT_CLAIMED);
		assert_int_equal(
		    box_settle(&b, id, 0, (enum verdict_kind)kind, &gone),
		    LEDGER_DONE);
		box_commit(&b);
		yes(&b, box_digest(b.store, &before, &b.e));
		box_begin(&b);
		assert_int_equal(
		    box_settle(&b, id, 0, (enum verdict_kind)kind, &gone),
		    LEDGER_NOT_FOUND);
		assert_false(gone);
		box_commit(&b);
		yes(&b, box_digest(b.store, &after, &b.e));
		assert_int_equal(before, after);
		box_remove(&b);
	}
}

/* What a person's order does in each state. */
static const struct {
	const char *name;
	enum ledger_order order;
	enum recipient_state from;
	enum ledger_answer answer;
	unsigned to;
} order_rows[] = {
    {"hold what waits", LEDGER_HOLD, RECIPIENT_WAITING, LEDGER_DONE,
     RECIPIENT_HELD},
    {"hold what is on its way", LEDGER_HOLD, RECIPIENT_CLAIMED, LEDGER_BUSY,
     RECIPIENT_CLAIMED},
    {"hold what is held", LEDGER_HOLD, RECIPIENT_HELD, LEDGER_ALREADY,
     RECIPIENT_HELD},
    {"hold what failed", LEDGER_HOLD, RECIPIENT_FAILED, LEDGER_ALREADY,
     RECIPIENT_FAILED},
    {"release what waits", LEDGER_RELEASE, RECIPIENT_WAITING, LEDGER_ALREADY,
     RECIPIENT_WAITING},
    {"release what is on its way", LEDGER_RELEASE, RECIPIENT_CLAIMED,
     LEDGER_BUSY, RECIPIENT_CLAIMED},
    {"release what is held", LEDGER_RELEASE, RECIPIENT_HELD, LEDGER_DONE,
     RECIPIENT_WAITING},
    {"release what failed", LEDGER_RELEASE, RECIPIENT_FAILED, LEDGER_ALREADY,
     RECIPIENT_FAILED},
    {"retry what waits", LEDGER_RETRY, RECIPIENT_WAITING, LEDGER_DONE,
     RECIPIENT_WAITING},
    {"retry what is on its way", LEDGER_RETRY, RECIPIENT_CLAIMED, LEDGER_BUSY,
     RECIPIENT_CLAIMED},
    {"retry what is held", LEDGER_RETRY, RECIPIENT_HELD, LEDGER_DONE,
     RECIPIENT_WAITING},
    {"retry what failed", LEDGER_RETRY, RECIPIENT_FAILED, LEDGER_DONE,
     RECIPIENT_WAITING},
    {"drop what waits", LEDGER_DROP, RECIPIENT_WAITING, LEDGER_DONE, GONE},
    {"drop what is on its way", LEDGER_DROP, RECIPIENT_CLAIMED, LEDGER_BUSY,
     RECIPIENT_CLAIMED},
    {"drop what is held", LEDGER_DROP, RECIPIENT_HELD, LEDGER_DONE, GONE},
    {"drop what failed", LEDGER_DROP, RECIPIENT_FAILED, LEDGER_DONE, GONE},
};

static void
orders(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(order_rows); i++) {
		struct recipient_record r;
		enum ledger_answer a;
		uint32_t changed;
		struct box b;
		uint64_t id;
		bool gone;

		print_message("%s\n", order_rows[i].name);
		box_make(&b);
		box_begin(&b);
		id = bring(&b, order_rows[i].from);
		yes(&b, ledger_order(b.t, id, i % 2 ? 0 : UINT32_MAX,
				     order_rows[i].order, "anna: looks odd",
				     BOX_NOW + 5, &a, &changed, &gone, &b.e));
		assert_int_equal(a, order_rows[i].answer);
		assert_int_equal(changed, order_rows[i].answer == LEDGER_DONE);
		assert_int_equal(gone, order_rows[i].to == GONE);
		if (order_rows[i].to != GONE) {
			yes(&b, ledger_recipient(b.t, id, 0, &r, &b.e));
			assert_int_equal(r.state, order_rows[i].to);
		}
		if (changed == 1 && order_rows[i].to == RECIPIENT_WAITING)
			assert_true(r.due_us == (uint64_t)BOX_NOW + 5);
		if (changed == 1 && order_rows[i].to != GONE)
			assert_true(text_is(r.reason, "anna: looks odd"));
		box_commit(&b);
		box_verify(&b);
		box_remove(&b);
	}
}

static void
orders_for_nobody(void **state)
{
	enum ledger_answer a;
	uint32_t changed;
	struct box b;
	uint64_t id;
	bool gone;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = bring(&b, RECIPIENT_WAITING);
	yes(&b, ledger_order(b.t, id + ID_WRITERS, UINT32_MAX, LEDGER_DROP, "x",
			     BOX_NOW, &a, &changed, &gone, &b.e));
	assert_int_equal(a, LEDGER_NOT_FOUND);
	yes(&b, ledger_order(b.t, id, 1, LEDGER_DROP, "x", BOX_NOW, &a,
			     &changed, &gone, &b.e));
	assert_int_equal(a, LEDGER_NOT_FOUND);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

/* The message goes with its last recipient, not before, and nothing of it
 * stays. */
static void
last_recipient(void **state)
{
	struct verify_report v;
	struct box b;
	uint64_t id;
	bool gone;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 3 * CHUNK_MOST + 1, 3, false);
	for (uint32_t i = 0; i < 3; i++) {
		box_claim(&b, id, i);
		assert_int_equal(box_settle(&b, id, i, VERDICT_SENT, &gone),
				 LEDGER_DONE);
		assert_int_equal(gone, i == 2);
	}
	assert_true(txn_state(b.t)->body_bytes == 0);
	box_commit(&b);
	v = box_verify(&b);
	assert_true(v.messages == 0 && v.chunks == 0 && v.due_rows == 0);
	box_remove(&b);
}

static void
what_is_settled_is_told(void **state)
{
	struct verdict v = {.kind = VERDICT_DEFER,
			    .code = 450,
			    .status = "4.2.0",
			    .reply = "450 4.2.0 later",
			    .remote = "mx[192.0.2.1]:25"};
	struct ledger_again again = {.at_us = BOX_NOW + 99};
	struct recipient_record r;
	struct ledger_settled s;
	enum ledger_answer a;
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = bring(&b, RECIPIENT_CLAIMED);
	again.attempt = true;
	yes(&b, ledger_settle(b.t, id, 0, &v, "corp", BOX_NOW + 9, &again, &a,
			      &s, &b.e));
	assert_int_equal(s.attempts, 1);
	assert_true(text_is(s.recipient.address, "reader@example.net"));
	assert_true(text_is(s.message.sender, "sender@example.com"));
	bytes_free(&s.memory);
	yes(&b, ledger_recipient(b.t, id, 0, &r, &b.e));
	assert_true(r.due_us == (uint64_t)BOX_NOW + 99 && r.attempts == 1);
	assert_true(text_is(r.relay, "corp") && text_is(r.status, "4.2.0"));
	assert_true(
	    text_is(r.reason, "host mx[192.0.2.1]:25 said: 450 4.2.0 later"));
	box_claim(&b, id, 0);
	again.attempt = false;
	yes(&b, ledger_settle(b.t, id, 0, &v, "corp", BOX_NOW + 9, &again, &a,
			      &s, &b.e));
	assert_int_equal(s.attempts, 1); /* it did not count */
	bytes_free(&s.memory);
	box_commit(&b);
	box_remove(&b);
}

/* Chunks stored before their message are nobody's until it is accepted. */
static void
abandoned(void **state)
{
	struct verify_report v;
	struct box b;
	uint64_t id = id_next(0, BOX_NOW, 0), found;
	bool more = true;
	int rounds = 0;

	(void)state;
	box_make(&b);
	box_begin(&b);
	for (uint32_t i = 0; i < 5; i++)
		yes(&b,
		    ledger_chunk(b.t, id, i, "abc", 3, true, BOX_NOW, &b.e));
	b.last = id;
	box_accept(&b, 10, 1, false);
	box_commit(&b);
	v = box_verify(&b);
	assert_true(v.partials == 1 && v.chunks == 6 && v.messages == 1);
	box_begin(&b);
	yes(&b, ledger_partial(b.t, 0, &found, &b.e));
	assert_true(found == id);
	box_end(&b);
	for (; more; rounds++) {
		box_begin(&b);
		yes(&b, ledger_abandon(b.t, id, 2, &more, &b.e));
		box_commit(&b);
		box_verify(&b);
	}
	assert_int_equal(rounds, 3);
	box_begin(&b);
	assert_false(ledger_partial(b.t, 0, &found, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	box_end(&b);
	v = box_verify(&b);
	assert_true(v.partials == 0 && v.chunks == 1);
	box_remove(&b);
}

/* Abandoning what was accepted, or never begun, changes nothing. */
static void
abandoned_wrongly(void **state)
{
	uint32_t before = 0, after = 0;
	bool more = true;
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 2 * CHUNK_MOST, 1, true);
	box_commit(&b);
	yes(&b, box_digest(b.store, &before, &b.e));
	box_begin(&b);
	yes(&b, ledger_abandon(b.t, id, 10, &more, &b.e));
	assert_false(more);
	yes(&b, ledger_abandon(b.t, id + ID_WRITERS, 10, &more, &b.e));
	assert_false(more);
	box_commit(&b);
	yes(&b, box_digest(b.store, &after, &b.e));
	assert_int_equal(before, after);
	box_remove(&b);
}

static void
accepted_in_pieces(void **state)
{
	const unsigned char *p;
	struct box b;
	uint64_t id, found;
	size_t n;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 2 * CHUNK_MOST + 5, 1, true);
	assert_false(ledger_partial(b.t, 0, &found, &b.e));
	yes(&b, ledger_body(b.t, id, 2, &p, &n, &b.e));
	assert_int_equal(n, 5);
	assert_false(ledger_body(b.t, id, 3, &p, &n, &b.e));
	assert_int_equal(b.e.kind, ERR_DAMAGED);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

static void
an_empty_body(void **state)
{
	const unsigned char *p;
	struct box b;
	uint64_t id;
	size_t n = 1;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 0, 1, false);
	yes(&b, ledger_body(b.t, id, 0, &p, &n, &b.e));
	assert_int_equal(n, 0);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

/* The lane gives its rows by time, and the next of equals by id. */
static void
lane_order(void **state)
{
	struct ledger_due from = {.due_us = INT64_MIN}, d;
	uint64_t id[4];
	struct box b;
	bool gone;

	(void)state;
	box_make(&b);
	box_begin(&b);
	for (int i = 0; i < 4; i++)
		id[i] = box_accept(&b, 10, 1, false);
	box_claim(&b, id[0], 0); /* goes to the end: an hour later */
	box_settle(&b, id[0], 0, VERDICT_DEFER, &gone);
	for (int i = 1; i < 5; i++) {
		yes(&b, ledger_first(b.t, LANE_DEFAULT, &from, &d, &b.e));
		assert_true(d.id == id[i % 4]);
		from = d;
		from.rcpt++;
	}
	assert_false(ledger_first(b.t, LANE_DEFAULT, &from, &d, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	from = (struct ledger_due){.due_us = INT64_MIN};
	assert_false(ledger_first(b.t, LANE_DEFAULT + 1, &from, &d, &b.e));
	assert_false(ledger_claimed(b.t, &from, &d, &b.e));
	box_claim(&b, id[2], 0);
	box_claim(&b, id[1], 0);
	yes(&b, ledger_claimed(b.t, &from, &d, &b.e));
	assert_true(d.id == id[1]);
	d.rcpt++;
	yes(&b, ledger_claimed(b.t, &d, &d, &b.e));
	assert_true(d.id == id[2]);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(outcomes),
	    cmocka_unit_test(doubled_outcomes),
	    cmocka_unit_test(orders),
	    cmocka_unit_test(orders_for_nobody),
	    cmocka_unit_test(last_recipient),
	    cmocka_unit_test(what_is_settled_is_told),
	    cmocka_unit_test(abandoned),
	    cmocka_unit_test(abandoned_wrongly),
	    cmocka_unit_test(accepted_in_pieces),
	    cmocka_unit_test(an_empty_body),
	    cmocka_unit_test(lane_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
