#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/bytes.h"
#include "daemon/zone.h"

#define TREE "/usr/share/zoneinfo/"
enum { ZONES = 600, DAY_S = 86400, ALONE_S = 32 * 3600 };

static char zones[ZONES][64];
static size_t nzones;

/* Every zone that is one of its own; links are the same files. */
static int
read_zones(void **state)
{
	FILE *f = fopen(TREE "tzdata.zi", "r");
	char line[256];

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof line, f) != NULL)
		if (line[0] == 'Z' && line[1] == ' ') {
			assert_true(nzones < ZONES);
			nzones += sscanf(line, "Z %63s", zones[nzones]) == 1;
		}
	fclose(f);
	return nzones < 300;
}

/* "2026-09-06T04:00" in UTC. */
static int64_t
utc(const char *s)
{
	struct tm tm = {0};

	assert_non_null(strptime(s, "%Y-%m-%dT%H:%M", &tm));
	return timegm(&tm) * SECOND_US;
}

static const char *
show(int64_t us)
{
	static char text[4][32];
	static unsigned n;
	char *out = text[n++ % 4];
	time_t t = us / SECOND_US;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, sizeof text[0], "%FT%H:%M", &tm);
	if (us % MINUTE_US != 0)
		strcat(out, "+");
	return out;
}

static void
known_zones(void **state)
{
	static const struct {
		const char *name;
		bool known;
	} rows[] = {
	    {"Europe/Berlin", true},
	    {"Etc/UTC", true},
	    {"Etc/GMT+12", true},
	    {"America/Argentina/Ushuaia", true},
	    {"Europe/Brelin", false},
	    {"europe/berlin", false},
	    {"", false},
	    {"Europe", false},
	    {"/usr/share/zoneinfo/Etc/UTC", false},
	    {"../zoneinfo/Etc/UTC", false},
	    {":Etc/UTC", false},
	    {"CET-1CEST", false},
	    {"tzdata.zi", false},
	    {"Etc/UTC\n", false},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++)
		if (zone_known(rows[i].name) != rows[i].known)
			fail_msg("%s", rows[i].name);
	for (size_t i = 0; i < nzones; i++)
		assert_true(zone_known(zones[i]));
}

/* Days that are unlike others, as tzdata's rules and history have them. */
static void
days_of_note(void **state)
{
	static const struct {
		const char *name, *zone, *now, *from, *to;
	} rows[] = {
	    {"an hour less", "Europe/Berlin", "2026-03-29T10:00",
	     "2026-03-28T23:00", "2026-03-29T22:00"},
	    {"an hour more", "Europe/Berlin", "2026-10-25T10:00",
	     "2026-10-24T22:00", "2026-10-25T23:00"},
	    {"half an hour less", "Australia/Lord_Howe", "2026-10-03T20:00",
	     "2026-10-03T13:30", "2026-10-04T13:00"},
	    {"half an hour more", "Australia/Lord_Howe", "2026-04-04T20:00",
	     "2026-04-04T13:00", "2026-04-05T13:30"},
	    {"three quarters of an hour from UTC", "Asia/Kathmandu",
	     "2026-11-21T10:00", "2026-11-20T18:15", "2026-11-21T18:15"},
	    {"no midnight: begins at 1", "America/Santiago", "2026-09-06T12:00",
	     "2026-09-06T04:00", "2026-09-07T03:00"},
	    {"the last minute before it", "America/Santiago",
	     "2026-09-06T03:59", "2026-09-05T04:00", "2026-09-06T04:00"},
	    {"no midnight", "Africa/Cairo", "2026-04-24T12:00",
	     "2026-04-23T22:00", "2026-04-24T21:00"},
	    {"no midnight", "Asia/Beirut", "2026-03-29T12:00",
	     "2026-03-28T22:00", "2026-03-29T21:00"},
	    {"no midnight", "America/Asuncion", "2010-10-03T12:00",
	     "2010-10-03T04:00", "2010-10-04T03:00"},
	    {"midnight twice: the first", "America/Havana", "2026-11-01T12:00",
	     "2026-11-01T04:00", "2026-11-02T05:00"},
	    {"the hour before midnight twice", "America/Sao_Paulo",
	     "2018-02-17T12:00", "2018-02-17T02:00", "2018-02-18T03:00"},
	    {"a minute of the day, then the old one again: it has begun",
	     "America/St_Johns", "2010-11-07T02:45", "2010-11-07T02:30",
	     "2010-11-08T03:30"},
	    {"the evening before", "America/St_Johns", "2010-11-07T02:29",
	     "2010-11-06T02:30", "2010-11-07T02:30"},
	    {"the day before the one that never was", "Pacific/Apia",
	     "2011-12-30T09:00", "2011-12-29T10:00", "2011-12-30T10:00"},
	    {"the day after it", "Pacific/Apia", "2011-12-30T10:00",
	     "2011-12-30T10:00", "2011-12-31T10:00"},
	    {"before 1970", "Europe/Berlin", "1960-06-01T12:00",
	     "1960-05-31T23:00", "1960-06-01T23:00"},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct span d = zone_day(rows[i].zone, utc(rows[i].now));

		if (d.from_us != utc(rows[i].from) ||
		    d.to_us != utc(rows[i].to))
			fail_msg("%s: %s %s to %s", rows[i].name, rows[i].zone,
				 show(d.from_us), show(d.to_us));
	}
}

