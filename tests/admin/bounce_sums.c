/* Failures summed up by name: each counted once, bounded, cleaned. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "admin/bounce_sums.h"

static struct journal_entry
failed(enum journal_kind kind, const char *address, unsigned category)
{
	return (struct journal_entry){.kind = (uint8_t)kind,
				      .category = (uint8_t)category,
				      .at_us = 1000,
				      .address = text_of(address),
				      .relay = text_of("corp"),
				      .type = text_of("mass"),
				      .status = text_of("5.1.1"),
				      .reply = text_of("550 no")};
}

static void
add(struct bounce_sums *s, enum bounce_by by, struct journal_entry x)
{
	bounce_sums_add(s, by, &x);
}

static void
by_domain(void **state)
{
	struct bounce_sums s = {.n = 0};
	struct journal_entry x;

	(void)state;
	add(&s, BOUNCE_BY_DOMAIN,
	    failed(JOURNAL_BOUNCED, "a@x.test", CATEGORY_BAD_ADDRESS));
	add(&s, BOUNCE_BY_DOMAIN,
	    failed(JOURNAL_EXPIRED, "b@Y.test", CATEGORY_EXPIRED));
	add(&s, BOUNCE_BY_DOMAIN,
	    failed(JOURNAL_RETURNED, "\"a@z\"@y.TEST", CATEGORY_BAD_ADDRESS));
	x = failed(JOURNAL_COMPLAINT, "c@y.test", CATEGORY_OTHER);
	x.at_us = 2000;
	x.reply = text_of("\x1b[31mred");
	bounce_sums_add(&s, BOUNCE_BY_DOMAIN, &x);
	/* older words are not the last ones */
	x = failed(JOURNAL_BOUNCED, "d@y.test", CATEGORY_BAD_ADDRESS);
	bounce_sums_add(&s, BOUNCE_BY_DOMAIN, &x);
	bounce_sums_sort(&s);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.at[0]->name, "y.test");
	assert_int_equal(s.at[0]->failures, 4);
	assert_int_equal(s.at[0]->bounced, 1);
	assert_int_equal(s.at[0]->expired, 1);
	assert_int_equal(s.at[0]->returned, 1);
	assert_int_equal(s.at[0]->complaints, 1);
	assert_int_equal(s.at[0]->category[CATEGORY_BAD_ADDRESS], 2);
	assert_int_equal(s.at[0]->last_us, 2000);
	assert_string_equal(s.at[0]->words, "?[31mred");
	assert_string_equal(s.at[1]->name, "x.test");
	assert_int_equal(s.at[1]->failures, 1);
	bounce_sums_free(&s);
}

static void
by_other_things(void **state)
{
	static const struct {
		enum bounce_by by;
		const char *name;
	} rows[] = {{BOUNCE_BY_CATEGORY, "mailbox-full"},
		    {BOUNCE_BY_RELAY, "corp"},
		    {BOUNCE_BY_TYPE, "mass"}};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct bounce_sums s = {.n = 0};

		add(&s, rows[i].by,
		    failed(JOURNAL_BOUNCED, "a@x.test", CATEGORY_MAILBOX_FULL));
		assert_int_equal(s.n, 1);
		assert_string_equal(s.at[0]->name, rows[i].name);
		bounce_sums_free(&s);
	}
}

/* A mailing to more domains than we keep apart. */
static void
too_many_names(void **state)
{
	struct bounce_sums s = {.n = 0};
	char address[40];

	(void)state;
	for (unsigned i = 0; i < SUMS_MOST + 1000; i++) {
		snprintf(address, sizeof address, "a@d%u.test", i);
		add(&s, BOUNCE_BY_DOMAIN,
		    failed(JOURNAL_BOUNCED, address, CATEGORY_BLOCKED));
	}
	bounce_sums_sort(&s);
	assert_int_equal(s.n, SUMS_MOST + 1);
	assert_string_equal(s.at[0]->name, "");
	assert_int_equal(s.at[0]->failures, 1000);
	bounce_sums_free(&s);
}

static void
what_is_a_failure(void **state)
{
	unsigned n = 0;

	(void)state;
	for (int k = 0; k < JOURNAL_KIND_COUNT; k++)
		n += bounce_is_one((enum journal_kind)k);
	assert_int_equal(n, 4);
	assert_int_equal(bounce_domain(text_of("no domain")).n, 0);
	assert_int_equal(bounce_domain(text_of("")).n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(by_domain),
	    cmocka_unit_test(by_other_things),
	    cmocka_unit_test(too_many_names),
	    cmocka_unit_test(what_is_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
