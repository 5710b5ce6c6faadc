#include "queue/store.h"
#include "queue/disk.h"
#include "queue/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	READERS_MOST = 256,          /* slots: a process uses one or two */
	PREFLIGHT_TRIES = 3,         /* a writer may be in its meta write */
	FREE_ROWS_MOST = 100 * 1000, /* of the free list, in store_room */
	INSTANCE_MOST = 64,
};
static const char STATE_KEY[] = "state";
static const char *const db_name[STORE_DB_COUNT] = {
    "state", "message", "body", "recipient", "due", "partial"};

struct txn {
	struct store *store;
	MDB_txn *txn;
	bool write;
	bool changed;
	bool bound[STORE_DB_COUNT]; /* the cursor belongs to this snapshot */
	MDB_cursor *cursor[STORE_DB_COUNT];
	struct state_record state;
	struct state_record before; /* as the transaction found it */
};

struct store {
	MDB_env *env;
	MDB_dbi dbi[STORE_DB_COUNT];
	enum store_mode mode;
	pid_t pid;
	int fd; /* LMDB's own descriptor: not ours to close */
	size_t page_bytes;
	const char *map;  /* where the file begins in memory */
	uint64_t map_end; /* octets of the file that are known to exist */
	char instance[INSTANCE_MOST + 1];
	struct txn write;
	struct txn read; /* kept and renewed: begin and end cost no slot */
	bool read_busy;
	unsigned readers; /* transactions that look at the map now */
	struct bytes scratch;
};

const char *
store_version(void)
{
	return mdb_version(NULL, NULL, NULL);
}

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
	struct store *s = t->store;
	const char *p = v->mv_data;
	MDB_envinfo info;

	if (v->mv_size == 0 || s->map == NULL || p < s->map ||
	    mdb_env_info(s->env, &info) != 0 || p >= s->map + info.me_mapsize)
		return true;
	if ((uint64_t)(p - s->map) + v->mv_size <= s->map_end)
		return true;
	s->map_end = (info.me_last_pgno + 1) * (uint64_t)s->page_bytes;
	return (uint64_t)(p - s->map) + v->mv_size <= s->map_end;
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

/* LMDB says that another process made the map larger: taken over once, when
 * nothing of ours reads (G7). */
static int
begin_retry(struct store *s, MDB_txn **txn, unsigned flags)
{
	int rc = mdb_txn_begin(s->env, NULL, flags, txn);

	if (rc != MDB_MAP_RESIZED || s->readers != 0)
		return rc;
	rc = mdb_env_set_mapsize(s->env, 0);
	s->map = NULL; /* it may have moved */
	return rc != 0 ? rc : mdb_txn_begin(s->env, NULL, flags, txn);
}

static bool
read_state(struct txn *t, struct err *e)
{
	struct store *s = t->store;
	uint64_t id = mdb_txn_id(t->txn);
	const void *p;
	size_t n;

	if (!txn_get(t, STORE_STATE, STATE_KEY, sizeof STATE_KEY - 1, &p, &n,
		     e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "there is no state record");
		return false;
	}
	if (!state_open(p, n, &t->state, e))
		return false;
	if (t->state.instance.n > INSTANCE_MOST ||
	    (s->instance[0] != '\0' &&
	     !text_is(t->state.instance, s->instance))) {
		err_set(e, ERR_DAMAGED, "the instance has changed");
		return false;
	}
	if (s->instance[0] == '\0')
		text_copy(t->state.instance, s->instance, sizeof s->instance);
	t->state.instance = text_of(s->instance); /* outlives this page */
	if (t->state.txn != id - t->write) {
		err_set(e, ERR_DAMAGED,
			"the state record is of transaction %" PRIu64
			", the file is at %" PRIu64,
			t->state.txn, id - t->write);
		return false;
	}
	if (t->state.last_id != 0 && !id_valid(t->state.last_id)) {
		err_set(e, ERR_DAMAGED, "the state record's last id");
		return false;
	}
	t->before = t->state;
	return true;
}

static bool
begin_read(struct txn *t, struct err *e)
{
	struct store *s = t->store;
	int rc;

	if (t->txn != NULL) {
		rc = mdb_txn_renew(t->txn);
		if (rc == 0) {
			s->readers++;
			return true;
		}
		end_cursors(t);
		mdb_txn_abort(t->txn);
		t->txn = NULL;
	}
	rc = begin_retry(s, &t->txn, MDB_RDONLY);
	if (rc != 0) {
		t->txn = NULL;
		return failed(e, rc, "begin reading the queue");
	}
	s->readers++;
	return true;
}

