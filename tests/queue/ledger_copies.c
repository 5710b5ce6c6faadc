/* Copies for archives: they go when nothing else can change, not before. */
#include "tests/queue/box.h"

/* One step: what becomes of the recipient with this number. */
static void
carry_out(struct box *b, uint64_t id, char what, uint32_t rcpt)
{
	enum ledger_order order = LEDGER_HOLD;
	enum ledger_answer a;
	uint32_t changed;
	bool gone;

	switch (what) {
	case 's':
	case 'f':
	case 'l': /* put off until later */
		box_claim(b, id, rcpt);
		assert_int_equal(box_settle(b, id, rcpt,
					    what == 's'   ? VERDICT_SENT
					    : what == 'f' ? VERDICT_FAIL
							  : VERDICT_DEFER,
					    &gone),
				 LEDGER_DONE);
		return;
	case 'c':
		box_claim(b, id, rcpt);
		return;
	case 'h':
		break;
	case 'd':
		order = LEDGER_DROP;
		break;
	default:
		fail();
	}
	yes(b, ledger_order(b->t, id, rcpt, order, "root", BOX_NOW, &a,
			    &changed, &gone, &b->e));
}

static void
the_end_of_the_others(void **state)
{
	static const struct {
		const char *name, *script; /* letter, recipient; ... */
		uint32_t nrcpt;            /* and two copies behind them */
		bool parked;
	} row[] = {
	    {"nothing has happened", "", 1, true},
	    {"it is with a worker", "c0", 1, true},
	    {"delivered", "s0", 1, false},
	    {"failed, and kept to be looked at", "f0", 1, false},
	    {"dropped", "d0", 1, false},
	    {"put off", "l0", 1, true},
	    {"held", "h0", 1, true},
	    {"one of two delivered", "s0", 2, true},
	    {"the second one first", "s1", 2, true},
	    {"both", "s0s1", 2, false},
	    {"both, from behind", "s1s0", 2, false},
	    {"one delivered, one failed", "s0f1", 2, false},
	    {"one failed, one held", "f0h1", 2, true},
	    {"three, the middle one last", "f0s2d1", 3, false},
	    {"three, the middle one with a worker", "f0s2c1", 3, true},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct recipient_record r;
		struct box b;
		uint64_t id;

		print_message("%s\n", row[i].name);
		box_make(&b);
		b.copies = 2;
		box_begin(&b);
		id = box_accept(&b, 100, row[i].nrcpt + 2, false);
		for (const char *p = row[i].script; *p != '\0'; p += 2)
			carry_out(&b, id, p[0], (uint32_t)(p[1] - '0'));
		for (uint32_t k = 0; k < 2; k++) {
			yes(&b, ledger_recipient(b.t, id, row[i].nrcpt + k, &r,
						 &b.e));
			assert_int_equal(r.state, row[i].parked
						      ? RECIPIENT_PARKED
						      : RECIPIENT_WAITING);
		}
		assert_int_equal(txn_state(b.t)->parked, row[i].parked ? 2 : 0);
		box_commit(&b);
		box_verify(&b);
		box_remove(&b);
	}
}

/* The body stays until the last copy has gone, then nothing does. */
static void
the_last_copy(void **state)
{
	struct verify_report v;
	struct box b;
	uint64_t id;
	bool gone;

	(void)state;
	box_make(&b);
	b.copies = 1;
	box_begin(&b);
	id = box_accept(&b, CHUNK_MOST + 1, 2, false);
	carry_out(&b, id, 's', 0);
	assert_true(txn_state(b.t)->body_bytes == CHUNK_MOST + 1);
	carry_out(&b, id, 'l', 1);
	box_claim(&b, id, 1);
	assert_int_equal(box_settle(&b, id, 1, VERDICT_SENT, &gone),
			 LEDGER_DONE);
	assert_true(gone);
	box_commit(&b);
	v = box_verify(&b);
	assert_true(v.messages == 0 && v.chunks == 0 && v.due_rows == 0);
	box_remove(&b);
}

/* Whoever holds, releases, retries or drops a message means its recipients. */
static void
orders(void **state)
{
	static const enum ledger_order order[] = {LEDGER_HOLD, LEDGER_RELEASE,
						  LEDGER_RETRY};

	(void)state;
	for (size_t i = 0; i < countof(order); i++) {
		struct recipient_record r;
		enum ledger_answer a;
		uint32_t changed;
		struct box b;
		uint64_t id;
		bool gone;

		box_make(&b);
		b.copies = 1;
		box_begin(&b);
		id = box_accept(&b, 100, 2, false);
		yes(&b, ledger_order(b.t, id, UINT32_MAX, order[i], "root",
				     BOX_NOW, &a, &changed, &gone, &b.e));
		yes(&b, ledger_recipient(b.t, id, 1, &r, &b.e));
		assert_int_equal(r.state, RECIPIENT_PARKED);
		yes(&b, ledger_order(b.t, id, UINT32_MAX, LEDGER_DROP, "root",
				     BOX_NOW, &a, &changed, &gone, &b.e));
		assert_int_equal(a, LEDGER_DONE);
		assert_false(gone);
		yes(&b, ledger_recipient(b.t, id, 1, &r, &b.e));
		assert_int_equal(r.state, RECIPIENT_WAITING);
		box_commit(&b);
		box_verify(&b);
		box_remove(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(the_end_of_the_others),
	    cmocka_unit_test(the_last_copy),
	    cmocka_unit_test(orders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
