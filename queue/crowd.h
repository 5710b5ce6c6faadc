/*
 * crowd - how many sessions each client address has.  One IPv6 customer is a
 * /64 (RFC 6177), so that is what counts as one address there.
 *
 * Owner    one entry per address with a session; bounded by max_connections.
 */
#ifndef MTQ_CROWD_H
#define MTQ_CROWD_H

#include "daemon/base.h"

enum { CROWD_PLACES = 1024, CROWD_KEY = 16 };

struct crowd {
	struct crowd_entry *place[CROWD_PLACES];
	uint64_t salt; /* so that nobody can aim at one place */
};

/* What counts as one address; `addr` as net_address gives it. */
void crowd_key(const unsigned char addr[16], unsigned char key[CROWD_KEY]);
unsigned crowd_count(const struct crowd *c, const unsigned char key[CROWD_KEY]);
void crowd_enter(struct crowd *c, const unsigned char key[CROWD_KEY]);
void crowd_leave(struct crowd *c, const unsigned char key[CROWD_KEY]);

#endif
