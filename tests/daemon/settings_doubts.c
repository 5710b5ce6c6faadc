#include "tests/daemon/expect.h"

/* 9 lines; quotas of a day, of a rolling hour and of a month. */
#define QUOTAS                                                                 \
	NAMES LISTEN SOURCE                                                    \
	    "quota day { limit = 9 }  quota month { limit = 9 window = month " \
	    "}\nquota hour { limit = 9 window = rolling period = 1h }\n"       \
	    "relay d { host = d.e quota = [hour, day] }  relay m { host = "    \
	    "m.e quota = month }\nrelay h { host = h.e quota = hour }  relay " \
	    "free { host = f.e }\nretry short { lifetime = 2h }\n"
#define MAIL(life, keys)                                                       \
	QUOTAS "no_match = free type mail { " life " }\n"                      \
	       "route r { priority = 1 " keys " }\n"                           \
	       "route all { priority = 2 via = [free, d, m, h] }\n"

/* A lifetime shorter than the wait for room brings mail back that a cap should
 * only delay. */
static void
lifetimes(void **state)
{
	static const struct row table[] = {
	    {"as long as the window",
	     MAIL("retry = short lifetime = 1d", "to = a.b via = d"), ""},
	    {"shorter",
	     MAIL("retry = short lifetime = 23h", "to = a.b via = d"),
	     "f:10: warning: type mail lives 23h, but may have to wait 1d for "
	     "quota day (route r): then it comes back to its sender\n"},
	    {"that of its schedule", MAIL("retry = short", "to = a.b via = d"),
	     "f:10: warning: type mail lives 2h, but may have to wait 1d for "
	     "quota day (route r): then it comes back to its sender\n"},
	    {"a month",
	     MAIL("retry = short lifetime = 29d", "to = a.b via = m"),
	     "f:10: warning: type mail lives 29d, but may have to wait 30d "
	     "for quota month (route r): then it comes back to its sender\n"},
	    {"the longest lifetime",
	     MAIL("retry = short lifetime = 30d", "to = a.b via = m"), ""},
	    {"the first relay that opens ends the wait",
	     MAIL("retry = short", "to = a.b via = [m, d, h]"), ""},
	    {"a relay without quotas is never spent",
	     MAIL("retry = short", "to = a.b via = [m, free]"), ""},
	    {"a route that bounces does not wait",
	     MAIL("retry = short", "to = a.b via = m on_exhausted = bounce"),
	     ""},
	    {"a disabled route",
	     MAIL("retry = short", "to = a.b via = m enabled = no"), ""},
	    {"no_match",
	     QUOTAS "no_match = d type mail { retry = short }\n"
		    "route r { priority = 1 to = a.b via = [h, m, free] }\n",
	     "f:10: warning: type mail lives 2h, but may have to wait 1d for "
	     "quota day (no_match): then it comes back to its sender\n"},
	    {"a type that the list is not for",
	     QUOTAS "no_match = free type mail { retry = short }\n"
		    "type slow { }\n"
		    "classify { priority = 1 type = slow source = crm }\n"
		    "classify { priority = 2 type = mail }\n"
		    "route r { priority = 2 via { slow = d mail = h } }\n"
		    "route q { priority = 1 to = a.b type = slow via = [d, m] "
		    "}\n",
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

static void
types_without_a_route(void **state)
{
	static const struct row table[] = {
	    {"no routes at all", GOOD, ""},
	    {"one for all", GOOD "route r { priority = 1 via = out }\n", ""},
	    {"one that can't be",
	     GOOD "route r { priority = 1 via { mass = out } }\n",
	     "f: warning: type individual has no route: all of it goes to "
	     "relay out (no_match)\n"},
	    {"one of a block",
	     GOOD "type individual { }\ntype mass { }\n"
		  "classify { priority = 1 by_header = X-Type }\n"
		  "route r { priority = 1 via = out type = individual }\n",
	     "f:7: warning: type mass has no route: all of it goes to relay "
	     "out (no_match)\n"},
	    {"a type that no rule gives needs none",
	     GOOD "route r { priority = 1 via { individual = out } }\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(lifetimes),
	    cmocka_unit_test(types_without_a_route),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
