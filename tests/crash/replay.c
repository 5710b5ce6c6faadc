/*
 * replay - rebuilds what a power cut could have left of the queue file at every
 * moment of a recorded run, and opens it (facts/promises.md section 5).
 *
 *	replay [-n LEAST] [-i EVERY] [-e END] BASE LOG SCRATCH
 *
 * BASE is the file as it was when recording began, SCRATCH a folder in memory.
 * -e compares the end of the replay with the file that the run left: nothing
 * was missed.  -n fails if there were fewer states; -i ignores every EVERY-th sync, so that
 * the promises must be found broken.  Exit 0: every promise was kept in every
 * state; 1: one was not; 2: the replay itself could not be done.
 *
 * Model	A write is in the page cache until a sync of the file returns;
 *	until then each page of it may be on the disk or not, whole or in
 *	sectors of 512 octets, in any order.  An O_DSYNC write (LMDB's meta
 *	page, 120 octets in one sector) is there or not while it runs, and there
 *	when it has returned.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/bytes.h"
#include "tests/crash/look.h"
#include "tests/crash/record.h"

enum {
	IMAGE_MOST = 16 << 20,
	PIECE_BYTES = 4096, /* what the kernel writes back at once */
	SECTOR_BYTES = 512,
	PIECES_MOST = 8192,
	RANDOM_SYNC = 8, /* random subsets for each sync */
	RANDOM_SAID = 2,
	DRAIN_EVERY = 16, /* states */
	TEAR_EVERY = 8,   /* meta writes */
	TEAR_BYTES = 8,
	LOOK_SECONDS = 20,
	SHOW_MOST = 5, /* broken promises, in words */
};

struct piece {
	uint64_t at;
	size_t n;
	const unsigned char *p;
};
struct image {
	unsigned char *p;
	size_t n;
};
struct shared {
	char why[600];
};

static struct replay {
	struct image disk;  /* what is there for sure */
	struct image state; /* mapped: the file that is looked at */
	int fd;
	char file[300];
	struct shared *shared;
	struct piece piece[PIECES_MOST]; /* not synced yet */
	size_t npieces;
	struct promises promises;
	uint64_t seed;
	unsigned long states, broken, died, metas, syncs;
	unsigned long torn, torn_seen, torn_silent;
	unsigned ignore_every;
} r = {.seed = 7};

