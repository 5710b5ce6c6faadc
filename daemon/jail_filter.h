/*
 * jail_filter - the calls a process may still make, as a filter in the kernel.
 *
 * Refused   a role is refused (EPERM) what jail_calls.h does not name.  Calls
 *           younger than Linux 5.1 are "missing" (ENOSYS) instead: libraries
 *           ask for them first, clone3 for one, and know how to do without.
 * Killed    what only an intruder asks for ends the process with SIGSYS, and
 *           mtqd says which one it was and starts another.
 * Source    seccomp(2), linux/filter.h; docs/decisions/0018-least-privilege.md
 */
#ifndef MTQ_JAIL_FILTER_H
#define MTQ_JAIL_FILTER_H

#include "daemon/err.h"

/* Bits, as a call may be for several. */
enum jail_who {
	JAIL_MTQD = 1,
	JAIL_RECEIVER = 2,
	JAIL_SCHEDULER = 4,
	JAIL_WORKER = 8,
};

/* For good, for all threads, and for what it starts.  Needs no_new_privs. */
bool jail_filter(enum jail_who who, struct err *e) MUST_USE;
/* Why there is no filter here; NULL: there is one. */
const char *jail_filter_missing(void);

#endif
