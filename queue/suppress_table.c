/* The suppression list from its start to its end. */
#include <string.h>

#include "queue/suppress.h"

static const unsigned char LEAST[1]; /* no key is smaller */

static bool
take(const void *val, size_t nval, struct suppress_row *out, struct err *e)
{
	if (out->nkey <= SUPPRESS_KEY)
		return suppress_open(val, nval, &out->record, e);
	err_set(e, ERR_DAMAGED, "a key of the table suppress is too long");
	return false;
}

bool
suppress_first(struct txn *t, const unsigned char *key, size_t n,
	       struct suppress_row *out, struct err *e)
{
	const void *val;
	size_t nval;

	e->kind = ERR_NONE;
	return txn_seek(t, STORE_SUPPRESS, n > 0 ? key : LEAST,
			n > 0 ? n : sizeof LEAST, &out->key, &out->nkey, &val,
			&nval, e) &&
	       take(val, nval, out, e);
}

bool
suppress_next(struct txn *t, struct suppress_row *out, struct err *e)
{
	const void *val;
	size_t nval;

	e->kind = ERR_NONE;
	return txn_next(t, STORE_SUPPRESS, &out->key, &out->nkey, &val, &nval,
			e) &&
	       take(val, nval, out, e);
}

bool
suppress_look(struct suppress_old *o, struct txn *t, int64_t now_us,
	      struct err *e)
{
	struct suppress_row r;

	o->n = 0;
	for (unsigned i = 0; i < SUPPRESS_LOOK; i++) {
		if (i == 0 ? !suppress_first(t, o->from, o->nfrom, &r, e)
			   : !suppress_next(t, &r, e)) {
			o->nfrom = 0; /* round again */
			return e->kind == ERR_NONE;
		}
		if (suppress_is_over(&r.record, now_us)) {
			memcpy(o->found[o->n].key, r.key, r.nkey);
			o->found[o->n++].n = r.nkey;
		}
	}
	/* Looked at once more then: it is the key we have. */
	memcpy(o->from, r.key, r.nkey);
	o->nfrom = r.nkey;
	return true;
}

bool
suppress_forget(struct suppress_old *o, struct txn *t, int64_t now_us,
		struct err *e)
{
	for (size_t i = 0; i < o->n; i++) {
		const unsigned char *key = o->found[i].key;
		size_t nval, n = o->found[i].n;
		struct suppress_record s;
		const void *val;

		e->kind = ERR_NONE;
		if (!txn_get(t, STORE_SUPPRESS, key, n, &val, &nval, e)) {
			if (e->kind != ERR_NONE)
				return false;
			continue;
		}
		if (!suppress_open(val, nval, &s, e))
			return false;
		if (suppress_is_over(&s, now_us) &&
		    !txn_del(t, STORE_SUPPRESS, key, n, e))
			return false;
	}
	o->n = 0;
	return true;
}

bool
suppress_verify(struct txn *t, uint64_t *rows, struct err *e)
{
	char address[SUPPRESS_ADDRESS + 1];
	unsigned char key[SUPPRESS_KEY];
	struct suppress_row r;

	for (*rows = 0; *rows == 0 ? suppress_first(t, LEAST, 0, &r, e)
				   : suppress_next(t, &r, e);
	     ++*rows) {
		if (!suppress_address(r.key, r.nkey, address) ||
		    suppress_key(text_of(address), key) != r.nkey ||
		    memcmp(key, r.key, r.nkey) != 0) {
			err_set(e, ERR_DAMAGED,
				"a key of the table suppress is no address");
			return false;
		}
	}
	return e->kind == ERR_NONE;
}
