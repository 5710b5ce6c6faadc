#include "daemon/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/secret.h"

/* Cuts `text` at blanks, in place. */
static bool
cut(char *text, char *argv[RUN_WORDS_MOST + 1])
{
	size_t n = 0;

	for (char *p = text; *p != '\0';) {
		p += strspn(p, " ");
		if (*p == '\0')
			break;
		if (n == RUN_WORDS_MOST)
			return false;
		argv[n++] = p;
		p += strcspn(p, " ");
		if (*p != '\0')
			*p++ = '\0';
	}
	argv[n] = NULL;
	return n > 0;
}

/* In the child, up to its exec: async-signal-safe calls only. */
NORETURN static void
become(char *const argv[], int out, pid_t parent)
{
	sigset_t none;
	int null;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setpgid(0, 0); /* so that its own children can be ended with it */
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	null = open("/dev/null", O_RDWR);
	if (getppid() == parent && null >= 0 && dup2(null, 0) == 0 &&
	    dup2(out, 1) == 1 && dup2(null, 2) == 2) {
		if (null > 2)
			close(null);
		execv(argv[0], argv);
	}
	_exit(127);
}

bool
run_start(struct run *r, const char *command, int64_t now_us, struct err *e)
{
	char *text = must_strdup(command), *argv[RUN_WORDS_MOST + 1];
	int pair[2] = {-1, -1};
	pid_t self = getpid();
	sigset_t all, old;

	*r = (struct run){.fd = -1,
			  .deadline_us = now_us + RUN_WITHIN_S * SECOND_US};
	if (!cut(text, argv)) {
		err_set(e, ERR_CONFIG, "it has over %d words", RUN_WORDS_MOST);
		goto out;
	}
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) != 0) {
		err_set(e, ERR_SYSTEM, "pipe: %m");
		goto out;
	}
	/* The program's own end must block as it expects. */
	must(fcntl(pair[1], F_SETFL, 0) == 0);
	sigfillset(&all);
	must(sigprocmask(SIG_SETMASK, &all, &old) == 0);
	r->pid = fork();
	if (r->pid == 0)
		become(argv, pair[1], self);
	must(sigprocmask(SIG_SETMASK, &old, NULL) == 0);
	close(pair[1]);
	if (r->pid < 0) {
		err_set(e, ERR_SYSTEM, "start it: %m");
		close(pair[0]);
		r->pid = 0;
		goto out;
	}
	r->fd = pair[0];
	r->out = must_alloc(RUN_OUTPUT_MOST + 1);
out:
	free(text);
	return r->pid > 0;
}

static void
end(struct run *r)
{
	r->killed = true;
	/* Its group is there only after it ran for a moment. */
	if (kill(-r->pid, SIGKILL) != 0)
		kill(r->pid, SIGKILL);
}

static void
drain(struct run *r)
{
	while (!r->too_much) {
		ssize_t n =
		    read(r->fd, r->out + r->n, RUN_OUTPUT_MOST + 1 - r->n);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		r->n += (size_t)n;
		r->too_much = r->n > RUN_OUTPUT_MOST;
	}
}

enum run_state
run_poll(struct run *r, int64_t now_us, struct err *e)
{
	int status;
	pid_t got;

	drain(r);
	if (!r->killed && (r->too_much || now_us >= r->deadline_us))
		end(r);
	got = waitpid(r->pid, &status, WNOHANG);
	if (got == 0 || (got < 0 && errno == EINTR))
		return RUN_BUSY;
	must(got == r->pid);
	drain(r); /* what it wrote between our last read and its end */
	r->pid = 0;
	if (r->too_much)
		err_set(e, ERR_PEER, "it printed over %d octets",
			RUN_OUTPUT_MOST);
	else if (r->killed)
		err_set(e, ERR_PEER, "it took over %d s", RUN_WITHIN_S);
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return RUN_OK;
	else if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		err_set(e, ERR_PEER, "it can't be started (code 127)");
	else if (WIFEXITED(status))
		err_set(e, ERR_PEER, "it ended with code %d",
			WEXITSTATUS(status));
	else
		err_set(e, ERR_PEER, "it was ended by signal %d",
			WTERMSIG(status));
	return RUN_FAILED;
}

void
run_done(struct run *r)
{
	int status;

	if (r->pid > 0) {
		end(r);
		while (waitpid(r->pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (r->fd >= 0)
		close(r->fd);
	if (r->out != NULL)
		secret_wipe(r->out, RUN_OUTPUT_MOST + 1);
	free(r->out);
	*r = (struct run){.fd = -1};
}
