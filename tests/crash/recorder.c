/*
 * recorder - LD_PRELOADed into the processes of a run; writes down what they
 * do to the queue file and what they say to the world (tests/crash/record.h).
 *
 *	MTQ_RECORD_LOG	the log; without it nothing is recorded
 *	MTQ_RECORD_BREAK  "nosync": LMDB is opened with MDB_NOSYNC; "skip": every
 *			sync of the queue file returns at once.  Both are lies
 *			that the replay must find out.
 */
#include "tests/crash/record.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
	FDS_MOST = 4096, /* descriptors we can tell apart */
	SAID_MOST = 65536,
	LOG_FD = 1000,    /* out of the way of the program's own */
	NOSYNC = 0x10000, /* MDB_NOSYNC */
};
enum kind { OTHER, DATA, DATA_DSYNC };

static int log_fd = -1;
static bool skip_syncs, no_sync;
static unsigned char kind_of[FDS_MOST];

#define REAL(name)                                                             \
	__extension__({                                                        \
		static __typeof__(&name) real_;                                \
		if (real_ == NULL)                                             \
			real_ = (__typeof__(&name))dlsym(RTLD_NEXT, #name);    \
		real_;                                                         \
	})

static void
give_up(const char *what)
{
	static const char text[] = "recorder: can't go on: ";
	ssize_t n = REAL(write)(2, text, sizeof text - 1);

	n += REAL(write)(2, what, strlen(what));
	n += REAL(write)(2, "\n", 1);
	_exit(n > 0 ? 71 : 72);
}

__attribute__((constructor)) static void
begin(void)
{
	const char *path = getenv("MTQ_RECORD_LOG");
	const char *lie = getenv("MTQ_RECORD_BREAK");
	int fd;

	if (path == NULL)
		return;
	fd = REAL(open)(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		give_up(path);
	log_fd = fcntl(fd, F_DUPFD_CLOEXEC, LOG_FD);
	if (log_fd < 0)
		give_up("dup");
	REAL(close)(fd);
	no_sync = lie != NULL && strcmp(lie, "nosync") == 0;
	skip_syncs = lie != NULL && strcmp(lie, "skip") == 0;
}

/* The log must be whole or the test must fail: no error is swallowed. */
static void
enter(enum entry_type type, uint64_t offset, const struct iovec *iov, int n)
{
	struct entry e = {
	    .type = type, .pid = (uint32_t)getpid(), .offset = offset};
	struct iovec all[1 + 1024];
	int saved = errno;
	ssize_t want;

	if (log_fd < 0)
		return;
	if (n > 1024)
		give_up("too many pieces");
	all[0] = (struct iovec){&e, sizeof e};
	for (int i = 0; i < n; i++) {
		all[1 + i] = iov[i];
		e.length += iov[i].iov_len;
	}
	want = (ssize_t)(sizeof e + e.length);
	if (REAL(writev)(log_fd, all, 1 + n) != want)
		give_up("log");
	errno = saved;
}

static enum kind
kind(int fd)
{
	return fd >= 0 && fd < FDS_MOST ? (enum kind)kind_of[fd] : OTHER;
}

static int
opened(int fd, const char *path, int flags)
{
	static const char name[] = "/queue.mdb";
	size_t n = strlen(path);

	if (fd < 0 || fd >= FDS_MOST)
		return fd;
	kind_of[fd] = OTHER;
	if (n >= sizeof name - 1 &&
	    strcmp(path + n - (sizeof name - 1), name) == 0 &&
	    (flags & O_ACCMODE) != O_RDONLY)
		kind_of[fd] = (flags & O_DSYNC) == O_DSYNC ? DATA_DSYNC : DATA;
	return fd;
}

static void
data(int fd, uint64_t at, const struct iovec *iov, int n)
{
	enter(kind(fd) == DATA_DSYNC ? ENTRY_DSYNC : ENTRY_WRITE, at, iov, n);
}

/* Replies begin with a digit; frames between our own processes do not. */
static void
said(const struct iovec *iov, size_t n)
{
	static _Thread_local char text[SAID_MOST]; /* senders are threads */
	struct iovec one = {text, 0};

	if (log_fd < 0 || n == 0 || iov[0].iov_len < 4 ||
	    *(const char *)iov[0].iov_base < '2' ||
	    *(const char *)iov[0].iov_base > '5')
		return;
	for (size_t i = 0; i < n; i++) {
		size_t room = sizeof text - one.iov_len;
		size_t len = iov[i].iov_len < room ? iov[i].iov_len : room;

		memcpy(text + one.iov_len, iov[i].iov_base, len);
		one.iov_len += len;
	}
	if (memmem(text, one.iov_len, "queued as ", 10) != NULL ||
	    memmem(text, one.iov_len, "delivered as ", 13) != NULL)
		enter(ENTRY_SAID, 0, &one, 1);
}

int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return opened(REAL(open)(path, flags, mode), path, flags);
}

int
open64(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if (flags & (O_CREAT | __O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return opened(REAL(open)(path, flags, mode), path, flags);
}

int
close(int fd)
{
	if (fd >= 0 && fd < FDS_MOST)
		kind_of[fd] = OTHER;
	if (fd == log_fd && fd >= 0) { /* a program that closes everything */
		errno = EBADF;
		return -1;
	}
	return REAL(close)(fd);
}

ssize_t
pwrite(int fd, const void *p, size_t n, off_t at)
{
	struct iovec iov = {(void *)(uintptr_t)p, n};

	if (kind(fd) != OTHER)
		data(fd, (uint64_t)at, &iov, 1);
	return REAL(pwrite)(fd, p, n, at);
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off64_t at)
{
	return pwrite(fd, p, n, at);
}

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	if (kind(fd) != OTHER)
		data(fd, (uint64_t)lseek(fd, 0, SEEK_CUR), iov, n);
	else if (fd != log_fd && fd > 2 && n > 0)
		said(iov, (size_t)n);
	return REAL(writev)(fd, iov, n);
}

ssize_t
write(int fd, const void *p, size_t n)
{
	struct iovec iov = {(void *)(uintptr_t)p, n};

	if (kind(fd) != OTHER)
		data(fd, (uint64_t)lseek(fd, 0, SEEK_CUR), &iov, 1);
	else if (fd > 2)
		said(&iov, 1);
	return REAL(write)(fd, p, n);
}

ssize_t
send(int fd, const void *p, size_t n, int flags)
{
	struct iovec iov = {(void *)(uintptr_t)p, n};

	said(&iov, 1);
	return REAL(send)(fd, p, n, flags);
}

ssize_t
sendto(int fd, const void *p, size_t n, int flags, const struct sockaddr *to,
       socklen_t len)
{
	struct iovec iov = {(void *)(uintptr_t)p, n};

	said(&iov, 1);
	return REAL(sendto)(fd, p, n, flags, to, len);
}

ssize_t
sendmsg(int fd, const struct msghdr *m, int flags)
{
	said(m->msg_iov, m->msg_iovlen);
	return REAL(sendmsg)(fd, m, flags);
}

int
fdatasync(int fd)
{
	int rc;

	if (skip_syncs && kind(fd) != OTHER)
		return 0;
	rc = REAL(fdatasync)(fd);
	if (rc == 0 && kind(fd) != OTHER)
		enter(ENTRY_SYNC, 0, NULL, 0);
	return rc;
}

int
fsync(int fd)
{
	int rc;

	if (skip_syncs && kind(fd) != OTHER)
		return 0;
	rc = REAL(fsync)(fd);
	if (rc == 0 && kind(fd) != OTHER)
		enter(ENTRY_SYNC, 0, NULL, 0);
	return rc;
}

int
ftruncate(int fd, off_t n)
{
	if (kind(fd) != OTHER)
		enter(ENTRY_CUT, (uint64_t)n, NULL, 0);
	return REAL(ftruncate)(fd, n);
}

struct MDB_env;
int mdb_env_open(struct MDB_env *env, const char *path, unsigned flags,
		 mode_t mode);
int
mdb_env_open(struct MDB_env *env, const char *path, unsigned flags, mode_t mode)
{
	return REAL(mdb_env_open)(env, path, no_sync ? flags | NOSYNC : flags,
				  mode);
}
