#include "tests/daemon/expect.h"

#include <stdlib.h>
#include <unistd.h>

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
	    {"an unknown block", GOOD "filter { }\n",
	     "f:6: unknown block filter\n"},
	    {"a block misspelt", GOOD "relais x { host = a.example }\n",
	     "f:6: unknown block relais (did you mean relay?)\n"},
	    {"a block without its name", GOOD "relay { host = a.example }\n",
	     "f:6: relay needs a name: write relay \"NAME\" { ... }\n"},
	    {"a name for one of many", GOOD "classify \"x\" { priority = 1 }\n",
	     "f:6: classify has no name: write classify { ... }\n"},
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
	     "f:6: workers: 'two' is not a number; write one as 5, 5k, "
	     "5M or 5G\n"},
	    {"a negative count", KEY("workers = -1"),
	     "f:6: workers: '-1' is not a number; write one as 5, 5k, "
	     "5M or 5G\n"},
	    {"an empty count", KEY("workers = \"\""),
	     "f:6: workers: '' is not a number; write one as 5, 5k, "
	     "5M or 5G\n"},
	    {"a count with a size's unit", KEY("workers = 2kb"),
	     "f:6: workers: '2kb' has an unknown unit; write 2, 2k, 2M or "
	     "2G\n"},
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
	     "f:5: port: '2.5k' has an unknown unit; write 2, 2k, 2M or 2G\n"},
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
	     "f:5: deliver: 'lmtp' is none of smtp, mx, maildir\n"},
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

/* Writes the text to a file of its own and loads that. */
static struct settings *
load(const struct bytes *text, struct bytes *report)
{
	char path[] = "/tmp/mtq-load-XXXXXX";
	int fd = mkstemp(path);
	struct settings *s;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text->data, text->n), text->n);
	close(fd);
	s = settings_load(path, report);
	unlink(path);
	bytes_u8(report, '\0');
	return s;
}

/* The roles read what mtqd prints, every default included: a file whose print
 * they could not read is refused before they see it. */
static void
what_the_roles_can_read(void **state)
{
	struct bytes text = {0}, report = {0};
	struct settings *s;

	(void)state;
	bytes_add_text(&text, GOOD);
	for (int i = 0; i < SETTINGS_ROUTES; i++)
		bytes_printf(&text,
			     "route r%d { priority = %d to = d%d.example "
			     "via = out }\n",
			     i, i + 1, i);
	s = load(&text, &report);
	assert_string_equal((char *)report.data, "");
	assert_non_null(s);
	settings_free(s);
	text.n = report.n = 0;
	bytes_add_text(&text, GOOD);
	for (int i = 0; i < 60000; i++)
		bytes_printf(&text, "retry r%d { }\n", i);
	s = load(&text, &report);
	assert_null(s);
	assert_non_null(strstr((char *)report.data,
			       ": with every default written out this is too "
			       "large: print:"));
	bytes_free(&text);
	bytes_free(&report);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_keys),
	    cmocka_unit_test(wrong_values),
	    cmocka_unit_test(what_the_roles_can_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
