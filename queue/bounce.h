/*
 * bounce - who is told what became of mail: that it failed, that it waits, that
 * it arrived.
 *
 * What happens in a step of the dispatcher is collected here, and enters the
 * queue as reports, one for each message and outcome, in the same transaction:
 * a crash has both or neither.  A report has the null sender, so nothing that
 * becomes of it makes another one, except, once, for `postmaster`.  That a sender
 * was told is an entry of the journal, in the chain of each recipient.
 *
 * Runs inside the dispatcher's transaction; what it says is logged when that is
 * durable.
 *
 * Owner    zeroed memory is an empty one; bounces_free.
 * Source   RFC 5321 4.5.5, 6.1; RFC 3461 4, 5.2, 6; docs/bounces.md
 */
#ifndef MTQ_BOUNCE_H
#define MTQ_BOUNCE_H

#include "daemon/settings.h"
#include "queue/allowance.h"
#include "queue/dsn.h"
#include "queue/ledger.h"

struct later;
struct original;

/* How much of the queue's file is left; queue/room.c decides. */
enum bounces_room {
	BOUNCES_ROOM,
	BOUNCES_TIGHT, /* reports hold no more than the header's start */
	BOUNCES_NONE   /* none are made: that is recorded */
};

struct bounces {
	struct news {
		enum dsn_action action;
		uint64_t message;
		uint32_t rcpt;
		int64_t last_us;  /* of the attempt; 0: there was none */
		int64_t until_us; /* DELAYED: when we give up */
		struct verdict verdict;
		struct original *original; /* NULL: it is in the queue */
		size_t address, orcpt; /* in original->texts, with a length */
	} * news;
	size_t n, room;
	struct original *originals; /* of what was delivered; a list */
	uint64_t last_id;           /* of a report of this step */
	struct allowance allowance; /* reports to one sender */
	struct allowance delays;    /* of them about delays */
	enum bounces_room pressure; /* set for each step, as is ... */
	uint64_t most_bytes; /* ... how large its reports may be; 0: any */
	uint64_t bytes,
	    original_bytes; /* at the most: so far; of one original */
};

/* Reports about all that there is are as much as one transaction can hold: what
 * else would end in this step has to wait for the next one. */
bool bounces_full(const struct bounces *b);

/* Is anybody told of this, as far as the configuration and the sender say? */
bool bounces_wanted(const struct settings *s, enum dsn_action action,
		    const struct message_record *m,
		    const struct recipient_record *r);
/* FAILED or DELAYED, of mail that is still in the queue when this step ends. */
void bounces_add(struct bounces *b, enum dsn_action action, uint64_t message,
		 uint32_t rcpt, int64_t last_us, int64_t until_us,
		 const struct verdict *v);
/* Before the recipient goes: it was delivered (relayed: passed on to a server
 * that sends no reports).  What a report needs is copied, if one was asked for
 * (NOTIFY=SUCCESS).  False: the transaction must be aborted. */
bool bounces_delivered(struct bounces *b, struct txn *t,
		       const struct settings *s, uint64_t message,
		       uint32_t rcpt, const struct recipient_record *r,
		       bool relayed, const struct verdict *v, int64_t now_us,
		       struct err *e) MUST_USE;
/* Reports about all of them, as new messages; then the list is empty.  False:
 * the transaction must be aborted. */
bool bounces_enter(struct bounces *b, struct txn *t, const struct settings *s,
		   struct later *log, int64_t now_us, struct err *e) MUST_USE;
/* The step's transaction is durable, or did not happen. */
void bounces_committed(struct bounces *b);
void bounces_forget(struct bounces *b);
void bounces_free(struct bounces *b);

#endif
