/*
 * jail - a process gives up what it does not need.
 *
 * What it may open, connect to and signal is jail_fence.h, what it may ask of
 * the kernel at all jail_filter.h; capabilities are none.
 *
 * Source   docs/decisions/0018-least-privilege.md, capabilities(7), prctl(2)
 * Errors   a step the kernel refuses is an error, except what the kernel does
 *          not have: mtqd says that once in the log (EVENT_JAIL).
 */
#ifndef MTQ_JAIL_H
#define MTQ_JAIL_H

#include "daemon/jail_fence.h"
#include "daemon/jail_filter.h"

/* What a role may touch. */
struct jail {
	enum jail_who who;
	const struct jail_path *paths; /* beside the time zones, to read */
	size_t npaths;
	const uint16_t *ports; /* TCP, to connect to */
	size_t nports;
};

/* First thing in every role: no_new_privs, no capabilities, not dumpable, core
 * size 0, SIGPIPE and SIGXFSZ ignored, umask 077, open files raised to `files`,
 * SIGTERM when the parent dies (with the getppid check). */
bool jail_begin(uint64_t files, struct err *e) MUST_USE;
/* Not dumpable, core size 0: what a command does of it, which has no parent. */
bool jail_hide(struct err *e) MUST_USE;
/* From here on only what `j` says, for good; call before the first thread
 * starts. */
bool jail_close(const struct jail *j, struct err *e) MUST_USE;
/* What mtqd does, which starts the roles and the administrator's commands:
 * hidden, no_new_privs, signals to its own only, calls without the worst. */
bool jail_mtqd(struct err *e) MUST_USE;
/* root -> user: initgroups, setresgid, setresuid, checked; no capability is
 * left, and no program we start can have one. */
bool jail_drop(const char *user, struct err *e) MUST_USE;

#endif
