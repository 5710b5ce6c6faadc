#include "queue/store.h"
#include "queue/disk.h"
#include "queue/env.h"
#include "queue/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	BEGIN_TRIES = 3, /* of a reader */
	LOOK_TRIES = 20, /* a busy writer may write over what we look at */
	INSTANCE_MOST = 64,
};
static const char STATE_KEY[] = "state";

struct store {
	struct env *env;
	enum store_mode mode;
	pid_t pid;
	size_t page_bytes;
	char instance[INSTANCE_MOST + 1];
	struct txn write;
	struct txn read; /* kept and renewed: begin and end cost no slot */
	atomic_bool read_busy; /* readers of two threads may come at once */
	struct bytes scratch;
};

static bool
get_state(struct txn *t, const void **p, size_t *n, struct err *e)
{
	if (txn_get(t, STORE_STATE, STATE_KEY, sizeof STATE_KEY - 1, p, n, e))
		return true;
	if (e->kind == ERR_NONE)
		err_set(e, ERR_DAMAGED, "there is no state record");
	return false;
}

/* Compared at every begin: a torn meta page shows as a state record of another
 * transaction (facts/attacks.md 0.7). */
static bool
read_state(struct txn *t, struct err *e)
{
	struct store *s = t->store;
	uint64_t last = txn_id(t) - t->write;
	const void *p;
	size_t n;

	if (!get_state(t, &p, &n, e) || !state_open(p, n, &t->state, e))
		return false;
	if (s->instance[0] == '\0')
		text_copy(t->state.instance, s->instance, sizeof s->instance);
	if (!text_is(t->state.instance, s->instance)) {
		err_set(e, ERR_DAMAGED, "the instance has changed");
		return false;
	}
	t->state.instance = text_of(s->instance); /* outlives this page */
	if (t->state.txn != last) {
		err_set(e, ERR_DAMAGED,
			"the state record is of transaction %" PRIu64
			", the file is at %" PRIu64,
			t->state.txn, last);
		return false;
	}
	if (t->state.last_id != 0 && !id_valid(t->state.last_id)) {
		err_set(e, ERR_DAMAGED, "the state record's last id");
		return false;
	}
	if ((t->state.last_entry != 0 && !id_valid(t->state.last_entry)) ||
	    t->state.entry_removed > t->state.last_entry) {
		err_set(e, ERR_DAMAGED, "the state record's last entry");
		return false;
	}
	t->before = t->state;
	return true;
}

static struct txn *
begin(struct store *s, bool write, struct err *e)
{
	struct txn *t = &s->write;

	must(getpid() == s->pid);
	if (write) {
		must(s->mode == STORE_WRITE && t->handle == NULL);
	} else if (atomic_exchange(&s->read_busy, true)) {
		t = must_alloc(sizeof *t);
	} else {
		t = &s->read;
	}
	t->env = s->env;
	t->store = s;
	if (!txn_begin(t, write, e)) {
		if (t == &s->read)
			s->read_busy = false;
		else if (!write)
			free(t);
		return NULL;
	}
	if (!read_state(t, e)) {
		store_abort(t);
		return NULL;
	}
	return t;
}

/* A reader that is stopped for a moment between two looks of LMDB at the meta
 * page may find the roots of a commit two later (mdb_txn_renew0 copies them
 * without a lock), which read_state notices: a second look has the truth. */
struct txn *
store_begin(struct store *s, bool write, struct err *e)
{
	struct txn *t = begin(s, write, e);

	for (int i = 1; t == NULL && !write && i < BEGIN_TRIES; i++)
		t = begin(s, write, e);
	return t;
}

void
store_abort(struct txn *t)
{
	if (t == NULL)
		return;
	if (t == &t->store->read) {
		txn_pause(t);
		t->store->read_busy = false;
		return;
	}
	txn_end(t);
	if (!t->write)
		free(t);
}

bool
store_commit(struct txn *t, struct err *e)
{
	struct bytes *b = &t->store->scratch;

	if (!t->write || (!t->changed && memcmp(&t->state, &t->before,
						sizeof t->state) == 0)) {
		store_abort(t);
		return true;
	}
	t->state.txn = txn_id(t);
	state_seal(b, &t->state);
	if (!txn_put(t, STORE_STATE, STATE_KEY, sizeof STATE_KEY - 1, b->data,
		     b->n, e)) {
		store_abort(t);
		return false;
	}
	return txn_commit(t, e);
}

struct state_record *
txn_state(struct txn *t)
{
	return &t->state;
}

/* STATE_DIR/queue.mdb, or the file itself if that is what was named (a name
 * that is not there stays as it is, for the error). */
