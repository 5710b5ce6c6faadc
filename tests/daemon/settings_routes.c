#include "tests/daemon/expect.h"

#include "daemon/routing.h"

/* 8 lines; the route is the ninth. */
#define RELAYS                                                                 \
	GOOD "relay ses { host = ses.example }\n"                              \
	     "relay crm { host = crm.example role = crm }\nno_match = crm\n"
#define ROUTE(keys)    RELAYS "route r { priority = 1 " keys " }\n"
#define BOTH(one, two) ROUTE(one) "route q { priority = 2 " two " }\n"
#define SHADOW                                                                 \
	"f:10: warning: route q never comes to its turn: route r (priority "   \
	"1, f:9) takes all of its mail\n"

static void
wrong_routes(void **state)
{
	static const struct row table[] = {
	    {"no priority and no via", RELAYS "route r { }\n",
	     "f:9: route r needs priority\nf:9: route r needs via\n"},
	    {"priority 0", RELAYS "route r { priority = 0 via = out }\n",
	     "f:9: priority: '0' is too small; the least is 1\n"},
	    {"two of a priority, one of them disabled",
	     ROUTE("via = out from = a.b") "route q { priority = 1 via = ses "
					   "enabled = no }\n",
	     "f:10: priority: 1 is taken by route r at f:9\n"},
	    {"domains",
	     ROUTE("via = out from = [a.b, *.c.d, *] to = [*d.e, *., x@a.b, "
		   "a..b, .com]"),
	     "f:9: to: '*d.e' is not a domain, *.domain or *\n"
	     "f:9: to: '*.' is not a domain, *.domain or *\n"
	     "f:9: to: 'x@a.b' is not a domain, *.domain or *\n"
	     "f:9: to: 'a..b' is not a domain, *.domain or *\n"
	     "f:9: to: '.com' is not a domain, *.domain or *\n"},
	    {"a source that is not there", ROUTE("via = out source = zoho"),
	     "f:9: source: there is no source zoho\n"},
	    {"a type that is not there", ROUTE("via = out type = bulk"),
	     "f:9: type: there is no type bulk\n"},
	    {"a relay that is not there",
	     ROUTE("via { mass = [ses, sen] * = ou }"),
	     "f:9: via: there is no relay sen\n"
	     "f:9: via: there is no relay ou\n"},
	    {"a list for a type that is not there", ROUTE("via { bulk = ses }"),
	     "f:9: via: there is no type bulk\n"},
	    {"a relay twice in a list", ROUTE("via = [out, ses, out]"),
	     "f:9: via: relay out stands twice in one list\n"},
	    {"no relay", ROUTE("via = []"), "f:9: via: names no relay\n"},
	    {"a block without a list", ROUTE("via { }"),
	     "f:9: via: names no relay\n"},
	    {"an empty list", ROUTE("via { mass = [] }"),
	     "f:9: via: mass: the list is empty\n"},
	    {"a list twice", ROUTE("via { mass = ses\nmass = out }"),
	     "f:10: mass is already at f:9\n"},
	    {"eight relays", ROUTE("via = [out, ses, crm, a, b, c, d, e]"),
	     "f:9: via: 8 relays in one list; there may be 7\n"},
	    {"next at the end of the list",
	     ROUTE("via = out on_exhausted = next"),
	     "f:9: on_exhausted: next is for on_unreachable; here the list "
	     "is at its end\n"},
	    {"no trigger's word", ROUTE("via = out on_exhausted = later"),
	     "f:9: on_exhausted: 'later' is none of wait, bounce, crm, and "
	     "no relay\n"},
	    {"no word of on_unreachable",
	     ROUTE("via = out on_unreachable = later"),
	     "f:9: on_unreachable: 'later' is none of next, wait, bounce, "
	     "crm, and no relay\n"},
	    {"a relay that is no CRM's",
	     ROUTE("via = out on_unreachable = ses"),
	     "f:9: on_unreachable: relay ses does not have role = crm\n"},
	    {"crm without one",
	     GOOD "route r { priority = 1 via = out on_exhausted = crm }\n",
	     "f:6: on_exhausted: crm: no relay has role = crm\n"},
	    {"crm of two",
	     GOOD "relay eu { host = a.b role = crm }\n"
		  "relay us { host = a.c role = crm }\nno_match = eu\n"
		  "route r { priority = 1 via = out on_exhausted = crm }\n",
	     "f:9: on_exhausted: crm: 2 relays have role = crm; name one of "
	     "them\n"},
	    {"a relay crm without the role",
	     GOOD "relay crm { host = a.b }\nno_match = crm\n"
		  "route r { priority = 1 via = out on_exhausted = crm }\n",
	     "f:8: on_exhausted: relay crm does not have role = crm\n"},
	    {"an unknown relay of no_match",
	     GOOD "no_match = ses\nroute r { priority = 1 via = out }\n",
	     "f:6: no_match: there is no relay ses\n"},
	    {"two relays, routes, and no no_match",
	     GOOD "relay b { host = b.example }\n"
		  "route r { priority = 1 via = [out, b] }\n",
	     "f: no_match must name one of the 2 relays\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

/* Which of the relays with role = crm a word means. */
static void
triggers(void **state)
{
	static const struct row table[] = {
	    {"the only one, whatever its name",
	     GOOD "relay eu { host = a.b role = crm }\nno_match = eu\n"
		  "route r { priority = 1 via = out on_exhausted = crm }\n",
	     ""},
	    {"one of two, by its name",
	     GOOD "relay eu { host = a.b role = crm }\n"
		  "relay us { host = a.c role = crm }\nno_match = eu\n"
		  "route r { priority = 1 via = out on_exhausted = us\n"
		  "on_unreachable = eu }\n",
	     ""},
	    {"one of two that is called crm",
	     GOOD "relay crm { host = a.b role = crm }\n"
		  "relay us { host = a.c role = crm }\nno_match = us\n"
		  "route r { priority = 1 via = out on_exhausted = crm }\n",
	     ""},
	    {"seven relays",
	     RELAYS "relay a { host = a.b } relay b { host = a.c }\n"
		    "relay c { host = a.d } relay d { host = a.e }\n"
		    "route r { priority = 1 "
		    "via = [a, b, c, d, out, ses, crm] }\n",
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

/* The k-th way to take 5 of 10 relays in order. */
static void
add_list(struct bytes *text, unsigned k)
{
	bool taken[10] = {false};

	bytes_add_text(text, "[");
	for (unsigned n = 10; n > 5; n--) {
		unsigned left = k % n, i = 0;

		for (k /= n;; i++)
			if (!taken[i] && left-- == 0)
				break;
		taken[i] = true;
		bytes_printf(text, "%sr%u", n < 10 ? ", " : "", i);
	}
	bytes_add_text(text, "]");
}

/* Mail can be sorted by so many lists of relays, and not by one more. */
static void
too_many_ways(void **state)
{
	enum { ROUTES = 5333, TYPES = 3 }; /* and no_match: 16,000 */
	struct bytes text = {0}, report = {0};
	struct settings *s;

	(void)state;
	bytes_add_text(&text, NAMES LISTEN SOURCE "no_match = r0\n");
	for (int i = 0; i < 10; i++)
		bytes_printf(&text, "relay r%d { host = h%d.example }\n", i, i);
	for (unsigned i = 0; i < ROUTES; i++) {
		bytes_printf(&text,
			     "route w%u { priority = %u to = d%u.example", i,
			     i + 1, i);
		bytes_add_text(&text, " via { mass = ");
		add_list(&text, TYPES * i);
		bytes_add_text(&text, " workflow = ");
		add_list(&text, TYPES * i + 1);
		bytes_add_text(&text, " individual = ");
		add_list(&text, TYPES * i + 2);
		bytes_add_text(&text, " } }\n");
	}
	s = settings_parse("f", (char *)text.data, text.n, &report);
	assert_non_null(s);
	assert_int_equal(routing_ways(s), ROUTING_WAYS);
	settings_free(s);
	bytes_add_text(&text, "route more { priority = 10k to = more.example "
			      "via = [r9, r8] }\n");
	bytes_u8(&text, '\0');
	expect("one list more", (char *)text.data,
	       "f: the routes have more than 16000 different lists of "
	       "relays\n",
	       false);
	bytes_free(&text);
	bytes_free(&report);
}

static void
doubts(void **state)
{
	static const struct row table[] = {
	    {"none", ROUTE("via = [out, ses] on_exhausted = crm"), ""},
	    {"a relay that nothing names", ROUTE("via = out"),
	     "f:6: warning: relay ses is not used: neither a route nor "
	     "no_match names it\n"},
	    {"used by a disabled route", ROUTE("via = [out, ses] enabled = no"),
	     ""},
	    {"used as a trigger alone",
	     GOOD "relay eu { host = a.b role = crm }\nno_match = out\n"
		  "route r { priority = 1 via = out on_unreachable = "
		  "crm }\n",
	     ""},
	    {"the trigger's relay in the list",
	     ROUTE("via { mass = [ses, out]\n* = [ses, crm] }\n"
		   "on_exhausted = crm"),
	     "f:11: warning: on_exhausted: relay crm stands in the "
	     "list "
	     "already\n"},
	    {"a list for a type that never comes",
	     ROUTE("type = [mass, individual] via { mass = ses * = out\n"
		   "workflow = ses }"),
	     "f:9: warning: via: the list of workflow is not used: the "
	     "route's key type leaves it out\n"},
	    {"a shadow", BOTH("via = [out, ses]", "from = a.b via = out"),
	     SHADOW},
	    {"the shadow's priority is larger",
	     BOTH("via = [out, ses] from = a.b", "via = out"), ""},
	    {"no shadow of a disabled route",
	     BOTH("via = [out, ses] enabled = no", "via = out"), ""},
	    {"no shadow on a disabled route",
	     BOTH("via = [out, ses]", "via = out enabled = no"), ""},
	    {"a wildcard over its subdomains",
	     BOTH("via = [out, ses] to = *.b.c type = [mass, individual]",
		  "via = out to = [a.b.c, *.x.b.c] type = mass source = crm"),
	     SHADOW},
	    {"a wildcard and its bare domain",
	     BOTH("via = [out, ses] to = *.b.c", "via = out to = [a.b.c, b.c]"),
	     ""},
	    {"a domain and its wildcard",
	     BOTH("via = [out, ses] to = b.c", "via = out to = *.b.c"), ""},
	    {"another source",
	     BOTH("via = [out, ses] source = crm", "via = out"), ""},
	    {"fewer types",
	     BOTH("via = [out, ses] type = individual",
		  "via = out type = [mass, individual]"),
	     ""},
	    {"from here, to there",
	     BOTH("via = [out, ses] from = a.b", "via = out to = a.b"), ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_routes),
	    cmocka_unit_test(triggers),
	    cmocka_unit_test(too_many_ways),
	    cmocka_unit_test(doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
