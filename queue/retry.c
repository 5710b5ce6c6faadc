#include "queue/retry.h"

#include <string.h>

/* splitmix64: spreads neighbouring salts over all values (public domain,
 * Steele, Lea, Flood 2014). */
uint64_t
retry_mix(uint64_t x)
{
	x += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

struct retry_settings
retry_of(const struct settings *s, unsigned type)
{
	const struct type_settings *t = &s->types[type];
	struct retry_settings r = *s->normal_retry;

	for (size_t i = 0; i < s->nretries; i++)
		if (strcmp(s->retries[i].title, t->retry) == 0)
			r = s->retries[i];
	if (t->lifetime_us > 0)
		r.lifetime_us = t->lifetime_us;
	return r;
}

struct retry_next
retry_after(const struct retry_settings *r, int64_t arrival_us, int64_t now_us,
	    uint32_t attempts, uint64_t salt)
{
	size_t i = attempts > 0 ? attempts - 1 : 0;
	int64_t end = arrival_us + r->lifetime_us;
	int64_t wait, spread;
	struct retry_next next;

	must(r->intervals.n > 0);
	wait = r->intervals.us[min_of(i, r->intervals.n - 1)];
	spread = wait / 100 * (int64_t)r->jitter_percent;
	if (spread > 0)
		wait += (int64_t)(retry_mix(salt ^ attempts) %
				  (uint64_t)(2 * spread + 1)) -
			spread;
	next.at_us = now_us + wait;
	/* A clock that was set back must not make a message live for ever:
	 * it is never tried later than a lifetime from its arrival.  The last
	 * try may come at the very end of it. */
	next.expired = now_us >= end;
	if (next.at_us > end)
		next.at_us = end;
	return next;
}
