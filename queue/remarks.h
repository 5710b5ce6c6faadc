/*
 * remarks - what became of relays and quotas, until the next transaction writes
 * it into the journal.
 *
 * Owner    zeroed memory is an empty list; remarks_free.
 * Bounded  REMARKS_MOST; that there were more is the last entry.
 */
#ifndef MTQ_REMARKS_H
#define MTQ_REMARKS_H

#include "queue/journal.h"

enum { REMARKS_MOST = 512 };

struct remark {
	enum journal_kind kind; /* RELAY or QUOTA */
	int64_t at_us, until_us;
	char name[65], type[65], word[32], words[256];
};
struct remarks {
	struct remark *row;
	size_t n, room;
	uint64_t lost;
};

void remarks_add(struct remarks *r, const struct remark *x);
/* They stay until remarks_done: the commit may fail. */
bool remarks_write(const struct remarks *r, struct txn *t,
		   struct err *e) MUST_USE;
void remarks_done(struct remarks *r);
void remarks_free(struct remarks *r);

#endif