struct txn *
store_begin(struct store *s, bool write, struct err *e)
{
	struct txn *t = write ? &s->write : &s->read;
	int rc;

	must(getpid() == s->pid);
	if (write) {
		must(s->mode == STORE_WRITE && t->txn == NULL);
		rc = begin_retry(s, &t->txn, 0);
		if (rc != 0) {
			t->txn = NULL;
			failed(e, rc, "begin writing the queue");
			return NULL;
		}
	} else {
		if (s->read_busy)
			t = must_alloc(sizeof *t);
		else
			s->read_busy = true;
		t->store = s;
		if (!begin_read(t, e)) {
			if (t == &s->read)
				s->read_busy = false;
			else
				free(t);
			return NULL;
		}
	}
	t->store = s;
	t->write = write;
	t->changed = false;
	if (!read_state(t, e)) {
		store_abort(t);
		return NULL;
	}
	return t;
}

void
store_abort(struct txn *t)
{
	if (t == NULL)
		return;
	if (t == &t->store->read) {
		memset(t->bound, 0, sizeof t->bound);
		mdb_txn_reset(t->txn);
		t->store->read_busy = false;
		t->store->readers--;
		return;
	}
	end_cursors(t);
	mdb_txn_abort(t->txn);
	t->txn = NULL;
	if (t->write)
		return;
	t->store->readers--;
	free(t);
}

bool
store_commit(struct txn *t, struct err *e)
{
	struct store *s = t->store;
	int rc;

	if (!t->write || (!t->changed && memcmp(&t->state, &t->before,
						sizeof t->state) == 0)) {
		store_abort(t);
		return true;
	}
	t->state.txn = mdb_txn_id(t->txn);
	state_seal(&s->scratch, &t->state);
	if (!txn_put(t, STORE_STATE, STATE_KEY, sizeof STATE_KEY - 1,
		     s->scratch.data, s->scratch.n, e)) {
		store_abort(t);
		return false;
	}
	end_cursors(t);
	rc = mdb_txn_commit(t->txn);
	t->txn = NULL; /* gone, whatever the answer */
	return rc == 0 || failed(e, rc, "commit");
}

struct state_record *
txn_state(struct txn *t)
{
	return &t->state;
}

bool
txn_get(struct txn *t, enum store_db db, const void *key, size_t nkey,
	const void **val, size_t *nval, struct err *e)
{
	MDB_val k = val_of(key, nkey), v;
	int rc = mdb_get(t->txn, t->store->dbi[db], &k, &v);

	if (rc == MDB_NOTFOUND) {
		e->kind = ERR_NONE;
		return false;
	}
	if (rc != 0)
		return failed(e, rc, db_name[db]);
	return give(t, &v, val, nval, e);
}

bool
txn_reserve(struct txn *t, enum store_db db, const void *key, size_t nkey,
	    size_t nval, void **val, struct err *e)
{
	MDB_val k = val_of(key, nkey), v = val_of(NULL, nval);
	int rc = mdb_put(t->txn, t->store->dbi[db], &k, &v, MDB_RESERVE);

	if (rc != 0)
		return failed(e, rc, db_name[db]);
	t->changed = true;
	*val = v.mv_data;
	return true;
}

bool
txn_put(struct txn *t, enum store_db db, const void *key, size_t nkey,
	const void *val, size_t nval, struct err *e)
{
	MDB_val k = val_of(key, nkey), v = val_of(val, nval);
	int rc = mdb_put(t->txn, t->store->dbi[db], &k, &v, 0);

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
	int rc = mdb_del(t->txn, t->store->dbi[db], &k, NULL);

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
		rc = mdb_cursor_renew(t->txn, t->cursor[db]);
	else
		rc = mdb_cursor_open(t->txn, t->store->dbi[db], &t->cursor[db]);
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

/* STATE_DIR/queue.mdb, or the file itself if that is what was named. */
static char *
path_in(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) == 0 && S_ISREG(st.st_mode))
		return must_strdup(dir);
	return must_printf("%s/queue.mdb", dir);
}

bool
store_exists(const char *dir)
{
	char *path = path_in(dir);
	bool there = access(path, F_OK) == 0;

	free(path);
	return there;
}

