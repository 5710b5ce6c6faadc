/*
 * moment - a point in time as people type it, and as a sentence says it.
 *
 *	2026-11-22T08:00:00Z	RFC 3339, with Z or +01:00
 *	2026-11-22 08:00	by this machine's clock and zone; also with seconds
 *	2026-11-22, tomorrow	the begin of that day
 *	18:00			the next time it is that
 *	90min, 2h, 3d		from now
 *
 * Errors   false with a sentence in `why`.
 */
#ifndef MTQ_MOMENT_H
#define MTQ_MOMENT_H

#include "daemon/base.h"

enum { MOMENT_TEXT = 40, MOMENT_WHY = 200 };

bool moment_parse(const char *s, int64_t now_us, int64_t *out,
		  char why[MOMENT_WHY]) MUST_USE;
/* A time that is over: a span is counted back, 18:00 was the last time; also
 * today and yesterday. */
bool moment_since(const char *s, int64_t now_us, int64_t *out,
		  char why[MOMENT_WHY]) MUST_USE;
/* "2026-11-22 00:00:00", in this machine's zone. */
const char *moment_stamp(int64_t us, char out[MOMENT_TEXT]);
/* "Sun 2026-11-22 00:00 UTC", in this machine's zone. */
const char *moment_text(int64_t us, char out[MOMENT_TEXT]);

#endif
