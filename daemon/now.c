#include "daemon/now.h"

#include <stdio.h>
#include <time.h>

static int64_t
read_clock(clockid_t id)
{
	struct timespec t;

	must(clock_gettime(id, &t) == 0);
	return (int64_t)t.tv_sec * SECOND_US + t.tv_nsec / 1000;
}

int64_t
now_us(void)
{
	return read_clock(CLOCK_REALTIME);
}

int64_t
now_steady_us(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

void
now_rfc3339(int64_t us, char out[NOW_RFC3339_SIZE])
{
	time_t s = (time_t)(us / SECOND_US);
	struct tm t;
	size_t n;

	must(gmtime_r(&s, &t) != NULL);
	n = strftime(out, NOW_RFC3339_SIZE, "%Y-%m-%dT%H:%M:%S", &t);
	snprintf(out + n, NOW_RFC3339_SIZE - n, ".%03dZ",
		 (int)(us % SECOND_US / 1000));
}

void
now_rfc5322(int64_t us, char out[NOW_RFC5322_SIZE])
{
	/* strftime's %a and %b follow the locale; RFC 5322 does not. */
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t s = (time_t)(us / SECOND_US);
	struct tm t;

	must(gmtime_r(&s, &t) != NULL);
	snprintf(out, NOW_RFC5322_SIZE, "%.3s, %d %.3s %d %02d:%02d:%02d +0000",
		 days + 3 * t.tm_wday, t.tm_mday, months + 3 * t.tm_mon,
		 t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}
