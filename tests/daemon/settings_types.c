#include "tests/daemon/expect.h"

#include "daemon/settings_types.h"

#define RULE(keys) GOOD "classify { priority = 1 " keys " }\n"
#define TYPES      GOOD "type individual { }\ntype mass { }\n" /* 7 lines */

static void
wrong_types(void **state)
{
	static const struct row table[] = {
	    {"a retry that is not there", GOOD "type mass { retry = slow }\n",
	     "f:6: retry: there is no retry slow\n"},
	    {"17 types",
	     GOOD "type a {} type b {} type c {} type d {} type e {}\n"
		  "type f {} type g {} type h {} type i {} type j {}\n"
		  "type k {} type l {} type m {} type n {} type o {}\n"
		  "type p {} type q {}\n",
	     "f: 17 types; there may be 16\n"},
	    {"neither type nor by_header", RULE(""),
	     "f:6: classify needs type or by_header\n"},
	    {"both", RULE("type = mass by_header = X-Type"),
	     "f:6: by_header: the rule has a type already; leave one of them "
	     "out\n"},
	    {"no priority", GOOD "classify { type = mass }\n",
	     "f:6: classify needs priority\n"},
	    {"two of a priority",
	     RULE("type = mass header { A = b }") "classify { priority = 1 "
						  "type = mass }\n",
	     "f:7: priority: 1 is taken by the classify of f:6\n"},
	    {"a type that is not there", RULE("type = bulk"),
	     "f:6: type: there is no type bulk\n"},
	    {"letter case of a type", RULE("type = Mass"),
	     "f:6: type: there is no type Mass\n"},
	    {"map without by_header", RULE("type = mass map { a = mass }"),
	     "f:6: map: only used with by_header\n"},
	    {"a type of map that is not there",
	     RULE("by_header = X-Type map { a = mass b = bulk }"),
	     "f:6: map: there is no type bulk\n"},
	    {"a list in map", RULE("by_header = X map { a = [mass, mass] }"),
	     "f:6: map: a: takes one type, not a list\n"},
	    {"a map without its block", RULE("by_header = X map = mass"),
	     "f:6: map: write map { VALUE = TYPE }; the rest is for the next "
	     "rule\n"},
	    {"a value of map twice",
	     RULE("by_header = X map { News = mass news = workflow }"),
	     "f:6: map: news is there twice: letter case does not count\n"},
	    {"a header without its block", RULE("type = mass header = X"),
	     "f:6: header: '*' is not the name of a header field\n"},
	    {"a field with a blank", RULE("type = mass header { \"A b\" = c }"),
	     "f:6: header: 'A b' is not the name of a header field\n"},
	    {"a field with a colon", RULE("by_header = \"X-Type:\""),
	     "f:6: by_header: 'X-Type:' is not the name of a header field\n"},
	    {"an empty list of values", RULE("type = mass header { A = [] }"),
	     "f:6: header: A: the list is empty\n"},
	    {"a source that is not there", RULE("type = mass source = zoho"),
	     "f:6: source: there is no source zoho\n"},
	    {"an account where there are none",
	     RULE("type = mass auth_user = [\"unix:root\", joe]"),
	     "f:6: auth_user: nobody can be joe: there are no accounts\n"},
	    {"a listener that is not there",
	     RULE("type = mass listener = [in, out]"),
	     "f:6: listener: there is no listen out\n"},
	    {"senders",
	     RULE("type = mass sender = [a.b, *.c.d, x@y.z, *, a@, "
		  "@b.c, a@*.b, .c]"),
	     "f:6: sender: '*' is not an address, a domain or *.domain\n"
	     "f:6: sender: 'a@' is not an address, a domain or *.domain\n"
	     "f:6: sender: '@b.c' is not an address, a domain or *.domain\n"
	     "f:6: sender: 'a@*.b' is not an address, a domain or *.domain\n"
	     "f:6: sender: '.c' is not an address, a domain or *.domain\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

/* One field more than the messages are searched for. */
static void
too_many_fields(void **state)
{
	struct bytes text = {0};

	(void)state;
	bytes_add_text(&text, GOOD "classify { priority = 1 type = mass\n");
	bytes_add_text(&text, "header {");
	for (int i = 0; i < SETTINGS_FIELDS; i++)
		bytes_printf(&text, " X-%d = a", i);
	bytes_add_text(&text, " x-0x = a } }\n");
	bytes_add_text(&text, "classify { priority = 2 by_header = x-31 }\n");
	bytes_u8(&text, '\0');
	expect("too many fields", (char *)text.data,
	       "f:7: header: x-0x is one too many: rules may look at 32 "
	       "header fields\n",
	       false);
	bytes_free(&text);
}

static void
doubts(void **state)
{
	static const struct row table[] = {
	    {"the types that are always there", GOOD, ""},
	    {"one type", GOOD "type mail { }\n", ""},
	    {"a type nobody gives", TYPES,
	     "f:7: warning: type mass is not used: no classify rule gives "
	     "it\n"},
	    {"given by a word",
	     TYPES "classify { priority = 1 type = mass source = crm }\n", ""},
	    {"given by a map",
	     TYPES "classify { priority = 1 by_header = X map { a = mass } }\n",
	     ""},
	    {"given by a field as it stands",
	     TYPES "classify { priority = 1 by_header = X }\n", ""},
	    {"behind a rule that takes all",
	     TYPES "classify { priority = 2 type = mass source = crm }\n"
		   "classify { priority = 1 type = individual }\n",
	     "f:8: warning: classify 2 never comes to its turn: the rule of "
	     "f:9 takes all mail\n"
	     "f:7: warning: type mass is not used: no classify rule gives "
	     "it\n"},
	    {"a field is no rule for all",
	     TYPES "classify { priority = 1 by_header = X }\n"
		   "classify { priority = 2 type = mass }\n",
	     ""},
	    {"no type individual",
	     GOOD "type a { }\ntype b { }\n"
		  "classify { priority = 1 by_header = X }\n",
	     "f:6: warning: type a is what mail gets that no classify rule "
	     "takes, as there is no type individual; write a rule without "
	     "conditions\n"},
	    {"no type individual, and a rule for all",
	     GOOD "type a { }\ntype b { }\n"
		  "classify { priority = 1 type = b source = crm }\n"
		  "classify { priority = 2 type = a }\n",
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_types),
	    cmocka_unit_test(too_many_fields),
	    cmocka_unit_test(doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
