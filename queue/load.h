/*
 * load - how much of what the receiver may use is in use, and what follows.
 * Pure: figures in, a level out.
 *
 * The part that is used most decides.  From guard.shed_at on the load is high
 * and stays so until it is LOAD_SLACK points lower, so that it does not flap.
 * A high load costs mass mail first (451 4.3.2 at the end of the message, which
 * a CRM tries again), then those who hold a place and do nothing with it.
 * Nobody is ever told 5xx because of it: a CRM that sees a few of those gives
 * the relay up for the day (facts: crm-and-providers.md 2.3).
 *
 * Source   Postfix's STRESS_README: 300 s become 10 s; attacks.md E1.
 */
#ifndef MTQ_LOAD_H
#define MTQ_LOAD_H

#include "daemon/base.h"

#define LOAD_PARTS(P)                                                          \
	P(SESSIONS, "sessions of a listener")                                  \
	P(MEMORY, "memory of all sessions")                                    \
	P(DESCRIPTORS, "open connections of the process")                      \
	P(QUEUE, "room of the queue")                                          \
	P(DISK, "time for one write to the disk")

enum load_part {
#define P(id, words) LOAD_##id,
	LOAD_PARTS(P)
#undef P
	    LOAD_COUNT
};
const char *load_words(enum load_part p);

enum {
	LOAD_SLACK = 10,      /* percent */
	LOAD_PATIENCE_S = 10, /* command_timeout while the load is high */
	LOAD_SHARE_PART = 4,  /* of max_connections_per_address */
	LOAD_GRACE_S = 60,    /* a message may be slower so long */
	LOAD_SLOWEST_BYTES_S = 500,
};

/* Zeroed: nothing is in use.  `most` 0: that part does not count. */
struct load_use {
	uint64_t used[LOAD_COUNT];
	uint64_t most[LOAD_COUNT];
};

struct load {
	bool high;
	unsigned percent;     /* of the worst part; 999 at most */
	enum load_part worst; /* the part that is used most */
};

/* True when `high` has changed. */
bool load_update(struct load *l, const struct load_use *u, uint64_t shed_at);
/* max_connections_per_address, as it holds now. */
uint64_t load_share(const struct load *l, uint64_t most);
/* How long a client may take for a command while no transaction is open. */
int64_t load_patience(const struct load *l, int64_t timeout_us);
/* May a message go on that has brought `bytes` in `age_us`? */
bool load_fast_enough(const struct load *l, uint64_t bytes, int64_t age_us);

#endif
