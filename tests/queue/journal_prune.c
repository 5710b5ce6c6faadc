/* The oldest entries go; who reads keeps them a while. */
#include "tests/queue/journal_box.h"

enum { DAY = 10 };

/* One entry an hour for ten days. */
static uint64_t
ten_days(struct box *b)
{
	uint64_t first = 0, n;

	box_begin(b);
	for (int i = 0; i < DAY * 24; i++) {
		n = add_at(b, BOX_NOW + i * HOUR_US);
		if (first == 0)
			first = n;
	}
	box_commit(b);
	return first;
}

static void
prune_by_age(void **state)
{
	struct journal_entry x;
	uint64_t first;
	struct box b;
	bool more;

	(void)state;
	box_make(&b);
	first = ten_days(&b);
	box_begin(&b);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP - 1, 100, &more), 0);
	assert_false(more);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP, 100, &more), 1);
	assert_false(more);
	assert_int_equal(txn_state(b.t)->entry_removed, first);
	assert_false(journal_get(b.t, first, &x, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP + 9 * HOUR_US, 5, &more),
	    5);
	assert_true(more);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP + 9 * HOUR_US, 5, &more),
	    4);
	assert_false(more);
	box_commit(&b);
	box_verify(&b);
	box_begin(&b);
	assert_int_equal(prune(&b, KEEP, UINT64_MAX, INT64_MAX, 1000, &more),
			 230);
	assert_false(more);
	assert_int_equal(prune(&b, KEEP, 0, INT64_MAX, 1000, &more), 0);
	assert_int_equal(txn_state(b.t)->entry_bytes, 0);
	add_at(&b, BOX_NOW); /* the numbers go on */
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

static void
prune_by_size(void **state)
{
	uint64_t bytes;
	struct box b;
	bool more;

	(void)state;
	box_make(&b);
	ten_days(&b);
	box_begin(&b);
	bytes = txn_state(b.t)->entry_bytes;
	assert_int_equal(prune(&b, KEEP, bytes, BOX_NOW, 100, &more), 0);
	assert_int_equal(prune(&b, KEEP, bytes - 1, BOX_NOW, 100, &more), 1);
	assert_int_equal(prune(&b, KEEP, bytes / 2, BOX_NOW, 100, &more), 100);
	assert_true(more);
	assert_int_equal(prune(&b, KEEP, bytes / 2, BOX_NOW, 100, &more), 19);
	assert_false(more);
	assert_true(txn_state(b.t)->entry_bytes <= bytes / 2);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

/* The row of history goes with the entry that it names, not before. */
static void
prune_history(void **state)
{
	struct journal_entry x;
	uint64_t last, n;
	struct box b;
	bool more;

	(void)state;
	box_make(&b);
	box_begin(&b);
	last = chain(&b, 8, 3, 3);
	x = entry_of(JOURNAL_RETURNED, 8, 3);
	x.previous = last;
	x.at_us += (uint64_t)HOUR_US;
	last = add(&b, &x);
	yes(&b, journal_ended(b.t, 8, 3, last, &b.e));
	chain(&b, 12, 0, 2);
	box_commit(&b);
	box_begin(&b);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP, 100, &more), 3);
	yes(&b, journal_history(b.t, 8, 3, &n, &b.e));
	assert_int_equal(n, last);
	box_commit(&b);
	box_verify(&b); /* the chain ends before what is there */
	box_begin(&b);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP + HOUR_US, 1, &more), 1);
	assert_false(journal_history(b.t, 8, 3, &n, &b.e));
	yes(&b, journal_history(b.t, 12, 0, &n, &b.e));
	box_commit(&b);
	box_verify(&b);
	box_begin(&b);
	/* Of an entry that is forgotten already nothing is kept. */
	yes(&b, journal_ended(b.t, 8, 3, last, &b.e));
	assert_false(journal_history(b.t, 8, 3, &n, &b.e));
	assert_int_equal(prune(&b, 0, 0, INT64_MAX, 9, &more), 2);
	assert_int_equal(txn_state(b.t)->entry_bytes, 0);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

static bool
ack(struct box *b, const char *name, uint64_t number)
{
	bool done;

	yes(b, journal_ack(b->t, text_of(name), number, "ro\not", BOX_NOW,
			   &done, &b->e));
	return done;
}

/* What it has not acknowledged outlives `keep`, not the size; and the gap
 * shows. */
