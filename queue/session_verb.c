#include <string.h>

#include "queue/session_private.h"

const char *const session_verb_word[VERB_COUNT] = {
#define V(id) [VERB_##id] = #id,
    SESSION_VERBS(V)
#undef V
};

/* HELO's argument as it may stand in our Received field: what is no domain
 * loses what could end a field or a comment. */
static void
keep_helo(struct session *s, const char *p, size_t n)
{
	bool good = address_domain(p, n, false);

	for (size_t i = 0; i < n; i++) {
		bool plain = (p[i] >= '0' && p[i] <= '9') ||
			     (p[i] >= 'a' && p[i] <= 'z') ||
			     (p[i] >= 'A' && p[i] <= 'Z') ||
			     (p[i] != '\0' && strchr("-._:[]", p[i]) != NULL);

		s->helo[i] = good || plain ? p[i] : '?';
	}
	s->helo[n] = '\0';
}

static void
hello(struct session *s, enum session_verb v, const char *p, size_t n)
{
	if (n == 0 || n > ADDRESS_DOMAIN_MOST) {
		session_refuse(s, session_verb_word[v],
			       "501 5.5.4 Syntax: %s hostname",
			       session_verb_word[v]);
		return;
	}
	session_reset(s); /* RFC 5321 4.1.4 */
	keep_helo(s, p, n);
	s->hello = v == VERB_EHLO ? HELLO_EHLO : HELLO_HELO;
	if (v == VERB_HELO) {
		session_say(s, "250 %s", s->hostname);
		return;
	}
	session_say(s, "250-%s", s->hostname);
	session_say(s, "250-PIPELINING");
	session_say(s, "250-SIZE %llu",
		    (unsigned long long)s->limits.size_bytes);
	session_say(s, "250-8BITMIME");
	if (s->tls_ready && !s->tls.on && s->limits.tls != LISTEN_TLS_OFF)
		session_say(s, "250-STARTTLS");
	session_auth_offer(s);
	session_say(s, "250-SMTPUTF8");
	session_say(s, "250-CHUNKING");
	session_say(s, "250-ENHANCEDSTATUSCODES");
	session_say(s, "250 DSN");
}

static void
data(struct session *s, size_t n)
{
	if (n > 0) {
		session_refuse(s, "DATA", "501 5.5.4 Syntax: DATA");
	} else if (!s->mail || s->bdat) {
		session_refuse(s, "DATA",
			       s->bdat ? "503 5.5.1 Error: BDAT has begun"
				       : "503 5.5.1 Error: need MAIL command");
	} else if (s->nrcpt == 0 && s->back.n == 0) {
		/* Who got 452 for each of them is not told 5xx now. */
		session_refuse(s, "DATA",
			       s->room == SESSION_NO_MEMORY
				   ? "452 4.3.1 Insufficient system storage"
				   : "554 5.5.1 Error: no valid recipients");
	} else {
		session_say(s, "354 End data with <CR><LF>.<CR><LF>");
		session_begin_message(s);
		s->mode = MODE_DATA;
	}
}

/* NOOP and its like cost us and bring no mail. */
static bool
too_idle(struct session *s, enum session_verb v)
{
	if (v == VERB_MAIL || v == VERB_RCPT || v == VERB_DATA ||
	    v == VERB_BDAT || v == VERB_QUIT)
		return s->idle_commands > s->limits.idle_commands;
	return ++s->idle_commands > s->limits.idle_commands;
}

enum session_step
session_execute(struct session *s, enum session_verb v, const char *p, size_t n)
{
	if (too_idle(s, v)) {
		session_refuse_close(
		    s, session_verb_word[v],
		    "421 4.7.0 %s Error: too many commands without mail",
		    s->hostname);
		return SESSION_MORE;
	}
	switch (v) {
	case VERB_EHLO:
	case VERB_HELO:
		hello(s, v, p, n);
		break;
	case VERB_MAIL:
		session_mail(s, p, n);
		break;
	case VERB_RCPT:
		session_rcpt(s, p, n);
		break;
	case VERB_DATA:
		data(s, n);
		break;
	case VERB_BDAT:
		return session_bdat_command(s, p, n);
	case VERB_RSET:
		session_reset(s);
		session_say(s, "250 2.0.0 Ok");
		break;
	case VERB_NOOP:
		session_say(s, "250 2.0.0 Ok");
		break;
	case VERB_VRFY: /* no oracle: RFC 5321 7.3 */
		session_say(s, "252 2.0.0 Send some mail, we'll try");
		break;
	case VERB_EXPN:
		session_refuse(s, "EXPN", "502 5.5.1 Error: not offered");
		break;
	case VERB_HELP:
		session_say(s, "214 2.0.0 See RFC 5321");
		break;
	case VERB_STARTTLS:
		return session_starttls(s, n);
	case VERB_AUTH:
		return session_auth(s, p, n);
	case VERB_QUIT:
		session_say(s, "221 2.0.0 Bye");
		s->quit = true;
		session_close(s);
		break;
	case VERB_COUNT:
		break;
	}
	return SESSION_MORE;
}
