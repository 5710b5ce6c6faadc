#include "queue/remarks.h"

#include <stdio.h>
#include <stdlib.h>

void
remarks_add(struct remarks *r, const struct remark *x)
{
	if (r->n == REMARKS_MOST) {
		r->lost++;
		return;
	}
	if (r->n == r->room) {
		r->room = max_of(r->room * 2, (size_t)16);
		r->row = must_realloc(r->row, r->room * sizeof r->row[0]);
	}
	r->row[r->n++] = *x;
}

static bool
write_one(const struct remark *x, struct txn *t, struct err *e)
{
	const struct journal_entry n = {
	    .kind = (uint8_t)x->kind,
	    .at_us = (uint64_t)max_of(x->at_us, (int64_t)0),
	    .next_us = (uint64_t)max_of(x->until_us, (int64_t)0),
	    .relay = text_of(x->name),
	    .type = text_of(x->type),
	    .reply = text_of(x->words),
	    .detail = text_of(x->word)};
	uint64_t number;

	return journal_add(t, &n, &number, e);
}

bool
remarks_write(const struct remarks *r, struct txn *t, struct err *e)
{
	struct remark more = {.kind = JOURNAL_RELAY, .word = "lost"};

	for (size_t i = 0; i < r->n; i++)
		if (!write_one(&r->row[i], t, e))
			return false;
	if (r->lost == 0)
		return true;
	more.at_us = r->row[r->n - 1].at_us;
	snprintf(more.words, sizeof more.words,
		 "%llu changes of relays and quotas were not written",
		 (unsigned long long)r->lost);
	return write_one(&more, t, e);
}

void
remarks_done(struct remarks *r)
{
	r->n = 0;
	r->lost = 0;
}

void
remarks_free(struct remarks *r)
{
	free(r->row);
	*r = (struct remarks){.n = 0};
}
