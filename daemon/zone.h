/*
 * zone - days and months by the calendar of a named time zone (tzdata).
 *
 * A day begins at the first moment of its date: after a gap at midnight that is
 * the end of the gap; where midnight comes twice, the first one.  So days have
 * 23, 24 or 25 hours, once in a while others, follow each other without a gap,
 * and no day begins twice.
 *
 * Unit     microseconds since 1970 (UTC).
 * Owner    sets TZ for the time of a call: for processes with one thread.  The
 *          receiver must not call it while its committer runs.
 * Errors   zone_known says whether tzdata has the zone: glibc takes an unknown
 *          one for UTC without a word.
 */
#ifndef MTQ_ZONE_H
#define MTQ_ZONE_H

#include "daemon/base.h"

#define ZONE_FILES "/usr/share/zoneinfo"

struct span {
	int64_t from_us; /* included */
	int64_t to_us;   /* not included */
};

bool zone_known(const char *zone) MUST_USE;
struct span zone_day(const char *zone, int64_t now_us);
struct span zone_month(const char *zone, int64_t now_us);
/* The first moment of a date "2026-11-01"; false if it is none. */
bool zone_date(const char *zone, const char *date, int64_t *out) MUST_USE;
/* Whole days of the zone's calendar from a to b (a <= b), 0 within one. */
int64_t zone_days_between(const char *zone, int64_t a_us, int64_t b_us);

#endif
