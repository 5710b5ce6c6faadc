/*
 * wall - replies that speak of the provider's limits, not of the mail.
 *
 * Pure: a table per provider (facts: "Replies that mean quota"), and the
 * relay's own quota_replies and rate_replies (daemon/pattern.h).
 *
 * Never a wall: a full mailbox, or a limit that belongs to one recipient
 * (452 4.2.2, 5.2.2, Gmail's "receiving mail at a rate").
 */
#ifndef MTQ_WALL_H
#define MTQ_WALL_H

#include "daemon/settings.h"
#include "queue/status.h"

enum wall_kind {
	WALL_NONE,
	WALL_QUOTA, /* the relay is closed until its reset; the mail stays */
	WALL_RATE,  /* the relay slows down for wait_s */
};
/* When a closed relay opens again. */
enum wall_until {
	WALL_RESET,   /* when the relay's quota window ends (rolling: wait_s) */
	WALL_UTC_DAY, /* the next UTC day */
	WALL_WAIT,    /* after wait_s */
};
struct wall {
	enum wall_kind kind;
	enum wall_until until;
	int64_t wait_s; /* from the table, or from "try again in 92 seconds" */
};
/* By code, status and words of the verdict; any stage, AUTH included. */
struct wall wall_of(const struct relay_settings *r, const struct verdict *v);

#endif