static void NORETURN
cannot(const char *what)
{
	fprintf(stderr, "replay: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t
roll(uint64_t most)
{
	r.seed = r.seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (r.seed >> 33) % most;
}

static void
put(struct image *to, uint64_t at, const void *p, size_t n)
{
	if (at + n > IMAGE_MOST)
		cannot("the file is too large");
	memcpy(to->p + at, p, n);
	to->n = max_of(to->n, (size_t)at + n);
}

/* The state begins as what is on the disk for sure. */
static void
begin_state(void)
{
	memcpy(r.state.p, r.disk.p, max_of(r.disk.n, r.state.n));
	r.state.n = r.disk.n;
}

/* Looks at the state, in a child. */
static enum look_result
child_looks(bool drain)
{
	struct stat st;
	int status;
	pid_t pid;

	if (ftruncate(r.fd, (off_t)r.state.n) != 0)
		cannot("truncate");
	r.shared->why[0] = '\0';
	pid = fork();
	if (pid < 0)
		cannot("fork");
	if (pid == 0) {
		alarm(LOOK_SECONDS);
		_exit((int)look(r.file, &r.promises, drain, r.shared->why,
				sizeof r.shared->why));
	}
	if (waitpid(pid, &status, 0) != pid)
		cannot("wait");
	if (fstat(r.fd, &st) != 0)
		cannot("stat");
	r.state.n = (size_t)st.st_size; /* a drain may have made it longer */
	if (r.state.n > IMAGE_MOST || ftruncate(r.fd, IMAGE_MOST) != 0)
		cannot("truncate");
	if (WIFEXITED(status) && WEXITSTATUS(status) <= LOOK_LOST)
		return (enum look_result)WEXITSTATUS(status);
	snprintf(r.shared->why, sizeof r.shared->why, "ended by signal %d",
		 WIFSIGNALED(status) ? WTERMSIG(status) : 0);
	r.died++;
	return LOOK_LOST;
}

static void
check(const char *moment)
{
	enum look_result result;

	result = child_looks(r.states % DRAIN_EVERY == 0);
	r.states++;
	if (result == LOOK_GOOD)
		return;
	r.broken++;
	if (r.ignore_every == 0 && r.broken <= SHOW_MOST)
		printf("state %lu, %s: %s\n", r.states, moment, r.shared->why);
}

static void
apply(const struct piece *p, bool torn)
{
	if (!torn) {
		put(&r.state, p->at, p->p, p->n);
		return;
	}
	for (size_t i = 0; i < p->n; i += SECTOR_BYTES)
		if (roll(2))
			put(&r.state, p->at + i, p->p + i,
			    min_of(p->n - i, (size_t)SECTOR_BYTES));
}

/* Pieces from..to of what is pending, but not `without`. */
static void
state_of(size_t to, size_t without, const char *moment)
{
	begin_state();
	for (size_t i = 0; i < to; i++)
		if (i != without)
			apply(&r.piece[i], false);
	check(moment);
}

static void
random_state(const struct piece *meta, bool full_size, const char *moment)
{
	begin_state();
	for (size_t i = 0; full_size && i < r.npieces; i++)
		r.state.n = max_of(r.state.n, r.piece[i].at + r.piece[i].n);
	for (size_t i = 0; i < r.npieces; i++) {
		uint64_t luck = roll(10);

		if (luck >= 3)
			apply(&r.piece[i], luck < 5);
	}
	if (meta != NULL)
		apply(meta, false);
	check(moment);
}

static void
on_sync(void)
{
	r.syncs++;
	for (size_t i = 1; i <= r.npieces; i++)
		state_of(i, SIZE_MAX, "a prefix of the writes");
	for (size_t i = 0; i + 1 < r.npieces; i++)
		state_of(r.npieces, i, "one write missing");
	for (int i = 0; r.npieces > 0 && i < RANDOM_SYNC; i++)
		random_state(NULL, i % 2, "some writes");
	if (r.ignore_every != 0 && r.syncs % r.ignore_every == 0)
		return; /* the lie */
	for (size_t i = 0; i < r.npieces; i++)
		put(&r.disk, r.piece[i].at, r.piece[i].p, r.piece[i].n);
	r.npieces = 0;
}

/* Out of the model (sectors are whole), but it happens: the meta page cut at
 * each 8 octets.  It may be found out, it may not pass for good. */
static void
tear_meta(const struct piece *m)
{
	for (size_t cut = TEAR_BYTES; cut < m->n; cut += TEAR_BYTES) {
		enum look_result result;

		begin_state();
		put(&r.state, m->at, m->p, cut);
		result = child_looks(false);
		r.torn++;
		r.torn_seen += result == LOOK_REFUSED;
		r.torn_silent += result == LOOK_LOST;
		if (result == LOOK_LOST && r.torn_silent <= SHOW_MOST)
			printf("meta cut at %zu: %s\n", cut, r.shared->why);
	}
}

static void
on_meta(const struct piece *m)
{
	r.metas++;
	if (r.npieces > 0) { /* LMDB syncs first: only a liar comes here */
		for (int i = 0; i < RANDOM_SAID; i++)
			random_state(m, false, "meta page before its data");
	}
	begin_state();
	apply(m, false);
	check("meta page written");
	if (r.ignore_every == 0 && r.npieces == 0 && r.metas % TEAR_EVERY == 0)
		tear_meta(m);
	put(&r.disk, m->at, m->p, m->n);
}

static void
on_said(const char *text, size_t n)
{
	if (!promises_hear(&r.promises, text, n))
		cannot("too many promises");
	state_of(0, SIZE_MAX, "right after a reply");
	for (int i = 0; r.npieces > 0 && i < RANDOM_SAID; i++)
		random_state(NULL, false, "after a reply, with some writes");
}

static void
on_write(const struct entry *e, const unsigned char *p)
{
	for (uint64_t done = 0; done < e->length;) {
		uint64_t at = e->offset + done;
		size_t n = PIECE_BYTES - at % PIECE_BYTES;

		if (r.npieces == PIECES_MOST)
			cannot("too many writes without a sync");
		n = min_of(n, (size_t)(e->length - done));
		r.piece[r.npieces++] = (struct piece){at, n, p + done};
		done += n;
	}
}

static void
on_entry(const struct entry *e, const unsigned char *p)
{
	switch ((enum entry_type)e->type) {
	case ENTRY_WRITE:
		on_write(e, p);
		return;
	case ENTRY_DSYNC:
		on_meta(&(struct piece){e->offset, e->length, p});
		return;
	case ENTRY_SYNC:
		on_sync();
		return;
	case ENTRY_SAID:
		on_said((const char *)p, e->length);
		return;
	case ENTRY_CUT:
		cannot("the file was cut: not in the model");
	}
	cannot("an entry of an unknown type");
}

static const unsigned char *
read_file(const char *path, size_t *n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0)
		cannot(path);
	*n = (size_t)st.st_size;
	p = mmap(NULL, max_of(*n, 1U), PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		cannot(path);
	close(fd);
	return p;
}

static void
prepare(const char *base, const char *scratch)
{
	const unsigned char *p;
	size_t n;

	p = read_file(base, &n);
	r.disk.p = must_alloc(IMAGE_MOST);
	put(&r.disk, 0, p, n);
	snprintf(r.file, sizeof r.file, "%s/state.mdb", scratch);
	r.fd = open(r.file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (r.fd < 0 || ftruncate(r.fd, IMAGE_MOST) != 0)
		cannot(r.file);
	r.state.p =
	    mmap(NULL, IMAGE_MOST, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	r.shared = mmap(NULL, sizeof *r.shared, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (r.state.p == MAP_FAILED || r.shared == MAP_FAILED)
		cannot("map");
}

/* What was written down must be what was done. */
static void
compare_end(const char *path)
{
	const unsigned char *p;
	size_t n;

	for (size_t i = 0; i < r.npieces; i++)
		put(&r.disk, r.piece[i].at, r.piece[i].p, r.piece[i].n);
	p = read_file(path, &n);
	if (n == r.disk.n && memcmp(p, r.disk.p, n) == 0)
		return;
	fprintf(stderr, "replay: the log does not end in %s\n", path);
	exit(2);
}

int
main(int argc, char **argv)
{
	const char *end = NULL;
	unsigned long least = 0;
	const unsigned char *log;
	size_t n, at = 0;
	int c;

	while ((c = getopt(argc, argv, "n:i:e:")) != -1) {
		if (c == 'n')
			least = strtoul(optarg, NULL, 10);
		else if (c == 'e')
			end = optarg;
		else if (c == 'i')
			r.ignore_every = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 64;
	}
	if (argc - optind != 3) {
		fprintf(stderr,
			"usage: replay [-n LEAST] [-i EVERY] [-e END] BASE LOG "
			"SCRATCH\n");
		return 64;
	}
	prepare(argv[optind], argv[optind + 2]);
	log = read_file(argv[optind + 1], &n);
	while (at + sizeof(struct entry) <= n) {
		struct entry e;

		memcpy(&e, log + at, sizeof e);
		at += sizeof e;
		if (e.length > ENTRY_MOST || e.length > n - at)
			cannot("the log is cut short");
		on_entry(&e, log + at);
		at += e.length;
		if (r.ignore_every != 0 && r.broken > 0)
			break; /* found out */
	}
	if (end != NULL)
		compare_end(end);
	printf("%lu states, %lu commits, %lu promises, %lu broken, %lu deaths; "
	       "%lu torn metas, %lu seen, %lu silent\n",
	       r.states, r.metas, r.promises.made, r.broken, r.died, r.torn,
	       r.torn_seen, r.torn_silent);
	return r.broken > 0 || r.torn_silent > 0 || r.states < least;
}