static char *
path_in(const char *dir)
{
	struct stat st;

	if (stat(dir, &st) != 0 || S_ISREG(st.st_mode))
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

/* Looks at a file before LMDB does.  A copy, which nobody writes to, is read
 * whole: after this nothing in it can make LMDB stumble. */
static bool
preflight(struct store *s, const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool ok = false;
	struct pages p;

	if (fd < 0) {
		if (errno == ENOENT)
			err_set(
			    e, ERR_STORE,
			    "there is no such file; `mtq init` makes a queue");
		else
			err_set(e, ERR_SYSTEM, "%m");
		return false;
	}
	for (int i = 0; i < LOOK_TRIES && !ok; i++) {
		ok = pages_preflight(fd, &p, e);
		/* A page that is not in the file is SIGBUS when it is read. */
		if (ok && (s->mode == STORE_COPY || p.cut))
			ok = pages_check(fd, &p, p.newest, PAGES_ALL, e);
		else
			continue;
		if (!ok && p.cut)
			err_add(
			    e, "the file has %llu octets but should have %llu",
			    (unsigned long long)p.file_bytes,
			    (unsigned long long)(p.page_bytes *
						 (p.meta[p.newest].last_page +
						  1)));
	}
	if (ok)
		s->page_bytes = p.page_bytes;
	if (close(fd) != 0 && ok) {
		err_set(e, ERR_SYSTEM, "close: %m");
		ok = false;
	}
	return ok && disk_suits(path, e);
}

/* Checks the pages of the snapshot that a read transaction holds.  *moved: the
 * meta page has been written over meanwhile; begin again and retry. */
static bool
check_snapshot(struct store *s, uint64_t id, enum pages_reach reach,
	       bool *moved, struct err *e)
{
	struct pages p;

	*moved = !pages_preflight(env_fd(s->env), &p, e);
	if (*moved)
		return false;
	*moved = p.meta[0].txn != id && p.meta[1].txn != id;
	if (*moved) {
		err_set(e, ERR_SYSTEM, "it changes too fast to be checked");
		return false;
	}
	return pages_check(env_fd(s->env), &p, p.meta[1].txn == id, reach, e);
}

/* The tables' handles, after a look at the pages that lead to them. */
static bool
open_tables(struct store *s, struct err *e)
{
	bool moved = true;

	for (int i = 0; i < LOOK_TRIES && moved; i++) {
		struct txn t = {.env = s->env};

		if (!txn_begin(&t, false, e))
			return false;
		if (check_snapshot(s, txn_id(&t), PAGES_ROOTS, &moved, e) &&
		    env_tables(&t, false, e))
			return txn_commit(&t, e); /* keeps the handles */
		txn_end(&t);
	}
	return false;
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
	} want[] = {{STORE_STATE, 2}, /* and return_key.h's */
		    {STORE_MESSAGE, st->messages},
		    {STORE_RECIPIENT, recipients},
		    {STORE_DUE, recipients},
		    {STORE_PARTIAL, st->partials},
		    {STORE_JOURNAL, st->entries}};

	for (size_t i = 0; i < countof(want); i++) {
		uint64_t rows;

		if (!txn_rows(t, want[i].db, &rows, e))
			return false;
		if (rows == want[i].rows)
			continue;
		err_set(e, ERR_DAMAGED,
			"table %s has %" PRIu64
			" rows, the state record says %" PRIu64,
			env_db_name(want[i].db), rows, want[i].rows);
		return false;
	}
	return true;
}

static bool
first_look(struct store *s, const char *instance, struct err *e)
{
	struct txn *t;
	const void *p;
	bool ok;
	size_t n;

	if (!open_tables(s, e))
		return false;
	t = store_begin(s, false, e);
	if (t == NULL)
		return false;
	ok = get_state(t, &p, &n, e) && counters_agree(t, e);
	if (ok)
		env_learn_map(s->env, p, s->page_bytes);
	if (ok && instance != NULL && strcmp(s->instance, instance) != 0) {
		err_set(e, ERR_STORE,
			"the queue belongs to instance \"%s\", not to \"%s\"",
			s->instance, instance);
		ok = false;
	}
	store_abort(t);
	return ok;
}

struct store *
store_open(const char *dir, enum store_mode mode, uint64_t map_bytes,
	   const char *instance, struct err *e)
{
	struct store *s = must_alloc(sizeof *s);
	char *path = path_in(dir);
	bool ok = false;

	s->mode = mode;
	s->pid = getpid();
	if (preflight(s, path, e)) {
		s->env = env_open(path, mode, map_bytes, e);
		if (s->env != NULL && mode != STORE_COPY)
			give_lock_to_owner(path);
		ok = s->env != NULL && first_look(s, instance, e);
	}
	if (!ok) {
		err_add(e, "%s", path);
		store_close(s);
		s = NULL;
	}
	free(path);
	return s;
}

void
store_close(struct store *s)
{
	if (s == NULL)
		return;
	must(s->write.handle == NULL && !s->read_busy);
	txn_drop_paused(&s->read);
	env_close(s->env);
	bytes_free(&s->scratch);
	free(s);
}

bool
store_map_bytes(struct store *s, uint64_t *bytes, struct err *e)
{
	uint64_t pages;

	return env_size(s->env, bytes, &pages, e);
}

bool
store_room(struct store *s, struct store_room *out, struct err *e)
{
	struct store_room r = {0};
	struct txn *t = store_begin(s, false, e);
	uint64_t pages = 0, unused = 0;
	struct stat st;
	bool ok;

	if (t == NULL)
		return false;
	ok = env_size(s->env, &r.map_bytes, &pages, e) &&
	     txn_free_pages(t, &unused, e);
	store_abort(t);
	if (!ok)
		return false;
	if (fstat(env_fd(s->env), &st) != 0) {
		err_set(e, ERR_SYSTEM, "size of the queue: %m");
		return false;
	}
	r.used_bytes = (pages > unused ? pages - unused : 0) * s->page_bytes;
	r.file_bytes = (uint64_t)st.st_size;
	if (!disk_free(env_fd(s->env), &r.disk_free_bytes, e))
		return false;
	*out = r;
	return true;
}

bool
store_clear_readers(struct store *s, unsigned *n, struct err *e)
{
	return env_clear_readers(s->env, n, e);
}

bool
store_check(struct store *s, struct err *e)
{
	bool moved = true, ok = false;

	for (int i = 0; i < LOOK_TRIES && moved; i++) {
		struct txn *t = store_begin(s, false, e);

		if (t == NULL)
			return false;
		ok = check_snapshot(s, txn_id(t), PAGES_ALL, &moved, e);
		store_abort(t);
	}
	return ok;
}

bool
store_copy(struct store *s, int fd, struct err *e)
{
	return env_copy(s->env, fd, e);
}

const char *
store_version(void)
{
	return env_version();
}
