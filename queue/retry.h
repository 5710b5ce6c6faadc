/*
 * retry - when to try again, and when to stop trying.  Pure: values in, values
 * out; the jitter comes from a hash of what is tried, so a run can be repeated.
 *
 * Unit     microseconds since 1970 (wall clock), durations in microseconds.
 * Source   RFC 5321 4.5.4.1.
 */
#ifndef MTQ_RETRY_H
#define MTQ_RETRY_H

#include "daemon/settings.h"

struct retry_next {
	bool expired;  /* the lifetime ends before the next attempt */
	int64_t at_us; /* when to try again */
};
/* The schedule of a mail type, the type's own lifetime applied. */
struct retry_settings retry_of(const struct settings *s, unsigned type);
/* attempts: how many have been made, this one included (>= 1); of mail that may
 * take several relays: rounds through them.  salt: mixes
 * message id and recipient. */
struct retry_next retry_after(const struct retry_settings *r,
			      int64_t arrival_us, int64_t now_us,
			      uint32_t attempts, uint64_t salt);
/* What spreads times: neighbouring numbers become far apart. */
uint64_t retry_mix(uint64_t x);

#endif
