/*
 * years - a world of relays with quotas around the real dispatcher, and books of
 * its own about all of it: the remote's.
 *
 *	years_zones.c	days and months of every zone of tzdata, by brute force
 *	years_conf.c	a configuration made of the seed, and how it changes
 *	years_books.c	what the remote took, what must be charged, compared
 *	years_work.c	workers and relays: what becomes of a job
 *	years_life.c	how jobs end, also by the death of who had them
 *	years_change.c	limits set and relays paused at run time
 *	years_look.c	is mail left lying that could go?
 *	years_events.c	events, crashes, the clock
 *	years.c		worlds, and the sum over them
 *
 * Nothing here asks queue/quota.c, queue/book.c or daemon/zone.c what is right:
 * windows come from localtime minute by minute, sums from lists.
 */
#ifndef MTQ_TESTS_SIM_YEARS_H
#define MTQ_TESTS_SIM_YEARS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/book.h"
#include "queue/dispatch.h"
#include "queue/lane.h"

enum {
	DAYS = 37, /* of one world */
	RELAYS = 12,
	RELAYS_AT_ONCE = 10,
	QUOTAS = 12,
	TYPES = 3,
	ROUTES = 5,
	VIA = 4,
	ON_A_RELAY = 3, /* quotas */
	WORKERS = 3,
	LETTERS = 6000,
	RCPTS_MOST = 4,
	TASKS = 400,
	ENTRIES = 20000, /* of one quota */
	STARTS = 8192,   /* of one relay: a ring */
	BODY_MOST = 2000,
	ZONES_A_WORLD = 7,
	DEATHS_TO_HOLD = 3,
	NO_CAP = -1,
};
#define LIFETIME_US (4 * DAY_US)

/* What the remote took, or may have: places of one quota. */
struct entry {
	int64_t taken_us;  /* wall clock; 0: in truth it did not */
	int64_t booked_us; /* wall clock of the settlement; 0: in flight */
	unsigned type;
	uint64_t places;
};
struct changed {
	bool set;
	int64_t value;
	int64_t until_us; /* 0: for good */
};
struct cap {
	bool there;
	int64_t limit;
	enum unit_kind unit;
	enum window_kind window;
	size_t zone; /* of years_zone_name */
	int64_t period_us;
	int64_t cap[TYPES], reserve[TYPES];
	int64_t release_percent;
	bool spread;
	int64_t ramp_from, ramp_days; /* ramp_days 0: none; it ends at limit */
	int64_t ramp_start_us;
	struct changed changed, cap_changed[TYPES];
	struct entry entry[ENTRIES];
	size_t nentries, nold; /* old: no window holds them any more */
};
struct start {
	int64_t steady_us;
	uint32_t n;
};
struct exit_ { /* a relay, as its owner sees it */
	bool there;
	bool crm;
	bool mx; /* deliver = mx */
	size_t quota[ON_A_RELAY], nquotas;
	unsigned rate; /* 0: none */
	int64_t rate_window_us;
	uint32_t connections, rcpts;
	bool paused;
	int64_t paused_until_us;
	bool down;               /* can't be reached */
	bool wall;               /* says that its limit is reached */
	bool hit;                /* the scheduler was told so */
	int64_t closed_until_us; /* as the gate says */
	struct start start[STARTS];
	size_t nstarts;
};
enum otherwise { GO_ON, WAIT, BOUNCE, TO_CRM };
struct path {
	size_t via[TYPES][VIA], nvia[TYPES];
	enum otherwise exhausted, unreachable;
	bool bounced; /* it may have, once */
};

struct person {
	bool in_flight;
	bool over;
	bool failed;
	bool refused;    /* the remote said 550 */
	unsigned deaths; /* of its workers, one after another */
};
struct letter {
	uint64_t id;
	int64_t arrival_us;
	unsigned type, path;
	uint32_t n, size;
	struct person to[RCPTS_MOST];
};
enum task_state {
	TASK_FREE,
	TASK_HELD,    /* a worker has it */
	TASK_DOT,     /* the dot is announced, and not yet sent */
	TASK_ALLOWED, /* the same, and it may be sent */
	TASK_TAKEN,   /* the remote has it, the scheduler doesn't know yet */
};
struct task {
	enum task_state state;
	bool permit;
	bool mx; /* it has a destination */
	unsigned worker;
	uint64_t job;
	size_t letter, relay;
	uint32_t rcpt[RCPTS_MOST], n; /* whose outcome is to come */
	bool any_taken;
	size_t quota[ON_A_RELAY], nquotas; /* charged */
	/* Entries made when the remote took it, plus 1; 0: none.  By quota and
	 * recipient, those of other units at place 0. */
	size_t entry[ON_A_RELAY][RCPTS_MOST], whole[ON_A_RELAY];
	struct {
		bool told; /* its outcome awaits a commit: */
		enum verdict_kind kind;
		bool used;
		bool died; /* its worker; else, if all: everything */
		bool all;
	} end[RCPTS_MOST]; /* beside rcpt[] */
};

