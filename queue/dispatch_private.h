/*
 * dispatch_private - what the files of the dispatcher share; nobody else's.
 *
 *	dispatch.c		what comes in between two steps
 *	dispatch_relay.c	what relays are now: room, rates, permits
 *	dispatch_judge.c	what outcomes say of relays: breaker, wall, pause
 *	dispatch_claim.c	which lane goes through which relay
 *	dispatch_step.c		one step: the transaction, and what follows it
 */
#ifndef MTQ_DISPATCH_PRIVATE_H
#define MTQ_DISPATCH_PRIVATE_H

#include "queue/claim.h"
#include "queue/destination.h"
#include "queue/dispatch.h"
#include "queue/expire.h"
#include "queue/fair.h"
#include "queue/flight.h"
#include "queue/forget.h"
#include "queue/orders.h"
#include "queue/remarks.h"
#include "queue/suppress.h"
#include "queue/rate.h"
#include "queue/room.h"
#include "queue/wall.h"

/* What the dispatcher knows of a place of the plan beside the plan. */
struct relay_facts {
	bool rated;
	struct rate_log rate;
	uint32_t outstanding; /* recipients claimed whose dot has no permit */
	bool used;        /* rated: starts or outcomes since the last step */
	struct wall wall; /* an outcome ran into it since the last step */
	char words[256];  /* of that outcome, or of the last failure */
	bool failed;
	bool refused; /* an outcome said so of our credential */
};

/* For deliver = mx: where claims from a lane go on in this step, behind rows
 * whose worker has no room; and in a later one, behind more of them than one
 * step looks at. */
struct look {
	uint64_t lane; /* 0: unused */
	uint64_t step;
	struct ledger_due at;
	struct ledger_due deep;
	bool has_deep, from_deep;
};
enum {
	LOOK_PLACES = 256, /* lanes that share one start from their head */
	LOOK_LONG = 8,     /* looks in a step that found nothing to the end */
	LOOK_DEEP = 4,     /* each so manieth step goes on behind the rest */
};

enum {
	DEATHS_KEPT = 64, /* moments at which workers died */
};

struct permit {
	uint64_t job;
	size_t relay;
};

struct dispatch {
	struct store *store;
	const struct settings *settings;
	const struct dispatch_ops *ops;
	void *arg;
	struct plan plan;
	struct book *book;
	struct retry_settings retry[SETTINGS_TYPES];
	size_t place[SETTINGS_RELAYS]; /* in the plan, of settings->relays */
	struct relay_facts facts[PLAN_RELAYS_MOST]; /* by place */
	struct destinations destinations;
	struct look look[LOOK_PLACES];
	uint64_t claims; /* sweeps, ever */
	unsigned long_looks;
	struct fair fair;
	struct fair_turns turns[SETTINGS_RELAYS];
	bool wanting[SETTINGS_RELAYS]; /* mail waits for a free worker */
	int64_t spent_told_us[SETTINGS_RELAYS][SETTINGS_TYPES]; /* steady */
	struct flights flights;
	uint32_t suspects[PLAN_WORKERS_MOST]; /* CLAIM_SUSPECTS_MOST is full */
	int64_t death_us[DEATHS_KEPT];        /* steady; a ring */
	uint64_t deaths;
	struct remarks remarks; /* for the journal, until a commit has them */
	struct permit *permit;  /* dots that wait for one, oldest first */
	size_t npermits, permit_room;
	struct later log;
	struct bounces bounces; /* of the step under way */
	struct settle *settle;
	size_t nsettle, settle_room;
	struct orders orders;
	struct expire expire;
	struct forget forget;
	struct suppress_old suppress_old;
	bool forgetting; /* the journal has more that is too old or too much */
	bool suppress;   /* the list has entries: of the step under way */
	uint64_t next_job;
	int64_t now_us, steady_us; /* of the step under way */
	int64_t next_due_us;       /* wall: something may go; INT64_MIN: look */
	int64_t look_us;           /* steady: the next look without a bell */
	int64_t paced_us;          /* steady: a domain's pace lets it go on */
	unsigned looks;
	int64_t not_before_us; /* steady: after a failed commit */
	uint64_t sweep_from;   /* where the last sweep stopped; 0: at the end */
	uint64_t unsorted;     /* a lane to be sorted; 0: none is known */
	/* What outcomes said of relays, until a commit has it. */
	struct gate gate[SETTINGS_RELAYS];
	bool gate_changed[SETTINGS_RELAYS], gates_changed;
	bool cautious; /* the last commit failed */
	bool stopping;
};

/* What one transaction did, until it is durable. */
struct step {
	size_t settled;
	size_t ordered;
	size_t given_up; /* by a claim */
	size_t aside;    /* suspects put off by one */
	struct control_answer answer[ORDERS_MOST];
	struct claim claim[DISPATCH_JOBS_MOST];
	size_t nclaim;
};

struct settle_world dispatch_world(struct dispatch *d);
/* What became of a relay or quota, for the journal (RELAY or QUOTA).  word:
 * "closed", "open" ...; type, words: "" for none; until_us: 0 for none. */
void dispatch_remark(struct dispatch *d, enum journal_kind kind,
		     const char *name, const char *word, const char *type,
		     const char *words, int64_t until_us);

/* dispatch_relay.c */
struct relay_now dispatch_relay_now(void *arg, size_t relay, unsigned type);
/* A worker that may take a job of this relay now; -1. */
int dispatch_room(const struct dispatch *d, size_t relay);
/* How many recipients its rate leaves room for; UINT32_MAX without one. */
uint32_t dispatch_rate_room(const struct dispatch *d, size_t relay);
void dispatch_configure_relays(struct dispatch *d);
/* Rates after a start: nothing may burst. */
void dispatch_start_rates(struct dispatch *d, bool recovered);
int64_t dispatch_rates_us(const struct dispatch *d); /* steady; next start */
void dispatch_grant_permits(struct dispatch *d);
/* A worker with room for one more job of this domain (struct claim_ops). */
int dispatch_worker_for(void *arg, size_t relay, const char *domain);

/* dispatch_judge.c */
void dispatch_judge(struct dispatch *d, const struct flight *x,
		    const struct job_outcome *o, struct settle *s);
/* What outcomes said since the last step becomes gates and breakers. */
void dispatch_judge_relays(struct dispatch *d);
/* The commit that should have had them failed. */
void dispatch_keep_gates(struct dispatch *d);

/* dispatch_claim.c */
bool dispatch_may_claim(const struct dispatch *d);
bool dispatch_claim(struct dispatch *d, struct txn *t, struct step *s,
		    struct err *e) MUST_USE;

#endif
