/*
 * confine_worker - what a worker may touch: the queue to read, the resolver's
 * files, certificates, Maildirs; the ports of its relays.
 *
 * Errors   a Maildir that can't be made is logged: its own mail waits, the
 *          other relays go on.
 */
#ifndef MTQ_CONFINE_WORKER_H
#define MTQ_CONFINE_WORKER_H

#include "daemon/err.h"
#include "daemon/settings.h"

bool confine_worker(const struct settings *s, struct err *e) MUST_USE;

#endif
