#include "daemon/jail_fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of Linux 6.12; Debian 12's headers are of 6.1 and know half of it. */
#define RIGHT_REFER       (1ULL << 13)
#define RIGHT_TRUNCATE    (1ULL << 14)
#define RIGHT_IOCTL       (1ULL << 15)
#define RIGHT_TCP_BIND    (1ULL << 0)
#define RIGHT_TCP_CONNECT (1ULL << 1)
#define SCOPE_ABSTRACT    (1ULL << 0)
#define SCOPE_SIGNAL      (1ULL << 1)
#define RULE_PORT         2
#define FILE_READ         LANDLOCK_ACCESS_FS_READ_FILE
#define FILE_WRITE        (FILE_READ | LANDLOCK_ACCESS_FS_WRITE_FILE | RIGHT_TRUNCATE)
#define FOLDER_READ       (FILE_READ | LANDLOCK_ACCESS_FS_READ_DIR)
/* REFER: to move a file from one folder to another, as a Maildir's do from tmp
 * to new. */
#define FOLDER_WRITE                                                           \
	(FOLDER_READ | FILE_WRITE | LANDLOCK_ACCESS_FS_MAKE_REG |              \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |        \
	 RIGHT_REFER)
/* Every right of ABI 1, so that all are denied that no path allows. */
#define FIRST_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

/* What came with which version of Landlock. */
enum {
	ABI_REFER = 2,
	ABI_TRUNCATE = 3,
	ABI_TCP = 4,
	ABI_IOCTL = 5,
	ABI_SCOPE = 6,
};

/* As the kernel has it; older kernels take a shorter one, and a longer one if
 * the rest is zero. */
struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};
struct port_rule {
	uint64_t access;
	uint64_t port;
};

static long
version(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
		       LANDLOCK_CREATE_RULESET_VERSION);
}

const char *
jail_fence_missing(void)
{
	long abi = version();

	if (abi < 1)
		return "this kernel has no Landlock: files, ports and signals "
		       "are not fenced";
	if (abi < ABI_TCP)
		return "this kernel's Landlock knows files only: TCP ports "
		       "are not fenced";
	return NULL; /* signals: the filter of calls has them, too */
}

static bool
failed(const char *what, struct err *e)
{
	err_set(e, ERR_SYSTEM, "confine to %s: %m", what);
	return false;
}

static bool
allow_path(int fence, uint64_t handled, const struct jail_path *p,
	   struct err *e)
{
	struct landlock_path_beneath_attr a = {0};
	bool write = p->access == JAIL_WRITE, ok;
	struct stat st;

	a.parent_fd = open(p->path, O_PATH | O_CLOEXEC);
	if (a.parent_fd < 0) {
		if (p->optional && (errno == ENOENT || errno == ENOTDIR ||
				    errno == EACCES || errno == ELOOP))
			return true;
		err_set(e, ERR_SYSTEM, "%s: %m", p->path);
		return false;
	}
	if (fstat(a.parent_fd, &st) != 0) {
		ok = failed(p->path, e);
		goto out;
	}
	if (S_ISDIR(st.st_mode))
		a.allowed_access = write ? FOLDER_WRITE : FOLDER_READ;
	else
		a.allowed_access = write ? FILE_WRITE : FILE_READ;
	a.allowed_access &= handled;
	ok = syscall(SYS_landlock_add_rule, fence, LANDLOCK_RULE_PATH_BENEATH,
		     &a, 0) == 0 ||
	     failed(p->path, e);
out:
	close(a.parent_fd);
	return ok;
}

static bool
allow_port(int fence, uint16_t port, struct err *e)
{
	struct port_rule r = {RIGHT_TCP_CONNECT, port};

	return syscall(SYS_landlock_add_rule, fence, RULE_PORT, &r, 0) == 0 ||
	       failed("its ports", e);
}

static bool
close_fence(int fence, struct err *e)
{
	bool ok = syscall(SYS_landlock_restrict_self, fence, 0) == 0 ||
		  failed("its fence", e);

	close(fence);
	return ok;
}

bool
jail_fence(const struct jail_path *paths, size_t npaths, const uint16_t *ports,
	   size_t nports, struct err *e)
{
	struct ruleset r = {.fs = FIRST_RIGHTS};
	long abi = version();
	bool ok = true;
	int fence;

	if (abi < 1)
		return true;
	if (abi >= ABI_REFER)
		r.fs |= RIGHT_REFER;
	if (abi >= ABI_TRUNCATE)
		r.fs |= RIGHT_TRUNCATE;
	if (abi >= ABI_TCP)
		r.net = RIGHT_TCP_BIND | RIGHT_TCP_CONNECT;
	if (abi >= ABI_IOCTL)
		r.fs |= RIGHT_IOCTL;
	if (abi >= ABI_SCOPE)
		r.scoped = SCOPE_ABSTRACT | SCOPE_SIGNAL;
	fence = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof r, 0);
	if (fence < 0)
		return failed("its fence", e);
	for (size_t i = 0; ok && i < npaths; i++)
		ok = allow_path(fence, r.fs, &paths[i], e);
	for (size_t i = 0; ok && i < nports && r.net != 0; i++)
		ok = allow_port(fence, ports[i], e);
	if (!ok) {
		close(fence);
		return false;
	}
	return close_fence(fence, e);
}

/* Whatever it is about, a fence keeps files in their folders (REFER) unless it
 * says otherwise: a Maildir's could not go from tmp to new. */
bool
jail_fence_signals(struct err *e)
{
	struct ruleset r = {.fs = RIGHT_REFER, .scoped = SCOPE_SIGNAL};
	struct landlock_path_beneath_attr all = {.allowed_access = RIGHT_REFER};
	int fence;
	bool ok;

	if (version() < ABI_SCOPE)
		return true;
	fence = (int)syscall(SYS_landlock_create_ruleset, &r, sizeof r, 0);
	if (fence < 0)
		return failed("its fence", e);
	all.parent_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ok = all.parent_fd >= 0 &&
	     syscall(SYS_landlock_add_rule, fence, LANDLOCK_RULE_PATH_BENEATH,
		     &all, 0) == 0;
	if (!ok)
		failed("its fence", e);
	if (all.parent_fd >= 0)
		close(all.parent_fd);
	if (ok)
		return close_fence(fence, e);
	close(fence);
	return false;
}
