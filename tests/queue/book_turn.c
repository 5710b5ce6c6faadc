#include "tests/queue/desk.h"

/* The minute that was gets its rows. */
static void
next_minute(struct desk *d)
{
	d->now_us += MINUTE_US;
	begin(d);
	yes(&d->box, book_prune(d->b, d->box.t, 9, d->now_us, &d->box.e));
	commit(d);
}

static void
settled(struct desk *d, uint64_t job)
{
	begin(d);
	charge(d, job, 1, 50);
	settle(d, job, BOOK_TAKEN);
	commit(d);
}

static void
used(struct desk *d, uint64_t n)
{
	struct bytes report = {0};
	uint64_t wrong;

	assert_int_equal(book_use(d->b, QUOTA_R)->used[MASS], n);
	box_read(&d->box);
	yes(&d->box,
	    book_audit(d->box.t, d->s, d->now_us, &report, &wrong, &d->box.e));
	box_end(&d->box);
	assert_int_equal(wrong, 0);
	bytes_free(&report);
}

/* A row of `spent` is written once; until then its places are in the counter,
 * for us, for who opens the book next, and for the audit. */
static void
minutes(void **state)
{
	struct desk d;

	(void)state;
	desk_open(&d, HEAD TYPES QUOTAS OUT);
	for (uint64_t job = 1; job <= 3; job++)
		settled(&d, job);
	assert_int_equal(rows(&d, STORE_SPENT), 0);
	used(&d, 3);
	desk_reopen(&d, HEAD TYPES QUOTAS OUT);
	used(&d, 3);
	settled(&d, 4);
	assert_int_equal(rows(&d, STORE_SPENT), 0);
	d.now_us += MINUTE_US; /* the next one brings them */
	settled(&d, 5);
	assert_int_equal(rows(&d, STORE_SPENT), 3);
	used(&d, 5);
	d.now_us -= MINUTE_US; /* a clock set back as well */
	settled(&d, 6);
	assert_int_equal(rows(&d, STORE_SPENT), 6);
	used(&d, 6);
	next_minute(&d);
	assert_int_equal(rows(&d, STORE_SPENT), 6);
	used(&d, 6);
	/* A commit that failed leaves them where they were. */
	d.now_us += MINUTE_US;
	settled(&d, 7);
	d.now_us += MINUTE_US;
	begin(&d);
	charge(&d, 8, 1, 50);
	settle(&d, 8, BOOK_TAKEN);
	yes(&d.box, book_flush(d.b, d.box.t, d.now_us, &d.box.e));
	box_end(&d.box);
	book_undo(d.b);
	used(&d, 7);
	assert_int_equal(rows(&d, STORE_SPENT), 6);
	next_minute(&d);
	assert_int_equal(rows(&d, STORE_SPENT), 9);
	used(&d, 7);
	/* Another window: the sum is made anew, of rows and counter. */
	settled(&d, 9);
	d.now_us += DAY_US;
	desk_reopen(&d, HEAD TYPES QUOTAS OUT);
	assert_int_equal(book_use(d.b, QUOTA_R)->used[MASS], 0);
	d.now_us -= DAY_US;
	begin(&d);
	assert_int_equal(book_use(d.b, QUOTA_R)->used[MASS], 8);
	commit(&d);
	used(&d, 8);
	desk_close(&d);
}

/* Nothing in the window, nothing under way: rows go after 35 days, but not when
 * the clock has only just jumped there. */
