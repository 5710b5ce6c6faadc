#include "admin/human.h"

#include <inttypes.h>
#include <stdio.h>

const char *
human_size(uint64_t bytes, char out[HUMAN_TEXT])
{
	static const char *const unit[] = {"", "kb", "mb", "gb", "tb"};
	double v = (double)bytes;
	size_t i = 0;

	/* 1023.95 would be printed as 1024.0 */
	while (v >= 1023.95 && i + 1 < countof(unit)) {
		v /= 1024;
		i++;
	}
	if (i == 0)
		snprintf(out, HUMAN_TEXT, "%" PRIu64, bytes);
	else
		snprintf(out, HUMAN_TEXT, v < 9.95 ? "%.1f%s" : "%.0f%s", v,
			 unit[i]);
	return out;
}

const char *
human_span(int64_t us, char out[HUMAN_TEXT])
{
	int64_t s = us > 0 ? us / SECOND_US : 0;

	if (s < 60)
		snprintf(out, HUMAN_TEXT, "%" PRId64 "s", s);
	else if (s < 3600)
		snprintf(out, HUMAN_TEXT, "%" PRId64 "min", s / 60);
	else if (s < 86400)
		snprintf(out, HUMAN_TEXT, "%" PRId64 "h %02" PRId64 "min",
			 s / 3600, s / 60 % 60);
	else
		snprintf(out, HUMAN_TEXT, "%" PRId64 "d %" PRId64 "h",
			 s / 86400, s / 3600 % 24);
	return out;
}

const char *
human_when(int64_t us, int64_t now_us, char out[HUMAN_TEXT])
{
	int64_t away = us - now_us;
	char span[HUMAN_TEXT];

	if (away > -SECOND_US && away < SECOND_US)
		return snprintf(out, HUMAN_TEXT, "now"), out;
	human_span(away < 0 ? -away : away, span);
	snprintf(out, HUMAN_TEXT, away < 0 ? "%.40s ago" : "in %.40s", span);
	return out;
}
