#include "tests/queue/box.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void
made_once(void **state)
{
	struct box b;

	(void)state;
	box_make(&b);
	assert_true(store_exists(b.dir));
	assert_false(store_create(b.dir, BOX_MAP, "test", BOX_NOW, &b.e));
	assert_non_null(strstr(b.e.text, "already"));
	box_verify(&b);
	box_remove(&b);
	assert_false(store_exists(b.dir));
}

/* A create that was interrupted leaves a file that the next one removes. */
static void
made_after_a_crash(void **state)
{
	char fresh[128];
	struct box b;
	int fd;

	(void)state;
	box_make(&b);
	box_close(&b);
	snprintf(fresh, sizeof fresh, "%s.new", b.file);
	assert_int_equal(rename(b.file, fresh), 0);
	fd = open(fresh, O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 5000), 0);
	close(fd);
	yes(&b, store_create(b.dir, BOX_MAP, "test", BOX_NOW, &b.e));
	box_open(&b, STORE_WRITE);
	box_verify(&b);
	assert_int_equal(access(fresh, F_OK), -1);
	box_remove(&b);
}

/* What is no queue of ours is refused with a reason. */
static void
refused(void **state)
{
	static const struct {
		const char *name;
		const char *instance;
		off_t size;       /* the file is cut to it; -1: not */
		const char *with; /* written over the start */
		enum err_kind kind;
		const char *text;
	} rows[] = {
	    {"another's", "other", -1, "", ERR_STORE, "instance"},
	    {"empty", "test", 0, "", ERR_DAMAGED, "empty"},
	    {"one octet", "test", 1, "", ERR_DAMAGED, "cut short"},
	    {"one page", "test", 4096, "", ERR_DAMAGED, "cut short"},
	    {"only meta pages", "test", 8192, "", ERR_DAMAGED, "octets"},
	    {"half a page less", "test", -2048, "", ERR_DAMAGED, "octets"},
	    {"a text", "test", -1, "hello, this is a mailbox file\n",
	     ERR_DAMAGED, "page 0"},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		enum store_mode modes[] = {STORE_READ, STORE_WRITE, STORE_COPY};
		struct stat st;
		struct box b;
		off_t size = rows[i].size;
		int fd;

		print_message("%s\n", rows[i].name);
		box_make(&b);
		box_begin(&b);
		box_accept(&b, 100, 1, false);
		box_commit(&b);
		box_close(&b);
		fd = open(b.file, O_RDWR);
		assert_true(fd >= 0 && fstat(fd, &st) == 0);
		if (size < -1)
			size += st.st_size;
		if (size >= 0)
			assert_int_equal(ftruncate(fd, size), 0);
		assert_true(pwrite(fd, rows[i].with, strlen(rows[i].with), 0) >=
			    0);
		close(fd);
		for (size_t m = 0; m < countof(modes); m++) {
			assert_null(store_open(b.dir, modes[m], BOX_MAP,
					       rows[i].instance, &b.e));
			assert_int_equal(b.e.kind, rows[i].kind);
			assert_non_null(strstr(b.e.text, rows[i].text));
		}
		box_remove(&b);
	}
}

static void
not_there(void **state)
{
	struct err e;

	(void)state;
	assert_null(store_open("/nonexistent", STORE_READ, 0, NULL, &e));
	assert_int_equal(e.kind, ERR_STORE);
	assert_non_null(strstr(e.text, "mtq init"));
}

/* Nothing of an aborted transaction stays, and an empty one writes nothing. */
static void
aborted(void **state)
{
	uint32_t before = 0, after = 0;
	struct box b;

	(void)state;
	box_make(&b);
	yes(&b, box_digest(b.store, &before, &b.e));
	box_begin(&b);
	box_accept(&b, 70000, 3, false);
	box_end(&b);
	box_begin(&b);
	box_commit(&b);
	yes(&b, box_digest(b.store, &after, &b.e));
	assert_int_equal(before, after);
	box_verify(&b);
	box_remove(&b);
}

/* A reader sees the moment it began, others meanwhile go on. */
static void
snapshots(void **state)
{
	struct txn *one, *two;
	struct box b;

	(void)state;
	box_make(&b);
	one = store_begin(b.store, false, &b.e);
	assert_non_null(one);
	box_begin(&b);
	box_accept(&b, 10, 2, false);
	box_commit(&b);
	two = store_begin(b.store, false, &b.e);
	assert_non_null(two);
	assert_true(txn_state(one)->waiting == 0);
	assert_true(txn_state(two)->waiting == 2);
	store_abort(one);
	one = store_begin(b.store, false, &b.e);
	assert_non_null(one);
	assert_true(txn_state(one)->waiting == 2);
	store_abort(two);
	store_abort(one);
	box_remove(&b);
}