static void
pruning(void **state)
{
	struct desk d;

	(void)state;
	desk_open(&d, HEAD TYPES QUOTAS OUT);
	begin(&d);
	charge(&d, 1, 1, 50);
	settle(&d, 1, BOOK_TAKEN);
	commit(&d);
	next_minute(&d);
	assert_int_equal(rows(&d, STORE_SPENT), 3);
	d.now_us += 34 * DAY_US;
	desk_reopen(&d, HEAD TYPES QUOTAS OUT);
	for (unsigned hour = 0; hour <= 48; hour++) {
		begin(&d);
		yes(&d.box, book_prune(d.b, d.box.t, 2, d.now_us, &d.box.e));
		commit(&d);
		assert_int_equal(rows(&d, STORE_SPENT), hour < 24    ? 3
							: hour == 24 ? 1
								     : 0);
		d.now_us += HOUR_US;
	}
	begin(&d);
	charge(&d, 2, 1, 50);
	settle(&d, 2, BOOK_TAKEN);
	commit(&d);
	next_minute(&d);
	d.now_us += 400 * DAY_US; /* a jump: nothing is thrown away for it */
	begin(&d);
	yes(&d.box, book_prune(d.b, d.box.t, 9, d.now_us, &d.box.e));
	commit(&d);
	assert_int_equal(rows(&d, STORE_SPENT), 3);
	d.now_us -= 400 * DAY_US;
	begin(&d);
	assert_int_equal(book_use(d.b, QUOTA_R)->used[MASS], 1);
	commit(&d);
	/* A quota that is gone leaves nothing behind. */
	d.now_us += 40 * DAY_US;
	desk_reopen(&d, HEAD TYPES "relay out { host = mail.example }\n");
	for (unsigned hour = 0; hour < 12; hour++, d.now_us += HOUR_US) {
		begin(&d);
		yes(&d.box, book_prune(d.b, d.box.t, 9, d.now_us, &d.box.e));
		commit(&d);
	}
	assert_int_equal(rows(&d, STORE_SPENT), 0);
	assert_int_equal(rows(&d, STORE_COUNTER), 0);
	desk_close(&d);
}

/* A clock set back finds the old window as it was, and knows that it must look;
 * set forth again, the new one. */
static void
clock_jumps(void **state)
{
	static const int64_t jumps_us[] = {DAY_US, -DAY_US, DAY_US, 5 * DAY_US,
					   -6 * DAY_US};
	static const uint64_t free[] = {100, 90, 100, 100, 90};
	struct desk d;

	(void)state;
	desk_open(&d, HEAD TYPES QUOTAS OUT);
	begin(&d);
	charge(&d, 1, 10, 50);
	for (unsigned i = 0; i < 10; i++)
		settle(&d, 1, BOOK_TAKEN);
	commit(&d);
	for (size_t i = 0; i < countof(jumps_us); i++) {
		assert_true(book_next_us(d.b, d.now_us) > d.now_us);
		d.now_us += jumps_us[i];
		assert_true(book_next_us(d.b, d.now_us) == d.now_us);
		begin(&d);
		assert_int_equal(
		    book_room(d.b, RELAY_OUT, MASS, 1, 100, d.now_us), free[i]);
		commit(&d);
	}
	desk_close(&d);
}

/* Mail under way when the day turns takes its places with it. */
static void
midnight(void **state)
{
	struct desk d;

	(void)state;
	desk_open(&d,
		  HEAD TYPES "quota r { limit = 100 }\n"
			     "relay out { host = mail.example quota = r }\n");
	begin(&d);
	charge(&d, 1, 60, 50);
	charge(&d, 2, 40, 50);
	for (unsigned i = 0; i < 60; i++)
		settle(&d, 1, BOOK_TAKEN);
	commit(&d);
	assert_int_equal(book_room(d.b, 0, MASS, 1, 100, d.now_us), 0);
	d.now_us = book_next_us(d.b, d.now_us);
	begin(&d);
	assert_int_equal(book_room(d.b, 0, MASS, 1, 100, d.now_us), 60);
	for (unsigned i = 0; i < 40; i++)
		settle(&d, 2, i % 2 ? BOOK_TAKEN : BOOK_BACK);
	commit(&d);
	assert_int_equal(book_room(d.b, 0, MASS, 1, 100, d.now_us), 80);
	desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(minutes),
	    cmocka_unit_test(pruning),
	    cmocka_unit_test(clock_jumps),
	    cmocka_unit_test(midnight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
