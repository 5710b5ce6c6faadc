#include "admin/relay_test_box.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/relay_test_step.h"
#include "daemon/now.h"

/* False: errno.  Only the file that was made here is removed. */
static bool
try(const char *path)
{
	static const char words[] = "mtq relay test\n";
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int error = 0;

	if (fd < 0)
		return false;
	errno = EIO; /* a short write sets none */
	if (write(fd, words, sizeof words - 1) != (ssize_t)sizeof words - 1 ||
	    fsync(fd) != 0)
		error = errno;
	if (close(fd) != 0 && error == 0)
		error = errno;
	if (unlink(path) != 0 && error == 0)
		error = errno;
	errno = error;
	return error == 0;
}

/* A worker makes the folder with what is in it, but nothing above it. */
static bool
could_be_made(const char *dir)
{
	char *above = must_printf("%s/..", dir);
	char *slash;
	bool ok;

	if (access(dir, F_OK) != 0) { /* then its .. can't be asked for */
		memcpy(above, dir, strlen(dir) + 1);
		slash = strrchr(above, '/');
		if (slash != NULL)
			slash[slash == above] = '\0';
	}
	ok = access(above, W_OK | X_OK) == 0;
	free(above);
	return ok;
}

enum relay_test_end
relay_test_box(struct relay_test *t)
{
	const char *dir = t->relay->dir;
	const int64_t began_us = now_steady_us();
	char *tmp = must_printf("%s/tmp", dir);
	char *path = must_printf("%s/relay-test.%lld.%d", tmp,
				 (long long)t->now_us, (int)getpid());
	enum relay_test_end end = TEST_GOES;

	if (access(tmp, F_OK) != 0 && errno == ENOENT && could_be_made(dir)) {
		relay_test_tell(t->json, "maildir", STEP_NOTE,
				now_steady_us() - began_us,
				"%s is no Maildir yet: a worker makes it", dir);
		snprintf(t->why, sizeof t->why, "into %.900s, once it is made",
			 dir);
	} else if (try(path)) {
		relay_test_tell(
		    t->json, "maildir", STEP_OK, now_steady_us() - began_us,
		    "%s: a file was written, synced and removed", dir);
		snprintf(t->why, sizeof t->why, "into %.900s", dir);
	} else {
		snprintf(t->why, sizeof t->why, "%.900s: %s", dir,
			 strerror(errno));
		relay_test_tell(t->json, "maildir", STEP_NOT,
				now_steady_us() - began_us, "%s", t->why);
		end = TEST_OVER;
	}
	free(path);
	free(tmp);
	return end;
}