/* A full map refuses new mail, and still drains to the last message. */
static void
full_map_drains(void **state)
{
	struct ledger_due from = {.due_us = INT64_MIN}, d;
	static unsigned char body[CHUNK_MOST];
	struct ledger_recipient rcpt = {.address = text_of("a@example.net"),
					.lane = LANE_DEFAULT};
	struct message_record m = box_message(body, sizeof body, 1);
	struct store_room room;
	unsigned accepted = 0, drained = 0;
	struct box b;
	bool full = false, gone;

	(void)state;
	box_make(&b);
	while (!full) {
		struct txn *t = store_begin(b.store, true, &b.e);
		uint64_t id = id_next(b.last, BOX_NOW, 0);

		assert_non_null(t);
		yes(&b, store_room(b.store, &room, &b.e));
		if (room.used_bytes * 100 > room.map_bytes * 85) {
			full = true; /* as the receiver does */
			store_abort(t);
			break;
		}
		yes(&b, ledger_chunk(t, id, 0, body, sizeof body, false,
				     BOX_NOW, &b.e));
		yes(&b, ledger_accept(t, id, &m, &rcpt, 1, false, &b.e));
		yes(&b, store_commit(t, &b.e));
		b.last = id;
		accepted++;
	}
	assert_in_range(accepted, 80, 128);
	for (;; drained++) {
		box_begin(&b);
		if (!ledger_first(b.t, LANE_DEFAULT, &from, &d, &b.e))
			break;
		box_claim(&b, d.id, d.rcpt);
		box_commit(&b);
		box_begin(&b);
		box_settle(&b, d.id, d.rcpt, VERDICT_SENT, &gone);
		assert_true(gone);
		box_commit(&b);
	}
	box_end(&b);
	assert_int_equal(accepted, drained);
	box_verify(&b);
	yes(&b, store_room(b.store, &room, &b.e));
	assert_true(room.used_bytes < room.map_bytes / 10);
	box_remove(&b);
}

