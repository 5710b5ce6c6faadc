#include "tests/queue/desk.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pruning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
