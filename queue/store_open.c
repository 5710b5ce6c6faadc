/* The door of the queue: nothing is read by LMDB that was not looked at before. */
#include "queue/disk.h"
#include "queue/pages.h"
#include "queue/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A busy writer may write over what we look at. */
enum { LOOK_TRIES = 20 };

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
	uint64_t recipients =
	    st->waiting + st->claimed + st->held + st->failed + st->parked;
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
	ok = store_state_row(t, &p, &n, e) && counters_agree(t, e);
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