struct years {
	uint64_t seed, state;
	char dir[64];
	struct store *store;
	struct settings *settings;
	struct dispatch *dispatch;
	int64_t now_us, steady_us, begun_us;
	uint64_t last_id;
	struct cap cap[QUOTAS];
	struct exit_ relay[RELAYS];
	struct path path[ROUTES];
	size_t zone[ZONES_A_WORLD];
	unsigned weight[TYPES];
	struct letter letter[LETTERS];
	size_t nletters;
	struct task task[TASKS];
	size_t ntasks; /* so many were ever used at a time */
	bool up[WORKERS];
	uint32_t share[WORKERS][RELAYS];
	bool calm; /* remotes take everything */
	bool lax;  /* limits change in this step: before or after the claims */
	bool disk_fails;
	int64_t latest_us; /* the latest wall clock there was */
	uint64_t events, sent, doubts, crashes, jumps, reloads, turns;
	uint64_t moved, idle; /* since the books were compared: claims and
				 settlements; steps without any */
	uint64_t jobs, permits, walls, compared, audits, looks;
	double relay_days;
};
extern struct years y;

#define CHECK(x, ...)                                                          \
	do {                                                                   \
		if (!(x)) {                                                    \
			printf("years: seed %" PRIu64 ", event %" PRIu64       \
			       ", %s: ",                                       \
			       y.seed, y.events, years_time(y.now_us));        \
			printf(__VA_ARGS__);                                   \
			printf("\nyears: repeat with: years 1 %" PRIu64 "\n",  \
			       y.seed);                                        \
			fflush(stdout);                                        \
			_Exit(1);                                              \
		}                                                              \
	} while (0)

static inline uint64_t
chance(uint64_t below)
{
	uint64_t x = y.state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (x ^ (x >> 31)) % below;
}
/* years.c */
const char *years_time(int64_t us);

/* years_events.c */
void years_step(void);
void years_event(void);
void years_drain(void);
void years_pass(int64_t us); /* on both clocks */

/* years_look.c */
/* True: it waits and is due.  A recipient that is lost, or was given up without
 * a reason, ends the run. */
bool years_is_due(struct letter *l, uint32_t rcpt);
void years_look(void); /* is mail left lying? */
void years_must_be_over(struct letter *l, uint32_t rcpt);

/* years_change.c: what `mtq quota` and `mtq relay` do at run time */
void years_change_quota(void);
void years_change_relay(void);
void years_resume(size_t relay);
void years_end_changes(void); /* whose time is over */

/* years_zones.c */
size_t years_zones(void); /* how many tzdata has */
const char *years_zone_name(size_t zone);
/* A moment some days before the zone's next change of its offset. */
int64_t years_near_change(size_t zone, int64_t from_us);
/* Days and months of these zones around the run. */
void years_calendar(int64_t from_us, int64_t to_us);
struct span years_window(const struct cap *q, int64_t at_us);
int64_t years_days_since(size_t zone, int64_t date_us, int64_t at_us);

/* years_conf.c */
extern const char *const years_type[TYPES];
void years_design(void);   /* a first configuration */
void years_redesign(void); /* something in it changes */
void years_configure(void);

/* years_books.c */
/* Places that one transaction of so many recipients costs. */
int64_t years_cost(const struct cap *q, uint32_t n, uint32_t size);
void years_claimed(const struct task *t); /* may it have been? */
void years_taken(struct task *t);         /* by the remote, now */
void years_settled(struct task *t, uint32_t place, bool used);
void years_clock_went_back(void);
/* The scheduler's books against ours. */
void years_compare(void);
void years_audit(bool verify);
void years_explain(size_t quota); /* prints what it holds */
/* Room for one recipient: surely, or else possibly (for some message). */
bool years_room(size_t relay, unsigned type, bool surely);

/* years_work.c */
extern const struct dispatch_ops years_ops;
void years_some_job(void);
void years_settle_told(void);     /* after a commit */
size_t years_tasks(size_t relay); /* RELAYS: of all */
bool years_paused(const struct exit_ *r);

/* years_life.c */
void years_open(void);
void years_crash(void);
void years_worker_dies(void);
void years_worker_comes(void);
void years_settle_told(void); /* after a commit */

#endif
