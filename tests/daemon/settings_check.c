#include "tests/daemon/expect.h"

static void
wrong_addresses(void **state)
{
#define AT(a)   NAMES "listen in { address = " a " }\n" SOURCE RELAY
#define FROM(n) NAMES LISTEN "source crm { from_ip = " n " }\n" RELAY
#define HOST(h) NAMES LISTEN SOURCE "relay out { host = " h " }\n"
	static const struct row table[] = {
	    {"a port alone", AT("25"),
	     "f:3: address: '25' has no port; write 192.0.2.1:25 or "
	     "\"[2001:db8::1]:25\"\n"},
	    {"an address alone", AT("127.0.0.1"),
	     "f:3: address: '127.0.0.1' has no port; write 192.0.2.1:25 or "
	     "\"[2001:db8::1]:25\"\n"},
	    {"an IPv6 address alone", AT("\"[::1]\""),
	     "f:3: address: '[::1]' has no port; write 192.0.2.1:25 or "
	     "\"[2001:db8::1]:25\"\n"},
	    {"no brackets", AT("::1:25"),
	     "f:3: address: '::1:25' an IPv6 address needs brackets: "
	     "\"[2001:db8::1]:25\"\n"},
	    {"a star", AT("*:25"),
	     "f:3: address: '*:25' is not ADDRESS:PORT; write 0.0.0.0:25 or "
	     "\"[::]:25\" for all addresses\n"},
	    {"a name", AT("localhost:25"),
	     "f:3: address: 'localhost:25' is not ADDRESS:PORT; write "
	     "0.0.0.0:25 or \"[::]:25\" for all addresses\n"},
	    {"port 0", AT("127.0.0.1:0"),
	     "f:3: address: '127.0.0.1:0' has a wrong port; ports go from 1 "
	     "to 65535\n"},
	    {"port 65536", AT("127.0.0.1:65536"),
	     "f:3: address: '127.0.0.1:65536' has a wrong port; ports go "
	     "from 1 to 65535\n"},
	    {"an octet of 256", AT("127.0.0.256:25"),
	     "f:3: address: '127.0.0.256:25' is not ADDRESS:PORT; write "
	     "0.0.0.0:25 or \"[::]:25\" for all addresses\n"},
	    {"no address", AT("[]"), "f:3: address: the list is empty\n"},
	    {"a name as a network", FROM("crm.example"),
	     "f:4: from_ip: 'crm.example' is not a network; write "
	     "192.0.2.0/24 or 2001:db8::/32\n"},
	    {"bits beyond the length", FROM("192.0.2.1/24"),
	     "f:4: from_ip: '192.0.2.1/24' has bits beyond its length; is "
	     "one address meant, or the network?\n"},
	    {"/33", FROM("192.0.2.0/33"),
	     "f:4: from_ip: '192.0.2.0/33' has a wrong length; it goes from "
	     "0 to 32\n"},
	    {"/129", FROM("2001:db8::/129"),
	     "f:4: from_ip: '2001:db8::/129' has a wrong length; it goes "
	     "from 0 to 128\n"},
	    {"a mask", FROM("192.0.2.0/255.255.255.0"),
	     "f:4: from_ip: '192.0.2.0/255.255.255.0' has a wrong length; "
	     "it goes from 0 to 32\n"},
	    {"nobody", FROM("[]"), "f:4: from_ip: the list is empty\n"},
	    {"everybody", FROM("0.0.0.0/0"),
	     "f:4: from_ip: '0.0.0.0/0' holds everybody: an open relay; "
	     "name the networks that may hand us mail\n"},
	    {"everybody of IPv6", FROM("[192.0.2.1, ::/0]"),
	     "f:4: from_ip: '::/0' holds everybody: an open relay; name the "
	     "networks that may hand us mail\n"},
	    {"everybody, mapped", FROM("::ffff:0.0.0.0/96"),
	     "f:4: from_ip: '::ffff:0.0.0.0/96' holds everybody: an open "
	     "relay; name the networks that may hand us mail\n"},
	    {"everybody, around the mapped", FROM("::/64"),
	     "f:4: from_ip: '::/64' holds everybody: an open relay; name "
	     "the networks that may hand us mail\n"},
	    {"everybody in two halves", FROM("[0.0.0.0/1, 128.0.0.0/1]"),
	     "f:4: from_ip: '0.0.0.0/1' is too wide, it makes an open "
	     "relay; the widest is /8; '128.0.0.0/1' is too wide, it makes "
	     "an open relay; the widest is /8\n"},
	    {"all of IPv6 that is in use", FROM("2000::/3"),
	     "f:4: from_ip: '2000::/3' is too wide, it makes an open relay; "
	     "the widest is /7\n"},
	    {"a host with a port", HOST("mail.example:25"),
	     "f:5: host: 'mail.example:25' is not a host; the port has a "
	     "key of its own\n"},
	    {"an IPv6 host without brackets", HOST("2001:db8::1"),
	     "f:5: host: '2001:db8::1' an IPv6 address needs brackets: "
	     "\"[2001:db8::1]\"\n"},
	    {"IPv4 in brackets", HOST("\"[192.0.2.1]\""),
	     "f:5: host: '[192.0.2.1]' is not a name, an IPv4 address or an "
	     "IPv6 address in brackets\n"},
	    {"half an address", HOST("192.0.2"),
	     "f:5: host: '192.0.2' is not a name, an IPv4 address or an "
	     "IPv6 address in brackets\n"},
	    {"an underscore", HOST("mail_1.example"),
	     "f:5: host: 'mail_1.example' is not a name, an IPv4 address or "
	     "an IPv6 address in brackets\n"},
	    {"a dot at the end", HOST("mail.example."),
	     "f:5: host: 'mail.example.' is not a name, an IPv4 address or "
	     "an IPv6 address in brackets\n"},
	    {"a hyphen at the end of a label", HOST("mail-.example"),
	     "f:5: host: 'mail-.example' is not a name, an IPv4 address or "
	     "an IPv6 address in brackets\n"},
	    {"an empty host", HOST("\"\""),
	     "f:5: host: '' is not a name, an IPv4 address or an IPv6 "
	     "address in brackets\n"},
	    {"forward to a name", GOOD "dns { forward = ns.example }\n",
	     "f:6: forward: 'ns.example' is not ADDRESS or ADDRESS@PORT\n"},
	    {"forward with a colon", GOOD "dns { forward = 127.0.0.1:53 }\n",
	     "f:6: forward: '127.0.0.1:53' is not ADDRESS or "
	     "ADDRESS@PORT\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
wrong_relations(void **state)
{
	static const struct row table[] = {
	    {"nothing at all", "",
	     "f: instance must be given\nf: hostname must be given\n"
	     "f: no listen block: mail can't come in\n"
	     "f: no source block: nobody may hand us mail\n"
	     "f: no relay block: mail can't go anywhere\n"},
	    {"blocks without what they need",
	     NAMES "listen in { }\nsource crm { }\nrelay out { }\n",
	     "f:3: listen in needs address\n"
	     "f:4: source crm needs from_ip, auth_user or client_cert: who may "
	     "send is never everybody\n"
	     "f:5: relay out needs host\n"},
	    {"a Maildir without its folder",
	     NAMES LISTEN SOURCE "relay out { deliver = maildir }\n",
	     "f:5: relay out needs dir\n"},
	    {"a relative Maildir",
	     NAMES LISTEN SOURCE "relay out { deliver = maildir dir = mail }\n",
	     "f:5: dir: 'mail' must begin with /\n"},
	    {"an instance with a slash",
	     "instance = a/b\nhostname = a.example\n" LISTEN SOURCE RELAY,
	     "f:1: instance: 'a/b' is not 1 to 64 of A-Z a-z 0-9 . _ -\n"},
	    {"an empty instance",
	     "instance = \"\"\nhostname = a.example\n" LISTEN SOURCE RELAY,
	     "f:1: instance: '' is not 1 to 64 of A-Z a-z 0-9 . _ -\n"},
	    {"a hostname without a dot",
	     "instance = a\nhostname = mail\n" LISTEN SOURCE RELAY,
	     "f:2: hostname: 'mail' is not a full domain name as "
	     "relay1.example.com\n"},
	    {"a bare address as hostname",
	     "instance = a\nhostname = 192.0.2.1\n" LISTEN SOURCE RELAY,
	     "f:2: hostname: '192.0.2.1' is not a full domain name as "
	     "relay1.example.com\n"},
	    {"a wrong literal as hostname",
	     "instance = a\nhostname = \"[IPv6:x]\"\n" LISTEN SOURCE RELAY,
	     "f:2: hostname: '[IPv6:x]' is not a full domain name as "
	     "relay1.example.com\n"},
	    {"a name in brackets as hostname",
	     "instance = a\nhostname = \"[a.example]\"\n" LISTEN SOURCE RELAY,
	     "f:2: hostname: '[a.example]' is not a full domain name as "
	     "relay1.example.com\n"},
	    {"a user with a colon", GOOD "user = a:b\n",
	     "f:6: user: 'a:b' is not a user's name\n"},
	    {"a relative state_dir", GOOD "state_dir = queue\n",
	     "f:6: state_dir: 'queue' must begin with /\n"},
	    {"an empty state_dir", GOOD "state_dir = ''\n",
	     "f:6: state_dir: a folder is needed\n"},
	    {"a state_dir too long for its socket",
	     GOOD "state_dir = /12345678901234567890123456789012345678901234"
		  "567890123456789012345678901234567890123456789012345\n",
	     "f:6: state_dir: too long for the control socket in it; set "
	     "control to a path of at most 107 octets\n"},
	    {"a relative control", GOOD "control = mtq.sock\n",
	     "f:6: control: 'mtq.sock' must begin with /\n"},
	    {"a relative anchor", GOOD "dns { trust_anchor = [/a, b] }\n",
	     "f:6: trust_anchor: 'b' must begin with /\n"},
	    {"the same address twice",
	     NAMES
	     "listen in { address = [127.0.0.1:25, 127.0.0.1:25] }\n" SOURCE
		 RELAY,
	     "f:3: listen in: 127.0.0.1:25 is taken by 127.0.0.1:25 of "
	     "listen in at f:3\n"},
	    {"the same address of two listeners",
	     GOOD "listen b { address = 127.0.0.1:25 }\n",
	     "f:6: listen b: 127.0.0.1:25 is taken by 127.0.0.1:25 of "
	     "listen in at f:3\n"},
	    {"one address of all", GOOD "listen b { address = 0.0.0.0:25 }\n",
	     "f:6: listen b: 0.0.0.0:25 is taken by 127.0.0.1:25 of listen "
	     "in at f:3\n"},
	    {"the same address, mapped",
	     GOOD "listen b { address = \"[::ffff:127.0.0.1]:25\" }\n",
	     "f:6: listen b: [::ffff:127.0.0.1]:25 is taken by 127.0.0.1:25 "
	     "of listen in at f:3\n"},
	    {"an IPv6 listener and IPv4 clients",
	     GOOD "listen b { address = \"[::1]:25\" }\n",
	     "f:6: listen b: no source has an IPv6 network for clients of "
	     "[::1]:25\n"},
	    {"an IPv4 listener and IPv6 clients",
	     NAMES LISTEN "source crm { from_ip = 2001:db8::/32 }\n" RELAY,
	     "f:3: listen in: no source has an IPv4 network for clients of "
	     "127.0.0.1:25\n"},
	    {"a listener that no source is for",
	     NAMES LISTEN "listen b { address = 127.0.0.1:26 }\n"
			  "source crm { from_ip = 192.0.2.1 listener = in }"
			  "\n" RELAY,
	     "f:4: listen b: no source has an IPv4 network for clients of "
	     "127.0.0.1:26\n"},
	    {"a source for a listener that is not there",
	     GOOD "source b { from_ip = 192.0.2.1 listener = [in, out] }\n",
	     "f:6: listener: there is no listen out\n"},
	    {"a network of two sources",
	     GOOD "source b { from_ip = [192.0.3.0/24, 192.0.2.0/24] }\n",
	     "f:6: source b has a network of source crm at f:4; give them "
	     "different listeners\n"},
	    {"two relays and no choice", GOOD "relay b { host = b.example }\n",
	     "f: no_match must name one of the 2 relays\n"},
	    {"no_match names none", GOOD "no_match = crm\n",
	     "f:6: no_match: there is no relay crm\n"},
	    {"no relay, whatever no_match says",
	     NAMES LISTEN SOURCE "no_match = crm\n",
	     "f: no relay block: mail can't go anywhere\n"},
	    {"all in one go, in the order of the checks",
	     "instance = a\nhostname = mail\ncolour = red\n" LISTEN
	     "source crm { from_ip = 0.0.0.0/0 }\n"
	     "relay out { host = a.example port = 0 }\n",
	     "f:3: unknown key colour\n"
	     "f:5: from_ip: '0.0.0.0/0' holds everybody: an open relay; "
	     "name the networks that may hand us mail\n"
	     "f:6: port: '0' is too small; the least is 1\n"
	     "f:2: hostname: 'mail' is not a full domain name as "
	     "relay1.example.com\n"},
	    {"with broken syntax, nothing is called missing",
	     "instance = a\n=\nlisten in {\naddress = 25\n}\n",
	     "f:2: a key expected, not '='\n"
	     "f:4: address: '25' has no port; write 192.0.2.1:25 or "
	     "\"[2001:db8::1]:25\"\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

/* Doubts are told, and the file is taken. */
static void
doubts(void **state)
{
	static const struct row table[] = {
	    {"none", GOOD, ""},
	    {"a relay that nothing chooses",
	     GOOD "relay b { host = b.example }\nno_match = b\n",
	     "f:5: warning: relay out is not used: neither a route nor "
	     "no_match names it\n"},
	    {"the relay is our own address",
	     NAMES LISTEN SOURCE "relay out { host = 127.0.0.1 }\n",
	     "f:5: warning: relay out is our own listener in: mail would go "
	     "round in circles\n"},
	    {"our own name",
	     NAMES LISTEN SOURCE "relay out { host = A.example }\n",
	     "f:5: warning: relay out is our own listener in: mail would go "
	     "round in circles\n"},
	    {"this machine, and we listen on all addresses",
	     NAMES "listen in { address = 0.0.0.0:25 }\n" SOURCE
		   "relay out { host = 127.0.0.5 }\n",
	     "f:5: warning: relay out is our own listener in: mail would go "
	     "round in circles\n"},
	    {"another port of our own",
	     NAMES LISTEN SOURCE "relay out { host = 127.0.0.1 port = 26 }\n",
	     ""},
	    {"a network inside that of another source",
	     GOOD "source b { from_ip = 192.0.2.0/25 }\n", ""},
	    {"a network of two sources on two listeners",
	     NAMES LISTEN
	     "listen b { address = 127.0.0.1:26 }\n"
	     "source crm { from_ip = 192.0.2.1 listener = in }\n"
	     "source b { from_ip = 192.0.2.1 listener = b }\n" RELAY,
	     ""},
	    {"a retry that nothing uses", GOOD "retry slow { }\n",
	     "f:6: warning: retry slow is not used: no type names it\n"},
	    {"a lifetime of one attempt",
	     GOOD "retry normal { lifetime = 30s }\n",
	     "f:6: warning: retry normal: the lifetime ends before the "
	     "second attempt\n"},
	    {"a folder for SMTP",
	     NAMES LISTEN SOURCE "relay out { host = a.b dir = /x }\n",
	     "f:5: warning: dir: only used with deliver = maildir\n"},
	    {"a host for a Maildir",
	     NAMES LISTEN SOURCE
	     "relay out { deliver = maildir host = a.b dir = /x }\n",
	     "f:5: warning: host: only used with deliver = smtp\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_addresses),
	    cmocka_unit_test(wrong_relations),
	    cmocka_unit_test(doubts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
