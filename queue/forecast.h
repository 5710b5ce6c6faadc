/*
 * forecast - when what waits will go: the scheduler's rules (choose_relay,
 * quota_room, quota_opens_us, fair shares) played through in thought.
 *
 * Pure: values in, values out.  Assumed: no further mail comes, nothing fails,
 * relays that can't be reached now can be reached, limits stay as they are, a
 * relay without a rate takes mail at once, messages have one recipient and the
 * average size of their group.
 *
 * Bounded  FORECAST_DAYS days ahead, FORECAST_TURNS turns of a group and
 *          FORECAST_LOOKS looks at one.  After FORECAST_FINE turns small steps
 *          are taken together: a time is then off by up to 1/256 of how far
 *          away it is.  If that was not enough, ahead_us says how far it got.
 * Owner    forecast_free frees what a struct forecast holds.
 */
#ifndef MTQ_FORECAST_H
#define MTQ_FORECAST_H

#include "queue/book.h"
#include "queue/choose.h"

enum {
	FORECAST_DAYS = 40,
	FORECAST_FINE = 20000,
	FORECAST_TURNS = 500000,
	FORECAST_LOOKS = 100000000,
};

/* What becomes of a row, where it does not go. */
#define FORECAST_NEVER   INT64_MAX /* not within the time */
#define FORECAST_EXPIRES ((int64_t)-1)
#define FORECAST_BOUNCES ((int64_t)-2) /* on_exhausted = bounce */

/* Waiting recipients that are treated alike, in the order in which they go. */
struct backlog {
	uint32_t way;
	unsigned type;
	struct backlog_row {
		int64_t ready_us; /* due */
		int64_t arrival_us;
		int64_t gone_us; /* out: FORECAST_NEVER, ... */
	} * row;
	size_t n, room;
	uint64_t bytes; /* of all */
};

struct forecast {
	struct backlog *group;
	size_t ngroups, group_room;
	/* out */
	struct forecast_type {
		uint64_t waiting, expiring, bouncing;
		int64_t through_us; /* the last one leaves; 0: none waits */
		int64_t expires_first_us; /* of those that expire */
		uint64_t never;           /* nothing of it until ahead_us */
	} type[SETTINGS_TYPES], all;
	struct forecast_quota {
		int64_t full_us;  /* INT64_MAX: not within the time */
		int64_t opens_us; /* after that */
	} quota[SETTINGS_QUOTAS];
	int64_t ahead_us; /* it looked ahead until then */
};

void forecast_add(struct forecast *f, uint32_t way, unsigned type,
		  int64_t due_us, int64_t arrival_us, uint64_t size_bytes);
/* The group of a way and type, as it was added to; NULL: there is none. */
const struct backlog *forecast_group(const struct forecast *f, uint32_t way,
				     unsigned type);
void forecast_run(struct forecast *f, const struct settings *s,
		  const struct book *b, int64_t now_us);
void forecast_free(struct forecast *f);

#endif
