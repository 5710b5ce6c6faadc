#include "daemon/roles_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "daemon/bytes.h"

enum { LINE_MOST = 256 };

bool
roles_file_write(const char *state_dir, const struct role_line *lines, size_t n,
		 struct err *e)
{
	char *path = must_printf("%s/mtqd.roles", state_dir);
	char *fresh = must_printf("%s/mtqd.roles.new", state_dir);
	FILE *f = fopen(fresh, "we");
	bool ok = f != NULL;

	for (size_t i = 0; ok && i < n; i++)
		ok = fprintf(f, "%s %d %s %" PRId64 " %u\n", lines[i].name,
			     lines[i].pid, lines[i].state, lines[i].since_us,
			     lines[i].restarts) > 0;
	if (f != NULL && fclose(f) != 0)
		ok = false;
	/* Not synced: it describes processes, which a crash ends. */
	if (!ok || rename(fresh, path) != 0) {
		err_set(e, ERR_SYSTEM, "%s: %m", path);
		ok = false;
	}
	free(path);
	free(fresh);
	return ok;
}

bool
roles_file_read(const char *state_dir, struct role_line lines[ROLES_FILE_MOST],
		size_t *n, struct err *e)
{
	char *path = must_printf("%s/mtqd.roles", state_dir);
	FILE *f = fopen(path, "re");
	char line[LINE_MOST];

	*n = 0;
	if (f == NULL && errno != ENOENT)
		err_set(e, ERR_SYSTEM, "%s: %m", path);
	free(path);
	if (f == NULL)
		return errno == ENOENT;
	while (*n < ROLES_FILE_MOST && fgets(line, sizeof line, f) != NULL) {
		struct role_line *l = &lines[*n];

		if (sscanf(line, "%31s %d %15s %" SCNd64 " %u", l->name,
			   &l->pid, l->state, &l->since_us, &l->restarts) == 5)
			(*n)++;
	}
	fclose(f);
	return true;
}

void
roles_file_remove(const char *state_dir)
{
	char *path = must_printf("%s/mtqd.roles", state_dir);

	unlink(path);
	free(path);
}

static int
read_pid(int fd)
{
	char text[64] = {0};
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	return n > 0 ? atoi(text) : 0;
}

static bool
write_owner(int fd, struct err *e)
{
	char boot[64] = "", text[160];
	int b = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = b < 0 ? 0 : read(b, boot, sizeof boot - 1);

	if (b >= 0)
		close(b);
	boot[n > 0 ? n : 0] = '\0';
	snprintf(text, sizeof text, "%d %s", (int)getpid(), boot);
	if (ftruncate(fd, 0) == 0 &&
	    pwrite(fd, text, strlen(text), 0) == (ssize_t)strlen(text))
		return true;
	err_set(e, ERR_SYSTEM, "write the lock: %m");
	return false;
}

bool
roles_lock(const char *state_dir, struct err *e)
{
	char *path = must_printf("%s/mtqd.lock", state_dir);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
	bool ok = false;

	if (fd < 0)
		err_set(e, ERR_SYSTEM, "%s: %m", path);
	else if (flock(fd, LOCK_EX | LOCK_NB) != 0)
		err_set(e, ERR_SYSTEM,
			"another mtqd (process %d) serves %s; stop it first",
			read_pid(fd), state_dir);
	else
		ok = write_owner(fd, e);
	free(path);
	if (!ok && fd >= 0)
		close(fd);
	return ok; /* fd stays open, and locked, until we end */
}

int
roles_daemon_pid(const char *state_dir)
{
	char *path = must_printf("%s/mtqd.lock", state_dir);
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int pid = 0;

	free(path);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0)
		pid = read_pid(fd);
	close(fd);
	return pid;
}
