#include "tests/daemon/expect.h"

/* 13 lines; the expectation is the 14th. */
#define FILES                                                                  \
	GOOD "relay ses { host = ses.example }\n"                              \
	     "relay crm { host = crm.example role = crm }\nno_match = crm\n"   \
	     "source zoho { from_ip = 198.51.100.0/24 }\n"                     \
	     "route news { priority = 1 from = a.b type = mass via = ses }\n"  \
	     "route zoho { priority = 2 source = zoho via = [out, ses] }\n"    \
	     "route rest { priority = 3 from = [a.b, *.a.b] to = *.d\n"        \
	     "via { mass = out individual = [out, ses] } }\n"
#define EXPECT(keys) FILES "expect x { " keys " }\n"

static void
wrong_blocks(void **state)
{
	static const struct row table[] = {
	    {"nothing expected", EXPECT("to = c@d"),
	     "f:14: expect x needs relay or route\n"},
	    {"no recipient", EXPECT("relay = ses"),
	     "f:14: expect x needs to\n"},
	    {"no addresses", EXPECT("from = a.b to = d relay = ses"),
	     "f:14: from: 'a.b' is not an address\n"
	     "f:14: to: 'd' is not an address\n"},
	    {"names that are not there",
	     EXPECT("to = c@d type = a source = b relay = c route = d"),
	     "f:14: type: there is no type a\n"
	     "f:14: source: there is no source b\n"
	     "f:14: relay: there is no relay c\n"
	     "f:14: route: there is no route d\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
true_ones(void **state)
{
	static const struct row table[] = {
	    {"a relay", EXPECT("from = x@a.b to = c@d type = mass relay = ses"),
	     ""},
	    {"a route",
	     EXPECT("from = x@A.b to = c@d type = mass route = news"), ""},
	    {"both, from a source",
	     EXPECT("to = c@d source = zoho relay = out route = zoho"), ""},
	    {"every type, from one source",
	     EXPECT("from = x@q.r to = c@d source = crm relay = crm"), ""},
	    {"no_match of a list",
	     EXPECT("from = x@y.a.b to = c@e.d source = crm type = workflow\n"
		    "relay = crm route = rest"),
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

static void
false_ones(void **state)
{
	static const struct row table[] = {
	    {"another relay",
	     EXPECT("from = x@a.b to = c@d type = mass relay = out"),
	     "f:14: expect x: mail from x@a.b to c@d of type mass from source "
	     "crm goes to relay ses (route news), not relay out\n"},
	    {"the second of a list is not the first",
	     EXPECT("to = c@d source = zoho type = mass relay = ses"),
	     "f:14: expect x: mail from <> to c@d of type mass from source "
	     "zoho goes to relay out (route zoho), not relay ses\n"},
	    {"another route",
	     EXPECT("from = x@a.b to = c@d type = mass route = rest"),
	     "f:14: expect x: mail from x@a.b to c@d of type mass from source "
	     "crm goes to relay ses (route news), not by route rest\n"},
	    {"no route",
	     EXPECT("to = c@d source = crm type = mass relay = out "
		    "route = rest"),
	     "f:14: expect x: mail from <> to c@d of type mass from source crm "
	     "goes to relay crm (no_match: no route takes it), not relay out "
	     "by route rest\n"},
	    {"no list for the type",
	     EXPECT("from = x@y.a.b to = c@e.d source = crm type = workflow "
		    "relay = out"),
	     "f:14: expect x: mail from x@y.a.b to c@e.d of type workflow "
	     "from source crm goes to relay crm (route rest, no list for this "
	     "type: no_match), not relay out\n"},
	    {"one source of all",
	     EXPECT("from = x@q.r to = c@d type = mass relay = crm"),
	     "f:14: expect x: mail from x@q.r to c@d of type mass from source "
	     "zoho goes to relay out (route zoho), not relay crm\n"},
	    {"one type of all",
	     EXPECT("from = x@a.b to = c@e.d source = crm relay = out"),
	     "f:14: expect x: mail from x@a.b to c@e.d of type workflow from "
	     "source crm goes to relay crm (route rest, no list for this "
	     "type: no_match), not relay out\n"
	     "f:14: expect x: mail from x@a.b to c@e.d of type mass from "
	     "source crm goes to relay ses (route news), not relay out\n"},
	    {"two expectations, one of them true",
	     EXPECT(
		 "to = c@d source = zoho relay = out") "expect y { to = c@d "
						       "source = zoho type = "
						       "mass route = rest }\n",
	     "f:15: expect y: mail from <> to c@d of type mass from source "
	     "zoho goes to relay out (route zoho), not by route rest\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_blocks),
	    cmocka_unit_test(true_ones),
	    cmocka_unit_test(false_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
