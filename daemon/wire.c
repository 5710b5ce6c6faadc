#include "daemon/wire.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	HEADER = 5,             /* u32 length, u8 type */
	READ_MOST = 256 * 1024, /* octets of one read */
	READS_MOST = 16,        /* reads before others get their turn */
};

static void
end(struct channel *c, const char *why)
{
	if (c->dead)
		return;
	c->dead = true;
	watch_for(&c->watch, 0);
	c->ops->gone(c, why);
}

/* The other end takes nothing more.  What it said before still lies with us
 * and counts: it is read to its end, and only then is the peer gone. */
static void
deafen(struct channel *c)
{
	c->deaf = true;
	c->out.n = c->out_done = 0;
	shutdown(c->fd, SHUT_WR);
	watch_for(&c->watch, LOOP_READ);
}

/* Hands out every whole frame and keeps the rest. */
static void
take_frames(struct channel *c)
{
	size_t at = 0;

	while (!c->dead && c->in.n - at >= HEADER) {
		const unsigned char *p = c->in.data + at;
		size_t n = get_le32(p);

		if (n > WIRE_MOST) {
			end(c, "a frame over the limit");
			return;
		}
		if (c->in.n - at - HEADER < n)
			break;
		if (!c->ops->frame(c, p[4], p + HEADER, n)) {
			end(c, "a frame that breaks the protocol");
			return;
		}
		at += HEADER + n;
	}
	if (!c->dead)
		bytes_cut(&c->in, at);
}

static void
keep_fds(struct channel *c, struct msghdr *m)
{
	for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h != NULL;
	     h = CMSG_NXTHDR(m, h)) {
		size_t n;

		if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
			continue;
		n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(h) + i * sizeof fd, sizeof fd);
			if (c->nfds < WIRE_MOST_FDS)
				c->fds[c->nfds++] = fd;
			else
				close(fd);
		}
	}
}

/* One read; false when there is nothing more now. */
static bool
read_some(struct channel *c)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(WIRE_MOST_FDS * sizeof(int))];
	} control;
	struct iovec v;
	struct msghdr m = {.msg_iov = &v,
			   .msg_iovlen = 1,
			   .msg_control = control.room,
			   .msg_controllen = sizeof control.room};
	ssize_t n;

	bytes_reserve(&c->in, READ_MOST);
	v.iov_base = c->in.data + c->in.n;
	v.iov_len = READ_MOST;
	n = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			end(c, strerror(errno));
		return false;
	}
	keep_fds(c, &m);
	if (n == 0) {
		end(c, "the other end closed");
		return false;
	}
	c->in.n += (size_t)n;
	take_frames(c);
	return !c->dead && (size_t)n == READ_MOST;
}

static void
ready(struct watch *w, int events)
{
	struct channel *c = container_of(w, struct channel, watch);

	if (events & LOOP_WRITE)
		channel_flush(c);
	if (events & LOOP_READ)
		for (int i = 0; i < READS_MOST && !c->dead; i++)
			if (!read_some(c))
				break;
}

void
channel_open(struct channel *c, struct loop *l, int fd,
	     const struct channel_ops *ops)
{
	*c = (struct channel){.ops = ops, .fd = fd, .loop = l};
	watch_open(l, &c->watch, fd, ready);
	watch_for(&c->watch, LOOP_READ);
}

static void
add_header(struct bytes *b, uint8_t type, size_t n)
{
	must(n <= WIRE_MOST);
	bytes_u32(b, (uint32_t)n);
	bytes_u8(b, type);
}

void
channel_send(struct channel *c, uint8_t type, const struct bytes *payload)
{
	size_t n = payload != NULL ? payload->n : 0;

	if (c->dead || c->deaf)
		return;
	if (c->out.n - c->out_done + n > WIRE_MOST_QUEUED) {
		deafen(c);
		return;
	}
	add_header(&c->out, type, n);
	if (n > 0)
		bytes_add(&c->out, payload->data, n);
}

void
channel_send_fds(struct channel *c, uint8_t type, const struct bytes *payload,
		 const int *fds, unsigned nfds)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(WIRE_MOST_FDS * sizeof(int))];
	} control = {.room = {0}};
	struct bytes b = {0};
	struct iovec v;
	struct msghdr m = {.msg_iov = &v, .msg_iovlen = 1};
	struct cmsghdr *h;
	ssize_t n;

	must(nfds > 0 && nfds <= WIRE_MOST_FDS);
	channel_flush(c);
	if (c->dead || c->deaf)
		return;
	add_header(&b, type, payload != NULL ? payload->n : 0);
	if (payload != NULL)
		bytes_add(&b, payload->data, payload->n);
	v.iov_base = b.data;
	v.iov_len = b.n;
	m.msg_control = control.room;
	m.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
	h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(nfds * sizeof(int));
	memcpy(CMSG_DATA(h), fds, nfds * sizeof(int));
	n = channel_empty(c) ? sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL)
			     : -1;
	if (n != (ssize_t)b.n)
		deafen(c);
	bytes_free(&b);
}

void
channel_flush(struct channel *c)
{
	while (!c->dead && !c->deaf && c->out_done < c->out.n) {
		ssize_t n =
		    send(c->fd, c->out.data + c->out_done,
			 c->out.n - c->out_done, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			watch_for(&c->watch, LOOP_READ | LOOP_WRITE);
			return;
		}
		if (n < 0) {
			deafen(c);
			return;
		}
		c->out_done += (size_t)n;
		if (c->out_done == c->out.n)
			watch_for(&c->watch, LOOP_READ);
	}
	if (c->out_done == c->out.n)
		c->out.n = c->out_done = 0;
}

bool
channel_empty(const struct channel *c)
{
	return !c->deaf && c->out_done == c->out.n;
}

int
channel_take_fd(struct channel *c)
{
	int fd;

	if (c->nfds == 0)
		return -1;
	fd = c->fds[0];
	c->nfds--;
	memmove(c->fds, c->fds + 1, c->nfds * sizeof c->fds[0]);
	return fd;
}

static void
watch_closed(struct watch *w)
{
	struct channel *c = container_of(w, struct channel, watch);

	close(c->fd);
	c->fd = -1;
	if (c->closed != NULL)
		c->closed(c);
}

void
channel_close(struct channel *c, void (*closed)(struct channel *c))
{
	c->dead = true;
	c->closed = closed;
	while (c->nfds > 0)
		close(channel_take_fd(c));
	bytes_free(&c->in);
	bytes_free(&c->out);
	c->out_done = 0;
	watch_close(&c->watch, watch_closed);
}
