#include "queue/ledger_row.h"

bool
row_damaged(struct err *e, uint64_t id, const char *what)
{
	char text[ID_TEXT + 1] = "?";

	if (id_valid(id))
		id_text(id, text);
	if (what != e->text)
		err_set(e, ERR_DAMAGED, "%s", what);
	e->kind = ERR_DAMAGED;
	err_add(e, "message %s", text);
	return false;
}

bool
row_missing(struct err *e, uint64_t id, const char *what)
{
	return e->kind == ERR_NONE ? row_damaged(e, id, what) : false;
}

bool
row_take(uint64_t *count, uint64_t n, uint64_t id, struct err *e)
{
	if (*count < n)
		return row_damaged(e, id, "the state record counts too little");
	*count -= n;
	return true;
}

static uint64_t *
counter(struct state_record *s, enum recipient_state state)
{
	switch (state) {
	case RECIPIENT_WAITING:
		return &s->waiting;
	case RECIPIENT_CLAIMED:
		return &s->claimed;
	case RECIPIENT_HELD:
		return &s->held;
	case RECIPIENT_FAILED:
		return &s->failed;
	case RECIPIENT_PARKED:
		return &s->parked;
	case RECIPIENT_STATE_COUNT:
		break;
	}
	must_failed("a recipient's state", __FILE__, __LINE__);
}

bool
row_add(struct txn *t, uint64_t id, uint32_t rcpt,
	const struct recipient_record *r, struct bytes *b, struct err *e)
{
	unsigned char k[KEY_RECIPIENT], due[KEY_DUE];

	key_recipient(k, id, rcpt);
	key_due_of(due, id, rcpt, r);
	recipient_seal(b, r);
	if (!txn_put(t, STORE_RECIPIENT, k, sizeof k, b->data, b->n, e) ||
	    !txn_put(t, STORE_DUE, due, sizeof due, NULL, 0, e))
		return false;
	(*counter(txn_state(t), (enum recipient_state)r->state))++;
	return true;
}

/* Takes away the row in `due` that belongs to r, and its count. */
static bool
leave(struct txn *t, uint64_t id, uint32_t rcpt,
      const struct recipient_record *r, struct err *e)
{
	uint64_t *count = counter(txn_state(t), (enum recipient_state)r->state);
	unsigned char due[KEY_DUE];

	key_due_of(due, id, rcpt, r);
	if (txn_del(t, STORE_DUE, due, sizeof due, e))
		return row_take(count, 1, id, e);
	if (e->kind == ERR_DAMAGED)
		row_damaged(e, id, "a recipient has no row in due");
	return false;
}

bool
row_move(struct txn *t, uint64_t id, uint32_t rcpt,
	 const struct recipient_record *from, const struct recipient_record *to,
	 struct err *e)
{
	unsigned char k[KEY_RECIPIENT], due[KEY_DUE];
	struct bytes b = {0};
	bool ok;

	key_recipient(k, id, rcpt);
	key_due_of(due, id, rcpt, to);
	recipient_seal(&b, to); /* before the first write: see its texts */
	ok = leave(t, id, rcpt, from, e) &&
	     txn_put(t, STORE_RECIPIENT, k, sizeof k, b.data, b.n, e) &&
	     txn_put(t, STORE_DUE, due, sizeof due, NULL, 0, e);
	bytes_free(&b);
	(*counter(txn_state(t), (enum recipient_state)to->state))++;
	return ok;
}

bool
row_keep(struct txn *t, uint64_t id, uint32_t rcpt,
	 const struct recipient_record *r, struct err *e)
{
	unsigned char k[KEY_RECIPIENT];
	struct bytes b = {0};
	bool ok;

	key_recipient(k, id, rcpt);
	recipient_seal(&b, r);
	ok = txn_put(t, STORE_RECIPIENT, k, sizeof k, b.data, b.n, e);
	bytes_free(&b);
	return ok;
}

/* Is there any recipient left? */
static bool
any_left(struct txn *t, uint64_t id, bool *left, struct err *e)
{
	unsigned char k[KEY_RECIPIENT];
	const void *key, *val;
	size_t nkey, nval;

	key_recipient(k, id, 0);
	if (!txn_seek(t, STORE_RECIPIENT, k, sizeof k, &key, &nkey, &val, &nval,
		      e)) {
		*left = false;
		return e->kind == ERR_NONE;
	}
	*left = nkey == KEY_RECIPIENT && get_be64(key) == id;
	return true;
}

static bool
remove_message(struct txn *t, uint64_t id, struct err *e)
{
	struct state_record *s = txn_state(t);
	unsigned char k[KEY_BODY];
	struct message_record m;
	const void *val;
	uint64_t octets;
	uint32_t chunks;
	size_t nval;

	key_message(k, id);
	if (!txn_get(t, STORE_MESSAGE, k, KEY_MESSAGE, &val, &nval, e))
		return row_missing(e, id, "recipients without a message");
	if (!message_open(val, nval, &m, e))
		return false;
	octets = m.size_bytes;
	chunks = m.chunks;
	for (uint32_t i = 0; i < chunks; i++) {
		key_body(k, id, i);
		if (txn_del(t, STORE_BODY, k, sizeof k, e))
			continue;
		if (e->kind == ERR_DAMAGED)
			row_damaged(e, id, "a chunk of the body is missing");
		return false;
	}
	key_message(k, id);
	return txn_del(t, STORE_MESSAGE, k, KEY_MESSAGE, e) &&
	       row_take(&s->messages, 1, id, e) &&
	       row_take(&s->body_bytes, octets, id, e);
}

bool
row_remove(struct txn *t, uint64_t id, uint32_t rcpt,
	   const struct recipient_record *r, bool *message_gone, struct err *e)
{
	unsigned char k[KEY_RECIPIENT];
	bool left;

	key_recipient(k, id, rcpt);
	if (!leave(t, id, rcpt, r, e) ||
	    !txn_del(t, STORE_RECIPIENT, k, sizeof k, e) ||
	    !any_left(t, id, &left, e))
		return false;
	*message_gone = !left;
	return left || remove_message(t, id, e);
}

/* The checksum starts with the key, so that no chunk passes for another. */
uint32_t
row_chunk_crc(const unsigned char k[KEY_BODY], const void *p, size_t n)
{
	return crc32c(crc32c(0, k, KEY_BODY), p, n);
}

bool
row_chunk(uint64_t id, uint32_t chunk, const void *val, size_t nval,
	  const unsigned char **p, size_t *n, struct err *e)
{
	const unsigned char *row = val;
	unsigned char k[KEY_BODY];

	key_body(k, id, chunk);
	if (nval < CHUNK_HEADER || nval > CHUNK_HEADER + CHUNK_MOST ||
	    row[0] != RECORD_VERSION || (row[5] | row[6] | row[7]) != 0)
		return row_damaged(e, id, "a chunk of the body makes no sense");
	if (get_le32(row + 1) !=
	    row_chunk_crc(k, row + CHUNK_HEADER, nval - CHUNK_HEADER))
		return row_damaged(e, id, "the checksum of a chunk is wrong");
	*p = row + CHUNK_HEADER;
	*n = nval - CHUNK_HEADER;
	return true;
}
