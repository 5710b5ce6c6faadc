/*
 * book - the quotas' ledger: what is charged, what is used, what was changed at
 * run time.  In the database, in the transactions that move the mail.
 *
 * Tables
 *	charge	 job				one row per claimed transaction
 *						through a relay with quotas
 *	spent	 quota, minute, type, relay	places used in that minute: the
 *						ledger; pruned when no window
 *						can reach it any more
 *	counter	 quota				used and in flight by type in
 *						the window: a sum of the two
 *						above, compared by the audit;
 *						and the minute that is not in
 *						`spent` yet: its rows come when
 *						it is over
 *	override quota, type			`mtq quota set`
 *	gate	 relay				pause, provider's wall, last
 *						error: why a relay is shut
 *
 * The scheduler is the only writer.  It holds one open book; every write goes
 * through it inside a transaction, book_flush before the commit, then
 * book_committed, or book_undo when the commit did not happen.  mtq opens one
 * to read.
 *
 * Unit     microseconds since 1970; places as quota.h says.
 * Owner    book_open/book_close; terms and use are borrowed from it.
 * Errors   ERR_DAMAGED when rows contradict each other.
 * Source   docs/quotas.md, docs/queue.md
 */
#ifndef MTQ_BOOK_H
#define MTQ_BOOK_H

#include "queue/quota.h"
#include "queue/store.h"

struct book;

/* Reads everything; settings are borrowed until book_configure. */
struct book *book_open(struct txn *t, const struct settings *s, int64_t now_us,
		       struct err *e) MUST_USE;
void book_close(struct book *b); /* takes NULL */
/* New terms; counts stay.  Reads rows of quotas and types that are new. */
bool book_configure(struct book *b, struct txn *t, const struct settings *s,
		    int64_t now_us, struct err *e) MUST_USE;
/* Windows turn, rolling minutes drop out, overrides end.  Call at every step,
 * before anything else, in the step's transaction (read or write).  *changed:
 * some room may have grown. */
bool book_turn(struct book *b, struct txn *t, int64_t now_us, bool *changed,
	       struct err *e) MUST_USE;
/* When book_turn has something to do at the earliest: now, if the clock went
 * back. */
int64_t book_next_us(const struct book *b, int64_t now_us);

size_t book_quotas(const struct book *b); /* as settings->quotas */
const struct quota_terms *book_terms(const struct book *b, size_t quota);
const struct quota_use *book_use(const struct book *b, size_t quota);
struct span book_window(const struct book *b, size_t quota);
/* Places used in a rolling quota's window, the oldest minute first; false: no
 * such one.  type: as settings->types, ntypes for one that is not there. */
struct book_minute {
	int64_t leaves_us; /* when its places are free again */
	size_t type;
	uint64_t places;
};
bool book_minute_at(const struct book *b, size_t quota, size_t i,
		    struct book_minute *out) MUST_USE;
/* When the window ends; rolling: when its oldest minute leaves, INT64_MAX if
 * nothing is used. */
int64_t book_quota_next_us(const struct book *b, size_t quota, int64_t now_us);
/* Recipients of one message of this size and type that the relay's quotas let
 * through now, at most `most`; 0: spent. */
uint32_t book_room(const struct book *b, size_t relay, unsigned type,
		   uint64_t size_bytes, uint32_t most, int64_t now_us);
/* When a relay without room for the type may have some, without settlements:
 * the latest of its quotas' openings.  *quota: which one holds it (may be NULL;
 * not set if the relay has none).  If none is spent, a message was too large
 * for what a quota in bytes has left: when it may have more. */
int64_t book_opens_us(const struct book *b, size_t relay, unsigned type,
		      int64_t now_us, size_t *quota);

/* Charges all quotas of the relay for `nrcpt` recipients: places move from free
 * to in flight.  must() have room.  Relays without quotas write nothing. */
bool book_charge(struct book *b, struct txn *t, uint64_t job, size_t relay,
		 unsigned type, uint32_t nrcpt, uint64_t size_bytes,
		 int64_t now_us, struct err *e) MUST_USE;
enum book_end {
	BOOK_TAKEN, /* the remote has it, or may have it: used */
	BOOK_BACK,  /* it has not: the place is free again */
};
/* One recipient of the job ended.  With the last one the charge row goes;
 * messages and bytes are used if any recipient was taken.  A job without a
 * charge row is not an error: its relay had no quota then. */
bool book_settle(struct book *b, struct txn *t, uint64_t job, enum book_end end,
		 int64_t now_us, struct err *e) MUST_USE;

/* Run-time changes; type NULL or "": the limit, else the type's cap.  until_us
 * 0: for good.  who and why are cleaned and cut.  false with ERR_NONE: there is
 * no such quota, type or override. */
bool book_override(struct book *b, struct txn *t, const char *quota,
		   const char *type, uint64_t limit, int64_t until_us,
		   const char *who, const char *why, int64_t now_us,
		   struct err *e) MUST_USE;
bool book_unset(struct book *b, struct txn *t, const char *quota,
		const char *type, struct err *e) MUST_USE;

/* Gates.  Absent row: open. */
struct gate {
	bool paused;             /* by an administrator */
	int64_t paused_until_us; /* 0: until resumed */
	int64_t paused_us;
	char paused_who[64];
	char paused_why[256];
	int64_t closed_until_us; /* the provider's wall; 0: open */
	int64_t closed_us;
	char closed_reply[256];
	int64_t failed_us; /* the breaker opened; 0: reachable */
	char last_error[256];
	int64_t last_error_us;
	int64_t last_rated_us;        /* last claim or outcome under a rate */
	int64_t last_rated_steady_us; /* the same by the clock that never
					 jumps, but begins anew at a boot */
};
const struct gate *book_gate(const struct book *b, size_t relay);
/* Replaces it, in memory at once and in the table at the next flush. */
void book_set_gate(struct book *b, size_t relay, const struct gate *g);

/* Writes what changed; then commit and book_committed, or abort and book_undo.
 */
bool book_flush(struct book *b, struct txn *t, int64_t now_us,
		struct err *e) MUST_USE;
void book_committed(struct book *b);
void book_undo(struct book *b);
/* Removes `spent` rows that no window reaches, at most so many. */
bool book_prune(struct book *b, struct txn *t, unsigned most, int64_t now_us,
		struct err *e) MUST_USE;

/* For mtq: an override as it stands. */
struct override {
	const char *quota;
	const char *type; /* "": the limit */
	uint64_t limit;
	int64_t until_us, set_us;
	const char *who;
	const char *why;
};
size_t book_overrides(const struct book *b);
struct override book_override_at(const struct book *b, size_t i);

/* queue/audit.c: recomputes every counter from charge, spent and the CLAIMED
 * recipients.  Each difference is one line in `report`.  Each counter is taken
 * at its own window's word, so it asks neither settings (may be NULL) nor
 * clock: mtqd may run or not. */
bool book_audit(struct txn *t, const struct settings *s, int64_t now_us,
		struct bytes *report, uint64_t *differences,
		struct err *e) MUST_USE;

#endif
