/*
 * roles_file - what mtqd tells `mtq status` about its processes, without either
 * of them asking the other: STATE_DIR/mtqd.roles, replaced by rename at every
 * change, and STATE_DIR/mtqd.lock, locked while an mtqd lives.
 *
 * Format   one line a process: NAME PID STATE SINCE_US RESTARTS
 *          STATE is starting, ready, stopping or waiting (to be restarted; PID
 *          is 0 then).  SINCE_US is the wall clock.
 */
#ifndef MTQ_ROLES_FILE_H
#define MTQ_ROLES_FILE_H

#include "daemon/err.h"

enum { ROLES_FILE_MOST = 64 }; /* processes */

struct role_line {
	char name[32];
	int pid;
	char state[16];
	int64_t since_us;
	unsigned restarts;
};

bool roles_file_write(const char *state_dir, const struct role_line *lines,
		      size_t n, struct err *e) MUST_USE;
/* *n is 0 when there is no file. */
bool roles_file_read(const char *state_dir,
		     struct role_line lines[ROLES_FILE_MOST], size_t *n,
		     struct err *e) MUST_USE;
void roles_file_remove(const char *state_dir);

/* Takes the lock for this process until it ends; writes its pid and the
 * kernel's boot id.  False: another mtqd has it (its pid is in the error). */
bool roles_lock(const char *state_dir, struct err *e) MUST_USE;
/* Process id of the living mtqd; 0 if none is running. */
int roles_daemon_pid(const char *state_dir);

#endif
