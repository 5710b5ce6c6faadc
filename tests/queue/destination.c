#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "queue/destination.h"

/* What stands behind the last @, in one spelling. */
static void
domains(void **state)
{
	static const struct {
		const char *what, *address, *domain;
	} row[] = {
	    {"a plain one", "reader@example.net", "example.net"},
	    {"capitals", "Reader@EXAMPLE.Net", "example.net"},
	    {"an @ in quotes", "\"a@b\"@example.net", "example.net"},
	    {"an IPv4 literal keeps its brackets", "a@[192.0.2.1]",
	     "[192.0.2.1]"},
	    {"an IPv6 literal", "a@[IPv6:2001:DB8::1]", "[ipv6:2001:db8::1]"},
	    {"letters beyond ASCII stay", "a@b\xc3\x84.example",
	     "b\xc3\x84.example"},
	    {"no domain", "postmaster", ""},
	    {"nothing", "", ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		char out[ADDRESS_DOMAIN_MOST + 1];

		destination_of(text_of(row[i].address), out);
		if (strcmp(out, row[i].domain) != 0)
			fail_msg("%s: %s", row[i].what, out);
	}
}

static void
room(void **state)
{
	static struct destinations d;
	uint16_t a = destination_place(0, "example.net");
	uint16_t b = destination_place(1, "example.net");

	(void)state;
	assert_int_not_equal(a, b); /* each relay counts apart */
	for (unsigned i = 0; i < 3; i++) {
		assert_true(destination_room(&d, a, 3));
		destination_began(&d, a, 1, NULL, 0);
	}
	assert_false(destination_room(&d, a, 3));
	assert_true(destination_room(&d, b, 3));
	d.failing[a] = true;
	destination_ended(&d, a);
	assert_false(destination_room(&d, a, 3));
	destination_ended(&d, a);
	destination_ended(&d, a);
	assert_true(destination_room(&d, a, 3)); /* one finds out */
	destination_began(&d, a, 1, NULL, 0);
	assert_false(destination_room(&d, a, 3));
	d.failing[a] = false;
	assert_true(destination_room(&d, a, 3));
}

/* So many a window, evenly: what one job takes too much the next ones wait. */
static void
pace(void **state)
{
	static struct destinations d;
	const struct rate rate = {10, SECOND_US}, none = {0, 0};
	uint16_t a = destination_place(0, "example.net");

	(void)state;
	destination_began(&d, a, 1, &rate, 5000);
	assert_int_equal(d.paced_us[a], 5000 + SECOND_US / 10);
	destination_began(&d, a, 3, &rate, 6000);
	assert_int_equal(d.paced_us[a], 5000 + 4 * SECOND_US / 10);
	destination_began(&d, a, 1, &rate, 9 * SECOND_US); /* long after */
	assert_int_equal(d.paced_us[a], 9 * SECOND_US + SECOND_US / 10);
	destination_began(&d, a, 1, &none, 10 * SECOND_US);
	assert_int_equal(d.paced_us[a], 9 * SECOND_US + SECOND_US / 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(domains),
					   cmocka_unit_test(room),
					   cmocka_unit_test(pace)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
