/*
 * committer - the receiver's one writer: a thread that takes everything that is
 * ready, writes it in one transaction and syncs it (group commit).  While it
 * syncs, the next batch gathers; a lone item never waits for a timer.
 *
 * Owner    an item is the caller's; it must stay, with all it points to, from
 *          committer_put until its `done` was called (in the loop).
 * Errors   a batch that fails is tried again item by item, so that one message
 *          can't spoil the others; an item's own failure is in item->err.
 */
#ifndef MTQ_COMMITTER_H
#define MTQ_COMMITTER_H

#include "daemon/loop.h"
#include "queue/session.h"

enum {
	COMMIT_ITEMS_MOST = 128,     /* of one transaction */
	COMMIT_BYTES_MOST = 4 << 20, /* body octets of one transaction */
	COMMIT_CHUNKS_MOST = 256,    /* removed at a time */
};

enum commit_kind {
	COMMIT_CHUNK,   /* `data` is chunk number `chunk` */
	COMMIT_ACCEPT,  /* the same, and the message is whole */
	COMMIT_ABANDON, /* remove what is there of message `id` */
};

struct commit_item {
	enum commit_kind kind;
	uint64_t id;
	uint32_t chunk;
	int64_t now_us; /* wall clock */
	struct bytes data;
	struct session_message message; /* COMMIT_ACCEPT */
	void (*done)(struct commit_item *i);
	bool ok;
	struct err err;
	struct commit_item *next; /* the committer's */
};

struct committer;
struct committer *committer_open(struct loop *l, struct store *s);
void committer_put(struct committer *c, struct commit_item *i);
/* Steady clock: since when the thread has been at one transaction; 0: it is
 * not. */
int64_t committer_since_us(struct committer *c);
size_t committer_pending(struct committer *c);
/* Waits for the thread to end; nothing may be pending. */
void committer_close(struct committer *c);

/* One batch, for the thread and for tests: sets ok and err of each. */
void committer_run(struct store *s, struct commit_item *list);

#endif
