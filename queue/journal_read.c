#include "queue/journal_row.h"

#include <string.h>

static bool
damaged(uint64_t number, const char *what, struct err *e)
{
	char id[ID_TEXT + 1] = "?";

	if (journal_number_valid(number))
		id_text(number, id);
	if (e->kind == ERR_NONE)
		err_set(e, ERR_DAMAGED, "%s", what);
	err_add(e, "entry %s of the journal", id);
	return false;
}

bool
journal_row(const void *key, size_t nkey, const void *val, size_t nval,
	    uint64_t *number, struct journal_entry *out, struct err *e)
{
	const unsigned char *p;
	uint64_t id = 0;
	size_t n;

	e->kind = ERR_NONE;
	if (nkey == KEY_ENTRY)
		id = get_be64(key);
	if (!journal_number_valid(id))
		return damaged(id, "the key is no number", e);
	if (!record_open(val, nval, "journal", &p, &n, e))
		return damaged(id, "", e);
	if (!journal_entry_decode(out, p, n))
		return damaged(id, "it makes no sense", e);
	*number = id;
	return true;
}

bool
journal_get(struct txn *t, uint64_t number, struct journal_entry *out,
	    struct err *e)
{
	unsigned char key[KEY_ENTRY];
	const void *val;
	size_t nval;

	e->kind = ERR_NONE;
	put_be64(key, number);
	return txn_get(t, STORE_JOURNAL, key, sizeof key, &val, &nval, e) &&
	       journal_row(key, sizeof key, val, nval, &number, out, e);
}

bool
journal_next(struct txn *t, uint64_t from, uint64_t *number,
	     struct journal_entry *out, struct err *e)
{
	unsigned char least[KEY_ENTRY];
	const void *key, *val;
	size_t nkey, nval;

	e->kind = ERR_NONE;
	put_be64(least, from);
	return txn_seek(t, STORE_JOURNAL, least, sizeof least, &key, &nkey,
			&val, &nval, e) &&
	       journal_row(key, nkey, val, nval, number, out, e);
}

bool
journal_history(struct txn *t, uint64_t message, uint32_t rcpt,
		uint64_t *number, struct err *e)
{
	unsigned char key[KEY_RECIPIENT];
	struct history_record h;
	const void *val;
	size_t nval;

	e->kind = ERR_NONE;
	key_recipient(key, message, rcpt);
	if (!txn_get(t, STORE_HISTORY, key, sizeof key, &val, &nval, e) ||
	    !history_open(val, nval, &h, e))
		return false;
	*number = h.entry;
	return true;
}

bool
journal_history_next(struct txn *t, uint64_t message, uint32_t *rcpt,
		     uint64_t *number, struct err *e)
{
	unsigned char least[KEY_RECIPIENT];
	struct history_record h;
	const void *key, *val;
	size_t nkey, nval;

	e->kind = ERR_NONE;
	key_recipient(least, message, *rcpt);
	if (!txn_seek(t, STORE_HISTORY, least, sizeof least, &key, &nkey, &val,
		      &nval, e))
		return false;
	if (nkey != KEY_RECIPIENT) {
		err_set(e, ERR_DAMAGED, "a key of the table history");
		return false;
	}
	if (get_be64(key) != message)
		return false;
	if (!history_open(val, nval, &h, e))
		return false;
	*rcpt = get_be32((const unsigned char *)key + 8);
	*number = h.entry;
	return true;
}
