/*
 * flight - the jobs that workers hold now, by number.
 *
 * Owner    one table; an entry is freed when its last recipient is taken.
 */
#ifndef MTQ_FLIGHT_H
#define MTQ_FLIGHT_H

#include "queue/job.h"

enum { FLIGHT_BUCKETS = 4096 };

struct flight {
	uint64_t job;
	uint64_t message;
	int64_t arrival_us;
	int64_t claimed_us;
	size_t relay; /* place in the plan */
	unsigned worker;
	bool dot;       /* its final dot was announced */
	bool permit;    /* and must wait for a permit */
	bool permitted; /* which it has */
	bool mx;        /* its place in `destinations` is used */
	uint16_t destination;
	uint32_t suspect; /* room it takes in dispatch.suspects */
	uint32_t nstarts; /* recipients at the claim: what the rate counts */
	uint32_t nrcpt;
	struct flight *next;
	uint32_t rcpt[]; /* whose outcome is still to come */
};

struct flights {
	struct flight *bucket[FLIGHT_BUCKETS];
	size_t n;
};

struct flight *flight_add(struct flights *f, uint64_t job, uint32_t nrcpt,
			  const uint32_t *rcpt);
struct flight *flight_find(struct flights *f, uint64_t job);
/* Any job of this worker; NULL if it holds none. */
struct flight *flight_of(struct flights *f, unsigned worker);
/* How many jobs this worker holds. */
uint32_t flight_count(const struct flights *f, unsigned worker);
/* Takes one recipient off; false if it is not one of this job's. */
bool flight_take(struct flight *x, uint32_t rcpt);
void flight_remove(struct flights *f, struct flight *x);
void flight_clear(struct flights *f);

#endif
