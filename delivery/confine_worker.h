/*
 * confine_worker - what a worker may touch: the queue to read, the resolver's
 * files, certificates, Maildirs; the ports of its relays.  Mail's own ports are always
 * among them: a relay that is new in a reload seldom has another one.
 *
 * Errors   a Maildir that can't be made is logged: its own mail waits, the
 *          other relays go on.
 */
#ifndef MTQ_CONFINE_WORKER_H
#define MTQ_CONFINE_WORKER_H

#include "daemon/err.h"
#include "daemon/settings.h"
#include "queue/confine.h"

/* What this process may touch from now on; NULL: e says why not. */
struct confine *confine_worker(const struct settings *s,
			       struct err *e) MUST_USE;
/* Could a process that was confined to `c` work with these settings? */
bool confine_worker_covers(const struct confine *c, const struct settings *s);

#endif
