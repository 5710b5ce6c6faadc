#include "daemon/jail.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/zone.h"

enum { PATHS_MOST = 1280 };
/* A uid of 0 gives nothing any more, and none of this can be taken back. */
#define ROOT_IS_NOBODY                                                         \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |       \
	 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |             \
	 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

/* No program that we start can have a capability again.  Only who may set
 * capabilities can say so; to the others no_new_privs says the same. */
static bool
bound_capabilities(void)
{
	if (prctl(PR_SET_SECUREBITS, ROOT_IS_NOBODY, 0, 0, 0) != 0)
		return errno == EPERM;
	for (unsigned long c = 0; c <= 63; c++)
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0)
			return errno == EINVAL; /* beyond the last one */
	return true;
}

static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct head = {
	    .version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
	       syscall(SYS_capset, &head, none) == 0;
}

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
	pid_t parent = getppid();
	struct rlimit open;

	if (getrlimit(RLIMIT_NOFILE, &open) != 0)
		goto fail;
	open.rlim_cur = open.rlim_max == RLIM_INFINITY || files < open.rlim_max
			    ? files
			    : open.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &open) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    !bound_capabilities() || !drop_capabilities() ||
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
	return jail_hide(e);
fail:
	err_set(e, ERR_SYSTEM, "confine the process: %m");
	return false;
}

bool
jail_close(const struct jail *j, struct err *e)
{
	struct jail_path path[PATHS_MOST];
	size_t n = 0;

	/* Every role reads the configuration again at a reload, and a day is
	 * not a day without its zone: libc would take UTC without a word. */
	path[n++] = (struct jail_path){ZONE_FILES, JAIL_READ, true};
	must(j->npaths < PATHS_MOST);
	for (size_t i = 0; i < j->npaths; i++)
		path[n++] = j->paths[i];
	return jail_fence(path, n, j->ports, j->nports, e) &&
	       jail_filter(j->who, e);
}

bool
jail_mtqd(struct err *e)
{
	const char *missing[] = {jail_fence_missing(), jail_filter_missing()};

	for (size_t i = 0; i < countof(missing); i++)
		if (missing[i] != NULL)
			log_event(EVENT_JAIL, NULL, "%s", missing[i]);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		err_set(e, ERR_SYSTEM, "confine mtqd: %m");
		return false;
	}
	return jail_hide(e) && jail_fence_signals(e) &&
	       jail_filter(JAIL_MTQD, e);
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
	if (!bound_capabilities() || initgroups(user, pw->pw_gid) != 0 ||
	    setresgid(pw->pw_gid, pw->pw_gid, pw->pw_gid) != 0 ||
	    setresuid(pw->pw_uid, pw->pw_uid, pw->pw_uid) != 0 ||
	    !drop_capabilities()) {
		err_set(e, ERR_SYSTEM, "become user %s: %m", user);
		return false;
	}
	if (pw->pw_uid != 0 && (setuid(0) == 0 || getuid() != pw->pw_uid)) {
		err_set(e, ERR_SYSTEM, "user %s could become root again", user);
		return false;
	}
	return true;
}
