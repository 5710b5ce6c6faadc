#include "daemon/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/landlock.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/zone.h"

#define FILE_READ   LANDLOCK_ACCESS_FS_READ_FILE
#define FILE_WRITE  (FILE_READ | LANDLOCK_ACCESS_FS_WRITE_FILE)
#define FOLDER_READ (FILE_READ | LANDLOCK_ACCESS_FS_READ_DIR)
#define FOLDER_WRITE                                                           \
	(FOLDER_READ | FILE_WRITE | LANDLOCK_ACCESS_FS_MAKE_REG |              \
	 LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR)
/* Every right of ABI 1, so that all are denied that no path allows.  ABI 2 adds
 * REFER: without it no file can move from one folder to another, as a Maildir's
 * do from tmp to new. */
#define HANDLED ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
enum { ABI_WITH_REFER = 2 };

bool
jail_hide(struct err *e)
{
	struct rlimit none = {0, 0};

	if (setrlimit(RLIMIT_CORE, &none) == 0 &&
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
		return true;
	err_set(e, ERR_SYSTEM, "hide the process: %m");
	return false;
}

bool
jail_begin(uint64_t files, struct err *e)
{
	struct rlimit none = {0, 0}, open;
	pid_t parent = getppid();

	if (getrlimit(RLIMIT_NOFILE, &open) != 0)
		goto fail;
	open.rlim_cur = open.rlim_max == RLIM_INFINITY || files < open.rlim_max
			    ? files
			    : open.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &open) != 0 ||
	    setrlimit(RLIMIT_CORE, &none) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) != 0)
		goto fail;
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR ||
	    signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
		goto fail;
	umask(077);
	/* The parent may have died before PDEATHSIG was set. */
	if (getppid() != parent) {
		err_set(e, ERR_SYSTEM, "mtqd is gone");
		return false;
	}
	return true;
fail:
	err_set(e, ERR_SYSTEM, "confine the process: %m");
	return false;
}

static bool
allow(int ruleset, uint64_t handled, const struct jail_path *p, struct err *e)
{
	struct landlock_path_beneath_attr a = {0};
	struct stat st;
	bool ok = false;
	long rc;

	a.parent_fd = open(p->path, O_PATH | O_CLOEXEC);
	if (a.parent_fd < 0) {
		if (p->optional && (errno == ENOENT || errno == EACCES))
			return true;
		err_set(e, ERR_SYSTEM, "%s: %m", p->path);
		return false;
	}
	if (fstat(a.parent_fd, &st) != 0) {
		err_set(e, ERR_SYSTEM, "%s: %m", p->path);
		goto out;
	}
	if (S_ISDIR(st.st_mode))
		a.allowed_access =
		    p->access == JAIL_WRITE
			? FOLDER_WRITE | (handled & LANDLOCK_ACCESS_FS_REFER)
			: FOLDER_READ;
	else
		a.allowed_access =
		    p->access == JAIL_WRITE ? FILE_WRITE : FILE_READ;
	rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
		     &a, 0);
	ok = rc == 0;
	if (!ok)
		err_set(e, ERR_SYSTEM, "confine to %s: %m", p->path);
out:
	close(a.parent_fd);
	return ok;
}

bool
jail_close(const struct jail_path *paths, size_t n, struct err *e)
{
	const struct jail_path zones = {ZONE_FILES, JAIL_READ, true};
	struct landlock_ruleset_attr a = {.handled_access_fs = HANDLED};
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   LANDLOCK_CREATE_RULESET_VERSION);
	int ruleset;
	bool ok = true;

	if (abi >= ABI_WITH_REFER)
		a.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;

	if (abi < 1) {
		log_event(
		    EVENT_JAIL, NULL,
		    "this kernel has no Landlock: files are not confined");
		return true;
	}
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, sizeof a, 0);
	if (ruleset < 0) {
		err_set(e, ERR_SYSTEM, "confine the process: %m");
		return false;
	}
	/* Every role reads the configuration again at a reload, and a day is
	 * not a day without its zone: libc would take UTC without a word. */
	ok = allow(ruleset, a.handled_access_fs, &zones, e);
	for (size_t i = 0; ok && i < n; i++)
		ok = allow(ruleset, a.handled_access_fs, &paths[i], e);
	if (ok && syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) {
		err_set(e, ERR_SYSTEM, "confine the process: %m");
		ok = false;
	}
	close(ruleset);
	return ok;
}

bool
jail_drop(const char *user, struct err *e)
{
	const struct passwd *pw;

	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL) {
		err_set(e, ERR_CONFIG, "user %s: %s", user,
			errno != 0 ? "lookup failed" : "there is no such user");
		return false;
	}
	if (initgroups(user, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0) {
		err_set(e, ERR_SYSTEM, "become user %s: %m", user);
		return false;
	}
	if (pw->pw_uid != 0 && (setuid(0) == 0 || getuid() != pw->pw_uid)) {
		err_set(e, ERR_SYSTEM, "user %s could become root again", user);
		return false;
	}
	return true;
}
