/* Each lie about the book is found, by mtq quota audit and by mtq verify. */
#include "tests/queue/desk.h"

#include "queue/ledger_row.h"

enum { JOB = 77 };

/* A claimed recipient of a message, on JOB, whose charge is there too; and one
 * place that is used. */
static void
furnish(struct desk *d)
{
	struct recipient_record r, claimed;
	uint64_t id;

	desk_open(d, HEAD TYPES QUOTAS OUT);
	begin(d);
	id = box_accept(&d->box, 100, 1, false);
	box_claim(&d->box, id, 0);
	yes(&d->box, ledger_recipient(d->box.t, id, 0, &r, &d->box.e));
	claimed = r;
	claimed.job = JOB;
	yes(&d->box, row_move(d->box.t, id, 0, &r, &claimed, &d->box.e));
	charge(d, JOB, 1, 100);
	charge(d, JOB + 1, 1, 100);
	settle(d, JOB + 1, BOOK_TAKEN);
	yes(&d->box, book_override(d->b, d->box.t, "r", NULL, 50, 0, "root",
				   "because", d->now_us, &d->box.e));
	book_set_gate(d->b, RELAY_OUT, &(struct gate){.paused = true});
	commit(d);
	box_verify(&d->box);
	d->now_us += MINUTE_US; /* what was used gets its rows */
	begin(d);
	yes(&d->box, book_prune(d->b, d->box.t, 9, d->now_us, &d->box.e));
	commit(d);
	box_verify(&d->box);
}

enum lie {
	NONE,
	CHARGE_GONE,
	CHARGE_OF_TWO,
	CHARGE_CLOSED,
	SPENT_GONE,
	SPENT_MORE,
	SPENT_IN_ANOTHER_WINDOW,
	COUNTER_GONE,
	COUNTER_USED,
	COUNTER_IN_FLIGHT,
	COUNTER_OF_NOBODY,
	RECENT_MORE,
	RECENT_IN_ANOTHER_WINDOW,
	RECENT_BENT,
	GATE_BENT,
	OVERRIDE_BENT,
	SPENT_KEY,
};

static void
put(struct desk *d, enum store_db db, const void *k, size_t nk, struct bytes *b)
{
	yes(&d->box, txn_put(d->box.t, db, k, nk, b->data, b->n, &d->box.e));
	bytes_free(b);
}

static void
tell_charge(struct desk *d, enum lie lie)
{
	struct bytes b = {0};
	struct charge_record c;
	unsigned char k[KEY_JOB];
	const void *v;
	size_t n;

	put_be64(k, JOB);
	if (lie == CHARGE_GONE) {
		yes(&d->box,
		    txn_del(d->box.t, STORE_CHARGE, k, sizeof k, &d->box.e));
		return;
	}
	yes(&d->box,
	    txn_get(d->box.t, STORE_CHARGE, k, sizeof k, &v, &n, &d->box.e));
	yes(&d->box, charge_open(v, n, &c, &d->box.e));
	c.open = lie == CHARGE_CLOSED ? 0 : 2;
	charge_seal(&b, &c);
	put(d, STORE_CHARGE, k, sizeof k, &b);
}

static void
tell_spent(struct desk *d, enum lie lie)
{
	struct spent_key key = {.quota = text_of("m"),
				.type = text_of("mass"),
				.relay = text_of("out"),
				.minute_us = book_window(d->b, 0).to_us};
	struct bytes b = {0};
	unsigned char k[BOOK_KEY];
	size_t n;

	if (lie != SPENT_IN_ANOTHER_WINDOW)
		key.minute_us = d->now_us - d->now_us % MINUTE_US - MINUTE_US;
	n = spent_key(k, &key);
	if (lie == SPENT_GONE) {
		yes(&d->box, txn_del(d->box.t, STORE_SPENT, k, n, &d->box.e));
		return;
	}
	if (lie == SPENT_KEY)
		k[n - 1] = '\0';
	spent_seal(&b, &(struct spent_record){2});
	put(d, STORE_SPENT, k, n, &b);
}

static void
tell_counter(struct desk *d, enum lie lie)
{
	struct counter_record c = {
	    .from_us = (uint64_t)book_window(d->b, 0).from_us,
	    .to_us = (uint64_t)book_window(d->b, 0).to_us};
	struct counted one = {text_of("mass"), 1, 1};
	struct recent last = {d->now_us - d->now_us % MINUTE_US,
			      text_of("mass"), text_of("out"), 1};
	struct bytes b = {0}, types = {0}, recent = {0};

	if (lie == COUNTER_GONE) {
		yes(&d->box,
		    txn_del(d->box.t, STORE_COUNTER, "m", 1, &d->box.e));
		return;
	}
	one.used += lie == COUNTER_USED;
	one.in_flight -= lie == COUNTER_IN_FLIGHT;
	counted_add(&types, &one);
	c.types = (struct text){(char *)types.data, types.n};
	if (lie == RECENT_IN_ANOTHER_WINDOW)
		last.minute_us = book_window(d->b, 0).to_us;
	if (lie == RECENT_BENT)
		last.minute_us++;
	if (lie >= RECENT_MORE)
		recent_add(&recent, &last);
	c.recent = (struct text){(char *)recent.data, recent.n};
	counter_seal(&b, &c);
	put(d, STORE_COUNTER, lie == COUNTER_OF_NOBODY ? "x" : "m", 1, &b);
	bytes_free(&types);
	bytes_free(&recent);
}

