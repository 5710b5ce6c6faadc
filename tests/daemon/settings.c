#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/settings_table.h"

/* The least that is right; cases put their lines behind it. */
#define NAMES  "instance = a\nhostname = a.example\n"
#define LISTEN "listen in { address = 127.0.0.1:25 }\n"
#define SOURCE "source crm { from_ip = 192.0.2.0/24 }\n"
#define RELAY  "relay out { host = mail.example }\n"
#define GOOD   NAMES LISTEN SOURCE RELAY /* 5 lines */

static struct settings *
parse(const char *text, struct bytes *report)
{
	struct settings *s;

	s = settings_parse("f", text, strlen(text), report);
	bytes_u8(report, 0);
	return s;
}

/* What the text says, and whether there are settings then. */
static void
expect(const char *name, const char *text, const char *says, bool good)
{
	struct bytes report = {0};
	struct settings *s = parse(text, &report);

	if (strcmp((char *)report.data, says) != 0)
		fail_msg("%s: it says\n%swanted\n%s", name, (char *)report.data,
			 says);
	if ((s != NULL) != good)
		fail_msg("%s: %s", name, good ? "refused" : "taken");
	settings_free(s);
	bytes_free(&report);
}

struct row {
	const char *name;
	const char *text;
	const char *says;
};

static void
expect_all(const struct row *row, size_t n)
{
	for (size_t i = 0; i < n; i++)
		expect(row[i].name, row[i].text, row[i].says, false);
}

