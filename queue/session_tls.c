#include <string.h>

#include "queue/session_private.h"

void
session_offer_tls(struct session *s, bool ready)
{
	s->tls_ready = ready;
}

const char *
session_protocol(const struct session *s)
{
	/* RFC 6531 4.3 and RFC 3848: S is TLS, A is AUTH */
	static const char *const word[2][2][2] = {
	    {{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
	    {{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}}};

	if (s->hello != HELLO_EHLO)
		return "SMTP";
	return word[(s->flags & MESSAGE_SMTPUTF8) != 0][s->tls.on]
		   [s->account[0] != '\0'];
}

void
session_greet(struct session *s)
{
	s->greeted = true;
	session_say(s, "220 %s ESMTP mtq", s->hostname);
}

enum session_step
session_starttls(struct session *s, size_t n)
{
	if (s->limits.tls == LISTEN_TLS_OFF)
		session_refuse(s, "STARTTLS", "502 5.5.1 Error: not offered");
	else if (n > 0)
		session_refuse(s, "STARTTLS", "501 5.5.4 Syntax: STARTTLS");
	else if (s->tls.on)
		session_refuse(s, "STARTTLS",
			       "503 5.5.1 Error: TLS is on already");
	else if (s->mail)
		session_refuse(s, "STARTTLS",
			       "503 5.5.1 Error: a message has begun");
	else if (!s->tls_ready)
		session_refuse(s, "STARTTLS",
			       "454 4.7.0 TLS is not available now");
	else {
		session_say(s, "220 2.0.0 Ready to start TLS");
		s->mode = MODE_SECURE;
		return SESSION_STARTTLS;
	}
	return SESSION_MORE;
}

/* Whatever was said in clear may have been said by somebody on the way.  A user
 * of this host has said nothing: the kernel told who he is. */
void
session_secured(struct session *s, const struct session_tls *tls)
{
	session_reset(s);
	s->mode = MODE_COMMAND;
	s->hello = HELLO_NONE;
	s->helo[0] = '\0';
	if (!door_is_local(s->account))
		s->account[0] = '\0';
	s->resync = s->resync_cr = false;
	s->tls = *tls;
	s->tls.on = true;
	session_who(s);
	if (!s->greeted && !s->closing && !s->stopping)
		session_greet(s);
}
