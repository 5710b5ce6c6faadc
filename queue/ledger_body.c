#include "queue/ledger.h"
#include "queue/ledger_row.h"

#include <string.h>

/* The row that says: chunks of this message may lie here without a message. */
static bool
put_partial(struct txn *t, uint64_t id, int64_t now_us, struct err *e)
{
	struct state_record *s = txn_state(t);
	struct bytes begun = {0}, sealed = {0};
	unsigned char k[KEY_MESSAGE];
	bool ok;

	key_message(k, id);
	bytes_u64(&begun, (uint64_t)now_us);
	record_seal(&sealed, &begun);
	ok = txn_put(t, STORE_PARTIAL, k, sizeof k, sealed.data, sealed.n, e);
	bytes_free(&begun);
	bytes_free(&sealed);
	s->partials++;
	s->last_id = max_of(s->last_id, id);
	return ok;
}

bool
ledger_chunk(struct txn *t, uint64_t id, uint32_t chunk, const void *p,
	     size_t n, bool apart, int64_t now_us, struct err *e)
{
	unsigned char k[KEY_BODY];
	unsigned char *row;
	void *at;

	must(n <= CHUNK_MOST && id_valid(id));
	key_body(k, id, chunk);
	if (!txn_reserve(t, STORE_BODY, k, sizeof k, CHUNK_HEADER + n, &at, e))
		return false;
	row = at;
	memset(row, 0, CHUNK_HEADER);
	row[0] = RECORD_VERSION;
	put_le32(row + 1, row_chunk_crc(k, p, n));
	if (n > 0)
		memcpy(row + CHUNK_HEADER, p, n);
	txn_state(t)->body_bytes += n;
	return !apart || chunk > 0 || put_partial(t, id, now_us, e);
}

bool
ledger_body(struct txn *t, uint64_t id, uint32_t chunk, const unsigned char **p,
	    size_t *n, struct err *e)
{
	unsigned char k[KEY_BODY];
	const void *val;
	size_t nval;

	key_body(k, id, chunk);
	if (!txn_get(t, STORE_BODY, k, sizeof k, &val, &nval, e))
		return row_missing(e, id, "a chunk of the body is missing");
	return row_chunk(id, chunk, val, nval, p, n, e);
}

bool
ledger_abandon(struct txn *t, uint64_t id, unsigned most, bool *more,
	       struct err *e)
{
	struct state_record *s = txn_state(t);
	unsigned char k[KEY_BODY];
	const void *val;
	size_t nval;

	key_body(k, id, 0);
	*more = false;
	if (!txn_get(t, STORE_PARTIAL, k, KEY_MESSAGE, &val, &nval, e))
		return e->kind == ERR_NONE; /* nothing of it was ever stored */
	for (unsigned i = 0; i < most; i++) {
		unsigned char found[KEY_BODY];
		const void *key;
		size_t nkey;

		if (!txn_seek(t, STORE_BODY, k, sizeof k, &key, &nkey, &val,
			      &nval, e)) {
			if (e->kind != ERR_NONE)
				return false;
			nkey = 0;
		}
		if (nkey != KEY_BODY || get_be64(key) != id)
			return txn_del(t, STORE_PARTIAL, k, KEY_MESSAGE, e) &&
			       row_take(&s->partials, 1, id, e);
		if (nval < CHUNK_HEADER)
			return row_damaged(e, id, "a chunk is cut short");
		memcpy(found, key, sizeof found);
		if (!txn_del(t, STORE_BODY, found, sizeof found, e) ||
		    !row_take(&s->body_bytes, nval - CHUNK_HEADER, id, e))
			return false;
	}
	*more = true;
	return true;
}

bool
ledger_partial(struct txn *t, uint64_t from, uint64_t *id, struct err *e)
{
	unsigned char k[KEY_MESSAGE];
	const void *key, *val;
	size_t nkey, nval;

	key_message(k, from);
	if (!txn_seek(t, STORE_PARTIAL, k, sizeof k, &key, &nkey, &val, &nval,
		      e))
		return false;
	if (nkey != KEY_MESSAGE || !id_valid(get_be64(key)))
		return row_damaged(e, 0, "a row of the table partial");
	*id = get_be64(key);
	return true;
}