/* Root reading a queue must not leave a lock file that its owner can't open. */
static void
give_lock_to_owner(const char *path)
{
	char *lock = must_printf("%s-lock", path);
	struct stat db, lk;

	if (geteuid() == 0 && stat(path, &db) == 0 && lstat(lock, &lk) == 0 &&
	    S_ISREG(lk.st_mode) && lk.st_uid != db.st_uid &&
	    lchown(lock, db.st_uid, db.st_gid) != 0)
		fprintf(stderr, "mtq: chown %s: %m\n", lock);
	free(lock);
}

static bool
open_env(struct store *s, const char *path, uint64_t map_bytes, unsigned flags,
	 struct err *e)
{
	int rc = mdb_env_create(&s->env);

	if (rc == 0)
		rc = mdb_env_set_maxdbs(s->env, STORE_DB_COUNT);
	if (rc == 0)
		rc = mdb_env_set_maxreaders(s->env, READERS_MOST);
	if (rc == 0 && map_bytes != 0)
		rc = mdb_env_set_mapsize(s->env, (size_t)map_bytes);
	if (rc == 0)
		rc = mdb_env_open(s->env, path,
				  MDB_NOSUBDIR | MDB_NOTLS | flags, 0600);
	if (rc == 0)
		rc = mdb_env_get_fd(s->env, &s->fd);
	return rc == 0 || failed(e, rc, path);
}

/* Opens the named tables; with MDB_CREATE makes them. */
static bool
open_tables(struct store *s, MDB_txn *txn, unsigned flags, struct err *e)
{
	for (size_t i = 0; i < STORE_DB_COUNT; i++) {
		int rc = mdb_dbi_open(txn, db_name[i], flags, &s->dbi[i]);

		if (rc != 0)
			return failed(e, rc, db_name[i]);
	}
	return true;
}

static bool
preflight(const char *path, struct pages *p, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool ok = false;

	if (fd < 0) {
		if (errno == ENOENT)
			err_set(
			    e, ERR_STORE,
			    "there is no such file; `mtq init` makes a queue");
		else
			err_set(e, ERR_SYSTEM, "%m");
		return false;
	}
	for (int i = 0; i < PREFLIGHT_TRIES && !ok; i++)
		ok = pages_preflight(fd, p, e);
	if (close(fd) != 0 && ok) {
		err_set(e, ERR_SYSTEM, "close: %m");
		ok = false;
	}
	return ok;
}

/* Where the map begins: a row's address, less where its page lies in the file.
 * LMDB has no call that says it. */
static void
find_map(struct store *s, const void *row)
{
	uintptr_t page = (uintptr_t)row & ~((uintptr_t)s->page_bytes - 1);
	MDB_envinfo info;
	uint64_t number;

	memcpy(&number, (const void *)page, sizeof number);
	if (mdb_env_info(s->env, &info) != 0 || number > info.me_last_pgno)
		return; /* pages_check names what is wrong with it */
	s->map = (const char *)(page - number * s->page_bytes);
	s->map_end = (info.me_last_pgno + 1) * (uint64_t)s->page_bytes;
}

/* The tables have as many rows as the state record counts: a page lost from a
 * tree, or another file's tree, shows here. */
static bool
counters_agree(struct txn *t, struct err *e)
{
	const struct state_record *st = &t->state;
	uint64_t recipients = st->waiting + st->claimed + st->held + st->failed;
	const struct {
		enum store_db db;
		uint64_t rows;
	} want[] = {{STORE_STATE, 1},
		    {STORE_MESSAGE, st->messages},
		    {STORE_RECIPIENT, recipients},
		    {STORE_DUE, recipients},
		    {STORE_PARTIAL, st->partials}};

	for (size_t i = 0; i < countof(want); i++) {
		MDB_stat ms;
		int rc = mdb_stat(t->txn, t->store->dbi[want[i].db], &ms);

		if (rc != 0)
			return failed(e, rc, db_name[want[i].db]);
		if (ms.ms_entries == want[i].rows)
			continue;
		err_set(e, ERR_DAMAGED,
			"table %s has %zu rows, the state record says %" PRIu64,
			db_name[want[i].db], ms.ms_entries, want[i].rows);
		return false;
	}
	return true;
}

