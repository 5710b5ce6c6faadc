#include "queue/peer_user.h"

#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum { USERS_MOST = 10000 }; /* lines of /etc/passwd that are looked at */

bool
peer_user_name(uid_t uid, char out[PEER_USER])
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *p = NULL;
	int n = 0;

	if (f == NULL)
		return false;
	while (n++ < USERS_MOST && (p = fgetpwent(f)) != NULL &&
	       p->pw_uid != uid)
		;
	if (p != NULL && p->pw_uid == uid &&
	    strlen(p->pw_name) + sizeof "unix:" <= PEER_USER)
		snprintf(out, PEER_USER, "unix:%s", p->pw_name);
	else
		snprintf(out, PEER_USER, "unix:%u", (unsigned)uid);
	fclose(f);
	return true;
}

bool
peer_user(int fd, char out[PEER_USER])
{
	struct ucred who;
	socklen_t n = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &n) != 0)
		return false;
	return peer_user_name(who.uid, out);
}
