#include "queue/session_presume.h"

#include <stdio.h>

#include "queue/session_private.h"

void
session_presume(struct session *s, const char *account)
{
	snprintf(s->account, sizeof s->account, "%s", account);
	session_who(s);
}
