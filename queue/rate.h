/*
 * rate - never more than `count` starts in any stretch of `window_us`: a ring of
 * the last `count` starts.  Pure; microseconds of the steady clock.
 *
 * The remote sees starts a little later than we make them, and not all equally
 * late; RATE_GUARD_US is added to the window so that it counts no more either.
 * Nothing is known of the time before rate_init: `last_us` is when a start may
 * have been at latest, and all `count` are taken to have been then.
 */
#ifndef MTQ_RATE_H
#define MTQ_RATE_H

#include "daemon/settings.h"

enum { RATE_GUARD_US = 20000 };

struct rate_log {
	struct rate rate;
	int64_t *start; /* ring of rate.count */
	size_t first, n;
	int64_t slow_until_us; /* the provider said "too fast" */
};
void rate_init(struct rate_log *l, struct rate rate, int64_t last_us);
void rate_done(struct rate_log *l);
/* Another rate; what was started stays counted. */
void rate_change(struct rate_log *l, struct rate rate, int64_t now_us);
/* When `n` more may start: now_us or later.  n <= rate.count. */
int64_t rate_at(const struct rate_log *l, uint32_t n, int64_t now_us);
void rate_take(struct rate_log *l, uint32_t n, int64_t now_us);
void rate_slow(struct rate_log *l, int64_t until_us);

#endif
