/* Texts from mail: what is malformed is replaced, what moves a terminal is
 * told. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "admin/utf8.h"

#define FFFD "\xef\xbf\xbd"

static const struct {
	const char *name;
	const char *in;
	const char *out;
	bool tame;
} cases[] = {
    {"nothing", "", "", true},
    {"ASCII", "plain ~", "plain ~", true},
    {"two, three, four octets", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x93\xa7",
     "\xc3\xbc\xe2\x82\xac\xf0\x9f\x93\xa7", true},
    {"Latin-1", "caf\xe9", "caf" FFFD, true},
    {"cut short at the end", "x\xe2\x82", "x" FFFD FFFD, true},
    {"cut short in the middle", "\xe2\x82x", FFFD FFFD "x", true},
    {"a continuation alone", "\x80", FFFD, true},
    {"overlong slash", "\xc0\xaf", FFFD FFFD, true},
    {"overlong in three", "\xe0\x80\xaf", FFFD FFFD FFFD, true},
    {"a surrogate", "\xed\xa0\x80", FFFD FFFD FFFD, true},
    {"above U+10FFFF", "\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD, true},
    {"five octets", "\xf8\x88\x80\x80\x80", FFFD FFFD FFFD FFFD FFFD, true},
    {"an escape", "\033[31m", "\033[31m", false},
    {"a line end", "a\nb", "a\nb", false},
    {"DEL", "\x7f", "\x7f", false},
    {"CSI as C1",
     "\xc2\x9b"
     "31m",
     "\xc2\x9b"
     "31m",
     false},
    {"right to left override", "\xe2\x80\xae", "\xe2\x80\xae", false},
    {"isolate", "\xe2\x81\xa6", "\xe2\x81\xa6", false},
    {"line separator", "\xe2\x80\xa8", "\xe2\x80\xa8", false},
    {"no-break space is harmless", "\xc2\xa0", "\xc2\xa0", true},
};

static void
test_repair(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(cases); i++) {
		struct bytes b = {0};
		bool tame = utf8_repair(&b, cases[i].in, strlen(cases[i].in));

		if (b.n != strlen(cases[i].out) ||
		    (b.n > 0 && memcmp(b.data, cases[i].out, b.n) != 0) ||
		    tame != cases[i].tame)
			fail_msg("%s: %.*s, %d", cases[i].name, (int)b.n,
				 (const char *)b.data, tame);
		bytes_free(&b);
	}
}

/* What came out of a repair needs none. */
static void
test_twice_is_once(void **state)
{
	uint32_t seed = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char in[16];
		struct bytes a = {0}, b = {0};
		bool tame;

		for (size_t i = 0; i < sizeof in; i++) {
			seed = seed * 1664525 + 1013904223;
			in[i] = (char)(seed >> 24);
		}
		tame = utf8_repair(&a, in, sizeof in);
		assert_int_equal(utf8_repair(&b, (const char *)a.data, a.n),
				 tame);
		assert_int_equal(a.n, b.n);
		assert_memory_equal(a.data, b.data, a.n);
		bytes_free(&a);
		bytes_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_repair),
	    cmocka_unit_test(test_twice_is_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
