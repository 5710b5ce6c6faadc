/*
 * quota - how much more may leave: the arithmetic.  Pure: counts in, places
 * out; time is an argument.
 *
 *	free = limit - used - in_flight, and never below 0
 *
 * A place is in flight from the claim to the outcome and counts in whatever
 * window that is: only when the outcome says (or may hide) that the remote has
 * the mail does it become used, in the window of that moment.  So at any time
 * remote acceptances of a window <= used + in flight <= limit, also for mail
 * under way when the day turns; and each acceptance is counted once.
 *
 * Unit     places: recipients, messages or bytes, as the quota says.
 * Source   docs/quotas.md, docs/decisions/0006-quota-ledger.md
 */
#ifndef MTQ_QUOTA_H
#define MTQ_QUOTA_H

#include "daemon/settings.h"
#include "daemon/zone.h"

#define QUOTA_NO_CAP UINT64_MAX

/* What holds for one quota: its block, resolved, with run-time changes. */
struct quota_terms {
	const struct quota_settings *block;
	const char *zone;
	uint64_t limit;                          /* file or override */
	uint64_t cap[SETTINGS_TYPES];            /* or QUOTA_NO_CAP */
	uint64_t reserve[SETTINGS_TYPES];        /* 0: none */
	bool limit_set, cap_set[SETTINGS_TYPES]; /* by an override */
	/* ramp: over_days 0: none */
	uint64_t ramp_from, ramp_to;
	int64_t ramp_over_days, ramp_start_us;
	/* The ramp's limit in the zone's day `today`; see quota_today. */
	struct span today;
	uint64_t ramp_today;
};
struct quota_use {
	uint64_t used[SETTINGS_TYPES];
	uint64_t in_flight[SETTINGS_TYPES];
	uint64_t used_other, in_flight_other; /* of types no longer there */
};

/* The window that now_us is in.  rolling: [floor to the minute(now) - period,
 * INT64_MAX): whole minutes of which a part may still count.  A minute leaves
 * only when its last second is a period ago. */
struct span quota_window(const struct quota_terms *t, int64_t now_us);
/* The limit in force now: override or file, ramp and spread applied. */
uint64_t quota_limit(const struct quota_terms *t, const struct span *w,
		     int64_t now_us);
/* Works the ramp out for the day of now_us, so that quota_limit need not look
 * at the calendar each time; without it the answers are the same. */
void quota_today(struct quota_terms *t, int64_t now_us);
/* Used and in flight of all types. */
uint64_t quota_total(const struct quota_use *u);
/* Free for this type: limit, cap and the others' reserves looked at. */
uint64_t quota_room(const struct quota_terms *t, const struct quota_use *u,
		    const struct span *w, unsigned type, int64_t now_us);
/* The earliest time after now_us at which quota_room may grow without anything
 * being settled: a spread or reserve step, the window's end.  INT64_MAX: never
 * (limit 0), or rolling: ask the book, which knows its minutes. */
int64_t quota_opens_us(const struct quota_terms *t, const struct quota_use *u,
		       const struct span *w, unsigned type, int64_t now_us);
/* Why there is no room, for people. */
enum quota_why { QUOTA_OPEN, QUOTA_LIMIT, QUOTA_CAP, QUOTA_RESERVE };
enum quota_why quota_why(const struct quota_terms *t, const struct quota_use *u,
			 const struct span *w, unsigned type, int64_t now_us);
/* Terms of a block without overrides; type names that are unknown are skipped
 * (the checks refused them). */
void quota_terms_of(const struct settings *s, const struct quota_settings *q,
		    struct quota_terms *out);

#endif
