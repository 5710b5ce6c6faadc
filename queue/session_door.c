#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static struct door_client
client(const struct session *s)
{
	struct door_client c = {.listen = listener(s),
				.tls = s->tls.on,
				.names = s->tls.names,
				.account = s->account};

	memcpy(c.peer, s->peer, sizeof c.peer);
	return c;
}

void
session_who(struct session *s)
{
	const struct door_client c = client(s);
	struct door_answer a;

	s->who_due = false;
	s->could_secure = s->could_authenticate = false;
	if (c.listen == NULL) { /* no longer: its sessions stay who they are */
		if (session_source(s) == NULL)
			s->source[0] = '\0';
		return;
	}
	door_who(s->settings, &c, &a);
	snprintf(s->source, sizeof s->source, "%s",
		 a.source != NULL ? a.source->title : "");
	s->could_secure = a.could_secure;
	s->could_authenticate = a.could_authenticate;
}

static bool
takes_returns(const struct session *s)
{
	return s->returns != NULL &&
	       settings_returns_at(s->settings, s->listener);
}

bool
session_welcome(const struct session *s)
{
	return s->source[0] != '\0' || s->could_secure ||
	       s->could_authenticate || takes_returns(s);
}

void
session_refuse_nobody(struct session *s, const char *during)
{
	if (s->could_secure)
		session_refuse(s, during,
			       "530 5.7.0 Must issue a STARTTLS command first");
	else if (s->could_authenticate)
		session_refuse(s, during, "530 5.7.0 Authentication required");
	else
		session_refuse(s, during,
			       "550 5.7.1 Error: %s may not use this server",
			       s->client);
}

/* The listener may ask for it, or the source, which may be for listeners
 * without it too. */
static bool
has_tls(struct session *s, const struct listen_settings *l,
	const struct source_settings *source)
{
	const bool offered = l == NULL || l->tls != LISTEN_TLS_OFF;

	if (s->tls.on || ((l == NULL || l->tls != LISTEN_TLS_REQUIRED) &&
			  (source == NULL || !source->require_tls)))
		return true;
	session_refuse(s, "MAIL",
		       offered ? "530 5.7.0 Must issue a STARTTLS command first"
			       : "550 5.7.10 Error: this source needs TLS, "
				 "which is not offered here");
	return false;
}

bool
session_door_mail(struct session *s)
{
	const struct listen_settings *l = listener(s);
	const struct source_settings *source;

	if (s->who_due)
		session_who(s);
	source = session_source(s);
	if (!has_tls(s, l, source))
		return false;
	if (l != NULL && l->client_cert == CLIENT_CERT_REQUIRE &&
	    !s->tls.certified) {
		session_refuse(s, "MAIL",
			       "550 5.7.1 Error: a valid client certificate is "
			       "needed here");
		return false;
	}
	if (source == NULL && !takes_returns(s)) {
		session_refuse_nobody(s, "MAIL");
		return false;
	}
	return true; /* nobody is told at RCPT where it may not send */
}

bool
session_door_sender(struct session *s, struct text sender)
{
	const struct source_settings *source = session_source(s);

	if (source == NULL || door_sender(source, sender))
		return true;
	session_refuse(s, "MAIL",
		       "550 5.7.1 Error: this source may not send with that "
		       "envelope sender");
	return false;
}

void
session_door_begin(struct session *s)
{
	if (s->door == NULL)
		s->door = must_alloc(sizeof *s->door);
	s->door->verdict.words[0] = '\0';
	s->door->verdict.sandbox = false;
	door_header_begin(&s->door->header, session_source(s));
}

void
session_door_reset(struct session *s)
{
	free(s->door);
	s->door = NULL;
}

static enum session_step
refuse(struct session *s, const char *reply)
{
	session_note_verdict(s, s->door->verdict.words);
	/* Each cost the client a whole message: too many of them are no reason
	 * to throw out a server that has good mail too. */
	session_decline(s, "END-OF-MESSAGE", "%s", reply);
	session_reset(s);
	return SESSION_MORE;
}

/* All checks; false: the source is no more. */
static bool
check(struct session *s)
{
	const struct source_settings *source = session_source(s);
	const struct door_client c = client(s);
	const struct door_ask ask = {
	    .source = source,
	    .client = &c,
	    .header = &s->door->header,
	    .sender = {(const char *)s->texts.data + s->sender, s->nsender},
	    .type = s->type,
	    .dkim = session_dkim_result(s)};

	if (source == NULL)
		return false;
	session_type(s);
	door_check(&ask, &s->door->verdict);
	return true;
}

bool
session_door_shuts(struct session *s)
{
	const char *reply = s->door->verdict.reply;

	if (!check(s) || reply[0] != '5')
		return false;
	(void)refuse(s, reply);
	return true;
}

enum session_step
session_door_end(struct session *s)
{
	const char *reply = s->door->verdict.reply;

	if (!check(s)) /* a reload took it away */
		return refuse(s, "451 4.7.1 Error: the source that this "
				 "message began as is no more");
	if (reply[0] != '\0')
		return refuse(s, reply);
	if (session_shed(s)) {
		session_reset(s);
		return SESSION_MORE;
	}
	return SESSION_ACCEPT;
}
