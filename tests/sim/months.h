/*
 * months - what becomes of mail, over months: the real dispatcher with reports,
 * suppression, expiry, poison, deliveries in doubt and the journal, and books of
 * its own about who must have been told what.
 *
 *	months_mail.c		addresses, letters, the configuration
 *	months_work.c		workers and the relay: what becomes of a job
 *	months_truth.c		what a commit must have made of each recipient
 *	months_list.c		which addresses get no mail, by our own list
 *	months_reports.c	reports as their readers see them, counted
 *	months_journal.c	each entry against what has happened
 *	months_events.c		events, orders, crashes
 *	months.c		worlds, and the sum over them
 *
 * Nothing here asks queue/bounce.c, queue/suppress.c or the journal what is
 * right: who is owed a report follows from the world.
 */
#ifndef MTQ_TESTS_SIM_MONTHS_H
#define MTQ_TESTS_SIM_MONTHS_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/dispatch.h"
#include "queue/journal.h"
#include "queue/lane.h"

enum {
	DAYS = 61, /* of one world */
	LETTERS = 9000,
	RCPTS_MOST = 4,
	ON_A_JOB = 3,
	WORKERS = 3,
	JOBS_MOST = 200,
	TYPES = 4,
	ADDRESSES = 400, /* recipients; behind them the senders, and ... */
	SENDERS = 16,
	POSTMASTER = ADDRESSES + SENDERS,
	EVERYBODY = POSTMASTER + 1,
	NOBODY = EVERYBODY, /* the null sender */
	POISON_DEATHS = 3,  /* so many make it suspect; and what a world of
			      deaths may add: */
	DEATHS_MOST = 16,
	ENTRIES = 200000,
	RATE = 1, /* reports an hour to one sender, where there is a limit */
};
#define LIFETIME_US      (2 * DAY_US)
#define LOOKED_AROUND_US (12 * HOUR_US) /* each row was looked at */

enum told { TOLD_FAILED, TOLD_DELAYED, TOLD_SENT, TOLD_COUNT };

/* How the last attempt ended, as the world knows it. */
enum fact {
	FACT_NONE,
	FACT_SENT,
	FACT_REFUSED,
	FACT_DEFERRED,
	FACT_DOUBT, /* nobody knows whether the relay has it */
	FACT_DIED,  /* its worker died, before the dot */
	FACT_CRASH, /* all of us died */
};

struct person {
	uint16_t address;
	uint8_t notify;
	bool in_flight;
	bool waits_anew; /* ordered by hand: any state may follow */
	bool dropped;    /* ordered */
	bool was_held;
	bool passed; /* the relay took the duty to report success */
	bool died;   /* its worker, after the dot or before it */
	enum fact fact;
	enum recipient_state state; /* at the last look */
	bool gone;
	unsigned deaths; /* of its workers, one after another */
	unsigned copies, allowed;
	unsigned owed[TOLD_COUNT], told[TOLD_COUNT];
	unsigned withheld;
	/* The journal about it: of each kind, now and at the last look. */
	uint16_t seen[JOURNAL_KIND_COUNT], looked[JOURNAL_KIND_COUNT];
	uint64_t entry;
	unsigned chain; /* entries in it, ACCEPTED too */
	bool ended;
};
struct letter {
	uint64_t id;
	int64_t arrival_us;
	unsigned type;
	size_t sender;
	bool crm;    /* its source tells its senders itself */
	bool report; /* it is one of ours */
	bool poison; /* who looks at it dies */
	bool touched;
	uint32_t n;
	struct person to[RCPTS_MOST];
};
struct task {
	bool used;
	unsigned worker;
	bool dot;
	struct job job;
	size_t letter;
	uint32_t rcpt[ON_A_JOB];
	uint32_t n;
};
/* An address on the list. */
struct listed {
	bool manual;
	unsigned count;
	int64_t until_us; /* 0: not on it */
};

struct months {
	uint64_t seed, state;
	char dir[64];
	struct store *store;
	struct settings *settings;
	struct dispatch *dispatch;
	int64_t now_us, steady_us, begun_us;
	int64_t step_us; /* of the step that ran last */
	uint64_t last_id, last_txn;
	struct letter letter[LETTERS];
	size_t nletters;
	size_t touched[LETTERS], ntouched;
	struct task task[JOBS_MOST];
	struct listed list[EVERYBODY];
	int64_t reported_us[SENDERS]
			   [2 * RATE + 1]; /* the last ones, newest first */
	bool up[WORKERS];
	int64_t paused_us; /* since when the relay is; 0: it is not */
	bool relay_down, calm, disk_fails;
	/* of the configuration */
	bool limited, has_reader, forgets_to_ack, big, deaf_postmaster;
	unsigned bounces_to_list;
	int64_t delay_after_us, keep_us;
	uint64_t max_bytes;
	/* of the journal */
	uint64_t number[ENTRIES];
	size_t nnumbers;
	uint64_t acked;
	/* sums */
	uint64_t events, sent, crashes, failures, reports[TOLD_COUNT], withheld;
	uint64_t refused, expired, suppressed, poisoned, doubts, pruned;
};
extern struct months m;

#define CHECK(x, ...)                                                          \
	do {                                                                   \
		if (!(x)) {                                                    \
			printf("months: seed %" PRIu64 ", event %" PRIu64      \
			       ", day %" PRId64 ": ",                          \
			       m.seed, m.events,                               \
			       (m.now_us - m.begun_us) / DAY_US);              \
			printf(__VA_ARGS__);                                   \
			printf("\nmonths: repeat with: months 1 %" PRIu64      \
			       "\n",                                           \
			       m.seed);                                        \
			fflush(stdout);                                        \
			_Exit(1);                                              \
		}                                                              \
	} while (0)

static inline uint64_t
chance(uint64_t below)
{
	uint64_t x = m.state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (x ^ (x >> 31)) % below;
}

/* months_mail.c */
enum { MONTHS_ADDRESS = 48 };
extern const char *const months_type[TYPES];
const char *months_address(size_t at, char out[MONTHS_ADDRESS]);
size_t months_address_at(const char *p, size_t n);
bool months_is_dead(size_t address);       /* 550 5.1.1, whenever it is tried */
struct letter *months_letter(uint64_t id); /* NULL: there is none */
/* A place for a letter with an id above all others. */
struct letter *months_add(uint64_t id);
void months_touch(struct letter *l); /* look at it after the next commit */
void months_configure(void);
void months_accept(void);

/* months_list.c */
bool months_is_listed(size_t address, int64_t at_us);
void months_list_bounced(size_t address);
void months_list_change(void);

/* months_work.c */
extern const struct dispatch_ops months_ops;
void months_some_job(void);
void months_worker_dies(unsigned worker);
void months_worker_comes(void);
void months_crash(void); /* what the workers hold is in doubt */

/* months_truth.c */
void months_catch_up(void); /* after a commit */
void months_look_at_all(void);

/* months_reports.c */
/* Would its sender be told so? */
bool months_is_owed(const struct letter *l, const struct person *p,
		    enum told what);
void months_read_reports(struct txn *t);

/* months_journal.c */
void months_read_journal(struct txn *t);
void months_check_fact(const struct letter *l, struct person *p);
void months_explain(const struct letter *l, uint32_t rcpt);
void months_check_chains(void);
void months_check_size(void);

/* months_events.c */
void months_open(void);
void months_event(void);
void months_drain(void);

#endif