static bool
first_look(struct store *s, const char *instance, struct err *e)
{
	struct err none = {.kind = ERR_NONE};
	const void *p;
	struct txn *t;
	MDB_txn *txn;
	size_t n;
	int rc = mdb_txn_begin(s->env, NULL, MDB_RDONLY, &txn);

	if (rc != 0)
		return failed(e, rc, "begin reading the queue");
	if (!open_tables(s, txn, 0, e)) {
		mdb_txn_abort(txn);
		return false;
	}
	rc = mdb_txn_commit(txn); /* keeps the tables' handles */
	if (rc != 0)
		return failed(e, rc, "open the tables");
	t = store_begin(s, false, e);
	if (t == NULL)
		return false;
	if (txn_get(t, STORE_STATE, STATE_KEY, sizeof STATE_KEY - 1, &p, &n,
		    &none))
		find_map(s, p);
	if (instance != NULL && strcmp(s->instance, instance) != 0) {
		err_set(e, ERR_STORE,
			"the queue belongs to instance \"%s\", not to \"%s\"",
			s->instance, instance);
		store_abort(t);
		return false;
	}
	if (!counters_agree(t, e)) {
		store_abort(t);
		return false;
	}
	store_abort(t);
	return true;
}

struct store *
store_open(const char *dir, enum store_mode mode, uint64_t map_bytes,
	   const char *instance, struct err *e)
{
	struct store *s = must_alloc(sizeof *s);
	char *path = path_in(dir);
	unsigned flags = 0;
	struct pages p;

	switch (mode) {
	case STORE_READ:
		flags = MDB_RDONLY;
		break;
	case STORE_WRITE:
		break;
	case STORE_COPY:
		flags = MDB_RDONLY | MDB_NOLOCK;
		break;
	}
	s->mode = mode;
	s->pid = getpid();
	if (!preflight(path, &p, e) || !disk_suits(path, e))
		goto fail;
	s->page_bytes = p.page_bytes;
	if (!open_env(s, path, map_bytes, flags, e))
		goto fail;
	if (mode != STORE_COPY)
		give_lock_to_owner(path);
	if (!first_look(s, instance, e))
		goto fail;
	free(path);
	return s;
fail:
	err_add(e, "%s", path);
	free(path);
	store_close(s);
	return NULL;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	must(s->write.txn == NULL && !s->read_busy);
	end_cursors(&s->read);
	if (s->read.txn != NULL)
		mdb_txn_abort(s->read.txn);
	if (s->env != NULL)
		mdb_env_close(s->env);
	bytes_free(&s->scratch);
	free(s);
}

/* An empty queue with its first state record, at `path`. */
static bool
make_empty(const char *path, uint64_t map_bytes, const char *instance,
	   int64_t now_us, struct err *e)
{
	struct state_record st = {.format = RECORD_VERSION,
				  .created_us = (uint64_t)now_us,
				  .instance = text_of(instance)};
	struct store *s = must_alloc(sizeof *s);
	struct txn *t = &s->write;
	bool ok = false;
	int rc;

	s->mode = STORE_WRITE;
	if (!open_env(s, path, map_bytes, 0, e))
		goto out;
	rc = mdb_txn_begin(s->env, NULL, 0, &t->txn);
	if (rc != 0) {
		failed(e, rc, "begin writing the queue");
		goto out;
	}
	*t = (struct txn){.store = s,
			  .txn = t->txn,
			  .write = true,
			  .changed = true,
			  .state = st};
	if (open_tables(s, t->txn, MDB_CREATE, e))
		ok = store_commit(t, e);
	else
		store_abort(t);
out:
	store_close(s);
	return ok;
}

/* A crash on the way leaves queue.mdb.new, which nobody opens and the next
 * try removes; queue.mdb is there only when it is whole (G12). */
bool
store_create(const char *dir, uint64_t map_bytes, const char *instance,
	     int64_t now_us, struct err *e)
{
	char *path = must_printf("%s/queue.mdb", dir);
	char *fresh = must_printf("%s/queue.mdb.new", dir);
	char *lock = must_printf("%s/queue.mdb.new-lock", dir);
	bool ok = false;

	if (strlen(instance) > INSTANCE_MOST) {
		err_set(e, ERR_CONFIG, "the instance's name is too long");
		goto out;
	}
	if (access(path, F_OK) == 0) {
		err_set(e, ERR_STORE, "there is a queue already");
		goto out;
	}
	if (!disk_suits(dir, e))
		goto out;
	if ((unlink(fresh) != 0 && errno != ENOENT) ||
	    (unlink(lock) != 0 && errno != ENOENT)) {
		err_set(e, ERR_SYSTEM, "%s: %m", fresh);
		goto out;
	}
	if (!make_empty(fresh, map_bytes, instance, now_us, e) ||
	    !disk_sync_file(fresh, e))
		goto out;
	/* link, not rename: never over a queue that appeared meanwhile */
	if (link(fresh, path) != 0 || unlink(fresh) != 0 || unlink(lock) != 0) {
		err_set(e, ERR_SYSTEM, "%m");
		goto out;
	}
	ok = disk_sync_folder(dir, e);
out:
	if (!ok)
		err_add(e, "make %s", path);
	free(path);
	free(fresh);
	free(lock);
	return ok;
}

