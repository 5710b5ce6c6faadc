/*
 * child - one supervised process: when to start it, when to give up on it, and
 * the exec itself.  The rules are pure; child_exec is the only thing that
 * touches the world.
 *
 * Unit     microseconds of the steady clock.
 */
#ifndef MTQ_CHILD_H
#define MTQ_CHILD_H

#include <sys/types.h>

#include "daemon/role.h"

enum {
	CHILD_DELAY_FIRST_MS = 100,
	CHILD_DELAY_MOST_MS = 5000,
	CHILD_GIVE_UP = 5, /* ends in a row before it was ever ready */
};
/* A process that lived so long has earned a quick restart. */
#define CHILD_SETTLED_US SECOND_US

enum child_state {
	CHILD_WAITING,  /* start it at start_us */
	CHILD_STARTING, /* runs, not ready yet */
	CHILD_READY,
	CHILD_STOPPING, /* was told to stop */
	CHILD_ENDED,    /* stays ended: it was told to stop, or hopeless */
};
const char *child_state_word(enum child_state s);

struct child {
	enum role_kind kind;
	unsigned number; /* of the worker */
	enum child_state state;
	pid_t pid;
	int64_t start_us; /* CHILD_WAITING: when; else: when it was started */
	int64_t beat_us;  /* the last sign of life */
	int64_t delay_us; /* before the next restart */
	unsigned restarts;
	unsigned unready; /* ends in a row without having been ready */
	bool open;        /* the channel is in use */
	struct channel channel;
	void *owner;
};

void child_init(struct child *c, enum role_kind kind, unsigned number,
		int64_t now_us);
bool child_due(const struct child *c, int64_t now_us);
void child_started(struct child *c, pid_t pid, int64_t now_us);
void child_ready(struct child *c);
void child_beat(struct child *c, int64_t now_us);
bool child_hangs(const struct child *c, int64_t now_us, int64_t watchdog_us);
/* It ended by itself.  False: hopeless, `exit_code` is what mtqd ends with. */
bool child_ended(struct child *c, int64_t now_us, int exit_code);

/* fork and exec of `path` with `fd` as descriptor 3, stderr kept, everything
 * else closed by CLOEXEC.  -1 on failure. */
pid_t child_exec(const char *path, int fd, struct err *e);

#endif
