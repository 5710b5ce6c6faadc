#include "queue/env.h"

/* Longer than a sitting: it is the one file that may include <lmdb.h>. */

#include <errno.h>
#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	READERS_MOST = 256,          /* slots: a process uses one or two */
	FREE_ROWS_MOST = 100 * 1000, /* of the free list, in env_free_pages */
};
static const char *const db_name[STORE_DB_COUNT] = {
    "state",   "message",  "body",    "recipient", "due",
    "partial", "charge",   "spent",   "counter",   "override",
    "gate",    "suppress", "journal", "history",   "reader"};

struct env {
	MDB_env *env;
	MDB_dbi dbi[STORE_DB_COUNT];
	int fd; /* LMDB's own descriptor: not ours to close */
	size_t page_bytes;
	const char *_Atomic map;  /* the file in memory; NULL: unknown where */
	_Atomic uint64_t map_end; /* octets of the file that are known */
	atomic_uint readers;      /* transactions that look at the map now */
	pthread_mutex_t moving;   /* the map may move only while none begins */
};

/* Turns LMDB's answer into ours.  EIO is a full disk as often as ENOSPC is:
 * LMDB makes it from a short write (facts/attacks.md 0.4). */
static bool
failed(struct err *e, int rc, const char *what)
{
	enum err_kind kind = ERR_STORE;

	switch (rc) {
	case MDB_PANIC:
		/* A meta page could not be written: this process knows no
		 * longer what is on disk, others still do (finding 3). */
		fprintf(stderr, "mtq: %s: %s; ending\n", what,
			mdb_strerror(rc));
		_exit(EXIT_SOFTWARE);
	case MDB_MAP_FULL:
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EIO:
		kind = ERR_FULL;
		break;
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_INVALID:
	case MDB_VERSION_MISMATCH:
	case MDB_NOTFOUND:
	case MDB_INCOMPATIBLE:
	case MDB_CURSOR_FULL:
		kind = ERR_DAMAGED;
		break;
	default:
		break;
	}
	err_set(e, kind, "%s: %s", what, mdb_strerror(rc));
	return false;
}

static MDB_val
val_of(const void *p, size_t n)
{
	return (MDB_val){.mv_size = n, .mv_data = (void *)(uintptr_t)p};
}

/* A length in a damaged page may point past the end of the file, where reading
 * is SIGBUS.  Rows in pages this transaction has written are not in the map. */
static bool
inside(struct txn *t, const MDB_val *v)
{
	struct env *s = t->env;
	const char *map = s->map;
	uint64_t end, at = (uintptr_t)v->mv_data - (uintptr_t)map;
	MDB_envinfo info;

	if (v->mv_size == 0 || map == NULL || at + v->mv_size <= s->map_end)
		return true;
	if (mdb_env_info(s->env, &info) != 0 || at >= info.me_mapsize)
		return true;
	/* Not by what is stored: another thread may store an older end. */
	end = (info.me_last_pgno + 1) * (uint64_t)s->page_bytes;
	s->map_end = end;
	return at + v->mv_size <= end;
}

static bool
give(struct txn *t, const MDB_val *v, const void **p, size_t *n, struct err *e)
{
	if (!inside(t, v)) {
		err_set(e, ERR_DAMAGED,
			"a row points past the end of the file");
		return false;
	}
	*p = v->mv_data;
	*n = v->mv_size;
	return true;
}

static void
end_cursors(struct txn *t)
{
	for (size_t i = 0; i < STORE_DB_COUNT; i++) {
		if (t->cursor[i] != NULL)
			mdb_cursor_close(t->cursor[i]);
		t->cursor[i] = NULL;
		t->bound[i] = false;
	}
}

struct env *
env_open(const char *path, enum store_mode mode, uint64_t map_bytes,
	 struct err *e)
{
	struct env *env = must_alloc(sizeof *env);
	unsigned flags = MDB_NOSUBDIR | MDB_NOTLS;
	int rc = mdb_env_create(&env->env);

