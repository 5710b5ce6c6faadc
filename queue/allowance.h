/*
 * allowance - how many reports one sender may get: `rate_per_sender`.
 *
 * A sender's window begins with the first report to it; when it is over, another
 * one begins with the next report.  Senders are told apart by their whole
 * address, ASCII letters without their case.  Nothing is kept over a start.
 *
 * What a step took counts for good with allowance_keep, when its commit is
 * durable; allowance_drop gives it back.
 *
 * Bounded  ALLOWANCE_SENDERS at a time.  If there are more, the one that came
 *          first is forgotten and may get more than its rate: no report is
 *          ever withheld on account of another sender.
 * Unit     microseconds of the wall clock.  A clock set back begins new windows.
 * Owner    zeroed memory is an empty one; allowance_free.
 */
#ifndef MTQ_ALLOWANCE_H
#define MTQ_ALLOWANCE_H

#include "daemon/settings.h"

enum { ALLOWANCE_SENDERS = 4096, ALLOWANCE_BUCKETS = 4096 };

struct allowance {
	struct allowed {
		uint32_t next; /* in its bucket, + 1; 0: the last one */
		uint32_t n;    /* octets of the address */
		char address[256];
		int64_t from_us;
		uint64_t used, taken;   /* for good; in this step */
		uint64_t refused, more; /* the same */
	} * sender;
	uint32_t bucket[ALLOWANCE_BUCKETS]; /* + 1 */
	uint32_t n, hand;                   /* whose place is taken next */
	bool open; /* something was taken in this step */
};

enum allowance_answer {
	ALLOWANCE_YES,
	ALLOWANCE_NO,
	ALLOWANCE_FIRST_NO, /* in this window */
};
/* One more report to this sender. */
enum allowance_answer allowance_take(struct allowance *a,
				     const struct rate *rate,
				     struct text address, int64_t now_us);
void allowance_keep(struct allowance *a);
void allowance_drop(struct allowance *a);
void allowance_free(struct allowance *a);

#endif
