/*
 * human - sizes and times as people say them, in the units of mtq.conf.
 *
 * Errors   none; texts always fit.
 */
#ifndef MTQ_HUMAN_H
#define MTQ_HUMAN_H

#include "daemon/base.h"

enum { HUMAN_TEXT = 48 };

/* "812", "2.9kb", "64mb": steps of 1,024. */
const char *human_size(uint64_t bytes, char out[HUMAN_TEXT]);
/* "0s", "12s", "4min", "2h 05min", "3d 4h"; a negative span is 0s. */
const char *human_span(int64_t us, char out[HUMAN_TEXT]);
/* "12min ago", "now", "in 4min" */
const char *human_when(int64_t us, int64_t now_us, char out[HUMAN_TEXT]);

#endif
