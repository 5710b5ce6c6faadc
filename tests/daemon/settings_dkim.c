#include "tests/daemon/expect.h"

#include <stdlib.h>

#include "daemon/settings_dkim.h"

#define KEY           "key = \"file:/k.pem\" "
#define A             KEY "selector = a "
#define DKIM(keys)    GOOD "dkim example.com { " keys " }\n"
#define TWO(one, two) DKIM(one) "dkim x { domain = example.com " two " }\n"

static void
wrong_keys(void **state)
{
	static const struct row table[] = {
	    {"no selector", DKIM(KEY),
	     "f:6: dkim example.com needs selector\n"},
	    {"no key", DKIM("selector = a"),
	     "f:6: dkim example.com needs key\n"},
	    {"a key that is no reference", DKIM("selector = a key = abc"),
	     "f:6: key is no reference: write file:/PATH, cred:NAME or "
	     "env:NAME; "
	     "the secret itself never stands here\n"},
	    {"a title that is no domain", GOOD "dkim new { " A "}\n",
	     "f:6: dkim new: 'new' is not a domain; give domain\n"},
	    {"a domain that is none", DKIM(A "domain = \"a..b\""),
	     "f:6: dkim example.com: 'a..b' is not a domain\n"},
	    {"a selector that is none", DKIM(KEY "selector = \"a b\""),
	     "f:6: selector: 'a b' is not a name as mtq2026a\n"},
	    {"a selector that ends in a dot", DKIM(KEY "selector = \"a.\""),
	     "f:6: selector: 'a.' is not a name as mtq2026a\n"},
	    {"a day that there is not", DKIM(A "from = 2026-02-29"),
	     "f:6: from: '2026-02-29' is not a day as 2026-12-01\n"},
	    {"a day in another form", DKIM(A "until = 1.12.2026"),
	     "f:6: until: '1.12.2026' is not a day as 2026-12-01\n"},
	    {"an end before the beginning",
	     DKIM(A "from = 2026-12-02 until = 2026-12-02"),
	     "f:6: until: 2026-12-02 is not after from, 2026-12-02\n"},
	    {"a selector twice", TWO(A, KEY "selector = A"),
	     "f:7: selector: A of example.com is that of the dkim "
	     "example.com of f:6\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
good_keys(void **state)
{
	(void)state;
	expect("one", DKIM(A), "", true);
	expect("digits alone", DKIM(KEY "selector = 2026"), "", true);
	expect("a leap day", DKIM(A "from = 2028-02-29"), "", true);
	expect(
	    "one after the other",
	    TWO(A "until = 2026-12-01", KEY "selector = b from = 2026-12-01"),
	    "", true);
	expect("one that ends", DKIM(A "until = 2026-12-01"),
	       "f:6: warning: until: from 2026-12-01 on no key signs mail of "
	       "example.com\n",
	       true);
	expect(
	    "a gap",
	    TWO(A "until = 2026-12-01", KEY "selector = b from = 2026-12-02"),
	    "f:6: warning: until: from 2026-12-01 on no key signs mail of "
	    "example.com\n",
	    true);
}

static void
too_many(void **state)
{
	struct bytes text = {0};

	(void)state;
	bytes_add(&text, GOOD, strlen(GOOD));
	for (unsigned i = 0; i <= SETTINGS_DKIMS; i++)
		bytes_printf(&text, "dkim d%u.test { " A "}\n", i);
	bytes_u8(&text, '\0');
	expect("1001", (char *)text.data,
	       "f: 1001 dkim blocks; there may be 1000\n", false);
	bytes_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(wrong_keys),
					   cmocka_unit_test(good_keys),
					   cmocka_unit_test(too_many)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
