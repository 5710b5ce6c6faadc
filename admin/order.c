#include "admin/order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	HEADER = 5, /* u32 length, u8 type: daemon/wire.h */
	ANSWER_MOST = 1024,
};

struct order {
	int fd;
	unsigned waiting; /* orders without an answer */
	struct bytes out;
	void (*answered)(void *arg, const struct control_answer *a);
	void *arg;
};

/* What a failed call means to the person. */
static bool
refuse(const char *what, int *code, struct err *e)
{
	switch (errno) {
	case ENOENT:
	case ECONNREFUSED:
		*code = EXIT_NO_DAEMON;
		err_set(e, ERR_SYSTEM,
			"mtqd is not running (%s: %m); only a running mtqd "
			"changes the queue",
			what);
		return false;
	case EACCES:
	case EPERM:
		*code = EXIT_NOPERM;
		err_set(e, ERR_SYSTEM,
			"%s: %m; root and mtqd's own user may change the queue",
			what);
		return false;
	case EAGAIN:
		*code = EXIT_AGAIN;
		err_set(e, ERR_SYSTEM,
			"no answer from mtqd in %d s; look with mtq status",
			ORDER_WAIT_S);
		return false;
	default:
		*code = EXIT_AGAIN;
		err_set(e, ERR_SYSTEM, "%s: %m", what);
		return false;
	}
}

static bool
limit_waits(int fd)
{
	const struct timeval limit = {.tv_sec = ORDER_WAIT_S};

	return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) ==
		   0 &&
	       setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) ==
		   0;
}

struct order *
order_open(const char *path, int *code, struct err *e)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct order *o;
	int fd;

	if (strlen(path) >= sizeof sa.sun_path) {
		errno = ENAMETOOLONG;
		refuse(path, code, e);
		return NULL;
	}
	memcpy(sa.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || !limit_waits(fd) ||
	    connect(fd, (struct sockaddr *)&sa, sizeof sa) != 0) {
		refuse(path, code, e);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	o = must_alloc(sizeof *o);
	o->fd = fd;
	return o;
}

void
order_close(struct order *o)
{
	if (o == NULL)
		return;
	close(o->fd);
	bytes_free(&o->out);
	free(o);
}

void
order_listen(struct order *o,
	     void (*answered)(void *arg, const struct control_answer *a),
	     void *arg)
{
	o->answered = answered;
	o->arg = arg;
}

static bool
write_all(struct order *o, int *code, struct err *e)
{
	size_t done = 0;

	while (done < o->out.n) {
		ssize_t n = send(o->fd, o->out.data + done, o->out.n - done,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
			errno = ECONNREFUSED;
		if (n < 0)
			return refuse("control socket", code, e);
		done += (size_t)n;
	}
	o->out.n = 0;
	return true;
}

static bool
read_all(struct order *o, void *p, size_t n, int *code, struct err *e)
{
	size_t done = 0;

	while (done < n) {
		ssize_t k = recv(o->fd, (char *)p + done, n - done, 0);

		if (k < 0 && errno == EINTR)
			continue;
		if (k == 0 || (k < 0 && errno == ECONNRESET)) {
			errno = ECONNREFUSED; /* it stopped meanwhile */
			k = -1;
		}
		if (k < 0)
			return refuse("control socket", code, e);
		done += (size_t)k;
	}
	return true;
}

static bool
read_answer(struct order *o, int *code, struct err *e)
{
	unsigned char head[HEADER], body[ANSWER_MOST];
	struct control_answer a;
	uint32_t n;

	if (!read_all(o, head, sizeof head, code, e))
		return false;
	n = get_le32(head);
	if (head[4] == CONTROL_DENIED) {
		errno = EPERM;
		return refuse("control socket", code, e);
	}
	if (n > sizeof body) {
		errno = EPROTO;
		return refuse("control socket", code, e);
	}
	if (!read_all(o, body, n, code, e))
		return false;
	if (head[4] != CONTROL_ANSWER || !control_answer_decode(&a, body, n)) {
		errno = EPROTO;
		return refuse("control socket", code, e);
	}
	must(o->waiting > 0);
	o->waiting--;
	if (o->answered != NULL)
		o->answered(o->arg, &a);
	return true;
}

bool
order_finish(struct order *o, int *code, struct err *e)
{
	if (!write_all(o, code, e))
		return false;
	while (o->waiting > 0)
		if (!read_answer(o, code, e))
			return false;
	return true;
}

/* The frame that was encoded behind its header at `at` is on its way. */
static bool
queued(struct order *o, size_t at, int *code, struct err *e)
{
	put_le32(o->out.data + at, (uint32_t)(o->out.n - at - HEADER));
	o->waiting++;
	return o->waiting < ORDER_AHEAD || order_finish(o, code, e);
}

static size_t
begin(struct order *o, enum control_frame type)
{
	unsigned char head[HEADER] = {[4] = (unsigned char)type};
	size_t at = o->out.n;

	bytes_add(&o->out, head, sizeof head);
	return at;
}

bool
order_send(struct order *o, const struct control_order *what, int *code,
	   struct err *e)
{
	size_t at = begin(o, CONTROL_ORDER);

	control_order_encode(&o->out, what);
	return queued(o, at, code, e);
}

bool
order_send_change(struct order *o, const struct control_change *what, int *code,
		  struct err *e)
{
	size_t at = begin(o, CONTROL_CHANGE);

	control_change_encode(&o->out, what);
	return queued(o, at, code, e);
}
