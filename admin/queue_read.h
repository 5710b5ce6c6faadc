/*
 * queue_read - the queue as somebody looks at it while it is used: in pages,
 * each in a short read transaction of its own, so that looking never makes the
 * file grow.
 *
 * Order    active, waiting, held, failed, parked; waiting ones lane by lane and by due
 *          time.  A message whose state changes between two pages may come
 *          twice or not at all; in one page it comes once.
 * Owner    borrows the store.
 * Errors   false with the store's words; ERR_NONE: there is no such thing.
 */
#ifndef MTQ_QUEUE_READ_H
#define MTQ_QUEUE_READ_H

#include "admin/queue_filter.h"
#include "daemon/arena.h"
#include "queue/store.h"

enum {
	QUEUE_PAGE = 100,  /* results of one read transaction */
	QUEUE_LOOK = 5000, /* rows looked at in one read transaction */
};

struct queue_hit {
	uint64_t id;
	uint32_t rcpt;
	enum recipient_state state;
	bool archive; /* a copy for one */
};

struct queue_scan {
	struct store *store;
	const struct queue_filter *filter;
	bool messages; /* one hit a message: its first that matches */
	unsigned turn; /* which state */
	unsigned char from[KEY_DUE];
	bool ended;
	uint64_t looked; /* rows, so far */
	struct queue_hit hit[QUEUE_PAGE];
	size_t n;
};
void queue_scan_init(struct queue_scan *s, struct store *store,
		     const struct queue_filter *f, bool messages);
/* The next page is in hit[0..n); n may be 0 although not `ended`. */
bool queue_scan_page(struct queue_scan *s, struct err *e) MUST_USE;

/* A message with all its recipients, copied. */
struct queue_recipient {
	uint32_t rcpt;
	struct recipient_record record;
};
struct queue_message {
	uint64_t id;
	struct message_record record;
	struct queue_recipient *rcpt;
	size_t nrcpt;
	struct arena memory;
};
bool queue_message_read(struct store *store, uint64_t id,
			struct queue_message *out, struct err *e) MUST_USE;
void queue_message_free(struct queue_message *m);

/* The body, chunk by chunk, each in a transaction of its own.  False from
 * `take` ends it. */
bool queue_body_read(struct store *store, uint64_t id, uint32_t chunks,
		     bool (*take)(void *arg, const unsigned char *p, size_t n),
		     void *arg, struct err *e) MUST_USE;

/* False: the folder, the queue or its lock is not ours to open (LMDB's readers
 * write their place into the lock file). */
bool queue_readable(const char *state_dir);

#endif
