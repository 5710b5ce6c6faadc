#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "queue/crowd.h"

enum { MANY = 5000 };

static void
key_of(const char *text, unsigned char key[CROWD_KEY])
{
	unsigned char addr[16];

	assert_int_equal(inet_pton(AF_INET6, text, addr), 1);
	crowd_key(addr, key);
}

/* Who counts as the same client. */
static void
one_address_or_two(void **state)
{
	static const struct {
		const char *name, *a, *b;
		bool same;
	} row[] = {
	    {"the same IPv4", "::ffff:192.0.2.1", "::ffff:192.0.2.1", true},
	    {"neighbours in IPv4", "::ffff:192.0.2.1", "::ffff:192.0.2.2",
	     false},
	    {"one /64", "2001:db8::1", "2001:db8::ffff:1", true},
	    {"two /64", "2001:db8:0:1::1", "2001:db8:0:2::1", false},
	    {"IPv4 and the zero /64", "::ffff:192.0.2.1", "::1", false},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		unsigned char a[CROWD_KEY], b[CROWD_KEY];

		key_of(row[i].a, a);
		key_of(row[i].b, b);
		if ((memcmp(a, b, CROWD_KEY) == 0) != row[i].same)
			fail_msg("%s", row[i].name);
	}
}

/* More addresses than places: each keeps its own count, and all can leave. */
static void
everybody_is_counted(void **state)
{
	static struct crowd c = {.salt = UINT64_C(0x5eed)};
	unsigned char key[CROWD_KEY] = {0};

	(void)state;
	for (int round = 0; round < 2; round++)
		for (unsigned i = 0; i < MANY; i++) {
			memcpy(key, &i, sizeof i);
			assert_int_equal(crowd_count(&c, key), round);
			crowd_enter(&c, key);
		}
	for (int left = 1; left >= 0; left--)
		for (unsigned i = 0; i < MANY; i++) {
			memcpy(key, &i, sizeof i);
			crowd_leave(&c, key);
			assert_int_equal(crowd_count(&c, key), left);
		}
	for (size_t i = 0; i < CROWD_PLACES; i++)
		assert_null(c.place[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_address_or_two),
	    cmocka_unit_test(everybody_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
