/* Answers' octets: names we could connect to, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/dns.h"

static void
names(void **state)
{
	static const struct {
		const char *name;
		const char *wire;
		size_t n;
		const char *text; /* NULL: refused */
	} row[] = {
	    {"two labels", "\2mx\7example\0", 12, "mx.example"},
	    {"the root", "\0", 1, ""},
	    {"nothing at all", "", 0, NULL},
	    {"no end", "\2mx", 3, NULL},
	    {"a label past the end", "\5mx\0", 4, NULL},
	    {"a compression pointer", "\300\14", 2, NULL},
	    {"octets after the end", "\2mx\0x", 5, NULL},
	    {"a dot in a label", "\3a.b\0", 5, NULL},
	    {"a blank in a label", "\3a b\0", 5, NULL},
	    {"a NUL in a label", "\3a\0b\0", 5, NULL},
	    {"an underscore", "\4_tcp\0", 6, "_tcp"},
	};
	char out[DNS_NAME_TEXT];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		bool ok =
		    dns_name((const unsigned char *)row[i].wire, row[i].n, out);

		if (ok != (row[i].text != NULL) ||
		    (ok && strcmp(out, row[i].text) != 0))
			fail_msg("%s: %s", row[i].name, ok ? out : "refused");
	}
}

static void
mail_exchangers(void **state)
{
	struct dns_mx mx[3] = {{.preference = 20, .host = "c"},
			       {.preference = 10, .host = "b"},
			       {.preference = 10, .host = "a"}};
	struct dns_mx one;

	(void)state;
	assert_true(dns_mx((const unsigned char *)"\1\0\2mx\0", 6, &one));
	assert_int_equal(one.preference, 256);
	assert_string_equal(one.host, "mx");
	assert_false(dns_mx((const unsigned char *)"\0\1", 2, &one));
	for (uint64_t salt = 0; salt < 50; salt++) {
		dns_mx_sort(mx, 3, salt);
		assert_int_equal(mx[0].preference, 10);
		assert_int_equal(mx[1].preference, 10);
		assert_string_equal(mx[2].host, "c");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(names),
					   cmocka_unit_test(mail_exchangers)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
