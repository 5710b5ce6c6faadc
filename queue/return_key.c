#include "queue/return_key.h"

#include <string.h>
#include <sys/random.h>

#include "daemon/secret.h"
#include "queue/record.h"

static const char ROW[] = "returns";

bool
return_key_make(struct txn *t, struct err *e)
{
	struct return_key k;
	struct bytes plain = {0}, b = {0};
	bool ok = false;

	if (getrandom(k.octets, sizeof k.octets, 0) !=
	    (ssize_t)sizeof k.octets) {
		err_set(e, ERR_SYSTEM, "random octets: %m");
		return false;
	}
	bytes_add(&plain, k.octets, sizeof k.octets);
	record_seal(&b, &plain);
	ok = txn_put(t, STORE_STATE, ROW, sizeof ROW - 1, b.data, b.n, e);
	return_key_wipe(&k);
	secret_wipe(plain.data, plain.n);
	secret_wipe(b.data, b.n);
	bytes_free(&plain);
	bytes_free(&b);
	return ok;
}

bool
return_key_read(struct txn *t, struct return_key *out, struct err *e)
{
	const unsigned char *p;
	const void *row;
	size_t n;

	if (!txn_get(t, STORE_STATE, ROW, sizeof ROW - 1, &row, &n, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED,
				"the key of the return paths is gone");
		return false;
	}
	if (!record_open(row, n, "return key", &p, &n, e))
		return false;
	if (n != sizeof out->octets) {
		err_set(e, ERR_DAMAGED, "the return key has %zu octets", n);
		return false;
	}
	memcpy(out->octets, p, sizeof out->octets);
	return true;
}

void
return_key_wipe(struct return_key *k)
{
	secret_wipe(k, sizeof *k);
}