static void
prune_with_readers(void **state)
{
	int64_t late = BOX_NOW + 2 * KEEP;
	struct reader_record r;
	uint64_t first, bytes;
	struct box b;
	bool more;

	(void)state;
	box_make(&b);
	first = ten_days(&b);
	box_begin(&b);
	bytes = txn_state(b.t)->entry_bytes;
	assert_true(ack(&b, "slow", first));
	assert_true(ack(&b, "fast", txn_state(b.t)->last_entry));
	assert_int_equal(prune(&b, KEEP, bytes, late, 1000, &more), 1);
	assert_false(more);
	assert_true(txn_state(b.t)->entry_removed <= first);
	assert_int_equal(prune(&b, KEEP, bytes / 2, late, 1000, &more), 119);
	yes(&b, journal_reader(b.t, text_of("slow"), &r, &b.e));
	assert_true(txn_state(b.t)->entry_removed > r.entry); /* it lost some */
	assert_int_equal(prune(&b, KEEP, bytes, late, 1000, &more), 0);
	assert_true(ack(&b, "slow", 0));
	assert_int_equal(prune(&b, KEEP, bytes, late, 1000, &more), 120);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

/* Who begins before there is anything loses nothing unknowingly. */
static void
prune_with_a_new_reader(void **state)
{
	const int64_t late = BOX_NOW + 2 * KEEP;
	struct reader_record r;
	uint64_t bytes;
	struct box b;
	bool more;

	(void)state;
	box_make(&b);
	box_begin(&b);
	assert_true(ack(&b, "new", JOURNAL_BEFORE_ALL));
	box_commit(&b);
	box_verify(&b);
	ten_days(&b);
	box_begin(&b);
	assert_false(ack(&b, "other", JOURNAL_BEFORE_ALL + 1));
	bytes = txn_state(b.t)->entry_bytes;
	assert_int_equal(prune(&b, KEEP, bytes, late, 1000, &more), 0);
	assert_true(ack(&b, "new", txn_state(b.t)->last_entry));
	assert_true(ack(&b, "new", JOURNAL_BEFORE_ALL)); /* it stays there */
	yes(&b, journal_reader(b.t, text_of("new"), &r, &b.e));
	assert_int_equal(r.entry, txn_state(b.t)->last_entry);
	assert_true(prune(&b, KEEP, bytes, late, 1000, &more) > 0);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

static void
readers(void **state)
{
	static const struct {
		const char *name, *reader;
		bool valid;
	} rows[] = {
	    {"a letter", "a", true},
	    {"all kinds", "crm-EU_2.x", true},
	    {"64",
	     "a234567890123456789012345678901234567890123456789012345678"
	     "901234",
	     true},
	    {"65",
	     "a234567890123456789012345678901234567890123456789012345678"
	     "9012345",
	     false},
	    {"none", "", false},
	    {"a blank", "a b", false},
	    {"a line end", "a\n", false},
	    {"a slash", "../a", false},
	    {"UTF-8", "\xc3\xa4", false},
	};
	struct text name = {.p = "", .n = 0};
	struct reader_record r;
	uint64_t one, two;
	unsigned n = 0;
	struct box b;

	(void)state;
	box_make(&b);
	box_begin(&b);
	one = add_at(&b, BOX_NOW);
	two = add_at(&b, BOX_NOW + 9);
	for (size_t i = 0; i < countof(rows); i++) {
		print_message("%s\n", rows[i].name);
		assert_int_equal(journal_reader_valid(text_of(rows[i].reader)),
				 rows[i].valid);
		assert_int_equal(ack(&b, rows[i].reader, one), rows[i].valid);
		if (rows[i].valid)
			assert_true(ack(&b, rows[i].reader, 0));
		assert_false(ack(&b, rows[i].reader, 0)); /* nobody there */
	}
	assert_false(ack(&b, "a", one + 4)); /* between the two */
	assert_false(ack(&b, "a", two + 4)); /* not yet */
	assert_false(ack(&b, "a", one - 1)); /* a message's */
	assert_false(ack(&b, "a", UINT64_MAX));
	assert_true(ack(&b, "a", two));
	assert_true(ack(&b, "a", one)); /* said again, out of order */
	yes(&b, journal_reader(b.t, text_of("a"), &r, &b.e));
	assert_int_equal(r.entry, two);
	assert_int_equal(r.at_us, BOX_NOW);
	assert_true(text_is(r.who, "ro?ot"));
	for (unsigned i = 1; i < JOURNAL_READERS_MOST; i++) {
		char s[8];

		snprintf(s, sizeof s, "b%u", i);
		assert_true(ack(&b, s, one));
	}
	assert_false(ack(&b, "c", one));
	assert_true(ack(&b, "b3", two)); /* who is there goes on */
	while (journal_reader_next(b.t, name, &name, &r, &b.e)) {
		assert_true(name.p[0] == "ab"[n > 0]);
		n++;
	}
	assert_int_equal(b.e.kind, ERR_NONE);
	assert_int_equal(n, JOURNAL_READERS_MOST);
	assert_true(ack(&b, "a", 0));
	assert_true(ack(&b, "c", one));
	assert_false(journal_reader(b.t, text_of("a"), &r, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(prune_by_age),
	    cmocka_unit_test(prune_by_size),
	    cmocka_unit_test(prune_history),
	    cmocka_unit_test(prune_with_readers),
	    cmocka_unit_test(prune_with_a_new_reader),
	    cmocka_unit_test(readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
