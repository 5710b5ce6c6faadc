/*
 * ledger - every arrow of the state table (docs/queue.md) as one function.
 * Each runs inside the caller's write transaction and changes records, the
 * `due` row and the counters together, so that whoever commits, commits all.
 *
 * Errors   false: the transaction must be aborted.  "Not there" or "in another
 *          state" is an answer (enum ledger_answer), not an error.
 */
#ifndef MTQ_LEDGER_H
#define MTQ_LEDGER_H

#include "queue/journal.h"
#include "queue/status.h"
#include "queue/store.h"

enum ledger_answer {
	LEDGER_DONE,
	LEDGER_NOT_FOUND,
	LEDGER_BUSY,    /* claimed: a worker has it */
	LEDGER_ALREADY, /* it is in that state */
};

/* none -> WAITING */

struct ledger_recipient {
	struct text address;
	struct text orcpt;
	uint8_t notify;
	uint64_t lane;
};
/* One chunk of a body, at most CHUNK_MOST octets.  The first chunk stored
 * apart from its message also makes the `partial` row. */
bool ledger_chunk(struct txn *t, uint64_t id, uint32_t chunk, const void *p,
		  size_t n, bool apart, int64_t now_us, struct err *e) MUST_USE;
/* The message and all its recipients (the last m->copies of them are PARKED until
 * the others have ended); removes the `partial` row if there is
 * one (`apart`: chunks were stored before). */
bool ledger_accept(struct txn *t, uint64_t id, const struct message_record *m,
		   const struct ledger_recipient *rcpt, uint32_t n, bool apart,
		   struct err *e) MUST_USE;
/* Removes at most `most` chunks of a message that was never accepted.  *more:
 * there is something left.  A message without a `partial` row is not touched:
 * nothing of it was stored apart, or it was accepted. */
bool ledger_abandon(struct txn *t, uint64_t id, unsigned most, bool *more,
		    struct err *e) MUST_USE;
/* The first message with a `partial` row and id >= from; false with ERR_NONE
 * if there is none. */
bool ledger_partial(struct txn *t, uint64_t from, uint64_t *id,
		    struct err *e) MUST_USE;

/* WAITING -> CLAIMED */

struct ledger_due {
	uint64_t id;
	uint32_t rcpt;
	int64_t due_us;
};
/* The earliest waiting row of a lane at or after `from` (from->due_us may be
 * INT64_MIN); false with ERR_NONE when there is none. */
bool ledger_first(struct txn *t, uint64_t lane, const struct ledger_due *from,
		  struct ledger_due *out, struct err *e) MUST_USE;
/* The first waiting row of any lane, at or after this lane and row; false with
 * ERR_NONE when there is none. */
bool ledger_waiting(struct txn *t, uint64_t *lane, struct ledger_due *row,
		    struct err *e) MUST_USE;
/* The recipient's record; texts point into the map until the next write. */
bool ledger_recipient(struct txn *t, uint64_t id, uint32_t rcpt,
		      struct recipient_record *out, struct err *e) MUST_USE;
/* The message's first recipient at or after *rcpt; false with ERR_NONE: none. */
bool ledger_next(struct txn *t, uint64_t id, uint32_t *rcpt,
		 struct recipient_record *out, struct err *e) MUST_USE;
bool ledger_message(struct txn *t, uint64_t id, struct message_record *out,
		    struct err *e) MUST_USE;
/* job: the number of the transaction it is charged with.  relay: where it goes
 * through; NULL: nowhere, it is about to be given up. */
bool ledger_claim(struct txn *t, uint64_t lane, const struct ledger_due *d,
		  uint64_t job, const char *relay, int64_t now_us,
		  struct err *e) MUST_USE;
/* WAITING or HELD, by whoever settles it in this transaction as failed. */
bool ledger_seize(struct txn *t, uint64_t id, uint32_t rcpt, int64_t now_us,
		  struct err *e) MUST_USE;
