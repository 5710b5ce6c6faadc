/*
 * jail - a process gives up what it does not need.
 *
 * Source   landlock(7), prctl(2).  Where the kernel has no Landlock the jail
 *          is the rest; jail_close says so once in the log.
 * Errors   a step the kernel refuses is an error, except a missing Landlock.
 */
#ifndef MTQ_JAIL_H
#define MTQ_JAIL_H

#include "daemon/err.h"

enum jail_access { JAIL_READ, JAIL_WRITE }; /* WRITE includes READ */
struct jail_path {
	const char *path; /* a file or a folder with all below it */
	enum jail_access access;
	bool optional; /* need not exist */
};

/* First thing in every role: no_new_privs, not dumpable, core size 0, SIGPIPE
 * and SIGXFSZ ignored, umask 077, open files raised to `files`, SIGTERM when
 * the parent dies (with the getppid check). */
bool jail_begin(uint64_t files, struct err *e) MUST_USE;
/* Not dumpable, core size 0: what mtqd does of it, which has no parent. */
bool jail_hide(struct err *e) MUST_USE;
/* From here on only these paths, and time zones to read; call before the first thread starts. */
bool jail_close(const struct jail_path *paths, size_t n,
		struct err *e) MUST_USE;
/* root -> user: initgroups, setresgid, setresuid, checked. */
bool jail_drop(const char *user, struct err *e) MUST_USE;

#endif
