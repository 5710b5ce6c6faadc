#include "admin/readers.h"

#include <string.h>

#include "daemon/log.h"

/* Entries looked at in one read transaction. */
enum { LOOK = 5000 };

static bool
read_reader(struct txn *t, struct reader_line *l, struct text name,
	    const struct reader_record *r, struct err *e)
{
	struct journal_entry x;
	uint64_t number;

	*l = (struct reader_line){
	    .entry = r->entry != JOURNAL_BEFORE_ALL ? r->entry : 0,
	    .at_us = (int64_t)r->at_us,
	    .lost = txn_state(t)->entry_removed > r->entry};
	log_safe(name.p, name.n, l->name, sizeof l->name);
	log_safe(r->who.p, r->who.n, l->who, sizeof l->who);
	if (journal_next(t, r->entry + 1, &number, &x, e))
		l->next_us = (int64_t)x.at_us;
	else
		l->counted = true;
	return e->kind == ERR_NONE;
}

static bool
read_all(struct txn *t, struct readers *out, struct err *e)
{
	struct text after = {"", 0}, name;
	struct reader_record r;

	while (out->n < JOURNAL_READERS_MOST &&
	       journal_reader_next(t, after, &name, &r, e)) {
		if (!read_reader(t, &out->reader[out->n], name, &r, e))
			return false;
		out->n++;
		after = name;
	}
	return e->kind == ERR_NONE;
}

/* All readers are counted in one walk. */
static bool
count_some(struct txn *t, uint64_t *at, struct readers *out, bool *ended,
	   struct err *e)
{
	struct journal_entry x;

	for (unsigned i = 0; i < LOOK; i++) {
		if (!journal_next(t, *at + 1, at, &x, e)) {
			*ended = true;
			return e->kind == ERR_NONE;
		}
		for (size_t k = 0; k < out->n; k++)
			out->reader[k].behind += *at > out->reader[k].entry;
	}
	return true;
}

static bool
count_all(struct store *s, struct readers *out, struct err *e)
{
	uint64_t at = UINT64_MAX;
	bool ok = true, ended = false;

	for (size_t k = 0; k < out->n; k++)
		at = min_of(at, out->reader[k].entry);
	for (unsigned i = 0; ok && !ended && i < READERS_COUNT / LOOK; i++) {
		struct txn *t = store_begin(s, false, e);

		ok = t != NULL && count_some(t, &at, out, &ended, e);
		store_abort(t);
	}
	for (size_t k = 0; k < out->n; k++)
		out->reader[k].counted = ended;
	return ok;
}

bool
readers_read(struct store *s, bool count, struct readers *out, struct err *e)
{
	struct txn *t = store_begin(s, false, e);
	bool ok;

	*out = (struct readers){.n = 0};
	if (t == NULL)
		return false;
	e->kind = ERR_NONE;
	ok = read_all(t, out, e);
	store_abort(t);
	return ok && (!count || out->n == 0 || count_all(s, out, e));
}
