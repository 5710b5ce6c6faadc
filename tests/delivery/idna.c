/* Names beyond ASCII as DNS and certificates have them (RFC 5890), and what is
 * none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/idna.h"

#define U10                                                                    \
	"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc"     \
	"\xc3\xbc\xc3\xbc"
#define A50 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
names(void **state)
{
	static const struct {
		const char *what, *name, *ascii; /* NULL: refused */
	} row[] = {
	    {"ASCII passes", "a.example", "a.example"},
	    {"ASCII in capitals too", "A.Example", "A.Example"},
	    {"an A-label passes", "xn--mnchen-3ya.example",
	     "xn--mnchen-3ya.example"},
	    {"a literal passes", "[IPv6:2001:db8::1]", "[IPv6:2001:db8::1]"},
	    {"nothing passes", "", ""},
	    {"an umlaut", "m\xc3\xbcnchen.example", "xn--mnchen-3ya.example"},
	    {"in capitals", "M\xc3\x9cNCHEN.Example", "xn--mnchen-3ya.example"},
	    {"decomposed", "mu\xcc\x88nchen.example", "xn--mnchen-3ya.example"},
	    {"sharp s is a letter of its own", "fa\xc3\x9f.example",
	     "xn--fa-hia.example"},
	    {"each label by itself", "a.\xc3\xbc.b.\xc3\xa4.example",
	     "a.xn--tda.b.xn--4ca.example"},
	    {"a full stop of another script",
	     "m\xc3\xbcnchen\xe3\x80\x82"
	     "example",
	     "xn--mnchen-3ya.example"},
	    {"Chinese", "\xe4\xbe\x8b\xe5\xad\x90.\xe6\xb5\x8b\xe8\xaf\x95",
	     "xn--fsqu00a.xn--0zwm56d"},
	    {"Arabic", "\xd9\x85\xd8\xab\xd8\xa7\xd9\x84.example",
	     "xn--mgbh0fb.example"},
	    {"not UTF-8", "m\xfcnchen.example", NULL},
	    {"cut short", "m\xc3", NULL},
	    {"overlong", "m\xc1\xa1.example", NULL},
	    {"an empty label", "m\xc3\xbcnchen..example", NULL},
	    {"a dot in front", ".m\xc3\xbcnchen.example", NULL},
	    {"a dot at the end", "m\xc3\xbcnchen.example.", NULL},
	    {"a space", "m\xc3\xbcnchen a.example", NULL},
	    {"an underscore", "_m\xc3\xbc.example", NULL},
	    {"a hyphen in front", "-a.m\xc3\xbcnchen.example", NULL},
	    {"a hyphen at the end", "a-.m\xc3\xbcnchen.example", NULL},
	    {"an emoji", "\xf0\x9f\x92\xa9.example", NULL},
	    {"a full-width slash",
	     "a\xef\xbc\x8f"
	     "b.example",
	     NULL},
	    {"an @ in full width",
	     "a\xef\xbc\xa0"
	     "b.example",
	     NULL},
	    {"a sign for \"a/c\"", "b\xe2\x84\x80.example", NULL},
	    {"a zero-width non-joiner",
	     "a\xe2\x80\x8c"
	     "\xc3\xbc.example",
	     NULL},
	    {"a zero-width space is nothing",
	     "a\xe2\x80\x8b"
	     "\xc3\xbc.example",
	     "xn--a-eha.example"},
	    {"right to left amid left to right", "a\xd9\x85.example", NULL},
	    {"a label of more than 63 octets", U10 U10 U10 A50 ".example",
	     NULL},
	    {"more than 253 octets",
	     "\xc3\xbc." A50 "." A50 "." A50 "." A50 "." A50, NULL},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		char out[256] = "untouched";
		bool ok = idna_ascii(row[i].name, out, sizeof out);

		if (ok != (row[i].ascii != NULL) ||
		    strcmp(out, ok ? row[i].ascii : "untouched") != 0)
			fail_msg("%s: %d %s", row[i].what, ok, out);
	}
}

/* Exactly as much room as it needs, and one octet less. */
static void
rooms(void **state)
{
	char out[32];

	(void)state;
	assert_true(idna_ascii("a.example", out, 10));
	assert_false(idna_ascii("a.example", out, 9));
	assert_true(idna_ascii("\xc3\xbc.example", out, 16));
	assert_string_equal(out, "xn--tda.example");
	assert_false(idna_ascii("\xc3\xbc.example", out, 15));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names),
					   cmocka_unit_test(rooms)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
