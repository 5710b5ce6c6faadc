/* HMAC-SHA-256, by the test cases of RFC 4231. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "daemon/mac.h"

enum { OCTETS_MOST = 160 };

/* Hexadecimal digits, or what follows ' as it stands. */
static struct text
octets(const char *s, unsigned char out[OCTETS_MOST])
{
	size_t n = 0;

	if (s[0] == '\'')
		return text_of(s + 1);
	for (; s[0] != '\0'; s += 2, n++) {
		unsigned v;

		assert_true(n < OCTETS_MOST);
		assert_int_equal(sscanf(s, "%2x", &v), 1);
		out[n] = (unsigned char)v;
	}
	return (struct text){(const char *)out, n};
}

#define AA5  "aaaaaaaaaa"
#define AA20 AA5 AA5 AA5 AA5
#define DD10 "dddddddddddddddddddd"
#define CD10 "cdcdcdcdcdcdcdcdcdcd"

static void
known_answers(void **state)
{
	static const struct {
		const char *name, *key, *what, *mac;
	} row[] = {
	    {"4.2, a short key", "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
	     "'Hi There",
	     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff"
	     "7"},
	    {"4.3, a key shorter than the digest", "'Jefe",
	     "'what do ya want for nothing?",
	     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384"
	     "3"},
	    {"4.4, key and data longer than a block", AA20,
	     DD10 DD10 DD10 DD10 DD10,
	     "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565f"
	     "e"},
	    {"4.5, key and data longer than a block",
	     "0102030405060708090a0b0c0d0e0f10111213141516171819",
	     CD10 CD10 CD10 CD10 CD10,
	     "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665"
	     "b"},
	    {"4.7, a key longer than a block",
	     AA20 AA20 AA20 AA20 AA20 AA20 AA5 AA5 "aa",
	     "'Test Using Larger Than Block-Size Key - Hash Key First",
	     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f5"
	     "4"},
	    {"4.8, both longer than a block",
	     AA20 AA20 AA20 AA20 AA20 AA20 AA5 AA5 "aa",
	     "'This is a test using a larger than block-size key and a larger "
	     "than block-size data. The key needs to be hashed before being "
	     "used by the HMAC algorithm.",
	     "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e"
	     "2"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		unsigned char key[OCTETS_MOST], what[OCTETS_MOST];
		unsigned char want[OCTETS_MOST], mac[MAC_SIZE];

		mac_make(octets(row[i].key, key), octets(row[i].what, what),
			 mac);
		assert_int_equal(octets(row[i].mac, want).n, MAC_SIZE);
		if (memcmp(mac, want, MAC_SIZE) != 0)
			fail_msg("%s", row[i].name);
	}
}

static void
equal_to_the_last_octet(void **state)
{
	unsigned char a[MAC_SIZE] = {1, 2, 3}, b[MAC_SIZE];

	(void)state;
	memcpy(b, a, sizeof a);
	assert_true(mac_equal(a, b, sizeof a));
	for (size_t i = 0; i < sizeof a; i++) {
		b[i] ^= 0x80;
		assert_false(mac_equal(a, b, sizeof a));
		assert_true(mac_equal(a, b, i));
		b[i] = a[i];
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_answers),
	    cmocka_unit_test(equal_to_the_last_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
