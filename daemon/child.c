#include "daemon/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

const char *
child_state_word(enum child_state s)
{
	switch (s) {
	case CHILD_WAITING:
		return "waiting";
	case CHILD_STARTING:
		return "starting";
	case CHILD_READY:
		return "ready";
	case CHILD_STOPPING:
		return "stopping";
	case CHILD_ENDED:
		return "ended";
	}
	return "?";
}

void
child_init(struct child *c, enum role_kind kind, unsigned number,
	   int64_t now_us)
{
	*c = (struct child){.kind = kind,
			    .number = number,
			    .state = CHILD_WAITING,
			    .start_us = now_us,
			    .delay_us = CHILD_DELAY_FIRST_MS * 1000};
}

bool
child_due(const struct child *c, int64_t now_us)
{
	return c->state == CHILD_WAITING && now_us >= c->start_us;
}

void
child_started(struct child *c, pid_t pid, int64_t now_us)
{
	c->state = CHILD_STARTING;
	c->pid = pid;
	c->start_us = now_us;
	c->beat_us = now_us;
}

void
child_ready(struct child *c)
{
	if (c->state == CHILD_STARTING)
		c->state = CHILD_READY;
	c->unready = 0;
}

void
child_beat(struct child *c, int64_t now_us)
{
	c->beat_us = now_us;
}

bool
child_hangs(const struct child *c, int64_t now_us, int64_t watchdog_us)
{
	return (c->state == CHILD_STARTING || c->state == CHILD_READY) &&
	       now_us - c->beat_us > watchdog_us;
}

bool
child_ended(struct child *c, int64_t now_us, int exit_code)
{
	bool was_ready = c->state == CHILD_READY;

	c->pid = 0;
	if (c->state == CHILD_STOPPING) {
		c->state = CHILD_ENDED;
		return true;
	}
	c->unready = was_ready ? 0 : c->unready + 1;
	/* A configuration or a database that is wrong now will be wrong in a
	 * second; anything else may pass. */
	if (!was_ready && c->restarts == 0 &&
	    (exit_code == EXIT_CONFIG || exit_code == EXIT_SOFTWARE)) {
		c->state = CHILD_ENDED;
		return false;
	}
	if (c->unready >= CHILD_GIVE_UP &&
	    (exit_code == EXIT_CONFIG || exit_code == EXIT_SOFTWARE)) {
		c->state = CHILD_ENDED;
		return false;
	}
	if (now_us - c->start_us >= CHILD_SETTLED_US)
		c->delay_us = CHILD_DELAY_FIRST_MS * 1000;
	c->state = CHILD_WAITING;
	c->start_us = now_us + c->delay_us;
	c->delay_us =
	    min_of(c->delay_us * 2, (int64_t)CHILD_DELAY_MOST_MS * 1000);
	c->restarts++;
	return true;
}

pid_t
child_exec(const char *path, int fd, struct err *e)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash != NULL ? slash + 1 : path;
	char *const argv[] = {(char *)(uintptr_t)name, NULL};
	sigset_t all, old;
	pid_t pid;

	/* A signal handler of ours must not run in the child. */
	sigfillset(&all);
	must(sigprocmask(SIG_SETMASK, &all, &old) == 0);
	pid = fork();
	if (pid == 0) {
		for (int s = 1; s < NSIG; s++)
			signal(s, SIG_DFL);
		sigemptyset(&all);
		sigprocmask(SIG_SETMASK, &all, NULL);
		if (fd == ROLE_FD ? fcntl(fd, F_SETFD, 0) == 0
				  : dup2(fd, ROLE_FD) == ROLE_FD)
			execv(path, argv);
		_exit(127);
	}
	must(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	if (pid < 0)
		err_set(e, ERR_SYSTEM, "start %s: %m", name);
	return pid;
}
