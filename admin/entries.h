/*
 * entries - the journal as somebody reads it while it is written: in pages,
 * each in a short read transaction of its own, so that a slow reader holds no
 * snapshot.
 *
 * Owner    borrows the store; entries are valid until the next page or
 *          entries_done.
 * Errors   false with the store's words.
 */
#ifndef MTQ_ENTRIES_H
#define MTQ_ENTRIES_H

#include "daemon/arena.h"
#include "queue/journal.h"

enum {
	ENTRIES_PAGE = 200,  /* results of one read transaction */
	ENTRIES_LOOK = 5000, /* entries looked at in one read transaction */
};

struct entry {
	uint64_t number;
	struct journal_entry x;
};
struct entries {
	struct store *store;
	/* Is it one that is asked for?  NULL: every one is. */
	bool (*wanted)(const void *arg, const struct journal_entry *x);
	const void *arg;
	uint64_t at;      /* it goes on behind this one */
	uint64_t removed; /* the last that went, as of this page */
	uint64_t last;    /* the newest one, as of this page */
	bool ended;       /* there was nothing more */
	struct entry entry[ENTRIES_PAGE];
	size_t n;
	struct arena memory;
};
/* The next page is in entry[0..n); n may be 0 although not `ended`. */
bool entries_page(struct entries *r, struct err *e) MUST_USE;
void entries_done(struct entries *r);

/* The same entry with its texts in `a`. */
void entry_keep(struct arena *a, struct journal_entry *x);

#endif
