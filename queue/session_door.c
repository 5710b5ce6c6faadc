#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/door.h"
#include "queue/session_private.h"

const struct source_settings *
session_source(const struct session *s)
{
	for (size_t i = 0; i < s->settings->nsources; i++)
		if (strcmp(s->settings->sources[i].title, s->source) == 0)
			return &s->settings->sources[i];
	return NULL;
}

static const struct listen_settings *
listener(const struct session *s)
{
	for (size_t i = 0; i < s->settings->nlistens; i++)
		if (strcmp(s->settings->listens[i].title, s->listener) == 0)
			return &s->settings->listens[i];
	return NULL;
}

void
session_who(struct session *s)
{
	struct door_client c = {.listen = listener(s),
				.tls = s->tls.on,
				.names = s->tls.names,
				.account = s->account};
	struct door_answer a;

	s->who_due = false;
	s->could_secure = s->could_authenticate = false;
	if (c.listen == NULL) { /* no longer: its sessions stay who they are */
		if (session_source(s) == NULL)
			s->source[0] = '\0';
		return;
	}
	memcpy(c.peer, s->peer, sizeof c.peer);
	door_who(s->settings, &c, &a);
	snprintf(s->source, sizeof s->source, "%s",
		 a.source != NULL ? a.source->title : "");
	s->could_secure = a.could_secure;
	s->could_authenticate = a.could_authenticate;
}

bool
session_door_mail(struct session *s)
{
	const struct listen_settings *l = listener(s);

	if (s->who_due)
		session_who(s);
	if (l != NULL && !s->tls.on &&
	    (l->tls == LISTEN_TLS_REQUIRED || s->could_secure)) {
		session_refuse(s, "MAIL",
			       "530 5.7.0 Must issue a STARTTLS command first");
		return false;
	}
	if (s->source[0] == '\0' && s->could_authenticate) {
		session_refuse(s, "MAIL", "530 5.7.0 Authentication required");
		return false;
	}
	return true;
}

enum session_step
session_door_end(struct session *s)
{
	(void)s;
	return SESSION_ACCEPT;
}
