/* The journal believes nothing that its tables say of one another. */
#include <inttypes.h>

#include "queue/journal_row.h"

struct audit_journal {
	struct txn *t;
	uint64_t entries, bytes;
	struct err *e;
};

static bool
lie(uint64_t number, const char *what, struct err *e)
{
	char id[ID_TEXT + 1] = "?";

	if (journal_number_valid(number))
		id_text(number, id);
	err_set(e, ERR_DAMAGED, "entry %s of the journal: %s", id, what);
	return false;
}

/* The one before it is there, or was; and about the same recipient. */
static bool
check_previous(struct audit_journal *a, uint64_t number,
	       const struct journal_entry *x)
{
	struct journal_entry before;

	if (x->previous >= number)
		return lie(number, "it follows a later one", a->e);
	if (x->previous <= txn_state(a->t)->entry_removed)
		return true;
	if (!journal_get(a->t, x->previous, &before, a->e))
		return a->e->kind == ERR_NONE
			   ? lie(number, "the one before is missing", a->e)
			   : false;
	if (before.message != x->message ||
	    (before.rcpt != x->rcpt && before.kind != JOURNAL_ACCEPTED))
		return lie(number, "it follows another recipient's", a->e);
	return true;
}

static bool
check_entries(struct audit_journal *a)
{
	static const unsigned char least[KEY_ENTRY];
	const struct state_record *s = txn_state(a->t);
	uint64_t number, last = s->entry_removed;
	const void *key, *val;
	size_t nkey, nval;
	bool more;

	a->e->kind = ERR_NONE;
	more = txn_seek(a->t, STORE_JOURNAL, least, sizeof least, &key, &nkey,
			&val, &nval, a->e);
	for (; more; more = txn_next(a->t, STORE_JOURNAL, &key, &nkey, &val,
				     &nval, a->e)) {
		struct journal_entry x;

		if (!journal_row(key, nkey, val, nval, &number, &x, a->e))
			return false;
		if (number <= last)
			return lie(number, "out of order, or removed", a->e);
		if (number > s->last_entry)
			return lie(number, "newer than the last one", a->e);
		if (!check_previous(a, number, &x))
			return false;
		last = number;
		a->entries++;
		a->bytes += nkey + nval;
	}
	return a->e->kind == ERR_NONE;
}

static bool
check_history_row(struct audit_journal *a, const unsigned char *key,
		  size_t nkey, const void *val, size_t nval)
{
	struct history_record h;
	struct journal_entry x;

	if (nkey != KEY_RECIPIENT || nval != HISTORY_ROW) {
		err_set(a->e, ERR_DAMAGED, "a row of the table history");
		return false;
	}
	if (!history_open(val, nval, &h, a->e))
		return false;
	if (!journal_get(a->t, h.entry, &x, a->e))
		return a->e->kind == ERR_NONE
			   ? lie(h.entry, "history names it, it is missing",
				 a->e)
			   : false;
	if (x.message != get_be64(key) || x.rcpt != get_be32(key + 8))
		return lie(h.entry, "history has it of another recipient",
			   a->e);
	a->bytes += nkey + nval;
	return true;
}

static bool
check_history(struct audit_journal *a)
{
	static const unsigned char least[KEY_RECIPIENT];
	const void *key, *val;
	size_t nkey, nval;
	bool more;

	a->e->kind = ERR_NONE;
	more = txn_seek(a->t, STORE_HISTORY, least, sizeof least, &key, &nkey,
			&val, &nval, a->e);
	for (; more; more = txn_next(a->t, STORE_HISTORY, &key, &nkey, &val,
				     &nval, a->e))
		if (!check_history_row(a, key, nkey, val, nval))
			return false;
	return a->e->kind == ERR_NONE;
}

static bool
check_readers(struct audit_journal *a)
{
	struct text name = {.p = "", .n = 0};
	struct reader_record r;
	unsigned n = 0;

	while (journal_reader_next(a->t, name, &name, &r, a->e)) {
		if (r.entry > txn_state(a->t)->last_entry &&
		    r.entry != JOURNAL_BEFORE_ALL)
			return lie(r.entry, "it was read and never written",
				   a->e);
		n++;
	}
	if (a->e->kind != ERR_NONE)
		return false;
	if (n <= JOURNAL_READERS_MOST)
		return true;
	err_set(a->e, ERR_DAMAGED, "%u readers of the journal", n);
	return false;
}

bool
journal_verify(struct txn *t, uint64_t *entries, struct err *e)
{
	struct audit_journal a = {.t = t, .e = e};
	const struct state_record *s = txn_state(t);

	if (!check_entries(&a) || !check_history(&a) || !check_readers(&a))
		return false;
	*entries = a.entries;
	if (a.entries == s->entries && a.bytes == s->entry_bytes)
		return true;
	err_set(e, ERR_DAMAGED,
		"the state record says %" PRIu64 " entries with %" PRIu64
		" octets, counted %" PRIu64 " with %" PRIu64,
		s->entries, s->entry_bytes, a.entries, a.bytes);
	return false;
}
