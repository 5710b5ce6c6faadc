/* Profiles of CRMs: what they fill in, what the file keeps, what they doubt. */
#include <stdio.h>

#include "tests/daemon/expect.h"

#define CRM   "tls c { cert = file:/c key = file:/k }\n"
#define PORTS "listen in { address = 127.0.0.1:25 tls = optional }\n"
#define HEAD  NAMES CRM PORTS
#define NET   "from_ip = 192.0.2.0/24 "
/* A source that nobody doubts, but for its last keys. */
#define SF                                                                     \
	"source s { profile = salesforce " NET                                 \
	"require_header { X-SFDC-LK = 00D4x000004z0H4 } dkim = log "           \
	"allow_from = "                                                        \
	"e.example "
#define ZOHO                                                                   \
	"source s { profile = zoho " NET "dkim = log allow_from = e.example "

/* Lines of the configuration in force, each with where it came from. */
static void
shows(void **state)
{
	static const struct {
		const char *name, *text;
		const char *lines[4];
	} row[] = {
	    {"Salesforce",
	     HEAD SF "}\n" RELAY,
	     {"require_tls = yes # profile salesforce",
	      "allow_bounce_domains = *.bnc.salesforce.com # profile salesf",
	      "from_ip = 192.0.2.0/24 # f:5"}},
	    {"what is given stays",
	     HEAD SF
	     "require_tls = no allow_bounce_domains = b.example }\n" RELAY,
	     {"require_tls = no # f:5",
	      "allow_bounce_domains = b.example # f"}},
	    {"without allow_from all senders are welcome",
	     HEAD "source s { profile = salesforce " NET "}\n" RELAY,
	     {"allow_bounce_domains = [] # default"}},
	    {"Zoho fills in nothing",
	     HEAD ZOHO "}\n" RELAY,
	     {"require_tls = no # default",
	      "allow_bounce_domains = [] # default"}},
	    {"no profile",
	     HEAD "source s { " NET "allow_from = e.example }\n" RELAY,
	     {"require_tls = no # default", "profile = none # default"}},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct bytes report = {0}, out = {0}, flat = {0};
		struct settings *s = parse(row[i].text, &report);

		if (s == NULL)
			fail_msg("%s: %s", row[i].name, (char *)report.data);
		settings_print(s, true, &out);
		for (size_t j = 0; j < out.n; j++) /* blanks once */
			if (out.data[j] != ' ' || out.data[j - 1] != ' ')
				bytes_u8(&flat, out.data[j]);
		bytes_u8(&flat, 0);
		for (size_t j = 0; j < 4 && row[i].lines[j]; j++)
			if (!strstr((char *)flat.data, row[i].lines[j]))
				fail_msg("%s: no %s in\n%s", row[i].name,
					 row[i].lines[j], (char *)flat.data);
		bytes_free(&report);
		bytes_free(&out);
		bytes_free(&flat);
		settings_free(s);
	}
}

static void
doubts(void **state)
{
	static const struct row row[] = {
	    {"all is said", HEAD SF "}\n" RELAY, ""},
	    {"the header's name in small letters",
	     HEAD
	     "source s { profile = salesforce " NET
	     "require_header { x-sfdc-lk = 00D4x000004z0H4 } dkim = require "
	     "allow_from = e.example }\n" RELAY,
	     ""},
	    {"nothing is said",
	     HEAD "source s { profile = salesforce " NET "}\n" RELAY,
	     "f:5: warning: source s: every customer of Salesforce can send "
	     "through it; set require_header { X-SFDC-LK = YOUR_ORG_ID }\n"
	     "f:5: warning: source s: signatures of Salesforce are not looked "
	     "at; set dkim = log, and require when all mail has one\n"
	     "f:5: warning: source s: mail in anybody's name goes through; set "
	     "allow_from to your domains\n"},
	    {"Zoho says nothing of an org",
	     HEAD "source s { profile = zoho " NET "}\n" RELAY,
	     "f:5: warning: source s: signatures of Zoho are not looked at; "
	     "set dkim = log, and require when all mail has one\n"
	     "f:5: warning: source s: mail in anybody's name goes through; set "
	     "allow_from to your domains\n"},
	    {"a port that Salesforce does not know",
	     NAMES CRM
	     "listen in { address = 127.0.0.1:465 tls = implicit }\n" SF
	     "}\n" RELAY,
	     "f:5: warning: source s: Salesforce reaches ports 25, 587, 10025 "
	     "and 11025, and no listener has one\n"},
	    {"the same by its name",
	     NAMES CRM PORTS
	     "listen b { address = 127.0.0.1:465 tls = implicit }\n" SF
	     "\nlistener = [in, b] }\n" RELAY,
	     "f:7: warning: source s: Salesforce can't reach listen b; it "
	     "reaches ports 25, 587, 10025 and 11025\n"},
	    {"one right listener is enough",
	     NAMES CRM PORTS
	     "listen b { address = 127.0.0.1:465 tls = implicit }\n" SF
	     "}\n" RELAY,
	     ""},
	    {"Salesforce speaks STARTTLS alone",
	     NAMES CRM
	     "listen in { address = 127.0.0.1:587 tls = implicit }\n" SF
	     "}\n" RELAY,
	     "f:5: warning: source s: TLS is required, and no listener that "
	     "Salesforce reaches offers STARTTLS: all its mail is refused\n"},
	    {"Zoho can do both",
	     NAMES CRM
	     "listen in { address = 127.0.0.1:465 tls = implicit }\n" ZOHO
	     "require_tls = yes }\n" RELAY,
	     ""},
	    {"mechanisms no CRM has",
	     NAMES CRM "accounts = file:/a\nlisten in { address = 127.0.0.1:25 "
		       "tls = optional mechanism = SCRAM-SHA-256 }\n" SF
		       "auth_user = u }\n" RELAY,
	     "f:6: warning: source s: Salesforce can AUTH by PLAIN and LOGIN "
	     "only, and no listener that it reaches offers one of them\n"},
	    {"a fourth relay for Zoho",
	     HEAD ZOHO "}\n" RELAY "no_match = out\n"
		       "relay a { host = p.example }\nrelay b { host = "
		       "b.example }\nrelay c { host = c.example }\nroute r { "
		       "priority = 1 via { mass = [out, a] workflow = [b, a] "
		       "individual = c } }\n",
	     "f:11: warning: route r has 4 relays; Zoho CRM knows at most 3 of "
	     "a domain\n"},
	    {"three relays, each named twice",
	     HEAD ZOHO "}\n" RELAY "no_match = out\n"
		       "relay a { host = p.example }\nrelay b { host = "
		       "b.example }\nroute r { priority = 1 via { mass = [out, "
		       "a] workflow = [b, a] individual = [out, b] } }\n",
	     ""},
	    {"four relays for another source",
	     HEAD ZOHO "}\nsource t { from_ip = 198.51.100.0/24 }\n" RELAY
		       "no_match = out\n"
		       "relay a { host = p.example }\nrelay b { host = "
		       "b.example }\nrelay c { host = c.example }\nroute r { "
		       "priority = 1 source = t via = [out, a, b, c] }\n",
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		expect(row[i].name, row[i].text, row[i].says, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shows),
	    cmocka_unit_test(doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
