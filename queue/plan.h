/*
 * plan - which worker gets how much of which relay's mail now.  Pure: no
 * socket, no clock, no database.
 *
 * A relay's `connections` are shared out among the living workers; each worker
 * may be given up to PLAN_AHEAD times its share in jobs, so that a connection
 * never waits for the next.  A relay that can't be reached breaker_failures
 * times within breaker_within is out of service for 1 s, 2 s, 4 s ... up to
 * breaker_open_for, then probed by one job.
 *
 * Unit     microseconds of the steady clock.
 */
#ifndef MTQ_PLAN_H
#define MTQ_PLAN_H

#include "daemon/settings.h"

enum {
	PLAN_WORKERS_MOST = 32,
	/* those of the file, and those whose last jobs are still under way */
	PLAN_RELAYS_MOST = 2 * SETTINGS_RELAYS,
	PLAN_AHEAD = 2
};

struct plan_relay {
	char name[65];
	uint32_t connections;
	uint32_t breaker_failures;
	int64_t breaker_within_us;
	int64_t breaker_open_for_us;
	uint32_t strikes; /* failures since first_strike_us */
	int64_t first_strike_us;
	int64_t closed_until_us; /* 0: open */
	uint32_t failures;       /* times in a row that it was closed */
	int64_t slow_until_us;   /* the relay asked for patience */
	uint32_t failing;        /* outcomes that said so since the last step */
	bool answering;
	bool unproven; /* nobody has taken our credential there yet: one job at
			  a time, so that a wrong one is tried once */
	uint32_t in_flight[PLAN_WORKERS_MOST]; /* jobs */
	uint32_t share[PLAN_WORKERS_MOST];     /* connections */
};
struct plan {
	struct plan_relay relay[PLAN_RELAYS_MOST];
	size_t nrelays;
	bool worker[PLAN_WORKERS_MOST];  /* alive */
	bool leaving[PLAN_WORKERS_MOST]; /* it takes no further job */
};

/* Relays by name; what is in flight of a relay that stays is kept. */
void plan_configure(struct plan *p, const struct settings *s);
/* After either, shares have changed: tell the workers. */
void plan_worker_up(struct plan *p, unsigned worker);
void plan_worker_gone(struct plan *p, unsigned worker);
/* It ends what it has: its share and its destinations stay its own until then.
 */
void plan_worker_leaves(struct plan *p, unsigned worker);

size_t plan_relay(const struct plan *p, const char *name); /* or nrelays */
/* A worker with room for one more job of this relay, the least loaded; -1 if
 * there is none or the relay is closed. */
int plan_pick(const struct plan *p, size_t relay, int64_t now_us);
/* The one worker of a destination (a hash of it) while it lives, whether it has
 * room or not: its connections there are used again, and no other's are counted
 * apart.  A worker that comes or goes moves its own part of the destinations and
 * no more.  -1: no worker has a connection to give. */
int plan_worker_for(const struct plan *p, size_t relay, uint32_t hash);
bool plan_has_room(const struct plan *p, size_t relay, unsigned worker);
void plan_began(struct plan *p, size_t relay, unsigned worker);
void plan_ended(struct plan *p, size_t relay, unsigned worker);
/* Out of service, or its one probe is under way. */
bool plan_shut(const struct plan *p, size_t relay, int64_t now_us);
void plan_slow(struct plan *p, size_t relay, int64_t until_us);
/* It was out of service in an earlier life: one job finds out. */
void plan_doubt(struct plan *p, size_t relay);
/* How attempts left the relay: reached or `n` times not.  True: the state
 * changed (log it). */
bool plan_unreachable(struct plan *p, size_t relay, uint32_t n, int64_t now_us);
bool plan_reached(struct plan *p, size_t relay);
/* When a closed or slowed relay may be tried; INT64_MAX if there is none. */
int64_t plan_wake_us(const struct plan *p, int64_t now_us);

#endif
