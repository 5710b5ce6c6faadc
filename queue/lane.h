/*
 * lane - waiting mail that is treated alike lies in one lane of the table
 * `due`: same epoch, way, type, relays already tried in this round, and group
 * of senders.  A lane whose relays are all shut costs nothing while it waits.
 *
 *	bits 32..63	epoch of the configuration that sorted it
 *	     18..31	way
 *	     14..17	type
 *	      6..13	tried: bit i is relay i of the way, bit 7 its CRM relay
 *	      0..5	senders, by a hash of who wrote the message
 *
 * Pure.
 */
#ifndef MTQ_LANE_H
#define MTQ_LANE_H

#include "daemon/routing.h"
#include "queue/record.h"

enum {
	LANE_SENDERS = 64,
	LANE_TRIED_CRM = 0x80,
	LANE_GROUP_SHIFT = 6, /* lanes of one group differ in senders only */
};

struct lane {
	uint32_t epoch;
	uint32_t way;
	unsigned type;
	unsigned tried;
	unsigned senders;
};
uint64_t lane_pack(const struct lane *l);
struct lane lane_unpack(uint64_t lane);
/* What the routes are asked about mail of the queue: the only place that says
 * so, since mail of a sandbox, or for an archive, must take its one relay whoever
 * asks.  The texts are those of m, r and s. */
struct routing_ask lane_ask(const struct settings *s,
			    const struct message_record *m,
			    const struct recipient_record *r);
/* Where a recipient of a message belongs now. */
struct lane lane_of(const struct settings *s, const struct routing_ask *ask);

#endif