/* WAITING -> WAITING in another lane, due at another time. */
bool ledger_sort(struct txn *t, uint64_t id, uint32_t rcpt, uint64_t lane,
		 int64_t due_us, struct err *e) MUST_USE;
/* Every CLAIMED recipient from (id, rcpt) on: at start, to settle as unknown.
 */
bool ledger_claimed(struct txn *t, const struct ledger_due *from,
		    struct ledger_due *out, struct err *e) MUST_USE;
/* The same of FAILED ones, which are kept for a while. */
bool ledger_failed(struct txn *t, const struct ledger_due *from,
		   struct ledger_due *out, struct err *e) MUST_USE;

/* CLAIMED -> gone | WAITING | FAILED */

struct ledger_settled {
	bool message_gone; /* that was the last recipient */
	uint32_t attempts;
	struct message_record message;     /* texts: see map rule above; */
	struct recipient_record recipient; /* copied into `memory` */
	struct bytes memory;               /* the caller frees it */
};
/* What follows an attempt that did not succeed. */
struct ledger_again {
	int64_t at_us;
	uint64_t lane;        /* 0: the one it came from */
	bool attempt;         /* this was one */
	bool round;           /* and ended a round through all its relays */
	bool hold;            /* DEFER: HELD, not WAITING */
	bool told;            /* its sender is told of the delay */
	bool in_doubt;        /* an entry that says so comes before `entry` */
	uint8_t claims;       /* as in the record, from now on */
	const char *security; /* as in the record; NULL: what is there stays */
	/* The journal's entry about it: kind (ACCEPTED: as the verdict says) and
	 * delays; all else is filled in. */
	struct journal_entry entry;
};
/* LEDGER_NOT_FOUND if it is not claimed (a doubled outcome). */
bool ledger_settle(struct txn *t, uint64_t id, uint32_t rcpt,
		   const struct verdict *v, const char *relay, int64_t now_us,
		   const struct ledger_again *again, enum ledger_answer *answer,
		   struct ledger_settled *out, struct err *e) MUST_USE;

/* One more entry about a recipient, in the queue or ended: x->kind, at_us, detail
 * ...; what is known of it is filled in, its chain goes on with it.  False with
 * ERR_NONE: nothing is known of it any more. */
bool ledger_note(struct txn *t, uint64_t id, uint32_t rcpt,
		 const struct journal_entry *x, struct err *e) MUST_USE;
/* WAITING: its sender is told of the delay (once: *told says whether it was
 * before). */
bool ledger_tell(struct txn *t, uint64_t id, uint32_t rcpt, int64_t now_us,
		 bool *told, struct err *e) MUST_USE;

/* For mtq: WAITING <-> HELD, -> WAITING now, -> gone.  A bounce is not one of
 * them: queue/give_up.c seizes the recipient and settles it as failed. */

enum ledger_order {
	LEDGER_HOLD,
	LEDGER_RELEASE,
	LEDGER_RETRY,
	LEDGER_DROP,
	LEDGER_BOUNCE
};
/* To an order about some recipients: how many changed, were there any, was one
 * with a worker? */
enum ledger_answer ledger_answer_of(uint32_t changed, bool found, bool busy);
/* All recipients of a message, or one (rcpt != UINT32_MAX).  who: "who: why",
 * kept in the record, and in the journal apart; "": nobody, and no entry.
 * *changed: how many. */
bool ledger_order(struct txn *t, uint64_t id, uint32_t rcpt,
		  enum ledger_order order, const char *who, int64_t now_us,
		  enum ledger_answer *answer, uint32_t *changed,
		  bool *message_gone, struct err *e) MUST_USE;

/* One chunk of an accepted body for reading, its checksum verified. */
bool ledger_body(struct txn *t, uint64_t id, uint32_t chunk,
		 const unsigned char **p, size_t *n, struct err *e) MUST_USE;

#endif
