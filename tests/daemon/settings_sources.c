#include "tests/daemon/expect.h"

#define ACCOUNTS "accounts = \"file:/a\"\n"
#define TLS      "tls main { cert = \"file:/c\" key = \"file:/k\" }\n"
/* line 3: the listener, 4: the source, 5: the relay */
#define PLAIN(source) NAMES LISTEN "source crm { " source " }\n" RELAY
#define ASKS(source)                                                           \
	NAMES "listen in { address = 127.0.0.1:25 tls = optional client_cert " \
	      "= log }\n"                                                      \
	      "source crm { " source " }\n" RELAY TLS ACCOUNTS
#define IP "from_ip = 192.0.2.0/24 "
/* line 4 and 5: the sources */
#define TWO(a, b)                                                              \
	NAMES "listen in { address = 127.0.0.1:25 tls = optional client_cert " \
	      "= log }\nsource a { " a " }\nsource b { " b                     \
	      " }\n" RELAY TLS ACCOUNTS

static void
wrong_clients(void **state)
{
	static const struct row table[] = {
	    {"nobody is named", PLAIN(""),
	     "f:4: source crm needs from_ip, auth_user or client_cert: who may "
	     "send is never everybody\n"},
	    {"no network", PLAIN("from_ip = []"),
	     "f:4: from_ip: the list is empty\n"},
	    {"everything", PLAIN("from_ip = 0.0.0.0/0"),
	     "f:4: from_ip: '0.0.0.0/0' holds everybody: an open relay; name "
	     "the networks that may hand us mail\n"},
	    {"half of it", PLAIN("from_ip = [0.0.0.0/1]"),
	     "f:4: from_ip: '0.0.0.0/1' is too wide, it makes an open relay; "
	     "the widest is /8\n"},
	    {"all of IPv6", PLAIN("from_ip = \"::/0\""),
	     "f:4: from_ip: '::/0' holds everybody: an open relay; name the "
	     "networks that may hand us mail\n"},
	    {"IPv4 as a part of IPv6", PLAIN("from_ip = \"::ffff:0:0/96\""),
	     "f:4: from_ip: '::ffff:0:0/96' holds everybody: an open relay; "
	     "name the networks that may hand us mail\n"},
	    {"everything in pieces",
	     PLAIN("from_ip = [1.0.0.0/8, 2.0.0.0/8, 3.0.0.0/8, 4.0.0.0/8, "
		   "5.0.0.0/8, 6.0.0.0/8, 7.0.0.0/8, 8.0.0.0/8, 9.0.0.0/9]"),
	     "f:4: from_ip: more than 1/32 of the internet may send; name "
	     "smaller networks, or ask for auth_user or client_cert\n"},
	    {"much of IPv6",
	     PLAIN("from_ip = [\"2000::/7\", \"2200::/7\", \"2400::/7\", "
		   "\"2600::/7\", \"2800::/7\", 127.0.0.1]"),
	     "f:4: from_ip: more than 1/32 of the internet may send; name "
	     "smaller networks, or ask for auth_user or client_cert\n"},
	    {"an account without accounts",
	     NAMES LISTEN "source crm { auth_user = joe }\n" RELAY,
	     "f:4: auth_user: there are no accounts; write accounts = "
	     "file:/etc/mtq/accounts outside of blocks\n"},
	    {"an account without TLS",
	     NAMES LISTEN "source crm { auth_user = joe }\n" RELAY ACCOUNTS,
	     "f:4: auth_user: no listener of this source offers AUTH: it needs "
	     "tls (or insecure_auth)\n"},
	    {"an account of no name", ASKS("auth_user = \"\""),
	     "f:4: auth_user: '' is empty; for none write []\n"},
	    {"a certificate that nobody asks for",
	     NAMES "listen in { address = 127.0.0.1:25 tls = optional }\n"
		   "source crm { client_cert = a.example }\n" RELAY TLS,
	     "f:4: client_cert: no listener of this source asks for "
	     "certificates: it needs tls, and client_cert = log or require\n"},
	    {"a certificate of everybody", ASKS("client_cert = \"*\""),
	     "f:4: client_cert: '*' is not a domain or *.domain\n"},
	    {"a certificate of a top of all", ASKS("client_cert = \"*.\""),
	     "f:4: client_cert: '*.' is not a domain or *.domain\n"},
	    {"TLS that is not there", PLAIN(IP "require_tls = yes"),
	     "f:4: require_tls: no listener of this source has tls\n"},
	    {"the same network twice", TWO(IP, IP),
	     "f:5: source b has a network of source a at f:4; give them "
	     "different listeners\n"},
	    {"the same account twice",
	     TWO("auth_user = [joe, ann]", "auth_user = [tom, joe]"),
	     "f:5: source b has an account of source a at f:4; give them "
	     "different listeners or networks\n"},
	    {"the same account and network",
	     TWO(IP "auth_user = joe", IP "auth_user = joe"),
	     "f:5: source b has a network of source a at f:4; give them "
	     "different listeners\n"},
	    {"a certificate's name within another's",
	     TWO("client_cert = \"*.crm.example\"",
		 "client_cert = a.crm.example"),
	     "f:5: source b has a certificate's name of source a at f:4; give "
	     "them different listeners or networks\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
wrong_mail(void **state)
{
	static const struct row table[] = {
	    {"a domain that is none", PLAIN(IP "allow_from = \"a b\""),
	     "f:4: allow_from: 'a b' is not a domain or *.domain\n"},
	    {"all domains", PLAIN(IP "allow_from = \"*\""),
	     "f:4: allow_from: '*' is not a domain or *.domain\n"},
	    {"an address for a domain", PLAIN(IP "allow_from = a@b.c"),
	     "f:4: allow_from: 'a@b.c' is not a domain or *.domain\n"},
	    {"a bounce domain that is none",
	     PLAIN(IP "allow_from = a.b allow_bounce_domains = \"x*.a\""),
	     "f:4: allow_bounce_domains: 'x*.a' is not a domain or *.domain\n"},
	    {"a type that is not there", PLAIN(IP "type = bulk"),
	     "f:4: type: there is no type bulk\n"},
	    {"values without a field", PLAIN(IP "require_header = a"),
	     "f:4: require_header: write require_header { FIELD = VALUE }; '*' "
	     "is no header field\n"},
	    {"a field of no name", PLAIN(IP "require_header { \"\" = a }"),
	     "f:4: require_header: write require_header { FIELD = VALUE }; '' "
	     "is no header field\n"},
	    {"a field with a colon",
	     PLAIN(IP "require_header { \"X-A:\" = a }"),
	     "f:4: require_header: write require_header { FIELD = VALUE }; "
	     "'X-A:' is no header field\n"},
	    {"a field twice", PLAIN(IP "require_header { X-A = a x-a = b }"),
	     "f:4: require_header: x-a is there twice; write x-a = [VALUE, "
	     "VALUE]\n"},
	    {"a field without a value", PLAIN(IP "require_header { X-A = [] }"),
	     "f:4: require_header: X-A: the list is empty\n"},
	    {"an empty value", PLAIN(IP "require_header { X-A = \"\" }"),
	     "f:4: require_header: X-A: a value is 1 to 200 octets without "
	     "blanks around it\n"},
	    {"a value with blanks around it",
	     PLAIN(IP "require_header { X-A = \" a\" }"),
	     "f:4: require_header: X-A: a value is 1 to 200 octets without "
	     "blanks around it\n"},
	    {"half an org",
	     PLAIN(IP "require_header { x-sfdc-lk = 00D5e000000AbC }"),
	     "f:4: require_header: x-sfdc-lk: '00D5e000000AbC' is not an org's "
	     "id, which has 15 or 18 characters\n"},
	    {"half an org of a sandbox",
	     PLAIN(IP "sandbox_org = 00D5e000000AbC"),
	     "f:4: sandbox_org: '00D5e000000AbC' is not an org's id, which has "
	     "15 or 18 characters\n"},
	    {"too many fields",
	     PLAIN(IP "require_header { A = a B = a C = a D = a E = a F = a G "
		      "= a H = a I = a }"),
	     "f:4: require_header: 9 fields; there may be 8\n"},
	    {"a sandbox's relay that is not there",
	     PLAIN(IP "sandbox_relay = sink"),
	     "f:4: sandbox_relay: there is no relay sink\n"},
	    {"a sandbox's relay that is the CRM",
	     NAMES LISTEN "source crm { " IP "sandbox_relay = back }\n" RELAY
			  "relay back { host = b.example role = crm }\n"
			  "no_match = out\n",
	     "f:4: sandbox_relay: relay back has role = crm, which sends to "
	     "customers\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
right(void **state)
{
	static const struct row table[] = {
	    {"private networks",
	     PLAIN("from_ip = [10.0.0.0/8, 127.0.0.0/8, 172.16.0.0/12, "
		   "192.168.0.0/16, \"fc00::/7\"]"),
	     ""},
	    {"an account", ASKS("auth_user = joe"), ""},
	    {"wide networks with an account",
	     ASKS("auth_user = joe from_ip = [1.0.0.0/8, 2.0.0.0/8, "
		  "3.0.0.0/8, 4.0.0.0/8, 5.0.0.0/8, 6.0.0.0/8, 7.0.0.0/8, "
		  "8.0.0.0/8, 9.0.0.0/8]"),
	     ""},
	    {"an account where AUTH needs no TLS",
	     NAMES "listen in { address = 127.0.0.1:25 insecure_auth = yes }\n"
		   "source crm { auth_user = joe }\n" RELAY ACCOUNTS,
	     ""},
	    {"certificates", ASKS("client_cert = [a.example, \"*.b.example\"]"),
	     ""},
	    {"networks, one within the other", TWO(IP, "from_ip = 192.0.2.7"),
	     ""},
	    {"the same network, one of them with an account",
	     TWO(IP, IP "auth_user = joe"), ""},
	    {"different accounts", TWO("auth_user = joe", "auth_user = ann"),
	     ""},
	    {"the same account from one network and from all",
	     TWO("auth_user = joe", IP "auth_user = joe"), ""},
	    {"different certificates",
	     TWO("client_cert = a.example", "client_cert = b.example"), ""},
	    {"one on two listeners",
	     NAMES "listen a { address = 127.0.0.1:25 }\n"
		   "listen b { address = 127.0.0.1:26 }\n"
		   "source x { " IP "listener = a }\n"
		   "source y { " IP "listener = b }\n" RELAY,
	     ""},
	    {"all that can be asked for",
	     PLAIN(IP "allow_from = [a.example, \"*.a.example\"] "
		      "allow_bounce_domains = \"*.b.example\" "
		      "require_header { X-SFDC-LK = 00D5e000000AbCdEAK X-B = "
		      "[x, y] } dkim = require type = mass"),
	     ""},
	    {"every org", PLAIN(IP "require_header { X-SFDC-LK = \"*\" }"),
	     "f:4: warning: require_header: X-SFDC-LK = \"*\" lets in every "
	     "org; write the id of yours\n"},
	    {"bounce domains alone",
	     PLAIN(IP "allow_bounce_domains = a.example"),
	     "f:4: warning: allow_bounce_domains: without allow_from every "
	     "sender is allowed anyway\n"},
	    {"a sandbox's relay",
	     NAMES LISTEN
	     "source crm { " IP "sandbox_relay = sink }\n" RELAY
	     "relay sink { deliver = maildir dir = /m }\nno_match = out\n",
	     ""},
	    {"one that customers' mail takes too",
	     NAMES LISTEN "source crm { " IP "sandbox_relay = out }\n" RELAY
			  "relay b { host = b.example }\nno_match = b\n"
			  "route all { priority = 1 via = out }\n",
	     "f:4: warning: sandbox_relay: mail to customers goes through "
	     "relay out too (all)\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_clients),
	    cmocka_unit_test(wrong_mail),
	    cmocka_unit_test(right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
