#include "queue/store.h"
#include "queue/disk.h"
#include "queue/env.h"
#include "queue/return_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static const char STATE_KEY[] = "state";

/* An empty queue with its first state record, at `path`. */
static bool
make_empty(const char *path, uint64_t map_bytes, const char *instance,
	   int64_t now_us, struct err *e)
{
	struct state_record st = {.format = RECORD_VERSION,
				  .created_us = (uint64_t)now_us,
				  .instance = text_of(instance)};
	struct txn t = {.env = env_open(path, STORE_WRITE, map_bytes, e)};
	struct bytes b = {0};
	bool ok = false;

	if (t.env == NULL)
		return false;
	if (!txn_begin(&t, true, e))
		goto out;
	st.txn = txn_id(&t);
	state_seal(&b, &st);
	ok = env_tables(&t, true, e) &&
	     txn_put(&t, STORE_STATE, STATE_KEY, sizeof STATE_KEY - 1, b.data,
		     b.n, e) &&
	     return_key_make(&t, e);
	if (ok)
		ok = txn_commit(&t, e);
	else
		txn_end(&t);
out:
	bytes_free(&b);
	env_close(t.env);
	return ok;
}

/* What an interrupted try has left. */
static bool
remove_old(const char *path, struct err *e)
{
	if (unlink(path) == 0 || errno == ENOENT)
		return true;
	err_set(e, ERR_SYSTEM, "remove %s: %m", path);
	return false;
}

/* The folder may be as new as the file.  A confined role can't open what is
 * above it; then the journal's order has to do, as ext4's and XFS's does. */
static bool
sync_parent(const char *dir, struct err *e)
{
	char *parent = disk_folder_of(dir);
	bool ok = access(parent, R_OK) != 0 || disk_sync_folder(parent, e) ||
		  errno == EACCES;

	free(parent);
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
	int folder = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = false;

	/* One creator at a time: two starts may come at once. */
	if (folder < 0 || flock(folder, LOCK_EX) != 0) {
		err_set(e, ERR_SYSTEM, "%m");
		goto out;
	}
	if (strlen(instance) == 0 || strlen(instance) > 64) {
		err_set(e, ERR_CONFIG, "an instance's name has 1 to 64 octets");
		goto out;
	}
	if (store_exists(dir)) {
		err_set(e, ERR_STORE, "there is a queue already");
		goto out;
	}
	if (!disk_suits(dir, e) || !remove_old(fresh, e) ||
	    !remove_old(lock, e) ||
	    !make_empty(fresh, map_bytes, instance, now_us, e) ||
	    !disk_sync_file(fresh, e))
		goto out;
	/* link, not rename: never over a queue that appeared meanwhile */
	if (link(fresh, path) != 0) {
		err_set(e, ERR_SYSTEM, "%m");
		goto out;
	}
	ok = remove_old(fresh, e) && remove_old(lock, e) &&
	     disk_sync_folder(dir, e) && sync_parent(dir, e);
out:
	if (!ok)
		err_add(e, "make %s", path);
	if (folder >= 0)
		close(folder); /* and its lock */
	free(path);
	free(fresh);
	free(lock);
	return ok;
}

bool
store_backup(struct store *s, const char *path, struct err *e)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	char *dir;
	bool ok;

	if (fd < 0) {
		err_set(e, ERR_SYSTEM, "%s: %m", path);
		return false;
	}
	ok = store_copy(s, fd, e);
	if (ok && fsync(fd) != 0) {
		err_set(e, ERR_FULL, "sync: %m");
		ok = false;
	}
	if (close(fd) != 0 && ok) {
		err_set(e, ERR_FULL, "close: %m");
		ok = false;
	}
	dir = disk_folder_of(path);
	ok = ok && disk_sync_folder(dir, e);
	free(dir);
	if (ok)
		return true;
	err_add(e, "%s", path);
	if (unlink(path) != 0)
		err_add(e, "it could not be removed (%m)");
	return false;
}
