#include "admin/relay_test_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/log.h"

/* poll(2) takes an int of milliseconds; the longest time a key allows fits. */
static int
ms_left(int64_t until_us)
{
	const int64_t left_us = until_us - now_steady_us();

	return left_us <= 0 ? 0 : (int)min_of(left_us / 1000 + 1, INT32_MAX);
}

/* True: the descriptor is ready, or broken, which the next call on it says. */
static bool
wait_for(struct relay_test_wire *w, short events, int64_t until_us,
	 const char *what)
{
	struct pollfd p = {.fd = w->fd, .events = events};
	int rc;

	do {
		int ms = ms_left(until_us);

		if (ms == 0) {
			snprintf(w->why, sizeof w->why,
				 "timed out, waiting for %s", what);
			return false;
		}
		rc = poll(&p, 1, ms);
	} while (rc == 0 || (rc < 0 && errno == EINTR));
	if (rc > 0)
		return true;
	snprintf(w->why, sizeof w->why, "poll: %s", strerror(errno));
	return false;
}

static bool
broken(struct relay_test_wire *w, const char *what)
{
	snprintf(w->why, sizeof w->why, "connection lost: %s, at %s",
		 strerror(errno), what);
	return false;
}

bool
relay_test_wire_open(struct relay_test_wire *w, const struct target *t,
		     int64_t within_us)
{
	const int64_t until_us = now_steady_us() + within_us;
	int error = 0, one = 1;
	socklen_t n = sizeof error;

	w->tls = NULL;
	w->at = w->n = 0;
	w->why[0] = '\0';
	w->fd = socket(t->sa.ss_family,
		       SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (w->fd < 0) {
		snprintf(w->why, sizeof w->why, "socket: %s", strerror(errno));
		return false;
	}
	(void)setsockopt(w->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
	if (connect(w->fd, (const struct sockaddr *)&t->sa, t->len) == 0)
		return true;
	if (errno != EINPROGRESS)
		error = errno;
	else if (!wait_for(w, POLLOUT, until_us, "the connection"))
		return false;
	else if (getsockopt(w->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error == 0)
		return true;
	snprintf(w->why, sizeof w->why, "%s", strerror(error));
	return false;
}

void
relay_test_wire_close(struct relay_test_wire *w)
{
	tls_close(w->tls);
	w->tls = NULL;
	if (w->fd >= 0)
		close(w->fd);
	w->fd = -1;
}

/* --- octets --------------------------------------------------------------- */

/* What is there goes to w->in, at least one octet. */
static bool
fill(struct relay_test_wire *w, int64_t until_us, const char *what)
{
	for (;;) {
		ssize_t n = w->tls != NULL
				? tls_recv(w->tls, w->in, sizeof w->in)
				: recv(w->fd, w->in, sizeof w->in, 0);

		if (n > 0) {
			w->at = 0;
			w->n = (size_t)n;
			return true;
		}
		if (n == 0) {
			snprintf(w->why, sizeof w->why,
				 "the host closed the connection instead of %s",
				 what);
			return false;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return broken(w, what);
		if (!(w->tls != NULL && tls_pending(w->tls)) &&
		    !wait_for(w, POLLIN, until_us, what))
			return false;
	}
}

bool
relay_test_wire_reply(struct relay_test_wire *w, const char *what,
		      void (*line)(void *arg, const char *p, size_t n),
		      void *arg, int64_t within_us)
{
	const int64_t until_us = now_steady_us() + within_us;

	reply_begin(&w->reply);
	for (;;) {
		size_t n = w->n - w->at;
		enum reply_step step;

		if (n == 0 && !fill(w, until_us, what))
			return false;
		n = w->n - w->at;
		step = reply_feed(&w->reply, w->in + w->at, &n);
		w->at += n;
		switch (step) {
		case REPLY_MORE:
			break;
		case REPLY_LINE:
			if (line != NULL)
				line(arg, w->reply.line, w->reply.nline);
			break;
		case REPLY_WHOLE:
			if (line != NULL)
				line(arg, w->reply.line, w->reply.nline);
			return true;
		case REPLY_BAD:
			snprintf(w->why, sizeof w->why, "%s is not SMTP: %s",
				 what, w->reply.why);
			return false;
		}
	}
}

bool
relay_test_wire_write(struct relay_test_wire *w, const void *p, size_t n,
		      int64_t within_us)
{
	const int64_t until_us = now_steady_us() + within_us;
	const char *from = p;

	while (n > 0) {
		ssize_t done = w->tls != NULL
				   ? tls_send(w->tls, from, n)
				   : send(w->fd, from, n, MSG_NOSIGNAL);

		if (done >= 0) {
			from += done;
			n -= (size_t)done;
		} else if (errno == EAGAIN) {
			if (!wait_for(w, POLLOUT, until_us, "room to write"))
				return false;
		} else if (errno != EINTR) {
			return broken(w, "a command");
		}
	}
	return true;
}

bool
relay_test_wire_say(struct relay_test_wire *w, const char *command,
		    const char *what, int64_t within_us)
{
	const size_t n = strlen(command);
	struct bytes line = {0};
	bool ok;

	if (w->at < w->n) {
		snprintf(w->why, sizeof w->why,
			 "the host said more than it was asked, before %s",
			 what);
		return false;
	}
	/* In one write: a line in two segments waits for an acknowledgement. */
	bytes_reserve(&line, n + 2);
	bytes_add(&line, command, n);
	bytes_add(&line, "\r\n", 2);
	ok = relay_test_wire_write(w, line.data, line.n, within_us) &&
	     relay_test_wire_reply(w, what, NULL, NULL, within_us);
	secret_wipe(line.data, line.room);
	bytes_free(&line);
	return ok;
}

/* --- TLS ------------------------------------------------------------------ */

bool
relay_test_wire_secure(struct relay_test_wire *w, struct tls_setup *setup,
		       const struct tls_wish *wish, int64_t within_us)
{
	const int64_t until_us = now_steady_us() + within_us;
	const char *const what = "the TLS handshake";

	if (w->at < w->n) {
		snprintf(w->why, sizeof w->why,
			 "octets before the TLS handshake");
		return false;
	}
	w->tls = tls_open(setup, w->fd, wish);
	for (;;) {
		switch (tls_handshake(w->tls)) {
		case TLS_STEP_DONE:
			return true;
		case TLS_STEP_READ:
			if (!wait_for(w, POLLIN, until_us, what))
				return false;
			break;
		case TLS_STEP_WRITE:
			if (!wait_for(w, POLLOUT, until_us, what))
				return false;
			break;
		case TLS_STEP_FAILED:
			snprintf(w->why, sizeof w->why, "%s", tls_why(w->tls));
			return false;
		}
	}
}
