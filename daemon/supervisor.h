/*
 * supervisor - mtqd's work once the configuration is read: starts the roles in
 * order, gives each what it needs, starts one again that dies, kills one that
 * hangs, passes reloads on and stops in the order in which mail flows.
 *
 * Source   docs/decisions/0003-exec-per-role.md
 */
#ifndef MTQ_SUPERVISOR_H
#define MTQ_SUPERVISOR_H

#include "daemon/sockets.h"

struct supervisor;

/* Everything that needs the starting user's rights: reads all secrets, binds
 * all sockets.  The
 * settings become the supervisor's; `path` is read again at a reload. */
struct supervisor *supervisor_open(struct settings *s, const char *path,
				   const char *role_dir, struct err *e);
/* Serves until it was told to stop or a role is hopeless; the exit code. */
int supervisor_run(struct supervisor *v);

#endif
