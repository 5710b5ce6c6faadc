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
		destination_began(&d, a);
	}
	assert_false(destination_room(&d, a, 3));
	assert_true(destination_room(&d, b, 3));
	d.failing[a] = true;
	destination_ended(&d, a);
	assert_false(destination_room(&d, a, 3));
	destination_ended(&d, a);
	destination_ended(&d, a);
	assert_true(destination_room(&d, a, 3)); /* one finds out */
	destination_began(&d, a);
	assert_false(destination_room(&d, a, 3));
	d.failing[a] = false;
	assert_true(destination_room(&d, a, 3));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(domains),
					   cmocka_unit_test(room)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