	must(pthread_mutex_init(&env->moving, NULL) == 0);
	switch (mode) {
	case STORE_READ:
		flags |= MDB_RDONLY;
		break;
	case STORE_WRITE:
		break;
	case STORE_COPY:
		flags |= MDB_RDONLY | MDB_NOLOCK;
		break;
	}
	if (rc == 0)
		rc = mdb_env_set_maxdbs(env->env, STORE_DB_COUNT);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(env->env, READERS_MOST);
	if (rc == 0 && map_bytes != 0)
		rc = mdb_env_set_mapsize(env->env, (size_t)map_bytes);
	if (rc == 0)
		rc = mdb_env_open(env->env, path, flags, 0600);
	if (rc == 0)
		rc = mdb_env_get_fd(env->env, &env->fd);
	if (rc == 0)
		return env;
	failed(e, rc, "open");
	env_close(env);
	return NULL;
}

void
env_close(struct env *env)
{
	if (env == NULL)
		return;
	if (env->env != NULL)
		mdb_env_close(env->env);
	must(pthread_mutex_destroy(&env->moving) == 0);
	free(env);
}

bool
env_tables(struct txn *t, bool create, struct err *e)
{
	for (size_t i = 0; i < STORE_DB_COUNT; i++) {
		int rc = mdb_dbi_open(t->handle, db_name[i],
				      create ? MDB_CREATE : 0, &t->env->dbi[i]);

		if (rc != 0)
			return failed(e, rc, db_name[i]);
	}
	t->changed = create;
	return true;
}

/* A row's address, less where its page lies in the file: LMDB has no call that
 * says where its map begins. */
void
env_learn_map(struct env *env, const void *row, size_t page_bytes)
{
	const char *page = (const char *)row - (uintptr_t)row % page_bytes;
	MDB_envinfo info;
	uint64_t number;

	memcpy(&number, page, sizeof number);
	if (mdb_env_info(env->env, &info) != 0 || number > info.me_last_pgno)
		return; /* pages_check names what is wrong with it */
	env->page_bytes = page_bytes;
	env->map = page - number * page_bytes;
	env->map_end = (info.me_last_pgno + 1) * (uint64_t)page_bytes;
}

/* LMDB says that another process made the map larger: taken over once, when
 * nothing of ours reads (facts/attacks.md G7). */
static int
follow_map(struct env *env)
{
	int rc = MDB_MAP_RESIZED;

	if (env->readers == 0) {
		rc = mdb_env_set_mapsize(env->env, 0);
		env->map = NULL; /* it may have moved */
	}
	return rc;
}

/* A reader of another thread may begin while the map moves, so that is done
 * under a lock; never while waiting for the writer's place. */
static int
begin_write(struct env *env, MDB_txn **txn)
{
	int rc = mdb_txn_begin(env->env, NULL, 0, txn);

	if (rc != MDB_MAP_RESIZED)
		return rc;
	must(pthread_mutex_lock(&env->moving) == 0);
	rc = follow_map(env);
	must(pthread_mutex_unlock(&env->moving) == 0);
	return rc != 0 ? rc : mdb_txn_begin(env->env, NULL, 0, txn);
}

static int
begin_read(struct txn *t)
{
	struct env *env = t->env;
	int rc = 0;

	must(pthread_mutex_lock(&env->moving) == 0);
	if (t->handle != NULL && mdb_txn_renew(t->handle) != 0) {
		end_cursors(t);
		mdb_txn_abort(t->handle);
		t->handle = NULL;
	}
	if (t->handle == NULL) {
		rc = mdb_txn_begin(env->env, NULL, MDB_RDONLY, &t->handle);
		if (rc == MDB_MAP_RESIZED && (rc = follow_map(env)) == 0)
			rc = mdb_txn_begin(env->env, NULL, MDB_RDONLY,
					   &t->handle);
		if (rc != 0)
			t->handle = NULL;
	}
	if (rc == 0)
		env->readers++;
	must(pthread_mutex_unlock(&env->moving) == 0);
	return rc;
}

