/* The journal in pages: everything once, in order, while it grows and goes; who
 * reads it and how far. */
#include "tests/queue/box.h"

#include "admin/entries.h"
#include "admin/readers.h"

static uint64_t
add(struct box *b, enum journal_kind kind, const char *name)
{
	struct journal_entry x = {.kind = (uint8_t)kind,
				  .at_us = (uint64_t)BOX_NOW,
				  .relay = text_of(name)};
	uint64_t n = 0;

	yes(b, journal_add(b->t, &x, &n, &b->e));
	return n;
}

static void
add_some(struct box *b, unsigned n)
{
	box_begin(b);
	for (unsigned i = 0; i < n; i++)
		add(b, i % 3 == 0 ? JOURNAL_QUOTA : JOURNAL_RELAY, "corp");
	box_commit(b);
}

static bool
is_quota(const void *arg, const struct journal_entry *x)
{
	(void)arg;
	return x->kind == JOURNAL_QUOTA;
}

/* All that comes now; each larger than the one before. */
static unsigned
read_on(struct box *b, struct entries *r)
{
	unsigned n = 0;

	do {
		yes(b, entries_page(r, &b->e));
		assert_true(r->n <= ENTRIES_PAGE);
		for (size_t i = 0; i < r->n; i++) {
			assert_true(text_is(r->entry[i].x.relay, "corp"));
			assert_true(r->entry[i].number <= r->at);
			assert_true(i == 0 || r->entry[i].number >
						  r->entry[i - 1].number);
		}
		n += (unsigned)r->n;
	} while (!r->ended);
	return n;
}

static void
each_once_also_what_comes_later(void **state)
{
	struct box b;
	struct entries r, some;

	(void)state;
	box_make(&b);
	r = (struct entries){.store = b.store};
	some = (struct entries){.store = b.store, .wanted = is_quota};
	assert_int_equal(read_on(&b, &r), 0);
	add_some(&b, 3 * ENTRIES_PAGE + 7);
	assert_int_equal(read_on(&b, &r), 3 * ENTRIES_PAGE + 7);
	assert_int_equal(read_on(&b, &r), 0);
	add_some(&b, ENTRIES_LOOK + 1);
	assert_int_equal(read_on(&b, &r), ENTRIES_LOOK + 1);
	assert_int_equal(r.at, r.last);
	assert_int_equal(read_on(&b, &some), (3 * ENTRIES_PAGE + 7 + 2) / 3 +
						 (ENTRIES_LOOK + 1 + 2) / 3);
	entries_done(&r);
	entries_done(&some);
	box_remove(&b);
}

/* What went is said by `removed`; it is behind a place that is smaller. */
static void
what_went_is_known(void **state)
{
	struct box b;
	struct entries r;
	uint64_t first;
	bool more;

	(void)state;
	box_make(&b);
	r = (struct entries){.store = b.store};
	add_some(&b, 10);
	yes(&b, entries_page(&r, &b.e));
	assert_int_equal(r.removed, 0);
	first = r.entry[0].number;
	box_begin(&b);
	yes(&b, journal_prune(b.t, MINUTE_US, UINT64_MAX, BOX_NOW + HOUR_US, 4,
			      &more, &b.e));
	box_commit(&b);
	r.at = first;
	yes(&b, entries_page(&r, &b.e));
	assert_true(r.removed > first && r.n == 6);
	assert_true(r.entry[0].number > r.removed);
	entries_done(&r);
	box_remove(&b);
}

static void
acknowledge(struct box *b, const char *name, uint64_t number)
{
	bool done;

	box_begin(b);
	yes(b, journal_ack(b->t, text_of(name), number, "uid 0", BOX_NOW, &done,
			   &b->e));
	assert_true(done);
	box_commit(b);
}

static void
readers_and_how_far(void **state)
{
	struct readers r;
	uint64_t n[5];
	struct box b;

	(void)state;
	box_make(&b);
	yes(&b, readers_read(b.store, true, &r, &b.e));
	assert_int_equal(r.n, 0);
	box_begin(&b);
	for (size_t i = 0; i < countof(n); i++)
		n[i] = add(&b, JOURNAL_RELAY, "corp");
	box_commit(&b);
	acknowledge(&b, "slow", n[0]);
	acknowledge(&b, "crm", n[4]);
	yes(&b, readers_read(b.store, true, &r, &b.e));
	assert_int_equal(r.n, 2);
	assert_string_equal(r.reader[0].name, "crm");
	assert_string_equal(r.reader[0].who, "uid 0");
	assert_int_equal(r.reader[0].behind, 0);
	assert_int_equal(r.reader[0].next_us, 0);
	assert_true(r.reader[0].counted && !r.reader[0].lost);
	assert_int_equal(r.reader[1].entry, n[0]);
	assert_int_equal(r.reader[1].behind, 4);
	assert_int_equal(r.reader[1].next_us, BOX_NOW);
	/* Without counting each. */
	yes(&b, readers_read(b.store, false, &r, &b.e));
	assert_int_equal(r.reader[1].behind, 0);
	assert_int_equal(r.reader[1].next_us, BOX_NOW);
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(each_once_also_what_comes_later),
	    cmocka_unit_test(what_went_is_known),
	    cmocka_unit_test(readers_and_how_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