static void
wrong_keys(void **state)
{
	static const struct row table[] = {
	    {"unknown", GOOD "colour = red\n", "f:6: unknown key colour\n"},
	    {"misspelt", GOOD "instanse = b\n",
	     "f:6: unknown key instanse (did you mean instance?)\n"},
	    {"a block misspelt as a key", GOOD "liste = 1\n",
	     "f:6: unknown key liste (did you mean listen?)\n"},
	    {"misspelt in a block", GOOD "queue { mapsize = 1gb }\n",
	     "f:6: unknown key mapsize in queue (did you mean map_size?)\n"},
	    {"three letters off", GOOD "wrkrss = 1\n",
	     "f:6: unknown key wrkrss\n"},
	    {"a key of another block", GOOD "port = 25\n",
	     "f:6: port stands in a relay block, not outside of blocks\n"},
	    {"a relay's key in a listener",
	     NAMES
	     "listen in { address = 127.0.0.1:25 port = 25 }\n" SOURCE RELAY,
	     "f:3: port stands in a relay block, not in listen\n"},
	    {"a global key in a block", GOOD "dns { hostname = b.example }\n",
	     "f:6: hostname stands outside of blocks, not in dns\n"},
	    {"a block as a key", GOOD "queue = 1gb\n",
	     "f:6: queue is a block: write queue { ... }\n"},
	    {"a block with a name as a key", GOOD "retry = 1min\n",
	     "f:6: retry is a block: write retry \"NAME\" { ... }\n"},
	    {"a key as a block", GOOD "user { }\n",
	     "f:6: user is a key: write user = VALUE\n"},
	    {"a key as a block in a block", GOOD "dns { forward { } }\n",
	     "f:6: forward is a key: write forward = VALUE\n"},
	    {"an unknown block", GOOD "classify { }\n",
	     "f:6: unknown block classify\n"},
	    {"a block misspelt", GOOD "relais x { host = a.example }\n",
	     "f:6: unknown block relais (did you mean relay?)\n"},
	    {"a block without its name", GOOD "relay { host = a.example }\n",
	     "f:6: relay needs a name: write relay \"NAME\" { ... }\n"},
	    {"a name too many", GOOD "queue \"main\" { }\n",
	     "f:6: queue has no name: write queue { ... }\n"},
	    {"a name with a blank", GOOD "retry \"a b\" { }\n",
	     "f:6: retry: the name 'a b' is not 1 to 64 of A-Z a-z 0-9 . _ "
	     "-\n"},
	    {"a block inside another",
	     NAMES LISTEN SOURCE "relay out {\nhost = b.example\n"
				 "dns { }\n}\n",
	     "f:7: dns can't stand in relay; is the '{' of line 5 "
	     "closed?\n"},
	    {"a key twice", GOOD "hostname = b.example\n",
	     "f:6: hostname is already at f:2\n"},
	    {"a relay twice", GOOD "relay \"out\" { host = b.example }\n",
	     "f:6: relay out is already at f:5\n"},
	    {"the clean message", GOOD "a%sb\\x = 1\n",
	     "f:6: unknown key a%sb\\x\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
wrong_values(void **state)
{
#define KEY(line)   GOOD line "\n"
#define QUEUE(line) GOOD "queue { " line " }\n"
#define RELAYS(line)                                                           \
	NAMES LISTEN SOURCE "relay out { host = mail.example " line " }\n"
	static const struct row table[] = {
	    {"a count of letters", KEY("workers = two"),
	     "f:6: workers: 'two' is not a number; write one as 5, 5k or "
	     "5M\n"},
	    {"a negative count", KEY("workers = -1"),
	     "f:6: workers: '-1' is not a number; write one as 5, 5k or "
	     "5M\n"},
	    {"an empty count", KEY("workers = \"\""),
	     "f:6: workers: '' is not a number; write one as 5, 5k or "
	     "5M\n"},
	    {"a count with a size's unit", KEY("workers = 2kb"),
	     "f:6: workers: '2kb' has an unknown unit; write 2, 2k or "
	     "2M\n"},
	    {"a count too small", KEY("workers = 0"),
	     "f:6: workers: '0' is too small; the least is 1\n"},
	    {"a count too large", KEY("workers = 33"),
	     "f:6: workers: '33' is too large; the most is 32\n"},
	    {"a count near 2^64", KEY("workers = 18446744073709551617"),
	     "f:6: workers: '18446744073709551617' is too large; the most "
	     "is 32\n"},
	    {"a count far over 2^64",
	     KEY("workers = 99999999999999999999999999"),
	     "f:6: workers: '99999999999999999999999999' is too large; the "
	     "most is 32\n"},
	    {"over 2^64 by its unit", KEY("workers = 18446744073709551615M"),
	     "f:6: workers: '18446744073709551615M' is too large; the most "
	     "is 32\n"},
	    {"a port too large", RELAYS("port = 65536"),
	     "f:5: port: '65536' is too large; the most is 65535\n"},
	    {"a fraction", RELAYS("port = 2.5k"),
	     "f:5: port: '2.5k' has an unknown unit; write 2, 2k or 2M\n"},
	    {"a size without a unit", QUEUE("map_size = 64"),
	     "f:6: map_size: '64' has no unit; write 64kb, 64mb, 64gb or "
	     "64tb\n"},
	    {"a size in capitals", QUEUE("map_size = 64MB"),
	     "f:6: map_size: '64MB' has an unknown unit; write 64kb, 64mb, "
	     "64gb or 64tb\n"},
	    {"a size too small", QUEUE("map_size = 1kb"),
	     "f:6: map_size: '1kb' is too small; the least is 1mb\n"},
	    {"a size over 2^64", QUEUE("map_size = 99999999tb"),
	     "f:6: map_size: '99999999tb' is too large; the most is "
	     "16tb\n"},
	    {"a size with a blank", QUEUE("map_size = \"64 mb\""),
	     "f:6: map_size: '64 mb' has an unknown unit; write 64kb, 64mb, "
	     "64gb or 64tb\n"},
	    {"a time without a unit", KEY("watchdog = 10"),
	     "f:6: watchdog: '10' has no unit; write 10s, 10min, 10h or "
	     "10d\n"},
	    {"a time in m", KEY("watchdog = 5m"),
	     "f:6: watchdog: '5m' has an unknown unit; write 5s, 5min, 5h or "
	     "5d\n"},
	    {"a time too long", KEY("watchdog = 1d"),
	     "f:6: watchdog: '1d' is too large; the most is 10min\n"},
	    {"a share without %", QUEUE("high_water = 85"),
	     "f:6: high_water: '85' has no unit; write 85%\n"},
	    {"a share too large", QUEUE("high_water = 96%"),
	     "f:6: high_water: '96%' is too large; the most is 95%\n"},
	    {"a word of no set", RELAYS("deliver = lmtp"),
	     "f:5: deliver: 'lmtp' is none of smtp, maildir\n"},
	    {"a word in capitals", RELAYS("lookup = MX"),
	     "f:5: lookup: 'MX' is none of auto, mx, host\n"},
	    {"a list for one value", KEY("workers = [1, 2]"),
	     "f:6: workers: takes one value, not a list\n"},
	    {"a list of one for one value", KEY("user = [mtq]"),
	     "f:6: user: takes one value, not a list\n"},
	    {"a host in brackets without quotes",
	     NAMES LISTEN SOURCE "relay out { host = [::1] }\n",
	     "f:5: host: takes one value, not a list; an address in "
	     "brackets stands in quotes\n"},
	    {"every wrong item of a list",
	     GOOD "retry normal { intervals = [1min, 5, 2h, x, 2d] }\n",
	     "f:6: intervals: '5' has no unit; write 5s, 5min, 5h or 5d; "
	     "'x' is not a number; write one as 5s, 5min, 5h or 5d; '2d' is "
	     "too large; the most is 1d\n"},
	    {"an empty list of times", GOOD "retry normal { intervals = [] }\n",
	     "f:6: intervals: the list is empty\n"},
	    {"an empty text in a list", GOOD "dns { trust_anchor = \"\" }\n",
	     "f:6: trust_anchor: '' is empty; for none write []\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

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
	     "f:3: listen in needs address\nf:4: source crm needs from_ip\n"
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
	     "f:5: warning: relay out is not used: only no_match chooses "
	     "one\n"},
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
	    {"a retry that nothing uses", GOOD "retry slow { }\n",
	     "f:6: warning: retry slow is not used: all mail uses "
	     "\"normal\"\n"},
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

static const char full[] =
    "instance = eu-1\nhostname = \"[IPv6:2001:db8::1]\"\n"
    "state_dir = /srv/mtq\nuser = mtq  no_match = crm  workers = 1\n"
    "queue { map_size = 3gb high_water = 70% min_free = 0mb }\n"
    "dns { forward = [127.0.0.1@5353, \"::1\"] }\n"
    "listen smtp { address = [\"0.0.0.0:25\", \"[::]:25\"]\n"
    "    max_message_size = 1kb max_recipients = 50k }\n"
    "listen inner { address = \"127.0.0.1:10025\" }\n"
    "source crm { from_ip = [192.0.2.0/24, 2001:db8::/32] }\n"
    "source own { from_ip = [::ffff:127.0.0.0/104] listener = inner }\n"
    "relay crm { host = crm.example port = 587 lookup = host }\n"
    "relay box { deliver = maildir dir = \"/srv/a b\" }\n"
    "retry normal { intervals = [90s, 1h] lifetime = 36h }\n";

static void
values(void **state)
{
	struct bytes report = {0};
	struct settings *s = parse(full, &report);

	(void)state;
	assert_non_null(s);
	assert_string_equal(s->instance, "eu-1");
	assert_string_equal(s->control_path, "/srv/mtq/control.sock");
	assert_int_equal(s->workers, 1);
	assert_int_equal(s->watchdog_us, 10 * SECOND_US);
	assert_true(s->queue.map_size_bytes == UINT64_C(3) << 30);
	assert_int_equal(s->queue.high_water_percent, 70);
	assert_int_equal(s->queue.min_free_bytes, 0);
	assert_int_equal(s->dns.trust_anchor.n, 0);
	assert_int_equal(s->dns.forward.n, 2);
	assert_string_equal(s->dns.forward.item[0], "127.0.0.1@5353");
	assert_int_equal(s->nlistens, 2);
	assert_string_equal(s->listens[0].title, "smtp");
	assert_int_equal(s->listens[0].line, 7);
	assert_int_equal(s->listens[0].address.n, 2);
	assert_int_equal(s->listens[0].address.at[1].sa.ss_family, AF_INET6);
	assert_int_equal(s->listens[0].max_message_size_bytes, 1024);
	assert_int_equal(s->listens[0].max_recipients, 50000);
	assert_int_equal(s->listens[1].max_recipients, 1000);
	assert_int_equal(s->sources[1].from_ip.net[0].bits, 104);
	assert_ptr_equal(s->no_match_relay, &s->relays[0]);
	assert_ptr_equal(settings_relay(s, "box"), &s->relays[1]);
	assert_null(settings_relay(s, "none"));
	assert_int_equal(s->relays[0].lookup, LOOKUP_HOST);
	assert_int_equal(s->relays[1].deliver, DELIVER_MAILDIR);
	assert_string_equal(s->relays[1].dir, "/srv/a b");
	assert_ptr_equal(s->normal_retry, &s->retries[0]);
	assert_int_equal(s->normal_retry->intervals.n, 2);
	assert_int_equal(s->normal_retry->intervals.us[0], 90 * SECOND_US);
	assert_int_equal(s->normal_retry->lifetime_us, 36 * HOUR_US);
	settings_free(s);
	bytes_free(&report);
}

/* Without a retry block there is one, with the defaults. */
static void
defaults(void **state)
{
	struct bytes report = {0};
	struct settings *s = parse(GOOD, &report);

	(void)state;
	assert_non_null(s);
	assert_string_equal(s->control_path, "/var/lib/mtq/control.sock");
	assert_int_equal(s->nretries, 1);
	assert_string_equal(s->normal_retry->title, "normal");
	assert_int_equal(s->normal_retry->line, 0);
	assert_int_equal(s->normal_retry->intervals.n, 6);
	assert_int_equal(s->normal_retry->intervals.us[5], 2 * HOUR_US);
	assert_ptr_equal(s->no_match_relay, s->relays);
	assert_int_equal(s->relays[0].port, 25);
	settings_free(s);
	bytes_free(&report);
}

static void
who_may_hand_us_mail(void **state)
{
	static const struct {
		const char *peer;
		size_t listener;
		const char *source; /* NULL: nobody */
	} table[] = {
	    {"192.0.2.7", 0, "crm"},        {"192.0.2.7", 1, "crm"},
	    {"192.0.3.7", 0, NULL},         {"::ffff:192.0.2.7", 0, "crm"},
	    {"2001:db8:ffff::1", 0, "crm"}, {"2001:db9::1", 0, NULL},
	    {"::192.0.2.7", 0, NULL},       {"127.8.9.1", 1, "own"},
	    {"127.8.9.1", 0, NULL},         {"128.0.0.1", 1, NULL},
	};
	struct bytes report = {0};
	struct settings *s = parse(full, &report);

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < countof(table); i++) {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
		struct sockaddr_in in = {.sin_family = AF_INET};
		const struct sockaddr *sa = (struct sockaddr *)&in6;
		const struct source_settings *found;

		if (inet_pton(AF_INET, table[i].peer, &in.sin_addr) == 1)
			sa = (struct sockaddr *)&in;
		else
			assert_int_equal(
			    inet_pton(AF_INET6, table[i].peer, &in6.sin6_addr),
			    1);
		found = settings_source(s, &s->listens[table[i].listener], sa);
		if (table[i].source == NULL)
			assert_null(found);
		else
			assert_string_equal(found->title, table[i].source);
	}
	settings_free(s);
	bytes_free(&report);
}

/* True when the text is taken; then print(parse(print)) is the print. */
static bool
round_trip(const char *text, size_t n)
{
	struct bytes report = {0}, one = {0}, two = {0};
	struct settings *s = settings_parse("f", text, n, &report), *t = NULL;
	bool taken = s != NULL;

	if (taken) {
		settings_print(s, false, &one);
		t = settings_parse("g", (char *)one.data, one.n, &report);
		assert_non_null(t);
		settings_print(t, false, &two);
		assert_int_equal(one.n, two.n);
		assert_memory_equal(one.data, two.data, one.n);
	} else {
		assert_true(report.n > 0);
	}
	settings_free(s);
	settings_free(t);
	bytes_free(&report);
	bytes_free(&one);
	bytes_free(&two);
	return taken;
}

/* A file cut off in a line is refused: nothing is read from half of one. */
static void
every_prefix(void **state)
{
	size_t n = sizeof full - 1;

	(void)state;
	assert_true(round_trip(full, n));
	for (size_t i = 0; i < n; i++)
		if (round_trip(full, i)) /* blocks we can do without */
			assert_int_equal(full[i - 1], '\n');
}

/* Any octet changed: refused with a message, or taken and printed exactly. */
static void
every_octet(void **state)
{
	static const char with[] = "\0\n #\"'{}[]=,;\\a1.:/\x80";
	char text[sizeof full];
	size_t n = sizeof full - 1;

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < sizeof with - 1; j++) {
			memcpy(text, full, sizeof full);
			text[i] = with[j];
			round_trip(text, n);
		}
}

static void
origins(void **state)
{
	struct bytes report = {0}, out = {0};
	struct settings *s = parse(GOOD, &report);

	(void)state;
	assert_non_null(s);
	settings_print(s, true, &out);
	bytes_u8(&out, 0);
	assert_non_null(
	    strstr((char *)out.data,
		   "hostname = a.example                            # f:2\n"));
	assert_non_null(strstr(
	    (char *)out.data,
	    "workers = 2                                     # default\n"));
	assert_non_null(
	    strstr((char *)out.data,
		   "    host = mail.example                         # f:5\n"));
	settings_free(s);
	bytes_free(&report);
	bytes_free(&out);
}

/* The sample is taken as it is, and says the defaults that hold. */
static void
sample(void **state)
{
	struct bytes sample = {0}, report = {0}, one = {0}, two = {0};
	struct bytes open = {0};
	struct settings *s, *t;

	(void)state;
	settings_print_sample(&sample);
	for (size_t i = 0; i < sample.n; i++) /* "#key" becomes "key" */
		if (sample.data[i] != '#' || i + 1 == sample.n ||
		    sample.data[i + 1] < 'a' || sample.data[i + 1] > 'z')
			bytes_u8(&open, sample.data[i]);
	s = settings_parse("f", (char *)sample.data, sample.n, &report);
	t = settings_parse("f", (char *)open.data, open.n, &report);
	assert_int_equal(report.n, 0);
	assert_non_null(s);
	assert_non_null(t);
	settings_print(s, false, &one);
	settings_print(t, false, &two);
	assert_int_equal(one.n, two.n);
	assert_memory_equal(one.data, two.data, one.n);
	bytes_u8(&sample, 0);
	assert_null(strstr((char *)sample.data, "NAME"));
	settings_free(s);
	settings_free(t);
	bytes_free(&sample);
	bytes_free(&report);
	bytes_free(&one);
	bytes_free(&two);
	bytes_free(&open);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_keys),
	    cmocka_unit_test(wrong_values),
	    cmocka_unit_test(wrong_addresses),
	    cmocka_unit_test(wrong_relations),
	    cmocka_unit_test(doubts),
	    cmocka_unit_test(values),
	    cmocka_unit_test(defaults),
	    cmocka_unit_test(who_may_hand_us_mail),
	    cmocka_unit_test(every_prefix),
	    cmocka_unit_test(every_octet),
	    cmocka_unit_test(origins),
	    cmocka_unit_test(sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
