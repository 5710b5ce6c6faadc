/*
 * sockets - the listening sockets that mtqd makes and holds, so that roles may
 * come and go while clients wait in the backlog.
 *
 * Owner    the caller closes the descriptors; all are close-on-exec and
 *          non-blocking.
 */
#ifndef MTQ_SOCKETS_H
#define MTQ_SOCKETS_H

#include "daemon/settings.h"

enum { SOCKETS_BACKLOG = 1024, SOCKETS_MOST = 60 };

int sockets_tcp(const struct socket_at *at, struct err *e);
/* A Unix stream socket; a stale one is replaced. */
int sockets_unix(const char *path, unsigned mode, struct err *e);
int sockets_connect(const char *path, struct err *e);

/* Every listening socket of a configuration, in the order of its addresses. */
struct sockets_set {
	int fd[SOCKETS_MOST];
	struct socket_at at[SOCKETS_MOST]; /* text is not kept */
	size_t n;
};
/* Takes over those of `old` with the same address and binds the others.  On
 * failure everything new is closed and `old` is as before. */
bool sockets_bind(const struct settings *s, const struct sockets_set *old,
		  struct sockets_set *out, struct err *e) MUST_USE;
/* Closes what `now` no longer has. */
void sockets_leave(const struct sockets_set *old,
		   const struct sockets_set *now);

#endif
