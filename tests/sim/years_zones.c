/* years_zones - see tests/sim/years.h. */
#include <ftw.h>
#include <time.h>

#include "tests/sim/years.h"

#define TREE "/usr/share/zoneinfo/"

enum { ZONES_MOST = 1000, SPANS_MOST = 200, QUARTER = 900 };

static char *names[ZONES_MOST];
static size_t nnames;

static struct {
	size_t zone;
	int64_t day[SPANS_MOST], month[SPANS_MOST]; /* when they begin */
	int64_t date[SPANS_MOST];
	size_t ndays, nmonths;
} calendar[ZONES_A_WORLD];

static int
look(const char *path, const struct stat *st, int type, struct FTW *at)
{
	const char *name = path + sizeof TREE - 1;
	char magic[4] = "";
	FILE *f;

	(void)st;
	(void)at;
	if (type != FTW_F && type != FTW_SL)
		return 0;
	if (strncmp(name, "posix", 5) == 0 || strncmp(name, "right", 5) == 0 ||
	    strcmp(name, "localtime") == 0 || nnames == ZONES_MOST)
		return 0;
	f = fopen(path, "r");
	if (f != NULL && fread(magic, 1, 4, f) == 4 &&
	    memcmp(magic, "TZif", 4) == 0)
		names[nnames++] = must_strdup(name);
	if (f != NULL)
		fclose(f);
	return 0;
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t
years_zones(void)
{
	if (nnames == 0) {
		must(nftw(TREE, look, 16, FTW_PHYS) == 0);
		must(nnames > 300);
		qsort(names, nnames, sizeof names[0], by_name);
	}
	return nnames;
}

const char *
years_zone_name(size_t zone)
{
	return names[zone];
}

static void
go_to(size_t zone)
{
	must(setenv("TZ", names[zone], 1) == 0);
	tzset();
}

static void
come_back(void)
{
	must(unsetenv("TZ") == 0);
	tzset();
}

/* 20261121 */
static int64_t
date_at(int64_t s)
{
	time_t t = (time_t)s;
	struct tm tm;

	must(localtime_r(&t, &tm) != NULL);
	return (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
}

int64_t
years_near_change(size_t zone, int64_t from_us)
{
	int64_t found_s = from_us / SECOND_US;
	struct tm tm;
	long before = 0;

	go_to(zone);
	for (int64_t s = found_s; s < found_s + 366 * 86400; s += 86400) {
		time_t t = (time_t)s;

		must(localtime_r(&t, &tm) != NULL);
		if (s != from_us / SECOND_US && tm.tm_gmtoff != before) {
			found_s = s - 10 * 86400;
			break;
		}
		before = tm.tm_gmtoff;
	}
	come_back();
	return max_of(found_s * SECOND_US, from_us);
}

/* A day begins when its date is seen for the first time. */
static void
fill(size_t i, int64_t from_s, int64_t to_s)
{
	int64_t last;

	calendar[i].zone = y.zone[i];
	calendar[i].ndays = calendar[i].nmonths = 0;
	go_to(y.zone[i]);
	last = date_at(from_s);
	for (int64_t s = from_s; s < to_s; s += QUARTER) {
		int64_t at = s;

		if (date_at(s + QUARTER) <= last)
			continue;
		while (date_at(at) <= last)
			at += 60;
		must(calendar[i].ndays < SPANS_MOST);
		calendar[i].date[calendar[i].ndays] = date_at(at);
		calendar[i].day[calendar[i].ndays++] = at * SECOND_US;
		if (date_at(at) / 100 > last / 100)
			calendar[i].month[calendar[i].nmonths++] =
			    at * SECOND_US;
		last = date_at(at);
	}
	come_back();
}

void
years_calendar(int64_t from_us, int64_t to_us)
{
	for (size_t i = 0; i < ZONES_A_WORLD; i++)
		fill(i, from_us / SECOND_US / QUARTER * QUARTER,
		     to_us / SECOND_US);
}

static size_t
begun(const int64_t *from, size_t n, int64_t at_us)
{
	size_t i = 0;

	while (i + 1 < n && from[i + 1] <= at_us)
		i++;
	must(i + 1 < n && from[i] <= at_us);
	return i;
}

static size_t
place_of(size_t zone)
{
	for (size_t i = 0; i < ZONES_A_WORLD; i++)
		if (calendar[i].zone == zone)
			return i;
	must(false);
	return 0;
}

struct span
years_window(const struct cap *q, int64_t at_us)
{
	struct span w = {at_us - q->period_us + 1, INT64_MAX};
	size_t c, i;

	switch (q->window) {
	case WINDOW_DAY:
		c = place_of(q->zone);
		i = begun(calendar[c].day, calendar[c].ndays, at_us);
		w = (struct span){calendar[c].day[i], calendar[c].day[i + 1]};
		break;
	case WINDOW_MONTH:
		c = place_of(q->zone);
		i = begun(calendar[c].month, calendar[c].nmonths, at_us);
		w = (struct span){calendar[c].month[i],
				  calendar[c].month[i + 1]};
		break;
	case WINDOW_ROLLING:
	case WINDOW_COUNT:
		break;
	}
	return w;
}

/* Days from a date in UTC, taken as a date of the zone; below 0 before it. */
int64_t
years_days_since(size_t zone, int64_t date_us, int64_t at_us)
{
	time_t t = (time_t)(date_us / SECOND_US);
	size_t c = place_of(zone), i = 0;
	struct tm tm;
	int64_t date;

	must(gmtime_r(&t, &tm) != NULL);
	date = (tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday;
	while (i + 1 < calendar[c].ndays && calendar[c].date[i] < date)
		i++;
	return (int64_t)begun(calendar[c].day, calendar[c].ndays, at_us) -
	       (int64_t)i;
}