bool
txn_begin(struct txn *t, bool write, struct err *e)
{
	int rc;

	if (write) {
		must(t->handle == NULL);
		rc = begin_write(t->env, &t->handle);
		if (rc != 0)
			t->handle = NULL;
	} else {
		rc = begin_read(t);
	}
	if (rc != 0)
		return failed(e, rc, "begin");
	t->write = write;
	t->changed = false;
	return true;
}

bool
txn_commit(struct txn *t, struct err *e)
{
	int rc;

	end_cursors(t);
	rc = mdb_txn_commit(t->handle);
	t->handle = NULL; /* gone, whatever the answer */
	if (!t->write)
		t->env->readers--;
	return rc == 0 || failed(e, rc, "commit");
}

void
txn_end(struct txn *t)
{
	end_cursors(t);
	mdb_txn_abort(t->handle);
	t->handle = NULL;
	if (!t->write)
		t->env->readers--;
}

void
txn_pause(struct txn *t)
{
	memset(t->bound, 0, sizeof t->bound);
	mdb_txn_reset(t->handle);
	t->env->readers--;
}

void
txn_drop_paused(struct txn *t)
{
	end_cursors(t);
	if (t->handle != NULL)
		mdb_txn_abort(t->handle);
	t->handle = NULL;
}

uint64_t
txn_id(const struct txn *t)
{
	return mdb_txn_id(t->handle);
}

bool
txn_rows(struct txn *t, enum store_db db, uint64_t *n, struct err *e)
{
	MDB_stat ms;
	int rc;

	*n = 0;
	rc = mdb_stat(t->handle, t->env->dbi[db], &ms);
	if (rc != 0)
		return failed(e, rc, db_name[db]);
	*n = ms.ms_entries;
	return true;
}

bool
txn_free_pages(struct txn *t, uint64_t *n, struct err *e)
{
	MDB_cursor *c;
	MDB_val k, v;
	uint64_t sum = 0;
	int rc = mdb_cursor_open(t->handle, 0, &c); /* FREE_DBI, as mdb_stat */

	if (rc != 0)
		return failed(e, rc, "free list");
	for (unsigned i = 0; i < FREE_ROWS_MOST; i++) {
		size_t count;

		rc = mdb_cursor_get(c, &k, &v, i == 0 ? MDB_FIRST : MDB_NEXT);
		if (rc != 0)
			break;
		if (v.mv_size < sizeof count || !inside(t, &v))
			continue;
		memcpy(&count, v.mv_data, sizeof count);
		sum += count;
	}
	mdb_cursor_close(c);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return failed(e, rc, "free list");
	*n = sum;
	return true;
}

int
env_fd(const struct env *env)
{
	return env->fd;
}

bool
env_size(const struct env *env, uint64_t *map_bytes, uint64_t *pages,
	 struct err *e)
{
	MDB_envinfo info;
	int rc = mdb_env_info(env->env, &info);

	if (rc != 0)
		return failed(e, rc, "size of the queue");
	*map_bytes = info.me_mapsize;
	*pages = info.me_last_pgno + 1;
	return true;
}

bool
env_clear_readers(struct env *env, unsigned *n, struct err *e)
{
	int dead = 0;
	int rc = mdb_reader_check(env->env, &dead);

	if (rc != 0)
		return failed(e, rc, "clear readers");
	*n = (unsigned)dead;
	return true;
}

/* Not compacted: that would number transactions anew, and the state record
 * would no longer agree. */
bool
env_copy(struct env *env, int fd, struct err *e)
{
	int rc = mdb_env_copyfd2(env->env, fd, 0);

	return rc == 0 || failed(e, rc, "copy");
}

const char *
env_db_name(enum store_db db)
{
	return db_name[db];
}

const char *
env_version(void)
{
	return mdb_version(NULL, NULL, NULL);
}

