/*
 * txn - the tables of the queue database, and the rows of a transaction.
 *
 * A struct txn comes from store_begin (queue/store.h).
 *
 * Owner    keys and values returned point into the map: valid until the
 *          transaction ends or writes.
 * Errors   as queue/store.h says; ERR_NONE with false: there is no such row.
 */
#ifndef MTQ_TXN_H
#define MTQ_TXN_H

#include "daemon/err.h"

struct txn;

enum store_db {
	STORE_STATE,
	STORE_MESSAGE,
	STORE_BODY,
	STORE_RECIPIENT,
	STORE_DUE,
	STORE_PARTIAL,
	STORE_CHARGE,
	STORE_SPENT,
	STORE_COUNTER,
	STORE_OVERRIDE,
	STORE_GATE,
	STORE_SUPPRESS,
	STORE_JOURNAL,
	STORE_HISTORY,
	STORE_READER,
	STORE_DB_COUNT
};
enum store_mode {
	STORE_READ, /* read-only; the lock file must still be writable */
	STORE_WRITE,
	STORE_COPY, /* read-only without locks: only for a file nobody writes
			(a backup, a crash state) */
};

/* get: false with e->kind ERR_NONE when there is no such row. */
bool txn_get(struct txn *t, enum store_db db, const void *key, size_t nkey,
	     const void **val, size_t *nval, struct err *e) MUST_USE;
/* Room for nval octets at *val, to be filled before the next call. */
bool txn_reserve(struct txn *t, enum store_db db, const void *key, size_t nkey,
		 size_t nval, void **val, struct err *e) MUST_USE;
bool txn_put(struct txn *t, enum store_db db, const void *key, size_t nkey,
	     const void *val, size_t nval, struct err *e) MUST_USE;
/* As txn_reserve, of a key behind all others of the table: pages fill up. */
bool txn_append(struct txn *t, enum store_db db, const void *key, size_t nkey,
		size_t nval, void **val, struct err *e) MUST_USE;
/* The row must exist: else ERR_DAMAGED. */
bool txn_del(struct txn *t, enum store_db db, const void *key, size_t nkey,
	     struct err *e) MUST_USE;
/* How many rows a table has, without counting. */
bool txn_rows(struct txn *t, enum store_db db, uint64_t *n,
	      struct err *e) MUST_USE;
/* First row with key >= *key; false with ERR_NONE at the end. */
bool txn_seek(struct txn *t, enum store_db db, const void *key, size_t nkey,
	      const void **k, size_t *nk, const void **val, size_t *nval,
	      struct err *e) MUST_USE;
/* The row after the last seek or next in this db; not after a write to it. */
bool txn_next(struct txn *t, enum store_db db, const void **k, size_t *nk,
	      const void **val, size_t *nval, struct err *e) MUST_USE;

#endif
