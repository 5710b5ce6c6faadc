/*
 * committer - the receiver's one writer: a thread that takes everything that is
 * ready, writes it in one transaction and syncs it (group commit).  While it
 * syncs, the next batch gathers; a lone item never waits for a timer.
 *
 * Items are done in the order they were put.  The thread writes, rings the
 * scheduler's bell and hands the items back; what follows from them is the
 * loop's.
 *
 * Owner    an item is the caller's; it must stay, with all it points to, from
 *          committer_put until its `done` was called (in the loop).
 * Bounded  COMMIT_MESSAGES and COMMIT_BYTES a transaction; how many items wait
 *          is bounded by who puts them (CLIENT_CHUNKS_MOST + 1 a connection).
 * Errors   a transaction that fails because of one item is tried again item by
 *          item, so that one message can't spoil the others.  A commit that
 *          fails, fails for every item in it.
 */
#ifndef MTQ_COMMITTER_H
#define MTQ_COMMITTER_H

#include "daemon/loop.h"
#include "queue/ledger.h"
#include "queue/returned_store.h"
#include "queue/store.h"

enum {
	COMMIT_MESSAGES = 128,     /* items of one transaction */
	COMMIT_BYTES = 4 << 20,    /* body octets of one transaction */
	COMMIT_REMOVALS = 64,      /* chunks that one item removes in it */
	COMMIT_READERS_EVERY = 30, /* looks at the room between two looks for
				      dead readers */
};

enum commit_kind {
	COMMIT_CHUNK,    /* `body` is chunk number `chunk` of message `id` */
	COMMIT_ACCEPT,   /* the same, and with it the message is whole */
	COMMIT_ABANDON,  /* remove every chunk of message `id` */
	COMMIT_CLEAN,    /* COMMIT_ABANDON for all messages up to `id` that were
			   never whole; `count` says how many there were */
	COMMIT_RETURNED, /* mail came back: `returned` */
	COMMIT_ROOM,     /* how full is the queue?  In no transaction */
};

struct commit {
	enum commit_kind kind;
	uint64_t id;
	uint32_t chunk;
	bool apart; /* ACCEPT: chunks were stored before */
	struct bytes body;
	const struct message_record *message; /* ACCEPT, with its recipients */
	const struct ledger_recipient *rcpt;
	uint32_t nrcpt;
	struct returned_job *returned; /* RETURNED */
	size_t nreturned;
	int64_t now_us; /* wall clock, of the partial row and of entries */
	void (*done)(struct commit *i);
	void *owner; /* the caller's */

	/* what became of it */
	struct err err; /* ERR_NONE: it is durable */
	uint64_t count;
	struct store_room room;

	bool again; /* there is more to remove */
	struct commit *next;
};

struct committer;
/* bell_fd: an eventfd that is rung after each commit with a message in it; -1:
 * none.  It stays the caller's. */
struct committer *committer_open(struct loop *l, struct store *s, int bell_fd);
/* Gathers; committer_flush hands over what was gathered in this round of the
 * loop. */
void committer_put(struct committer *c, struct commit *i);
void committer_flush(struct committer *c);
/* Items whose `done` was not called yet. */
size_t committer_pending(const struct committer *c);
/* How long the thread has been at one batch; false when that is longer than
 * most_us.  Call them again and again with a steady clock. */
int64_t committer_stuck_us(struct committer *c, int64_t now_us);
bool committer_alive(struct committer *c, int64_t now_us, int64_t most_us);
/* Waits until all is written; `done` is not called any more. */
void committer_close(struct committer *c); /* takes NULL */

/* One batch: what the thread does between two waits.  For tests too. */
void committer_write(struct store *s, struct commit *batch);

#endif
