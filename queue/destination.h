/*
 * destination - for deliver = mx: the domain a job goes to, and how much of its
 * mail may be under way at a time, so that one domain never has all the
 * connections.  Pure.
 *
 * Jobs are counted in places found by a hash of relay and domain: two domains
 * that share a place share its room, which costs speed and nothing else.  A
 * domain whose host could not be reached gets one job at a time until it
 * answers: mail for it goes on by its schedule, the relay's breaker is not told.
 * With rate_per_domain its jobs begin so far apart that no stretch of the rate's
 * window has more recipients than the rate says, but for one job.
 *
 * Owner    plain values.
 */
#ifndef MTQ_DESTINATION_H
#define MTQ_DESTINATION_H

#include "daemon/routing.h"
#include "queue/address.h"

/* The more, the fewer domains share the trouble of another. */
enum { DESTINATION_PLACES = 65521 };

struct destinations {
	uint16_t jobs[DESTINATION_PLACES];    /* under way */
	bool failing[DESTINATION_PLACES];     /* the last one reached no host */
	int64_t paced_us[DESTINATION_PLACES]; /* steady: not before */
};

/* What follows the last @, ASCII letters in lower case, an address literal with
 * its brackets; "" for an address without a domain. */
void destination_of(struct text address, char out[ADDRESS_DOMAIN_MOST + 1]);
/* Where its jobs are counted; relay: place in the plan. */
uint16_t destination_place(size_t relay, const char *domain);
uint32_t destination_hash(const char *domain);
/* One more of at most `most` jobs at a time?  (Its pace is the caller's.) */
bool destination_room(const struct destinations *d, uint16_t place,
		      uint32_t most) MUST_USE;
/* rate: NULL: as fast as it goes. */
void destination_began(struct destinations *d, uint16_t place, uint32_t nrcpt,
		       const struct rate *rate, int64_t steady_us);
void destination_ended(struct destinations *d, uint16_t place);

#endif
