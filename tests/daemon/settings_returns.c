#include "tests/daemon/expect.h"

#define OUT(keys)     NAMES LISTEN SOURCE "relay out { host = m.a " keys " }\n"
#define RETURNS(keys) OUT("return_path = verp") "returns { " keys " }\n"

static void
wrong_return_paths(void **state)
{
	static const struct row table[] = {
	    {"a word", OUT("return_path = none"),
	     "f:5: return_path: 'none' is not keep, from, verp or an "
	     "address\n"},
	    {"letter case", OUT("return_path = Keep"),
	     "f:5: return_path: 'Keep' is not keep, from, verp or an "
	     "address\n"},
	    {"no domain", OUT("return_path = \"a@\""),
	     "f:5: return_path: 'a@' is not keep, from, verp or an address\n"},
	    {"brackets", OUT("return_path = \"<a@b.c>\""),
	     "f:5: return_path: '<a@b.c>' is not keep, from, verp or an "
	     "address\n"},
	    {"verp without its domain", OUT("return_path = verp"),
	     "f:5: return_path: verp needs returns { domain }\n"},
	    {"a domain that is none", RETURNS("domain = \"a b.c\""),
	     "f:6: domain: 'a b.c' is not a domain name, as "
	     "bounces.example.com\n"},
	    {"one label", RETURNS("domain = bounces"),
	     "f:6: domain: 'bounces' is not a domain name, as "
	     "bounces.example.com\n"},
	    {"a pattern", RETURNS("domain = *.a.b"),
	     "f:6: domain: '*.a.b' is not a domain name, as "
	     "bounces.example.com\n"},
	    {"an address as forward", RETURNS("domain = b.a forward = me"),
	     "f:6: forward: 'me' is not an address, as "
	     "postmaster@example.com\n"},
	    {"a forward in circles",
	     RETURNS("domain = b.a forward = \"me@B.a\""),
	     "f:6: forward: me@B.a is in the domain of mail that comes back "
	     "(block returns), which takes nothing but addresses of "
	     "return_path = verp\n"},
	    {"a mailbox where there are none",
	     OUT("return_path = \"b@bounces.a.b\"") "returns { domain = "
						    "bounces.a.b }\n",
	     "f:5: return_path: b@bounces.a.b is in the domain of mail that "
	     "comes back (block returns), which takes nothing but addresses "
	     "of return_path = verp\n"},
	    {"postmaster there",
	     RETURNS("domain = b.a") "bounce { postmaster = \"p@b.a\" }\n",
	     "f:7: postmaster: p@b.a is in the domain of mail that comes back "
	     "(block returns), which takes nothing but addresses of "
	     "return_path = verp\n"},
	    {"a listener that is none",
	     RETURNS("domain = b.a listener = nowhere"),
	     "f:6: listener: there is no listen nowhere\n"},
	    {"postmaster", GOOD "bounce { postmaster = me }\n",
	     "f:6: postmaster: 'me' is not an address, as "
	     "postmaster@example.com\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
good_return_paths(void **state)
{
	static const struct row table[] = {
	    {"keep", OUT("return_path = keep"), ""},
	    {"from", OUT("return_path = from"), ""},
	    {"an address", OUT("return_path = \"bounce@a.b\""), ""},
	    {"verp", RETURNS("domain = bounces.a.b forward = \"me@a.b\""), ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

/* Allowed, and hardly meant. */
static void
doubts(void **state)
{
	static const struct row table[] = {
	    {"a domain that nothing leaves with",
	     GOOD "returns { domain = b.a }\n",
	     "f:6: warning: domain: no relay has return_path = verp: "
	     "nothing will come back there\n"},
	    {"a domain with people in it",
	     RETURNS("domain = a.b") "route x { priority = 1 via = out from = "
				     "[c.d, A.b] }\n",
	     "f:6: warning: domain: route x names it, too, but only what "
	     "comes back is taken there: use a subdomain of its own, as "
	     "bounces.a.b\n"},
	    {"nobody listens on port 25",
	     NAMES "listen in { address = 127.0.0.1:587 }\n" SOURCE
		   "relay out { host = m.a return_path = verp }\n"
		   "returns { domain = b.a }\n",
	     "f:6: warning: domain: no listener has port 25, where mail comes "
	     "back\n"},
	    {"the domain as a relay's host",
	     OUT("return_path = verp") "returns { domain = m.a }\n",
	     "f:5: warning: host: m.a is the domain of mail that comes back "
	     "(block returns), not a relay\n"},
	    {"verp through SES",
	     OUT("return_path = verp provider = ses auth { user = u password "
		 "= \"file:/x\" }") "returns { domain = b.a }\n",
	     "f:5: warning: return_path: SES takes senders of verified domains "
	     "only: verify the domain of block returns there, and leave "
	     "feedback forwarding on\n"},
	    {"verp through Mailgun",
	     OUT("return_path = verp provider = mailgun auth { user = u "
		 "password = \"file:/x\" }") "returns { domain = b.a }\n",
	     "f:5: warning: return_path: this provider puts a return path of "
	     "its own on mail, so verp gains nothing\n"},
	    {"verp through a mailbox",
	     OUT("return_path = verp provider = m365 auth { user = u token "
		 "= \"file:/x\" }") "returns { domain = b.a }\n",
	     "f:5: warning: return_path: a mailbox of Microsoft 365 sends as "
	     "itself only, and refuses such senders\n"},
	    {"forward alone", GOOD "returns { forward = \"me@a.b\" }\n",
	     "f:6: warning: forward: only used with domain\n"},
	    {"a CRM that looks after failures",
	     NAMES LISTEN "source crm { from_ip = 192.0.2.0/24 "
			  "bounce_authority = crm }\n"
			  "relay out { host = m.a return_path = from }\n",
	     "f:5: warning: return_path: source crm leaves failures to its "
	     "CRM (bounce_authority), which is not told of what comes back "
	     "later unless this is keep\n"},
	    {"Salesforce's own return path",
	     OUT("return_path = from") "route r { priority = 1 via = out "
				       "from = *.bnc.salesforce.com }\n",
	     "f:5: warning: return_path: route r brings mail whose return "
	     "path is Salesforce's own; without keep Salesforce is not told "
	     "of bounces\n"},
	    {"a name that only looks so",
	     OUT("return_path = from") "route r { priority = 1 via = out "
				       "from = xbnc.salesforce.com }\n",
	     ""},
	    {"reports that are switched off",
	     GOOD "bounce { enabled = no delay_after = 1h "
		  "rate_per_sender = 5/h }\n",
	     "f:6: warning: delay_after: only used with enabled = yes\n"
	     "f:6: warning: rate_per_sender: only used with enabled = yes\n"},
	    {"a delay that no mail lives to see",
	     GOOD "retry normal { lifetime = 2h } bounce { delay_after = 2h "
		  "}\n",
	     "f:6: warning: delay_after: no mail lives as long, so nobody is "
	     "told of a delay\n"},
	    {"none that somebody asked for",
	     GOOD "retry normal { lifetime = 2h }\n", ""},
	    {"an address that dies before its mail",
	     RETURNS("domain = b.a expires = 4d"),
	     "f:6: warning: expires: mail may live longer than the address "
	     "that it leaves with\n"},
	    {"a history larger than its room",
	     GOOD "queue { map_size = 1gb } history { max_size = 1gb }\n",
	     "f:6: warning: max_size: it stops at 76 MB, half of what "
	     "high_water leaves free of map_size\n"},
	    {"a listener for nothing but what comes back",
	     NAMES LISTEN "listen b { address = \"[::1]:25\" }\n"
			  "source crm { from_ip = 192.0.2.1 listener = in }\n"
			  "relay out { host = m.a return_path = verp }\n"
			  "returns { domain = b.a }\n",
	     ""},
	    {"one that fits",
	     GOOD "queue { map_size = 1gb } history { max_size = 70mb }\n", ""},
	    {"the default is no reason to warn",
	     GOOD "queue { map_size = 64mb }\n", ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_return_paths),
	    cmocka_unit_test(good_return_paths),
	    cmocka_unit_test(doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
