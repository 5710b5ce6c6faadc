#include "admin/moment.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "daemon/arena.h"
#include "daemon/values.h"

static bool
of_local(struct tm *tm, int64_t *out)
{
	time_t t;

	tm->tm_isdst = -1;
	t = mktime(tm);
	*out = (int64_t)t * SECOND_US;
	return t != (time_t)-1;
}

/* The local day `days` after the one of now_us, at 00:00. */
static bool
of_day(int64_t now_us, int days, int64_t *out)
{
	time_t now = (time_t)(now_us / SECOND_US);
	struct tm tm;

	if (localtime_r(&now, &tm) == NULL)
		return false;
	tm.tm_mday += days;
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	return of_local(&tm, out);
}

static bool
of_rfc3339(const char *s, int64_t *out)
{
	struct tm tm = {.tm_isdst = 0};
	const char *end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm);
	int hours, minutes, used = 0;
	int64_t east_s = 0;

	if (end == NULL)
		return false;
	if (*end == '.') /* milliseconds, as our JSON has them */
		end += 1 + strspn(end + 1, "0123456789");
	if (strcmp(end, "Z") != 0) {
		if ((*end != '+' && *end != '-') ||
		    sscanf(end + 1, "%2d:%2d%n", &hours, &minutes, &used) !=
			2 ||
		    end[1 + used] != '\0')
			return false;
		east_s = (hours * 60 + minutes) * 60;
		if (*end == '-')
			east_s = -east_s;
	}
	*out = ((int64_t)timegm(&tm) - east_s) * SECOND_US;
	return true;
}

static bool
of_date(const char *s, int64_t *out)
{
	static const char *const forms[] = {"%Y-%m-%d %H:%M:%S",
					    "%Y-%m-%d %H:%M", "%Y-%m-%d"};

	for (size_t i = 0; i < countof(forms); i++) {
		struct tm tm = {.tm_isdst = -1};
		const char *end = strptime(s, forms[i], &tm);

		if (end != NULL && *end == '\0')
			return of_local(&tm, out);
	}
	return false;
}

/* "18:00": today, or tomorrow if that is over. */
static bool
of_hour(const char *s, int64_t now_us, int64_t *out)
{
	time_t now = (time_t)(now_us / SECOND_US);
	struct tm tm, hour = {.tm_isdst = -1};
	const char *end = strptime(s, "%H:%M", &hour);

	if (end == NULL || *end != '\0' || localtime_r(&now, &tm) == NULL)
		return false;
	tm.tm_hour = hour.tm_hour;
	tm.tm_min = hour.tm_min;
	tm.tm_sec = 0;
	if (!of_local(&tm, out))
		return false;
	if (*out > now_us)
		return true;
	tm.tm_mday++;
	return of_local(&tm, out);
}

static bool
of_span(const char *s, int64_t now_us, int64_t *out)
{
	char *item[1], text[32], why[VALUE_WHY];
	const struct value_text value = {.item = item, .n = 1};
	struct arena a = {NULL};
	int64_t span;
	bool ok;

	if (strlen(s) >= sizeof text)
		return false;
	snprintf(text, sizeof text, "%s", s);
	item[0] = text;
	ok = value_parse(VALUE_duration, &value, "1s", "3650d", &a, &span, why);
	arena_free(&a);
	if (ok)
		*out = now_us + span;
	return ok;
}

bool
moment_parse(const char *s, int64_t now_us, int64_t *out, char why[MOMENT_WHY])
{
	if (!(strcmp(s, "tomorrow") == 0
		  ? of_day(now_us, 1, out)
		  : of_rfc3339(s, out) || of_date(s, out) ||
			of_hour(s, now_us, out) || of_span(s, now_us, out))) {
		snprintf(why, MOMENT_WHY,
			 "'%.40s' is no time; write one as 2026-11-22, "
			 "\"2026-11-22 08:00\", 18:00, tomorrow, 2h, 3d or "
			 "2026-11-22T08:00:00Z",
			 s);
		return false;
	}
	if (*out > now_us)
		return true;
	snprintf(why, MOMENT_WHY, "'%.40s' is over already", s);
	return false;
}

bool
moment_since(const char *s, int64_t now_us, int64_t *out, char why[MOMENT_WHY])
{
	int64_t at = 0;
	bool ok;

	if (strcmp(s, "today") == 0 || strcmp(s, "yesterday") == 0) {
		ok = of_day(now_us, s[0] == 't' ? 0 : -1, &at);
	} else if (of_rfc3339(s, &at) || of_date(s, &at)) {
		ok = true;
	} else if (of_hour(s, now_us, &at)) {
		/* a time of today or tomorrow; a day may have 25 hours, which
		 * matters to nobody here */
		at -= at > now_us ? DAY_US : 0;
		ok = true;
	} else {
		ok = of_span(s, now_us, &at);
		at = now_us - (at - now_us);
	}
	if (ok && at <= now_us) {
		*out = max_of(at, INT64_C(0));
		return true;
	}
	snprintf(why, MOMENT_WHY,
		 ok ? "'%.40s' is still to come"
		    : "'%.40s' is no time; write one as 2026-11-22, "
		      "\"2026-11-22 08:00\", 18:00, yesterday, 2h, 3d or "
		      "2026-11-22T08:00:00Z",
		 s);
	return false;
}

const char *
moment_stamp(int64_t us, char out[MOMENT_TEXT])
{
	time_t t = (time_t)(us / SECOND_US);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(out, MOMENT_TEXT, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, MOMENT_TEXT, "?");
	return out;
}

const char *
moment_text(int64_t us, char out[MOMENT_TEXT])
{
	time_t t = (time_t)(us / SECOND_US);
	struct tm tm;

	if (localtime_r(&t, &tm) == NULL ||
	    strftime(out, MOMENT_TEXT, "%a %Y-%m-%d %H:%M %Z", &tm) == 0)
		snprintf(out, MOMENT_TEXT, "?");
	return out;
}
