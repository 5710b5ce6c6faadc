/* What a name in a certificate stands for (RFC 6125 6.4). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/hostname.h"

static void
matching(void **state)
{
	static const struct {
		const char *name;
		const char *pattern; /* in the certificate; n 0: strlen */
		size_t n;
		const char *host; /* what we meant */
		bool match;
	} row[] = {
	    {"the same", "mx.a.example", 0, "mx.a.example", true},
	    {"in capitals", "MX.a.Example", 0, "mx.A.example", true},
	    {"we say a final dot", "mx.a.example", 0, "mx.a.example.", true},
	    {"it says a final dot", "mx.a.example.", 0, "mx.a.example", false},
	    {"we say two", "mx.a.example", 0, "mx.a.example..", false},
	    {"another host", "my.a.example", 0, "mx.a.example", false},
	    {"a longer one", "mx.a.example.net", 0, "mx.a.example", false},
	    {"a shorter one", "a.example", 0, "mx.a.example", false},
	    {"one label", "localhost", 0, "localhost", true},
	    {"wildcard", "*.a.example", 0, "mx.a.example", true},
	    {"wildcard, capitals", "*.A.EXAMPLE", 0, "mx.a.example", true},
	    {"wildcard, our final dot", "*.a.example", 0, "mx.a.example.",
	     true},
	    {"wildcard is one label", "*.a.example", 0, "b.mx.a.example",
	     false},
	    {"wildcard is not no label", "*.a.example", 0, "a.example", false},
	    {"wildcard is not an empty one", "*.a.example", 0, ".a.example",
	     false},
	    {"of a top-level domain", "*.example", 0, "a.example", false},
	    {"of everything", "*", 0, "example", false},
	    {"of everything, with a dot", "*.", 0, "example.", false},
	    {"in the middle", "mx.*.example", 0, "mx.a.example", false},
	    {"two of them", "*.*.example", 0, "mx.a.example", false},
	    {"a part of a label", "m*.a.example", 0, "mx.a.example", false},
	    {"a part, the end", "*x.a.example", 0, "mx.a.example", false},
	    {"we say a wildcard", "*.a.example", 0, "*.a.example", false},
	    {"NUL in it", "mx.a.example\0.evil.example", 26, "mx.a.example",
	     false},
	    {"NUL at its end", "mx.a.example\0", 13, "mx.a.example", false},
	    {"NUL below a wildcard", "*.a.example\0.b", 14, "mx.a.example",
	     false},
	    {"a blank", "mx.a.example ", 0, "mx.a.example", false},
	    {"8 bits", "m\xc3\xbc.a.example", 0, "m\xc3\xbc.a.example", false},
	    {"A-labels", "xn--mnchen-3ya.example", 0, "xn--mnchen-3ya.example",
	     true},
	    {"underscore", "_mx.a.example", 0, "_mx.a.example", true},
	    {"empty", "", 0, "", false},
	    {"a dot", ".", 0, ".", false},
	    {"empty label", "a..example", 0, "a..example", false},
	    {"an address is no name", "192.0.2.1", 0, "192.0.2.1", false},
	    {"nor below a wildcard", "*.0.2.1", 0, "192.0.2.1", false},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		size_t n = row[i].n > 0 ? row[i].n : strlen(row[i].pattern);

		if (hostname_match(row[i].pattern, n, row[i].host) !=
		    row[i].match)
			fail_msg("%s", row[i].name);
	}
}

static void
addresses(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		const char *text;
	} row[] = {
	    {"192.0.2.1", 4, "192.0.2.1"},
	    {"[192.0.2.1]", 4, "192.0.2.1"},
	    {"2001:DB8::1", 16, "2001:db8::1"},
	    {"[2001:db8:0::1]", 16, "2001:db8::1"},
	    {"mx.example", 0, ""},
	    {"", 0, ""},
	    {"[]", 0, ""},
	    {"[", 0, ""},
	    {"192.0.2", 0, ""},
	    {"192.0.2.1.", 0, ""},
	    {"192.0.2.256", 0, ""},
	    {"fe80::1%lo", 0, ""},
	    {"1111111111111111111111111111111111111111111111111111111111111111"
	     "1111111111111111",
	     0, ""},
	};
	unsigned char out[16];
	char text[64];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		size_t n = hostname_address(row[i].name, out);

		if (n != row[i].n)
			fail_msg("%s", row[i].name);
		if (hostname_print(out, n, text, sizeof text) != (n > 0) ||
		    (n > 0 && strcmp(text, row[i].text) != 0))
			fail_msg("%s: printed %s", row[i].name, text);
	}
	assert_false(hostname_print("12345", 5, text, sizeof text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(matching),
					   cmocka_unit_test(addresses)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
