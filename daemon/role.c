#include "daemon/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/jail.h"
#include "daemon/log.h"

enum {
	FILES_MOST = 65536,
	CONFIG_MOST = 8 << 20, /* octets of a configuration */
};

static const char *const names[ROLE_COUNT] = {
#define R(id, name, fds) [ROLE_##id] = name,
    ROLES(R)
#undef R
};
/* Log names people's tools know (facts: Postfix's words). */
static const char *const idents[ROLE_COUNT] = {
    [ROLE_RECEIVER] = "smtpd",
    [ROLE_SCHEDULER] = "qmgr",
    [ROLE_WORKER] = "smtp",
};

const char *
role_name(enum role_kind k)
{
	return names[k];
}

/* The configuration from its sealed memory file; fd is closed. */
static struct settings *
read_settings(int fd, struct err *e)
{
	struct bytes report = {0};
	struct settings *s = NULL;
	struct stat st;
	void *p;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_size <= 0 ||
	    st.st_size > CONFIG_MOST) {
		err_set(e, ERR_PEER, "mtqd sent no configuration");
		goto out;
	}
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED) {
		err_set(e, ERR_SYSTEM, "read the configuration: %m");
		goto out;
	}
	s = settings_parse("(mtqd)", p, (size_t)st.st_size, &report);
	munmap(p, (size_t)st.st_size);
	if (s == NULL)
		err_set(e, ERR_CONFIG, "mtqd's configuration: %.*s",
			(int)min_of(report.n, (size_t)400),
			(const char *)report.data);
out:
	bytes_free(&report);
	if (fd >= 0)
		close(fd);
	return s;
}

static void
tell(struct role *r, enum role_frame type)
{
	struct bytes b = {0};

	if (type == ROLE_READY)
		bytes_u32(&b, r->epoch);
	channel_send(&r->channel, (uint8_t)type, &b);
	bytes_free(&b);
}

static void
fail(struct role *r, const struct err *e)
{
	log_event(EVENT_FATAL, NULL, "%s: %s", names[r->kind], e->text);
	role_done(r, err_exit(e));
}

static bool
configure(struct role *r, const void *p, size_t n)
{
	struct reader in = reader_of(p, n);
	uint32_t epoch = read_u32(&in);
	struct settings *old = r->settings, *s;
	int fds[WIRE_MOST_FDS];
	unsigned nfds = 0;
	struct err e;

	if (!in.ok || in.p != in.end)
		return false;
	s = read_settings(channel_take_fd(&r->channel), &e);
	while ((fds[nfds] = channel_take_fd(&r->channel)) >= 0)
		nfds++;
	if (s == NULL) {
		fail(r, &e);
		return true;
	}
	r->settings = s;
	r->epoch = epoch;
	if (old != NULL) {
		r->ops->reload(r, old, fds, nfds);
		settings_free(old);
	} else if (!r->ops->start(r, fds, nfds, &e)) {
		fail(r, &e);
		return true;
	}
	tell(r, ROLE_READY);
	return true;
}

static bool
take_secrets(struct role *r)
{
	int fd = channel_take_fd(&r->channel);
	struct secrets *old = r->secrets, *s;
	struct err e;

	s = secrets_read(fd, &e);
	if (fd >= 0)
		close(fd);
	if (s == NULL) {
		fail(r, &e);
		return true;
	}
	r->secrets = s;
	if (r->settings != NULL && r->ops->secrets != NULL)
		r->ops->secrets(r);
	secrets_free(old);
	return true;
}

static bool
got_frame(struct channel *c, uint8_t type, const void *p, size_t n)
{
	struct role *r = container_of(c, struct role, channel);

	switch (type) {
	case ROLE_CONFIG:
		return configure(r, p, n);
	case ROLE_SECRETS:
		return r->kind != ROLE_SCHEDULER && n == 0 && take_secrets(r);
	case ROLE_STOP:
		if (!r->stopping) {
			r->stopping = true;
			if (r->settings == NULL)
				role_done(r, EXIT_DONE);
			else
				r->ops->stop(r);
		}
		return n == 0;
	default:
		return false;
	}
}

static void
mtqd_gone(struct channel *c, const char *why)
{
	struct role *r = container_of(c, struct role, channel);

	log_event(EVENT_FATAL, NULL, "%s: mtqd is gone: %s", names[r->kind],
		  why);
	role_done(r, EXIT_AGAIN);
}

static const struct channel_ops channel_ops = {.frame = got_frame,
					       .gone = mtqd_gone};

static void
on_beat(struct timer *t)
{
	struct role *r = container_of(t, struct role, beat);

	if (r->ops->alive == NULL || r->settings == NULL || r->ops->alive(r))
		tell(r, ROLE_BEAT);
	timer_start(t, ROLE_BEAT_MS);
}

static void
after_round(void *arg)
{
	struct role *r = arg;

	if (r->ops->after != NULL && r->settings != NULL)
		r->ops->after(r);
	channel_flush(&r->channel);
	log_flush();
}

void
role_done(struct role *r, int exit_code)
{
	r->exit_code = exit_code;
	loop_stop(r->loop);
}

void
role_refused(struct role *r, const char *relay)
{
	struct bytes b = {0};

	bytes_add_text(&b, relay);
	channel_send(&r->channel, ROLE_REFUSED, &b);
	bytes_free(&b);
}

int
role_main(enum role_kind kind, const struct role_ops *ops)
{
	struct role r = {.kind = kind, .ops = ops};
	struct err e;

	log_open(idents[kind]);
	if (fcntl(ROLE_FD, F_GETFD) < 0) {
		log_event(EVENT_FATAL, NULL,
			  "mtq-%s is started by mtqd, not by hand",
			  names[kind]);
		log_flush();
		return EXIT_USAGE;
	}
	if (!jail_begin(FILES_MOST, &e)) {
		log_event(EVENT_FATAL, NULL, "%s", e.text);
		log_flush();
		return EXIT_SOFTWARE;
	}
	/* mtqd decides when we stop; a terminal's ^C reaches the group. */
	must(signal(SIGINT, SIG_IGN) != SIG_ERR);
	must(signal(SIGHUP, SIG_IGN) != SIG_ERR);
	r.loop = loop_open();
	channel_open(&r.channel, r.loop, ROLE_FD, &channel_ops);
	timer_open(r.loop, &r.beat, on_beat);
	timer_start(&r.beat, 1);
	loop_after(r.loop, after_round, &r);
	loop_run(r.loop);
	channel_flush(&r.channel);
	log_flush();
	/* What is open goes with the process; the queue remembers. */
	return r.exit_code;
}
