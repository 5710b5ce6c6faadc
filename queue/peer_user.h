/*
 * peer_user - who is at the other end of a Unix socket: the kernel knows, and
 * /etc/passwd has the name.  No name service is asked: it could take its time.
 *
 * Source   unix(7), SO_PEERCRED
 */
#ifndef MTQ_PEER_USER_H
#define MTQ_PEER_USER_H

#include <sys/types.h>

#include "daemon/base.h"

enum { PEER_USER = 64 };

/* "unix:root"; "unix:12345" for a number without a name.  False: /etc/passwd
 * can't be read now (no descriptor is left): nobody is taken for somebody. */
bool peer_user_name(uid_t uid, char out[PEER_USER]) MUST_USE;
/* False: the same, or the kernel does not say. */
bool peer_user(int fd, char out[PEER_USER]) MUST_USE;

#endif
