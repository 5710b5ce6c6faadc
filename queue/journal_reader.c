/* Who reads the journal, and how far each one is. */
#include "queue/journal_row.h"

#include <string.h>

#include "daemon/log.h"

enum { NAME_MOST = 64, WHO_MOST = 63 };

bool
journal_reader_valid(struct text name)
{
	static const char may[] = "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789-_.";

	for (size_t i = 0; i < name.n; i++)
		if (memchr(may, name.p[i], sizeof may - 1) == NULL)
			return false;
	return name.n > 0 && name.n <= NAME_MOST;
}

bool
journal_reader(struct txn *t, struct text name, struct reader_record *out,
	       struct err *e)
{
	const void *val;
	size_t nval;

	e->kind = ERR_NONE;
	return journal_reader_valid(name) &&
	       txn_get(t, STORE_READER, name.p, name.n, &val, &nval, e) &&
	       reader_open(val, nval, out, e);
}

bool
journal_reader_next(struct txn *t, struct text after, struct text *name,
		    struct reader_record *out, struct err *e)
{
	/* No key lies between a name and the name with a NUL behind it. */
	char key[NAME_MOST + 1] = {0};
	const void *p, *val;
	size_t n, nval;

	e->kind = ERR_NONE;
	must(after.n <= NAME_MOST);
	if (after.n > 0)
		memcpy(key, after.p, after.n);
	if (!txn_seek(t, STORE_READER, key, after.n + 1, &p, &n, &val, &nval,
		      e))
		return false;
	*name = (struct text){.p = p, .n = n};
	if (journal_reader_valid(*name))
		return reader_open(val, nval, out, e);
	err_set(e, ERR_DAMAGED, "a key of the table reader is no name");
	return false;
}

bool
journal_was_written(struct txn *t, uint64_t number, bool *was, struct err *e)
{
	const struct state_record *s = txn_state(t);
	struct journal_entry x;

	*was = journal_number_valid(number) && number <= s->entry_removed;
	if (*was || !journal_number_valid(number))
		return true;
	*was = journal_get(t, number, &x, e);
	return *was || e->kind == ERR_NONE;
}

static bool
put_reader(struct txn *t, struct text name, const struct reader_record *r,
	   struct err *e)
{
	struct bytes b = {0};
	bool ok;

	reader_seal(&b, r);
	ok = txn_put(t, STORE_READER, name.p, name.n, b.data, b.n, e);
	bytes_free(&b);
	return ok;
}

bool
journal_ack(struct txn *t, struct text name, uint64_t number, const char *who,
	    int64_t now_us, bool *done, struct err *e)
{
	char clean[WHO_MOST + 1];
	struct reader_record old,
	    r = {.entry = number, .at_us = (uint64_t)max_of(now_us, 0)};
	uint64_t readers;
	bool there;

	*done = false;
	if (!journal_reader_valid(name))
		return true;
	there = journal_reader(t, name, &old, e);
	if (!there && e->kind != ERR_NONE)
		return false;
	if (number == 0) {
		*done = there;
		return !there || txn_del(t, STORE_READER, name.p, name.n, e);
	}
	if (!txn_rows(t, STORE_READER, &readers, e) ||
	    !journal_was_written(t, number, done, e))
		return false;
	*done = *done || number == JOURNAL_BEFORE_ALL;
	if (!there && readers >= JOURNAL_READERS_MOST)
		*done = false;
	if (!*done)
		return true;
	if (there) /* said twice, or in another order: it has read those */
		r.entry = max_of(number, old.entry);
	r.who = text_of(log_safe(who, strlen(who), clean, sizeof clean));
	return put_reader(t, name, &r, e);
}
