#include "daemon/zone.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
	PATH_MOST = 512,
	NAME_MOST = 64, /* octets of a zone's name */
	/* No zone was ever 16 hours from UTC (tzdata: at most 15:13:42), and
	 * none changed twice in 32 hours (the closest: 95; tests/daemon/zone.c
	 * looks at all of them). */
	FAR_S = 16 * 3600,
	DAY_S = 24 * 3600,
};

bool
zone_known(const char *zone)
{
	static const char SAFE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "abcdefghijklmnopqrstuvwxyz"
				   "0123456789_+-/";
	char path[PATH_MOST], magic[4];
	size_t n = strlen(zone);
	bool ok;
	FILE *f;

	if (n == 0 || n > NAME_MOST || strspn(zone, SAFE) != n ||
	    zone[0] == '/' || zone[n - 1] == '/')
		return false;
	snprintf(path, sizeof path, ZONE_FILES "/%s", zone);
	f = fopen(path, "rb");
	if (f == NULL)
		return false;
	/* A folder opens too; RFC 9636 3.1: the file begins with "TZif". */
	ok = fread(magic, 1, sizeof magic, f) == sizeof magic &&
	     memcmp(magic, "TZif", sizeof magic) == 0;
	fclose(f);
	return ok;
}

/* What TZ was before: NULL, it was not set. */
static char *
enter(const char *zone)
{
	const char *old = getenv("TZ");
	char *kept = old == NULL ? NULL : must_strdup(old);

	must(setenv("TZ", zone, 1) == 0);
	tzset();
	return kept;
}

static void
leave(char *kept)
{
	if (kept == NULL)
		must(unsetenv("TZ") == 0);
	else
		must(setenv("TZ", kept, 1) == 0);
	tzset();
	free(kept);
}

static int64_t
floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Seconds that the zone is east of UTC at t. */
static int64_t
offset(int64_t t)
{
	time_t at = t;
	struct tm tm;

	must(localtime_r(&at, &tm) != NULL);
	return tm.tm_gmtoff;
}

/* A date as the number of days since 1970-01-01. */
static int64_t
date_at(int64_t t)
{
	return floor_div(t + offset(t), DAY_S);
}

/* The first second with another offset in (from, to], where there is one. */
static int64_t
change_in(int64_t from, int64_t to, int64_t before)
{
	while (to - from > 1) {
		int64_t mid = from + (to - from) / 2;

		if (offset(mid) == before)
			from = mid;
		else
			to = mid;
	}
	return to;
}

/*
 * The first second at which the zone's calendar shows this date or a later
 * one.  Local time runs straight before and after the one change there may be,
 * so it is where either line reaches midnight, or where the second begins past
 * it.
 */
static int64_t
first_second(int64_t date)
{
	int64_t midnight = date * DAY_S;
	int64_t from = midnight - FAR_S, to = midnight + FAR_S;
	int64_t was = offset(from), is = offset(to), change;

	if (was == is)
		return midnight - is;
	change = change_in(from, to, was);
	if (midnight - was < change)
		return midnight - was;
	return max_of(change, midnight - is);
}

/* The day that t belongs to; *from and *to are its seconds.  A clock set back
 * over midnight shows the old date once more: the new day has begun. */
static int64_t
day_of(int64_t t, int64_t *from, int64_t *to)
{
	int64_t date = date_at(t), next = first_second(date + 1);

	if (next <= t) {
		*from = next;
		*to = first_second(date + 2);
		return date + 1;
	}
	*from = first_second(date);
	*to = next;
	return date;
}

struct span
zone_day(const char *zone, int64_t now_us)
{
	char *kept = enter(zone);
	int64_t from, to;

	day_of(floor_div(now_us, SECOND_US), &from, &to);
	leave(kept);
	return (struct span){from * SECOND_US, to * SECOND_US};
}

/* The first day of the month that is `more` months after that of the date. */
static int64_t
month_start(int64_t date, int more)
{
	time_t t = date * DAY_S;
	struct tm tm;

	must(gmtime_r(&t, &tm) != NULL);
	tm.tm_mday = 1;
	tm.tm_mon += more;
	return floor_div(timegm(&tm), DAY_S);
}

struct span
zone_month(const char *zone, int64_t now_us)
{
	char *kept = enter(zone);
	int64_t from, to, date;

	date = day_of(floor_div(now_us, SECOND_US), &from, &to);
	from = first_second(month_start(date, 0));
	to = first_second(month_start(date, 1));
	leave(kept);
	return (struct span){from * SECOND_US, to * SECOND_US};
}

bool
zone_date(const char *zone, const char *date, int64_t *out)
{
	static const char FORM[] = "dddd-dd-dd";
	struct tm tm = {0}, same;
	char *kept;
	time_t t;

	if (strlen(date) != sizeof FORM - 1)
		return false;
	for (size_t i = 0; i < sizeof FORM - 1; i++)
		if (FORM[i] == '-' ? date[i] != '-'
				   : date[i] < '0' || date[i] > '9')
			return false;
	tm.tm_year = (int)strtol(date, NULL, 10);
	tm.tm_mon = (int)strtol(date + 5, NULL, 10);
	tm.tm_mday = (int)strtol(date + 8, NULL, 10);
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	same = tm;
	t = timegm(&same);
	/* timegm turns February 30 into March 2. */
	if (same.tm_mon != tm.tm_mon || same.tm_mday != tm.tm_mday)
		return false;
	kept = enter(zone);
	*out = first_second(floor_div(t, DAY_S)) * SECOND_US;
	leave(kept);
	return true;
}

int64_t
zone_days_between(const char *zone, int64_t a_us, int64_t b_us)
{
	char *kept = enter(zone);
	int64_t from, to, a, b;

	a = day_of(floor_div(a_us, SECOND_US), &from, &to);
	b = day_of(floor_div(b_us, SECOND_US), &from, &to);
	leave(kept);
	return b - a;
}