static void
bend(struct desk *d, enum store_db db, const void *k, size_t nk)
{
	struct bytes b = {0};
	const void *v;
	size_t n;

	yes(&d->box, txn_get(d->box.t, db, k, nk, &v, &n, &d->box.e));
	bytes_add(&b, v, n);
	b.data[n - 1] ^= 1;
	put(d, db, k, nk, &b);
}

static void
tell(struct desk *d, enum lie lie)
{
	switch (lie) {
	case NONE:
		return;
	case CHARGE_GONE:
	case CHARGE_OF_TWO:
	case CHARGE_CLOSED:
		tell_charge(d, lie);
		return;
	case SPENT_GONE:
	case SPENT_MORE:
	case SPENT_IN_ANOTHER_WINDOW:
	case SPENT_KEY:
		tell_spent(d, lie);
		return;
	case COUNTER_GONE:
	case COUNTER_USED:
	case COUNTER_IN_FLIGHT:
	case COUNTER_OF_NOBODY:
	case RECENT_MORE:
	case RECENT_IN_ANOTHER_WINDOW:
	case RECENT_BENT:
		tell_counter(d, lie);
		return;
	case GATE_BENT:
		bend(d, STORE_GATE, "out", 3);
		return;
	case OVERRIDE_BENT:
		bend(d, STORE_OVERRIDE, "r\0", 2);
		return;
	}
}

static void
lies(void **state)
{
	static const struct {
		enum lie lie;
		uint64_t differences;
		const char *says; /* NULL: the audit itself fails */
	} rows[] = {
	    {NONE, 0, ""},
	    {CHARGE_GONE, 3,
	     "quota r, mass: the counter says 1 in flight, "
	     "the charges have 0\n"},
	    {CHARGE_OF_TWO, 3,
	     "job 77: of 1 recipients 2 are open and 0 "
	     "taken\n"},
	    {CHARGE_CLOSED, 5,
	     "job 77: of 1 recipients 0 are open and 0 "
	     "taken\n"},
	    {SPENT_GONE, 1,
	     "quota m, mass: the counter says 1 used, the "
	     "ledger has 0\n"},
	    {SPENT_MORE, 1,
	     "quota m, mass: the counter says 1 used, the "
	     "ledger has 2\n"},
	    {SPENT_IN_ANOTHER_WINDOW, 0, ""},
	    {COUNTER_GONE, 2,
	     "quota m, without a counter: the counter says 0 "
	     "used, the ledger has 1\n"},
	    {COUNTER_USED, 1,
	     "quota m, mass: the counter says 2 used, the "
	     "ledger has 1\n"},
	    {COUNTER_IN_FLIGHT, 1,
	     "quota m, mass: the counter says 0 in "
	     "flight, the charges have 1\n"},
	    {COUNTER_OF_NOBODY, 2,
	     "quota x, mass: the counter says 1 used, "
	     "the ledger has 0\n"},
	    {RECENT_MORE, 1,
	     "quota m, mass: the counter says 1 used, the "
	     "ledger has 2\n"},
	    {RECENT_IN_ANOTHER_WINDOW, 0, ""},
	    {RECENT_BENT, 0, NULL},
	    {GATE_BENT, 0, NULL},
	    {OVERRIDE_BENT, 0, NULL},
	    {SPENT_KEY, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct bytes report = {0};
		struct verify_report v;
		uint64_t n = 0;
		struct desk d;
		bool ok;

		furnish(&d);
		box_begin(&d.box);
		tell(&d, rows[i].lie);
		box_commit(&d.box);
		box_read(&d.box);
		ok = book_audit(d.box.t, d.s, d.now_us, &report, &n, &d.box.e);
		box_end(&d.box);
		bytes_u8(&report, 0);
		if (ok != (rows[i].says != NULL) || n != rows[i].differences)
			fail_msg("lie %d: %d, %d differences\n%s",
				 (int)rows[i].lie, ok, (int)n,
				 (char *)report.data);
		if (!ok)
			assert_int_equal(d.box.e.kind, ERR_DAMAGED);
		else if (strstr((char *)report.data, rows[i].says) == NULL)
			fail_msg("lie %d:\n%s", (int)rows[i].lie,
				 (char *)report.data);
		assert_int_equal(
		    verify_store(d.box.store, &v, NULL, NULL, &d.box.e),
		    ok && n == 0);
		if (!ok || n > 0)
			assert_int_equal(d.box.e.kind, ERR_DAMAGED);
		bytes_free(&report);
		desk_close(&d);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