static void
dates(void **state)
{
	static const struct {
		const char *zone, *date, *at;
	} rows[] = {
	    {"Etc/UTC", "2026-11-01", "2026-11-01T00:00"},
	    {"Europe/Berlin", "2026-07-01", "2026-06-30T22:00"},
	    {"America/Santiago", "2026-09-06", "2026-09-06T04:00"},
	    {"Pacific/Apia", "2011-12-30", "2011-12-30T10:00"},
	    {"Etc/UTC", "2028-02-29", "2028-02-29T00:00"},
	    {"Etc/UTC", "2026-02-29", NULL},
	    {"Etc/UTC", "2026-13-01", NULL},
	    {"Etc/UTC", "2026-00-10", NULL},
	    {"Etc/UTC", "2026-11-31", NULL},
	    {"Etc/UTC", "2026-11-1", NULL},
	    {"Etc/UTC", "2026- 1- 1", NULL},
	    {"Etc/UTC", "2026-11-01 ", NULL},
	    {"Etc/UTC", "+026-11-01", NULL},
	    {"Etc/UTC", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		int64_t at = -1;
		bool ok = zone_date(rows[i].zone, rows[i].date, &at);

		if (ok != (rows[i].at != NULL) || (ok && at != utc(rows[i].at)))
			fail_msg("%s %s: %s", rows[i].zone, rows[i].date,
				 ok ? show(at) : "no");
	}
}

static void
days_between(void **state)
{
	static const struct {
		const char *zone, *a, *b;
		int64_t days;
	} rows[] = {
	    {"Europe/Berlin", "2026-11-01T12:00", "2026-11-01T22:59", 0},
	    {"Europe/Berlin", "2026-11-01T12:00", "2026-11-01T23:00", 1},
	    {"Europe/Berlin", "2026-03-28T23:00", "2026-03-29T21:59", 0},
	    {"Europe/Berlin", "2026-03-28T23:00", "2026-03-29T22:00", 1},
	    {"Europe/Berlin", "2026-01-01T12:00", "2027-01-01T12:00", 365},
	    {"America/St_Johns", "2010-11-07T02:30", "2010-11-07T02:45", 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++)
		assert_int_equal(zone_days_between(rows[i].zone, utc(rows[i].a),
						   utc(rows[i].b)),
				 rows[i].days);
}

static struct tm
local(int64_t us)
{
	time_t t = us / SECOND_US;
	struct tm tm;

	localtime_r(&t, &tm);
	return tm;
}

static int64_t
date_of(const struct tm *tm)
{
	struct tm day = {.tm_year = tm->tm_year,
			 .tm_mon = tm->tm_mon,
			 .tm_mday = tm->tm_mday};

	return timegm(&day) / DAY_S;
}

/* Minute by minute: was it this date or a later one before? */
static bool
nothing_before(int64_t from_us, int64_t date)
{
	for (int64_t t = from_us - MINUTE_US; t > from_us - 4 * HOUR_US;
	     t -= MINUTE_US) {
		struct tm tm = local(t);

		if (date_of(&tm) >= date)
			return false;
	}
	return true;
}

/* What is wrong with this day, whose zone was `before` s from UTC the day
 * before; NULL: nothing. */
static const char *
wrong_day(const char *zone, struct span d, int64_t last, long before)
{
	struct tm tm = local(d.from_us);
	int64_t second = d.from_us / SECOND_US + (int64_t)tm.tm_gmtoff;
	struct span same;

	if (second / DAY_S <= last || d.to_us <= d.from_us)
		return "it is not after the day before";
	if (tm.tm_gmtoff == before)
		return second % DAY_S == 0 ? NULL : "it begins at no midnight";
	same = zone_day(zone, d.to_us - 1);
	if (same.from_us != d.from_us || same.to_us != d.to_us)
		return "it is two";
	return nothing_before(d.from_us, second / DAY_S)
		   ? NULL
		   : "it was there before";
}

static const char *
wrong_month(const char *zone, struct span m)
{
	if (local(m.from_us).tm_mday != 1 ||
	    zone_day(zone, m.from_us).from_us != m.from_us)
		return "it does not begin with a day, the first";
	if (zone_month(zone, m.to_us - 1).from_us != m.from_us ||
	    zone_month(zone, m.to_us).from_us != m.to_us)
		return "it does not end where the next begins";
	return NULL;
}

/* 40 years of one zone: TZ is set to it, so that nothing is read again. */
static bool
years_of(const char *zone)
{
	int64_t end_us = utc("2040-12-31T00:00"), last = INT64_MIN;
	struct span d = zone_day(zone, utc("2000-01-01T12:00"));
	struct span m = zone_month(zone, d.from_us), next;
	long before = local(d.from_us - 1).tm_gmtoff;
	const char *wrong = NULL;

	for (; wrong == NULL && d.from_us < end_us; d = next) {
		struct tm tm = local(d.from_us);

		wrong = wrong_day(zone, d, last, before);
		before = tm.tm_gmtoff;
		last = (d.from_us / SECOND_US + before) / DAY_S;
		next = zone_day(zone, d.to_us);
		if (next.from_us != d.to_us)
			wrong = "the next does not follow";
	}
	for (; wrong == NULL && m.from_us < end_us;
	     m = zone_month(zone, m.to_us)) {
		wrong = wrong_month(zone, m);
		d = m;
	}
	if (wrong != NULL)
		fprintf(stderr, "%s, from %s: %s\n", zone, show(d.from_us),
			wrong);
	return wrong == NULL;
}

/* Half of them in a process of its own: 6.7 million days. */
static void
all_zones_for_40_years(void **state)
{
	pid_t other = fork();
	bool good = true;
	int status;

	(void)state;
	assert_true(other >= 0);
	for (size_t i = other == 0; i < nzones; i += 2) {
		setenv("TZ", zones[i], 1);
		tzset();
		good = years_of(zones[i]) && good;
	}
	if (other == 0)
		_exit(good ? 0 : 1);
	unsetenv("TZ");
	tzset();
	assert_int_equal(waitpid(other, &status, 0), other);
	assert_int_equal(status, 0);
	assert_true(good);
}

/* zone.c takes it that two changes are never so close (RFC 9636 3.1 has
 * the layout). */
static void
changes_are_apart(void **state)
{
	static unsigned char data[1 << 16];

	(void)state;
	for (size_t i = 0; i < nzones; i++) {
		const unsigned char *h = data, *p;
		char path[sizeof zones + 32];
		size_t n;
		FILE *f;

		snprintf(path, sizeof path, TREE "%s", zones[i]);
		f = fopen(path, "rb");
		assert_non_null(f);
		n = fread(data, 1, sizeof data, f);
		fclose(f);
		assert_true(n > 88 && n < sizeof data);
		/* Past the block for readers of 32 bits. */
		h += 44 + get_be32(h + 32) * 5 + get_be32(h + 36) * 6 +
		     get_be32(h + 40) + get_be32(h + 28) * 8 +
		     get_be32(h + 24) + get_be32(h + 20);
		p = h + 44;
		for (uint32_t k = 1; k < get_be32(h + 32); k++)
			if ((int64_t)get_be64(p + 8 * (size_t)k) -
				(int64_t)get_be64(p + 8 * (size_t)k - 8) <=
			    ALONE_S)
				fail_msg("%s, change %u", zones[i], k);
	}
}

/* What TZ was, it is again: other parts of a process may use local time. */
static void
tz_is_put_back(void **state)
{
	(void)state;
	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	(void)zone_day("Europe/Berlin", 0);
	assert_string_equal(getenv("TZ"), "Asia/Tokyo");
	assert_int_equal(local(0).tm_hour, 9);
	unsetenv("TZ");
	(void)zone_day("Europe/Berlin", 0);
	assert_null(getenv("TZ"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(known_zones),
	    cmocka_unit_test(days_of_note),
	    cmocka_unit_test(dates),
	    cmocka_unit_test(days_between),
	    cmocka_unit_test(changes_are_apart),
	    cmocka_unit_test(tz_is_put_back),
	    cmocka_unit_test(all_zones_for_40_years),
	};

	return cmocka_run_group_tests(tests, read_zones, NULL);
}
