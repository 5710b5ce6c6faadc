#include "tests/daemon/expect.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* 6 lines; the quota stands in the fifth. */
#define QUOTA(keys)                                                            \
	NAMES LISTEN SOURCE "quota q { limit = 2k " keys " }\n"                \
			    "relay out { host = mail.example quota = q }\n"

static void
wrong_quotas(void **state)
{
	static const struct row table[] = {
	    {"no limit", GOOD "quota q { }\n", "f:6: quota q needs limit\n"},
	    {"a limit with a wrong unit",
	     GOOD "quota q { limit = 2gb reserve { mass = 5 } }\n",
	     "f:6: limit: '2gb' has an unknown unit; write 2, 2k, 2M or 2G\n"},
	    {"a type of cap that is not there", QUOTA("cap { bulk = 5 }"),
	     "f:5: cap: there is no type bulk\n"},
	    {"a type of reserve that is not there", QUOTA("reserve { x = 5 }"),
	     "f:5: reserve: there is no type x\n"},
	    {"a cap that is no number", QUOTA("cap { mass = much }"),
	     "f:5: cap: mass: 'much' is not a number; write one as 5, 5k, 5M "
	     "or 5G\n"},
	    {"a cap of two numbers", QUOTA("cap { mass = [1, 2] }"),
	     "f:5: cap: mass: '1' takes one number\n"},
	    {"a cap without its type", QUOTA("cap = 5"),
	     "f:5: cap: is a block: write { NAME = number }\n"},
	    {"a cap twice", QUOTA("cap { mass = 1\nmass = 2 }"),
	     "f:6: mass is already at f:5\n"},
	    {"a period without rolling", QUOTA("period = 12h"),
	     "f:5: period: only with window = rolling\n"},
	    {"a rolling window of half minutes",
	     QUOTA("window = rolling period = 90s"),
	     "f:5: period: a rolling window has whole minutes\n"},
	    {"what a rolling window can't have",
	     QUOTA("window = rolling reserve { mass = 5 } release = 10%\n"
		   "spread = yes zone = Europe/Berlin"),
	     "f:5: reserve: only with window = day or month\n"
	     "f:5: release: only with window = day or month\n"
	     "f:6: spread: only with window = day or month\n"
	     "f:6: zone: only with window = day or month\n"},
	    {"a ramp without its keys", QUOTA("ramp { from = 5 }"),
	     "f:5: ramp: needs to\n"
	     "f:5: ramp: needs over\n"
	     "f:5: ramp: needs start\n"},
	    {"a ramp with a key too many",
	     QUOTA("ramp { from = 5 to = 2k over = 3d start = 2026-11-01\n"
		   "until = x }"),
	     "f:5: ramp: until is none of from, to, over, start\n"},
	    {"a ramp down",
	     QUOTA("ramp { from = 9 to = 5 over = 3d start = 2026-11-01 }"),
	     "f:5: ramp: from 9 is more than to 5\n"},
	    {"a ramp over half days",
	     QUOTA("ramp { from = 5 to = 2k over = 36h start = 2026-11-01 }"),
	     "f:5: ramp: over is whole days, as 30d\n"},
	    {"a ramp over nothing",
	     QUOTA("ramp { from = 5 to = 2k over = 0d start = 2026-11-01 }"),
	     "f:5: ramp: over is whole days, as 30d\n"},
	    {"a ramp of words",
	     QUOTA("ramp { from = few to = [1, 2] over = long start = x }"),
	     "f:5: ramp: from: 'few' is not a number; write one as 5, 5k, 5M "
	     "or 5G\n"
	     "f:5: ramp: to takes one value\n"
	     "f:5: ramp: over: 'long' is not a number; write one as 5s, "
	     "5min, 5h or 5d\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
too_many(void **state)
{
	struct bytes text = {0};

	(void)state;
	bytes_add_text(&text, GOOD);
	for (int i = 0; i <= SETTINGS_QUOTAS; i++)
		bytes_printf(&text, "quota q%d { limit = 1 }\n", i);
	bytes_u8(&text, '\0');
	expect("too many quotas", (char *)text.data,
	       "f: 129 quotas; there may be 128\n", false);
	bytes_free(&text);
}

static void
doubts(void **state)
{
	static const struct row table[] = {
	    {"none", QUOTA("cap { mass = 1k } reserve { mass = 300 }"), ""},
	    {"a ramp up to the limit",
	     QUOTA("ramp { from = 5 to = 2k over = 1d start = 2026-11-01 }"),
	     ""},
	    {"a ramp to elsewhere",
	     QUOTA("ramp { from = 5 to = 9k over = 1d start = 2026-11-01 }"),
	     "f:5: warning: ramp: ends at 9000, but the limit is 2000: with "
	     "a ramp only the ramp holds\n"},
	    {"a cap above the limit", QUOTA("cap { mass = 3k }"),
	     "f:5: warning: cap: mass may have 3000, but the limit is "
	     "2000\n"},
	    {"reserves above the limit",
	     QUOTA("reserve { mass = 1500 workflow = 501 }"),
	     "f:5: warning: reserve: the reserves add up to 2001, the limit "
	     "is 2000\n"},
	    {"reserves as large as the limit",
	     QUOTA("reserve { mass = 1500 workflow = 500 }"), ""},
	    {"a reserve above its cap",
	     QUOTA("cap { mass = 100 } reserve { mass = 101 }"),
	     "f:5: warning: reserve: mass keeps 101, but its cap is 100\n"},
	    {"a quota that no relay has", GOOD "quota q { limit = 1 }\n",
	     "f:6: warning: quota q is not used: no relay is charged to it\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, table[i].says, true);
}

/* Zones and dates are looked at where a file is read, and only there: the roles
 * may not open tzdata. */
static void
zones(void **state)
{
	static const struct {
		const char *name, *text, *says;
		bool good;
	} table[] = {
	    {"zones that are there",
	     "zone = Asia/Kathmandu\n" QUOTA(
		 "zone = America/New_York "
		 "ramp { from = 5 to = 2k over = 2d start = 2026-02-28 }"),
	     "", true},
	    {"no zone of a quota", QUOTA("zone = Europe/Atlantis"),
	     "FILE:5: zone: 'Europe/Atlantis': tzdata has no such zone; write "
	     "one as Europe/Berlin or Etc/UTC\n",
	     false},
	    {"no zone of all", "zone = UTC+1\n" GOOD,
	     "FILE:1: zone: 'UTC+1': tzdata has no such zone; write one as "
	     "Europe/Berlin or Etc/UTC\n",
	     false},
	    {"a file that is no zone", "zone = zone.tab\n" GOOD,
	     "FILE:1: zone: 'zone.tab': tzdata has no such zone; write one as "
	     "Europe/Berlin or Etc/UTC\n",
	     false},
	    {"no date",
	     QUOTA("ramp { from = 5 to = 2k over = 2d start = 2026-02-29 }"),
	     "FILE:5: ramp: start: '2026-02-29' is no date; write one as "
	     "2026-11-01\n",
	     false},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		char path[] = "/tmp/mtq-zones-XXXXXX", says[512] = "";
		struct bytes report = {0};
		const char *want = table[i].says;
		struct settings *s;
		int fd = mkstemp(path);

		assert_true(fd >= 0);
		assert_int_equal(
		    write(fd, table[i].text, strlen(table[i].text)),
		    strlen(table[i].text));
		close(fd);
		if (strncmp(want, "FILE", 4) == 0)
			snprintf(says, sizeof says, "%s%s", path, want + 4);
		s = settings_load(path, &report);
		unlink(path);
		bytes_u8(&report, '\0');
		assert_string_equal((char *)report.data, says);
		assert_true((s != NULL) == table[i].good);
		settings_free(s);
		report.n = 0;
		s = settings_parse("f", table[i].text, strlen(table[i].text),
				   &report);
		assert_non_null(s);
		settings_free(s);
		bytes_free(&report);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_quotas),
	    cmocka_unit_test(too_many),
	    cmocka_unit_test(doubts),
	    cmocka_unit_test(zones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
