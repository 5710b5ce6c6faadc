#include "daemon/sockets.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Whoever may look into its folder may connect: the kernel says who it is. */
enum { SUBMIT_MODE = 0666 };

int
sockets_tcp(const struct socket_at *at, struct err *e)
{
	int family = at->sa.ss_family, one = 1;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		goto fail;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0)
		goto fail;
	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one) != 0)
		goto fail;
	if (bind(fd, (const struct sockaddr *)&at->sa, at->len) != 0 ||
	    listen(fd, SOCKETS_BACKLOG) != 0)
		goto fail;
	return fd;
fail:
	err_set(e, ERR_SYSTEM, "listen on %s: %m", at->text);
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool
unix_address(const char *path, struct sockaddr_un *sa, struct err *e)
{
	*sa = (struct sockaddr_un){.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof sa->sun_path) {
		err_set(e, ERR_CONFIG,
			"%s: a socket's path has at most %zu octets", path,
			sizeof sa->sun_path - 1);
		return false;
	}
	memcpy(sa->sun_path, path, strlen(path));
	return true;
}

/* A socket, or nothing: whatever else has this name is somebody's. */
static bool
is_ours(const char *path)
{
	struct stat st;

	return lstat(path, &st) != 0 || S_ISSOCK(st.st_mode);
}

int
sockets_unix(const char *path, unsigned mode, struct err *e)
{
	struct sockaddr_un sa;
	int fd;

	if (!unix_address(path, &sa, e))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		goto fail;
	if (!is_ours(path)) {
		errno = EEXIST;
		goto fail;
	}
	if (unlink(path) != 0 && errno != ENOENT)
		goto fail;
	if (bind(fd, (struct sockaddr *)&sa, sizeof sa) != 0 ||
	    chmod(path, mode) != 0 || listen(fd, SOCKETS_BACKLOG) != 0)
		goto fail;
	return fd;
fail:
	err_set(e, ERR_SYSTEM, "%s: %m", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

int
sockets_connect(const char *path, struct err *e)
{
	struct sockaddr_un sa;
	int fd;

	if (!unix_address(path, &sa, e))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, sizeof sa) == 0)
		return fd;
	err_set(e, ERR_SYSTEM, "%s: %m", path);
	if (fd >= 0)
		close(fd);
	return -1;
}

static int
find(const struct sockets_set *set, const struct socket_at *at)
{
	for (size_t i = 0; i < set->n; i++)
		if (set->at[i].len == at->len &&
		    memcmp(&set->at[i].sa, &at->sa, at->len) == 0)
			return set->fd[i];
	return -1;
}

bool
sockets_bind(const struct settings *s, const struct sockets_set *old,
	     struct sockets_set *out, struct err *e)
{
	*out = (struct sockets_set){.n = 0};
	for (size_t i = 0; i < s->nlistens; i++)
		for (size_t j = 0; j < s->listens[i].address.n; j++) {
			const struct socket_at *at =
			    &s->listens[i].address.at[j];
			int fd;

			if (out->n == SOCKETS_MOST) {
				err_set(e, ERR_CONFIG,
					"more than %d listening addresses",
					SOCKETS_MOST);
				goto fail;
			}
			fd = find(old, at);
			if (fd < 0)
				fd = net_unix_path(at) != NULL
					 ? sockets_unix(net_unix_path(at),
							SUBMIT_MODE, e)
					 : sockets_tcp(at, e);
			if (fd < 0)
				goto fail;
			out->fd[out->n] = fd;
			out->at[out->n++] = *at;
		}
	return true;
fail:
	sockets_leave(out, old);
	return false;
}

void
sockets_leave(const struct sockets_set *old, const struct sockets_set *now)
{
	for (size_t i = 0; i < old->n; i++)
		if (find(now, &old->at[i]) < 0)
			close(old->fd[i]);
}
