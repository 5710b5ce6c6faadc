/*
 * session_presume - a session that goes on as if its client had authenticated:
 * for `mtq explain`, which has no password.  No role calls it.
 */
#ifndef MTQ_SESSION_PRESUME_H
#define MTQ_SESSION_PRESUME_H

#include "queue/session.h"

void session_presume(struct session *s, const char *account);

#endif
