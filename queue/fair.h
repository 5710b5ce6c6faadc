/*
 * fair - whose turn it is on a busy relay.  Pure.
 *
 * Types share a relay by weight: start-time fair queueing (Goyal, Vin, Cheng
 * 1996), the cost of a message being its recipients.  A type that was away
 * starts where the others are: it neither saved up nor fell behind.  Within a
 * type its lanes (groups of senders) take turns, one message each.
 *
 * Bounded  FAIR_LANES lanes of all relays at a time.
 */
#ifndef MTQ_FAIR_H
#define MTQ_FAIR_H

#include "daemon/settings.h"

enum { FAIR_LANES = 4096, FAIR_SCALE = 1 << 20 };

struct fair_turns {                         /* of one relay */
	uint64_t now;                       /* virtual time of the last turn */
	uint64_t next[SETTINGS_TYPES];      /* when the type may go again */
	uint64_t last_lane[SETTINGS_TYPES]; /* that had its turn */
};

/* Lanes that wait for a turn, in rings by relay and type. */
struct fair {
	struct fair_lane {
		uint64_t lane;
		int next;
	} item[FAIR_LANES];
	int nitems;
	int tail[SETTINGS_RELAYS][SETTINGS_TYPES]; /* -1: none */
	bool wanted[SETTINGS_RELAYS];              /* some lane is here */
};

void fair_clear(struct fair *f);
/* In ascending order of lanes; false: it is full. */
bool fair_add(struct fair *f, size_t relay, unsigned type, uint64_t lane);
/* Rings begin behind the lane that had the last turn. */
void fair_resume(struct fair *f, size_t relay, const struct fair_turns *t);
/* The type and lane whose turn it is; false: none waits. */
bool fair_turn(const struct fair *f, size_t relay, const struct fair_turns *t,
	       unsigned *type, uint64_t *lane);
/* It had its turn: cost > 0 recipients left; `more`: it has more to send. */
void fair_done(struct fair *f, size_t relay, struct fair_turns *t,
	       unsigned type, uint64_t weight, uint32_t cost, bool more);
/* The type has no turn any more. */
void fair_drop(struct fair *f, size_t relay, unsigned type);

#endif