bool
txn_get(struct txn *t, enum store_db db, const void *key, size_t nkey,
	const void **val, size_t *nval, struct err *e)
{
	MDB_val k = val_of(key, nkey), v;
	int rc = mdb_get(t->handle, t->env->dbi[db], &k, &v);

	if (rc == MDB_NOTFOUND) {
		e->kind = ERR_NONE;
		return false;
	}
	if (rc != 0)
		return failed(e, rc, db_name[db]);
	return give(t, &v, val, nval, e);
}

static bool
reserve(struct txn *t, enum store_db db, const void *key, size_t nkey,
	size_t nval, unsigned flags, void **val, struct err *e)
{
	MDB_val k = val_of(key, nkey), v = val_of(NULL, nval);
	int rc =
	    mdb_put(t->handle, t->env->dbi[db], &k, &v, MDB_RESERVE | flags);

	if (rc != 0)
		return failed(e, rc, db_name[db]);
	t->changed = true;
	*val = v.mv_data;
	return true;
}

bool
txn_reserve(struct txn *t, enum store_db db, const void *key, size_t nkey,
	    size_t nval, void **val, struct err *e)
{
	return reserve(t, db, key, nkey, nval, 0, val, e);
}

bool
txn_append(struct txn *t, enum store_db db, const void *key, size_t nkey,
	   size_t nval, void **val, struct err *e)
{
	return reserve(t, db, key, nkey, nval, MDB_APPEND, val, e);
}

bool
txn_put(struct txn *t, enum store_db db, const void *key, size_t nkey,
	const void *val, size_t nval, struct err *e)
{
	MDB_val k = val_of(key, nkey), v = val_of(val, nval);
	int rc;

	rc = mdb_put(t->handle, t->env->dbi[db], &k, &v, 0);
	if (rc != 0)
		return failed(e, rc, db_name[db]);
	t->changed = true;
	return true;
}

bool
txn_del(struct txn *t, enum store_db db, const void *key, size_t nkey,
	struct err *e)
{
	MDB_val k = val_of(key, nkey);
	int rc;

	rc = mdb_del(t->handle, t->env->dbi[db], &k, NULL);
	if (rc != 0)
		return failed(e, rc, db_name[db]);
	t->changed = true;
	return true;
}

static bool
bind_cursor(struct txn *t, enum store_db db, struct err *e)
{
	int rc;

	if (t->bound[db])
		return true;
	if (t->cursor[db] != NULL)
		rc = mdb_cursor_renew(t->handle, t->cursor[db]);
	else
		rc =
		    mdb_cursor_open(t->handle, t->env->dbi[db], &t->cursor[db]);
	t->bound[db] = rc == 0;
	return rc == 0 || failed(e, rc, db_name[db]);
}

static bool
walk(struct txn *t, enum store_db db, MDB_val *key, MDB_cursor_op op,
     const void **k, size_t *nk, const void **val, size_t *nval, struct err *e)
{
	MDB_val v;
	int rc;

	if (!bind_cursor(t, db, e))
		return false;
	rc = mdb_cursor_get(t->cursor[db], key, &v, op);
	if (rc == MDB_NOTFOUND) {
		e->kind = ERR_NONE;
		return false;
	}
	if (rc != 0)
		return failed(e, rc, db_name[db]);
	return give(t, key, k, nk, e) && give(t, &v, val, nval, e);
}

bool
txn_seek(struct txn *t, enum store_db db, const void *key, size_t nkey,
	 const void **k, size_t *nk, const void **val, size_t *nval,
	 struct err *e)
{
	MDB_val key_val = val_of(key, nkey);

	return walk(t, db, &key_val, MDB_SET_RANGE, k, nk, val, nval, e);
}

bool
txn_next(struct txn *t, enum store_db db, const void **k, size_t *nk,
	 const void **val, size_t *nval, struct err *e)
{
	MDB_val key_val = {0};

	return walk(t, db, &key_val, MDB_NEXT, k, nk, val, nval, e);
}
