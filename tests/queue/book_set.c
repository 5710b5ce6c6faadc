#include "tests/queue/desk.h"

static void
run_time_changes(void **state)
{
	struct override o;
	struct desk d;
	bool changed;

	(void)state;
	desk_open(&d, HEAD TYPES QUOTAS OUT);
	begin(&d);
	assert_false(book_override(d.b, d.box.t, "none", NULL, 1, 0, "", "",
				   d.now_us, &d.box.e));
	assert_int_equal(d.box.e.kind, ERR_NONE);
	assert_false(book_override(d.b, d.box.t, "r", "none", 1, 0, "", "",
				   d.now_us, &d.box.e));
	assert_int_equal(d.box.e.kind, ERR_NONE);
	assert_false(book_unset(d.b, d.box.t, "r", NULL, &d.box.e));
	yes(&d.box, book_override(d.b, d.box.t, "r", NULL, 5,
				  d.now_us + HOUR_US, "root\x1b[31m",
				  "the provider\nasked", d.now_us, &d.box.e));
	yes(&d.box, book_override(d.b, d.box.t, "r", "mass", 3, 0, "root", "",
				  d.now_us, &d.box.e));
	commit(&d);
	desk_reopen(&d, HEAD TYPES QUOTAS OUT);
	assert_int_equal(book_overrides(d.b), 2);
	o = book_override_at(d.b, 0);
	assert_string_equal(o.quota, "r");
	assert_string_equal(o.type, "");
	assert_int_equal(o.limit, 5);
	assert_int_equal(o.set_us, BOX_NOW);
	assert_null(strpbrk(o.who, "\x1b\n"));
	assert_null(strpbrk(o.why, "\x1b\n"));
	assert_true(book_terms(d.b, QUOTA_R)->limit_set);
	assert_int_equal(book_room(d.b, RELAY_OUT, MASS, 1, 50, d.now_us), 3);
	assert_int_equal(book_room(d.b, RELAY_OUT, WORKFLOW, 1, 50, d.now_us),
			 5);
	assert_int_equal(book_next_us(d.b, d.now_us), d.now_us + HOUR_US);
	d.now_us += HOUR_US;
	box_begin(&d.box);
	yes(&d.box, book_turn(d.b, d.box.t, d.now_us, &changed, &d.box.e));
	assert_true(changed);
	assert_int_equal(book_overrides(d.b), 1);
	assert_int_equal(book_room(d.b, RELAY_OUT, WORKFLOW, 1, 50, d.now_us),
			 50);
	commit(&d);
	assert_int_equal(rows(&d, STORE_OVERRIDE), 1);
	begin(&d);
	yes(&d.box, book_unset(d.b, d.box.t, "r", "mass", &d.box.e));
	commit(&d);
	assert_int_equal(rows(&d, STORE_OVERRIDE), 0);
	desk_close(&d);
}

/* Why a relay is shut survives a restart, and an abort takes it back. */
static void
gates(void **state)
{
	struct gate g = {.paused = true, .paused_us = BOX_NOW};
	struct desk d;

	(void)state;
	desk_open(&d, HEAD TYPES QUOTAS OUT SPARE);
	assert_false(book_gate(d.b, RELAY_SPARE)->paused);
	begin(&d);
	snprintf(g.paused_why, sizeof g.paused_why, "maintenance");
	book_set_gate(d.b, RELAY_SPARE, &g);
	assert_true(book_gate(d.b, RELAY_SPARE)->paused);
	commit(&d);
	begin(&d);
	book_set_gate(d.b, RELAY_SPARE, &(struct gate){0});
	box_end(&d.box);
	book_undo(d.b);
	assert_true(book_gate(d.b, RELAY_SPARE)->paused);
	desk_reopen(&d, HEAD TYPES QUOTAS OUT SPARE);
	assert_memory_equal(book_gate(d.b, RELAY_SPARE), &g, sizeof g);
	assert_false(book_gate(d.b, RELAY_OUT)->paused);
	desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(run_time_changes),
	    cmocka_unit_test(gates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
