/*
 * store - one LMDB environment: open, transactions, rows.  Knows records only as
 * octets, except the state record, which it compares at every begin and writes
 * in every commit.  liblmdb itself is behind queue/env.h.
 *
 * Files    STATE_DIR/queue.mdb and queue.mdb-lock.
 * Flags    MDB_NOSUBDIR | MDB_NOTLS; never NOSYNC, NOMETASYNC, WRITEMAP
 *          (docs/decisions/0001-lmdb-group-commit.md).
 * Owner    keys and values returned point into the map: valid until the
 *          transaction ends or writes.
 * Threads  one thread may write while others read; each transaction ends in the
 *          thread that began it.  A second reader at the same time costs an
 *          allocation and a slot.
 * Errors   ERR_FULL: MDB_MAP_FULL, ENOSPC, EDQUOT and EIO in a write (LMDB
 *          turns a short write into EIO); the transaction must be aborted, a
 *          retry is safe.  MDB_PANIC ends the process.  ERR_DAMAGED: what is
 *          on disk contradicts itself.  ERR_STORE: the rest.
 *          An environment carried over fork() is refused by must().
 */
#ifndef MTQ_STORE_H
#define MTQ_STORE_H

#include "daemon/err.h"
#include "queue/record.h"
#include "queue/txn.h"

struct store;

/* Makes an empty queue: fails if there is one.  Durable when it returns (file
 * and folder synced). */
bool store_create(const char *dir, uint64_t map_bytes, const char *instance,
		  int64_t now_us, struct err *e) MUST_USE;
bool store_exists(const char *dir);
/* Preflight (size against the newest meta page, G10; no network file system or
 * FUSE, G15), open, compare the state record.  `instance` NULL: do not compare
 * it.  map_bytes 0: as the file says.  `dir` may also name the file itself. */
struct store *store_open(const char *dir, enum store_mode mode,
			 uint64_t map_bytes, const char *instance,
			 struct err *e) MUST_USE;
void store_close(struct store *s);

/* One write transaction at a time and thread; read transactions are free. */
struct txn *store_begin(struct store *s, bool write, struct err *e) MUST_USE;
/* Writes the state record if the transaction changed anything, then commits.
 * The transaction is gone either way. */
bool store_commit(struct txn *t, struct err *e) MUST_USE;
void store_abort(struct txn *t); /* also ends a read; takes NULL */

/* After ERR_FULL: commits that change nothing.  LMDB gives pages out again that
 * were freed before the last commit but one, so what the last ones freed can't be
 * used by the very commits that need it; these go on without it. */
bool store_turn(struct store *s, struct err *e) MUST_USE;

/* The state record as of this transaction; a writer changes it in place. */
struct state_record *txn_state(struct txn *t);

struct store_room {
	uint64_t map_bytes;
	uint64_t used_bytes; /* pages in use, free ones not counted */
	uint64_t file_bytes;
	uint64_t disk_free_bytes;
};
bool store_room(struct store *s, struct store_room *out,
		struct err *e) MUST_USE;
/* Only the first of them; costs nothing. */
bool store_map_bytes(struct store *s, uint64_t *bytes, struct err *e) MUST_USE;
/* Slots of dead readers are given back; *n how many. */
bool store_clear_readers(struct store *s, unsigned *n, struct err *e) MUST_USE;
/* A consistent copy into a new file, while others write. */
bool store_backup(struct store *s, const char *path, struct err *e) MUST_USE;
bool store_copy(struct store *s, int fd, struct err *e) MUST_USE; /* its part */
/* Every page, read outside LMDB (queue/pages.h): what it would trip over. */
bool store_check(struct store *s, struct err *e) MUST_USE;
const char *store_version(void); /* of the library, at run time */

#endif