/* The map's own end is ERR_FULL, and what was there before is untouched. */
static void
map_end(void **state)
{
	static unsigned char body[CHUNK_MOST];
	uint32_t before = 0, after = 0;
	struct box b;
	bool ok = true;

	(void)state;
	box_make(&b);
	box_begin(&b);
	box_accept(&b, 1000, 1, false);
	box_commit(&b);
	yes(&b, box_digest(b.store, &before, &b.e));
	box_begin(&b);
	for (uint32_t i = 0; ok && i < 1000; i++)
		ok = ledger_chunk(b.t, b.last + ID_WRITERS, i, body,
				  sizeof body, true, BOX_NOW, &b.e);
	assert_false(ok);
	assert_int_equal(b.e.kind, ERR_FULL);
	box_end(&b);
	yes(&b, box_digest(b.store, &after, &b.e));
	assert_int_equal(before, after);
	box_begin(&b);
	box_accept(&b, 1000, 1, false);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

/* A disk without room: nothing of the commit stays, and when there is room
 * again the same process goes on. */
static void
disk_full(void **state)
{
	static unsigned char body[CHUNK_MOST];
	struct ledger_recipient rcpt = {.address = text_of("a@example.net"),
					.lane = LANE_DEFAULT};
	struct message_record m = box_message(body, sizeof body, 1);
	struct rlimit old, tight;
	uint32_t before = 0, after = 0;
	uint64_t id;
	struct stat st;
	struct box b;
	struct txn *t;

	(void)state;
	box_make(&b);
	box_begin(&b);
	box_accept(&b, 1000, 1, false);
	box_commit(&b);
	yes(&b, box_digest(b.store, &before, &b.e));
	assert_int_equal(stat(b.file, &st), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = old;
	tight.rlim_cur = (rlim_t)st.st_size + 3 * 4096;
	signal(SIGXFSZ, SIG_IGN); /* as jail_begin does */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	id = id_next(b.last, BOX_NOW, 0);
	t = store_begin(b.store, true, &b.e);
	assert_non_null(t);
	yes(&b,
	    ledger_chunk(t, id, 0, body, sizeof body, false, BOX_NOW, &b.e));
	yes(&b, ledger_accept(t, id, &m, &rcpt, 1, false, &b.e));
	assert_false(store_commit(t, &b.e));
	assert_int_equal(b.e.kind, ERR_FULL);
	yes(&b, box_digest(b.store, &after, &b.e));
	assert_int_equal(before, after);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	box_begin(&b);
	box_accept(&b, CHUNK_MOST, 2, false);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

/* A process that dies while it reads gives its slot back when asked to. */
static void
dead_readers(void **state)
{
	unsigned cleared = 9;
	int ready[2];
	struct box b;
	char c;
	pid_t pid;

	(void)state;
	box_make(&b);
	assert_int_equal(pipe(ready), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) { /* opens anew: nothing is carried over */
		struct err e;
		struct store *s =
		    store_open(b.dir, STORE_READ, BOX_MAP, NULL, &e);
		struct txn *t = s ? store_begin(s, false, &e) : NULL;

		if (t == NULL || write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	yes(&b, store_clear_readers(b.store, &cleared, &b.e));
	assert_int_equal(cleared, 0); /* it lives */
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	yes(&b, store_clear_readers(b.store, &cleared, &b.e));
	assert_int_equal(cleared, 1);
	close(ready[0]);
	close(ready[1]);
	box_remove(&b);
}

/* LMDB would go on without a word in a child; we don't. */
static void
not_over_fork(void **state)
{
	struct box b;
	int status;
	pid_t pid;

	(void)state;
	box_make(&b);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct txn *t;

		signal(SIGABRT, SIG_DFL);
		if (freopen("/dev/null", "w", stderr) == NULL)
			_exit(2);
		t = store_begin(b.store, false, &b.e);
		_exit(t != NULL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	box_remove(&b);
}

/* A backup made while the queue is written to is a queue of its own. */
static void
backup(void **state)
{
	struct verify_report r;
	char path[128];
	struct store *copy;
	struct box b;

	(void)state;
	box_make(&b);
	box_begin(&b);
	box_accept(&b, 100000, 2, false);
	box_commit(&b);
	snprintf(path, sizeof path, "%s/copy", b.dir);
	yes(&b, store_backup(b.store, path, &b.e));
	assert_false(store_backup(b.store, path, &b.e)); /* never over a file */
	box_begin(&b);
	box_accept(&b, 10, 1, false);
	box_commit(&b);
	copy = store_open(path, STORE_COPY, 0, "test", &b.e);
	if (copy == NULL)
		fail_msg("%s", b.e.text);
	yes(&b, verify_store(copy, &r, NULL, NULL, &b.e));
	assert_true(r.messages == 1 && r.recipients == 2 && r.chunks == 2);
	store_close(copy);
	assert_int_equal(unlink(path), 0);
	box_remove(&b);
}

/* A state record of another transaction: the sign of a torn meta page. */
static void
torn_meta(void **state)
{
	unsigned char meta[2][4096];
	struct box b;
	int fd;

	(void)state;
	box_make(&b);
	for (int i = 0; i < 3; i++) {
		box_begin(&b);
		box_accept(&b, 10, 1, false);
		box_commit(&b);
	}
	box_close(&b);
	fd = open(b.file, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, meta, sizeof meta, 0), sizeof meta);
	/* the newer number over the older roots: mm_txnid is the last field */
	meta[0][16 + 128] = meta[1][16 + 128] =
	    max_of(meta[0][16 + 128], meta[1][16 + 128]);
	meta[0][16 + 128]++;
	assert_int_equal(pwrite(fd, meta, sizeof meta, 0), sizeof meta);
	close(fd);
	assert_null(store_open(b.dir, STORE_WRITE, BOX_MAP, NULL, &b.e));
	assert_int_equal(b.e.kind, ERR_DAMAGED);
	assert_non_null(strstr(b.e.text, "the file is at"));
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(made_once),
	    cmocka_unit_test(made_after_a_crash),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(not_there),
	    cmocka_unit_test(aborted),
	    cmocka_unit_test(snapshots),
	    cmocka_unit_test(full_map_drains),
	    cmocka_unit_test(map_end),
	    cmocka_unit_test(disk_full),
	    cmocka_unit_test(dead_readers),
	    cmocka_unit_test(not_over_fork),
	    cmocka_unit_test(backup),
	    cmocka_unit_test(torn_meta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
