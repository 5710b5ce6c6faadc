#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/roles_file.h"
#include "daemon/supervisor_private.h"

void
supervisor_write_roles(struct supervisor *v)
{
	struct role_line line[ROLES_FILE_MOST];
	int64_t ago = now_us() - now_steady_us();
	size_t n = 0;
	struct err e;

	for (size_t i = 0; i < v->nchildren; i++) {
		const struct child *c = &v->child[i];
		struct role_line *l = &line[n++];

		if (c->kind == ROLE_WORKER)
			snprintf(l->name, sizeof l->name, "worker/%u",
				 c->number);
		else
			snprintf(l->name, sizeof l->name, "%s",
				 role_name(c->kind));
		l->pid = (int)c->pid;
		snprintf(l->state, sizeof l->state, "%s",
			 child_state_word(c->state));
		l->since_us = c->start_us + ago;
		l->restarts = c->restarts;
	}
	if (!roles_file_write(v->settings->state_dir, line, n, &e))
		log_event(EVENT_NOTE, NULL, "%s", e.text);
}

/* The configuration in force, as text in a memory file nobody can change. */
static int
config_fd(const struct settings *s)
{
	int fd = memfd_create("mtq.conf", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct bytes b = {0};

	settings_print(s, false, &b);
	must(fd >= 0);
	must(write(fd, b.data, b.n) == (ssize_t)b.n);
	must(fcntl(fd, F_ADD_SEALS,
		   F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) ==
	     0);
	bytes_free(&b);
	return fd;
}

void
supervisor_configure(struct supervisor *v, struct child *c, int link)
{
	int fds[WIRE_MOST_FDS];
	struct bytes b = {0};
	unsigned n = 0;

	fds[n++] = config_fd(v->settings);
	switch (c->kind) {
	case ROLE_RECEIVER:
		for (size_t i = 0; i < v->listeners.n; i++)
			fds[n++] = v->listeners.fd[i];
		fds[n++] = v->bell_fd;
		break;
	case ROLE_SCHEDULER:
		fds[n++] = v->jobs_fd;
		fds[n++] = v->control_fd;
		fds[n++] = v->bell_fd;
		break;
	case ROLE_WORKER:
		if (link >= 0)
			fds[n++] = link;
		break;
	case ROLE_COUNT:
		break;
	}
	bytes_u32(&b, v->epoch);
	channel_send_fds(&c->channel, ROLE_CONFIG, &b, fds, n);
	close(fds[0]);
	bytes_free(&b);
}

static void
tell_started(struct supervisor *v)
{
	if (v->told_started || v->child[RECEIVER].state != CHILD_READY ||
	    v->child[SCHEDULER].state != CHILD_READY ||
	    v->child[FIRST_WORKER].state != CHILD_READY)
		return;
	v->told_started = true;
	log_event(EVENT_STARTED, NULL,
		  "started: mtq %s, instance %s, %zu listening addresses, "
		  "%zu workers; ready",
		  MTQ_VERSION, v->settings->instance, v->listeners.n,
		  v->nchildren - FIRST_WORKER);
	notify_send("READY=1\nSTATUS=serving");
}

static bool
role_frame(struct channel *ch, uint8_t type, const void *p, size_t n)
{
	struct child *c = container_of(ch, struct child, channel);
	struct supervisor *v = c->owner;

	switch (type) {
	case ROLE_READY:
		if (n != 4)
			return false;
		child_beat(c, now_steady_us());
		if (c->state == CHILD_STARTING)
			log_event(EVENT_ROLE_STARTED, NULL,
				  "%s serves, process %d", role_name(c->kind),
				  (int)c->pid);
		child_ready(c);
		supervisor_write_roles(v);
		tell_started(v);
		return true;
	case ROLE_BEAT:
		child_beat(c, now_steady_us());
		return n == 0;
	case ROLE_REFUSED:
		supervisor_secrets_refused(v, p, n, now_steady_us());
		return c->kind == ROLE_WORKER;
	default:
		return false;
	}
}

static void
role_gone(struct channel *ch, const char *why)
{
	struct child *c = container_of(ch, struct child, channel);

	(void)why; /* its end is told when it is reaped; a broken frame ends it
		    */
	if (c->pid > 0 && c->state != CHILD_STOPPING)
		kill(c->pid, SIGKILL);
}

static const struct channel_ops role_ops = {.frame = role_frame,
					    .gone = role_gone};

static void
channel_done(struct channel *ch)
{
	struct child *c = container_of(ch, struct child, channel);

	c->open = false;
}

static void
start_child(struct supervisor *v, struct child *c)
{
	char *path = must_printf("%s/mtq-%s", v->role_dir, role_name(c->kind));
	int pair[2] = {-1, -1}, link = -1;
	struct err e;
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		err_set(&e, ERR_SYSTEM, "socketpair: %m");
	else if (c->kind != ROLE_WORKER ||
		 (link = sockets_connect(v->jobs_path, &e)) >= 0)
		pid = child_exec(path, pair[1], &e);
	if (pair[1] >= 0)
		close(pair[1]);
	free(path);
	if (pid < 0) {
		log_event(EVENT_ROLE_ENDED, NULL, "%s", e.text);
		if (pair[0] >= 0)
			close(pair[0]);
		child_ended(c, now_steady_us(), EXIT_AGAIN);
	} else {
		channel_open(&c->channel, v->loop, pair[0], &role_ops);
		c->open = true;
		c->owner = v;
		child_started(c, pid, now_steady_us());
		supervisor_secrets_send(v, c);
		supervisor_configure(v, c, link);
	}
	if (link >= 0)
		close(link);
	supervisor_write_roles(v);
}

/* The scheduler makes and checks the database, so it comes first; workers and
 * the receiver follow when it serves. */
static bool
may_start(const struct supervisor *v, const struct child *c, int64_t now)
{
	if (c->kind == ROLE_WORKER && supervisor_secrets_wait(v) &&
	    now - v->start_us < TOKENS_WITHIN_US)
		return false;
	return v->stop == STOP_NOT && !c->open &&
	       (c->kind == ROLE_SCHEDULER ||
		v->child[SCHEDULER].state == CHILD_READY);
}

static void
finish(struct supervisor *v, int exit_code)
{
	for (size_t i = 0; i < v->nchildren; i++)
		if (v->child[i].pid > 0)
			kill(v->child[i].pid, SIGKILL);
	v->exit_code = exit_code;
	loop_stop(v->loop);
}

static void
reap(struct supervisor *v, struct child *c, int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	/* Workers end by themselves when the scheduler does. */
	bool asked = c->state == CHILD_STOPPING || v->stop != STOP_NOT;
	int pid = (int)c->pid;
	bool hope = child_ended(c, now_steady_us(), code);

	channel_close(&c->channel, channel_done);
	if (!asked && WIFSIGNALED(status))
		log_event(EVENT_ROLE_ENDED, NULL,
			  "%s, process %d, was ended by signal %d (%s)%s",
			  role_name(c->kind), pid, WTERMSIG(status),
			  strsignal(WTERMSIG(status)),
			  hope ? "; it is started again" : "");
	else if (!asked)
		log_event(EVENT_ROLE_ENDED, NULL,
			  "%s, process %d, ended with code %d%s",
			  role_name(c->kind), pid, code,
			  hope ? "; it is started again" : "");
	supervisor_write_roles(v);
	if (!hope && !asked)
		finish(v, code);
}

static void
reap_all(struct supervisor *v)
{
	for (size_t i = 0; i < v->nchildren; i++) {
		struct child *c = &v->child[i];
		int status;

		if (c->pid > 0 && waitpid(c->pid, &status, WNOHANG) == c->pid)
			reap(v, c, status);
	}
}

static void
tell_manager(struct supervisor *v, int64_t now)
{
	if (v->watchdog_ms == 0 ||
	    now - v->watchdog_us < (int64_t)v->watchdog_ms * 1000)
		return;
	v->watchdog_us = now;
	notify_send("WATCHDOG=1");
}

static void
on_tick(struct timer *t)
{
	struct supervisor *v = container_of(t, struct supervisor, tick);
	int64_t now = now_steady_us();

	timer_start(t, TICK_MS);
	tell_manager(v, now);
	reap_all(v);
	if (v->stop != STOP_NOT) {
		supervisor_drive_stop(v);
		return;
	}
	supervisor_secrets_tick(v, now);
	supervisor_files_tick(v, now);
	for (size_t i = 0; i < v->nchildren; i++) {
		struct child *c = &v->child[i];

		if (child_due(c, now) && may_start(v, c, now))
			start_child(v, c);
		else if (child_hangs(c, now, v->settings->watchdog_us)) {
			log_event(EVENT_ROLE_HUNG, NULL,
				  "%s, process %d, gave no sign of life; "
				  "it is killed",
				  role_name(c->kind), (int)c->pid);
			c->beat_us = now;
			kill(c->pid, SIGKILL);
		}
	}
}

static void
on_signal(void *arg, int signo)
{
	struct supervisor *v = arg;

	switch (signo) {
	case SIGCHLD:
		reap_all(v);
		break;
	case SIGHUP:
		if (v->stop == STOP_NOT)
			supervisor_reload(v);
		break;
	default: /* SIGTERM, SIGINT */
		if (v->stop != STOP_NOT) {
			finish(v, EXIT_DONE);
			break;
		}
		notify_send("STOPPING=1");
		supervisor_next_stage(v);
		break;
	}
}

static bool
open_sockets(struct supervisor *v, struct err *e)
{
	const struct sockets_set none = {.n = 0};

	v->bell_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (v->bell_fd < 0) {
		err_set(e, ERR_SYSTEM, "eventfd: %m");
		return false;
	}
	v->jobs_path = must_printf("%s/jobs.sock", v->settings->state_dir);
	v->jobs_fd = sockets_unix(v->jobs_path, 0600, e);
	if (v->jobs_fd < 0)
		return false;
	v->control_fd = sockets_unix(v->settings->control_path, 0660, e);
	return v->control_fd >= 0 &&
	       sockets_bind(v->settings, &none, &v->listeners, e);
}

struct supervisor *
supervisor_open(struct settings *s, const char *path, const char *role_dir,
		struct err *e)
{
	struct supervisor *v = must_alloc(sizeof *v);
	struct secrets *secrets;

	v->settings = s;
	v->run.fd = -1;
	v->path = must_strdup(path);
	v->role_dir = must_strdup(role_dir);
	v->watchdog_ms = notify_watchdog_ms();
	if (!supervisor_secrets_fetch(v, s, &secrets, e) || !open_sockets(v, e))
		return NULL; /* the caller ends the process */
	v->start_us = now_steady_us();
	supervisor_secrets_take(v, secrets, v->start_us);
	supervisor_files_doubts(v);
	return v;
}

static void
after_round(void *arg)
{
	struct supervisor *v = arg;

	for (size_t i = 0; i < v->nchildren; i++)
		if (v->child[i].open)
			channel_flush(&v->child[i].channel);
	log_flush();
}

int
supervisor_run(struct supervisor *v)
{
	int64_t now = now_steady_us();

	v->loop = loop_open();
	child_init(&v->child[RECEIVER], ROLE_RECEIVER, 0, now);
	child_init(&v->child[SCHEDULER], ROLE_SCHEDULER, 0, now);
	v->nchildren = FIRST_WORKER;
	supervisor_set_workers(v, (size_t)v->settings->workers);
	loop_signal(v->loop, SIGCHLD, on_signal, v);
	loop_signal(v->loop, SIGHUP, on_signal, v);
	loop_signal(v->loop, SIGTERM, on_signal, v);
	loop_signal(v->loop, SIGINT, on_signal, v);
	timer_open(v->loop, &v->tick, on_tick);
	timer_start(&v->tick, 1);
	loop_after(v->loop, after_round, v);
	loop_run(v->loop);
	run_done(&v->run);
	roles_file_remove(v->settings->state_dir);
	unlink(v->jobs_path);
	unlink(v->settings->control_path);
	log_flush();
	return v->exit_code;
}
