/*
 * env - LMDB, made to answer in our words: one environment, its transactions
 * and rows.  The only file that includes <lmdb.h>; only queue/store.c uses
 * env_*(), everybody else sees queue/store.h and, for rows,
 * queue/txn.h, whose calls are here too.
 *
 * Owner    a struct txn is the caller's memory; txn_end gives back what LMDB
 *          holds for it.
 * Errors   as store.h says.  MDB_PANIC ends the process: a meta page could not
 *          be written, and only others know what is on disk.
 */
#ifndef MTQ_ENV_H
#define MTQ_ENV_H

#include "queue/record.h"
#include "queue/txn.h"

struct store;
struct MDB_txn;
struct MDB_cursor;
struct env;

struct txn {
	struct env *env;
	struct store *store;
	struct MDB_txn *handle; /* NULL: nothing is open */
	bool write;
	bool changed;
	bool bound[STORE_DB_COUNT]; /* the cursor belongs to this snapshot */
	struct MDB_cursor *cursor[STORE_DB_COUNT];
	struct state_record state;
	struct state_record before; /* as the transaction found it */
};

/* map_bytes 0: as large as the file says. */
struct env *env_open(const char *path, enum store_mode mode, uint64_t map_bytes,
		     struct err *e) MUST_USE;
void env_close(struct env *env); /* takes NULL */
/* Opens the named tables in a transaction, which must be committed. */
bool env_tables(struct txn *t, bool create, struct err *e) MUST_USE;
/* From here on rows are compared with the file's end: `row` is any row that a
 * read transaction gave out. */
void env_learn_map(struct env *env, const void *row, size_t page_bytes);

/* t->env is set.  A reader that was paused is renewed. */
bool txn_begin(struct txn *t, bool write, struct err *e) MUST_USE;
bool txn_commit(struct txn *t, struct err *e) MUST_USE;
void txn_end(struct txn *t);   /* aborts */
void txn_pause(struct txn *t); /* a reader keeps its slot, not its snapshot */
/* Gives back what a paused reader keeps; nothing if there is none. */
void txn_drop_paused(struct txn *t);
uint64_t txn_id(const struct txn *t);
/* Pages that the free list holds in this snapshot; may miss some of a very
 * long list. */
bool txn_free_pages(struct txn *t, uint64_t *n, struct err *e) MUST_USE;

int env_fd(const struct env *env);
bool env_size(const struct env *env, uint64_t *map_bytes, uint64_t *pages,
	      struct err *e) MUST_USE;
bool env_clear_readers(struct env *env, unsigned *n, struct err *e) MUST_USE;
bool env_copy(struct env *env, int fd, struct err *e) MUST_USE;
const char *env_version(void); /* of the library, at run time */
const char *env_db_name(enum store_db db);

#endif