/* Octets of the pages that the free list holds as of this snapshot. */
static bool
free_pages(MDB_txn *txn, uint64_t *out, struct err *e)
{
	MDB_val k, v;
	MDB_cursor *c;
	int rc = mdb_cursor_open(txn, 0, &c); /* FREE_DBI, as mdb_stat does */
	uint64_t sum = 0;

	if (rc != 0)
		return failed(e, rc, "free list");
	for (unsigned i = 0; i < FREE_ROWS_MOST; i++) {
		size_t n;

		rc = mdb_cursor_get(c, &k, &v, i == 0 ? MDB_FIRST : MDB_NEXT);
		if (rc != 0)
			break;
		if (v.mv_size < sizeof n)
			continue;
		memcpy(&n, v.mv_data, sizeof n);
		sum += n;
	}
	mdb_cursor_close(c);
	if (rc != 0 && rc != MDB_NOTFOUND)
		return failed(e, rc, "free list");
	*out = sum;
	return true;
}

bool
store_room(struct store *s, struct store_room *out, struct err *e)
{
	struct store_room r = {0};
	struct txn *t = store_begin(s, false, e);
	MDB_envinfo info;
	struct stat st;
	uint64_t unused = 0, pages;
	int rc;

	if (t == NULL)
		return false;
	rc = mdb_env_info(s->env, &info);
	if (rc != 0 || !free_pages(t->txn, &unused, e)) {
		if (rc != 0)
			failed(e, rc, "size of the queue");
		store_abort(t);
		return false;
	}
	store_abort(t);
	if (fstat(s->fd, &st) != 0) {
		err_set(e, ERR_SYSTEM, "size of the queue: %m");
		return false;
	}
	pages = info.me_last_pgno + 1;
	r.map_bytes = info.me_mapsize;
	r.used_bytes = (pages > unused ? pages - unused : 0) * s->page_bytes;
	r.file_bytes = (uint64_t)st.st_size;
	if (!disk_free(s->fd, &r.disk_free_bytes, e))
		return false;
	*out = r;
	return true;
}

bool
store_clear_readers(struct store *s, unsigned *n, struct err *e)
{
	int dead = 0;
	int rc = mdb_reader_check(s->env, &dead);

	if (rc != 0)
		return failed(e, rc, "clear readers");
	*n = (unsigned)dead;
	return true;
}

bool
store_backup(struct store *s, const char *path, struct err *e)
{
	char *dir = disk_folder_of(path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	bool ok = false;
	int rc;

	if (fd < 0) {
		err_set(e, ERR_SYSTEM, "%s: %m", path);
		free(dir);
		return false;
	}
	/* Not compacted: that would number transactions anew, and the state
	 * record would no longer agree. */
	rc = mdb_env_copyfd2(s->env, fd, 0);
	if (rc != 0)
		failed(e, rc, path);
	else if (fsync(fd) != 0)
		err_set(e, ERR_FULL, "sync %s: %m", path);
	else
		ok = true;
	if (close(fd) != 0 && ok) {
		err_set(e, ERR_FULL, "close %s: %m", path);
		ok = false;
	}
	if (ok)
		ok = disk_sync_folder(dir, e);
	if (!ok && unlink(path) != 0)
		err_add(e, "and %s stays: %m", path);
	free(dir);
	return ok;
}

/* A busy writer may write over a meta page between our two looks at it. */
enum { CHECK_TRIES = 20 };

bool
store_check(struct store *s, struct err *e)
{
	for (int i = 0; i < CHECK_TRIES; i++) {
		struct txn *t = store_begin(s, false, e);
		struct pages p;
		uint64_t id;
		bool ok;

		if (t == NULL)
			return false;
		id = mdb_txn_id(t->txn);
		ok = pages_preflight(s->fd, &p, e);
		if (ok && p.meta[0].txn != id && p.meta[1].txn != id) {
			store_abort(t);
			continue;
		}
		ok = ok && pages_check(s->fd, &p, p.meta[1].txn == id, e);
		store_abort(t);
		return ok;
	}
	err_set(e, ERR_SYSTEM, "the queue changes too fast to be checked");
	return false;
}
