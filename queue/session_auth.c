#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "queue/session_private.h"

static bool
is_loopback(const char *client)
{
	return strncmp(client, "127.", 4) == 0 || strcmp(client, "::1") == 0;
}

/* By the listener's name: its block of an older configuration is gone. */
void
session_auth_configure(struct session *s, const struct settings *all)
{
	struct session_auth *a = &s->auth;
	enum mechanism m;

	a->failures_most = all->guard.auth_failures_per_session;
	for (size_t i = 0; i < all->nlistens; i++) {
		const struct listen_settings *l = &all->listens[i];

		if (strcmp(l->title, s->listener) != 0)
			continue;
		a->offered = 0;
		a->insecure = l->insecure_auth && is_loopback(s->client);
		for (size_t j = 0; j < l->mechanism.n; j++)
			if (mechanism_parse(l->mechanism.item[j],
					    strlen(l->mechanism.item[j]), &m) &&
			    sasl_server_knows(m))
				a->offered |= 1U << m;
		return;
	}
}

static bool
exists(const struct session *s)
{
	return s->settings->accounts[0] != '\0' && s->auth.offered != 0;
}

static bool
offers(const struct session *s, enum mechanism m)
{
	return exists(s) && (s->tls.on || s->auth.insecure) &&
	       (s->auth.offered & 1U << m) != 0 &&
	       (m != MECHANISM_SCRAM_SHA_256_PLUS || s->tls.nbinding > 0);
}

void
session_auth_offer(struct session *s)
{
	char line[160] = "";
	size_t n = 0;

	for (int m = 0; m < MECHANISM_COUNT; m++)
		if (offers(s, (enum mechanism)m))
			n +=
			    (size_t)snprintf(line + n, sizeof line - n, " %s",
					     mechanism_name((enum mechanism)m));
	must(n < sizeof line);
	if (n > 0 && s->account[0] == '\0')
		session_say(s, "250-AUTH%s", line);
}

static void
drop(struct session *s)
{
	sasl_server_close(s->auth.exchange);
	s->auth.exchange = NULL;
	s->auth.proved = s->auth.gone = false;
	s->mode = MODE_COMMAND;
}

/* Too early, too late, twice, in clear: answered, false. */
static bool
may_begin(struct session *s)
{
	const char *why = NULL;

	if (!exists(s))
		why = "502 5.5.1 Error: not offered";
	else if (s->hello != HELLO_EHLO)
		why = "503 5.5.1 Error: send EHLO first";
	else if (s->mail)
		why = "503 5.5.1 Error: a message has begun";
	else if (s->account[0] != '\0')
		why = "503 5.5.1 Error: already authenticated";
	else if (!s->tls.on && !s->auth.insecure)
		why = s->limits.tls == LISTEN_TLS_OFF
			  ? "502 5.5.1 Error: not offered without TLS"
			  : "538 5.7.11 Encryption required for "
			    "authentication";
	if (why == NULL)
		return true;
	session_refuse(s, "AUTH", "%s", why);
	return false;
}

static bool
too_many(struct session *s)
{
	if (s->auth.failures < s->auth.failures_most)
		return false;
	session_refuse_close(s, "AUTH",
			     "421 4.7.0 %s Error: too many failed "
			     "authentications",
			     s->hostname);
	return true;
}

/* A line of the client's goes to the exchange. */
static enum session_step
take(struct session *s, const char *p, size_t n)
{
	if (sasl_server_take(s->auth.exchange, (struct text){p, n})) {
		s->mode = MODE_SASL_WAIT;
		return SESSION_SASL;
	}
	drop(s);
	session_refuse(s, "AUTH", "501 5.5.2 Error: that is not base64");
	return SESSION_MORE;
}

enum session_step
session_auth(struct session *s, const char *p, size_t n)
{
	size_t word = 0, arg;
	int m = 0;

	if (!may_begin(s) || too_many(s))
		return SESSION_MORE;
	while (word < n && p[word] != ' ')
		word++;
	for (arg = word; arg < n && p[arg] == ' ';)
		arg++;
	while (m < MECHANISM_COUNT &&
	       (strlen(mechanism_name((enum mechanism)m)) != word ||
		strncasecmp(p, mechanism_name((enum mechanism)m), word) != 0))
		m++;
	if (n == 0 || memchr(p + arg, ' ', n - arg) != NULL) {
		session_refuse(s, "AUTH", "501 5.5.4 Syntax: AUTH mechanism");
		return SESSION_MORE;
	}
	if (m == MECHANISM_COUNT || !offers(s, (enum mechanism)m)) {
		session_refuse(s, "AUTH",
			       "504 5.5.4 Unrecognized authentication type");
		return SESSION_MORE;
	}
	/* An empty response is none that any of ours begins with. */
	if (n - arg == 1 && p[arg] == '=') {
		session_refuse(s, "AUTH", "501 5.5.2 Error: an empty response");
		return SESSION_MORE;
	}
	s->auth.exchange =
	    sasl_server_open((enum mechanism)m, s->tls.binding, s->tls.nbinding,
			     offers(s, MECHANISM_SCRAM_SHA_256_PLUS));
	snprintf(s->auth.method, sizeof s->auth.method, "%s",
		 mechanism_name((enum mechanism)m));
	return take(s, p + arg, n - arg);
}

static void
succeed(struct session *s)
{
	snprintf(s->account, sizeof s->account, "%s",
		 sasl_server_name(s->auth.exchange));
	drop(s);
	session_who(s);
	session_say(s, "235 2.7.0 Authentication successful");
}

static void
answer_line(struct session *s, const char *p, size_t n, enum session_step *step)
{
	if (n == 1 && *p == '*') {
		drop(s);
		s->auth.failures++;
		session_refuse(s, "AUTH", "501 5.7.0 Authentication cancelled");
	} else if (!s->auth.proved) {
		*step = take(s, p, n);
	} else if (s->auth.gone) {
		drop(s);
		s->auth.failures++;
		session_refuse(s, "AUTH",
			       "535 5.7.8 Error: authentication failed");
	} else if (n == 0) {
		succeed(s);
	} else {
		drop(s);
		session_refuse(s, "AUTH",
			       "501 5.5.2 Error: nothing more was "
			       "asked");
	}
}

enum session_step
session_auth_line(struct session *s, const unsigned char *p, size_t *n)
{
	const unsigned char *lf = memchr(p, '\n', *n);
	size_t line = lf != NULL ? (size_t)(lf - p) + 1 : *n, all = *n;
	enum session_step step = SESSION_MORE;

	if (lf == NULL && line < SASL_SERVER_LINE) {
		*n = 0; /* the caller keeps it until the rest has come */
		return SESSION_MORE;
	}
	*n = line;
	if (line > SASL_SERVER_LINE || lf == NULL)
		session_refuse_close(s, "AUTH",
				     "500 5.5.6 Error: the line is too long");
	else if (line < 2 || p[line - 2] != '\r' ||
		 memchr(p, '\r', line - 2) != NULL ||
		 memchr(p, '\0', line) != NULL)
		session_refuse_close(
		    s, "AUTH",
		    "521 5.5.2 %s Error: bare CR, LF or NUL received",
		    s->hostname);
	else if (line < all) /* RFC 4954 4: it waits for our answer */
		session_refuse_close(s, "AUTH",
				     "503 5.5.1 Error: it must be the last "
				     "of a group");
	else
		answer_line(s, (const char *)p, line - 2, &step);
	return step;
}

struct sasl_server *
session_sasl(struct session *s)
{
	must(s->mode == MODE_SASL_WAIT);
	return s->auth.exchange;
}

void
session_sasl_done(struct session *s)
{
	struct sasl_server *x = s->auth.exchange;
	struct text said = sasl_server_said(x);

	must(s->mode == MODE_SASL_WAIT);
	switch (sasl_server_result(x)) {
	case SASL_SERVER_MORE:
		s->mode = MODE_SASL;
		session_say(s, "334 %.*s", (int)said.n, said.p);
		return;
	case SASL_SERVER_YES:
		s->auth.proved = said.n > 0;
		if (!s->auth.proved) {
			succeed(s);
			return;
		}
		/* SMTP has no place for it in the 235 (RFC 4954 4). */
		s->mode = MODE_SASL;
		session_say(s, "334 %.*s", (int)said.n, said.p);
		return;
	case SASL_SERVER_NO:
		s->errors++;
		session_say(s, "535 5.7.8 Error: authentication failed");
		break;
	case SASL_SERVER_BUSY:
		session_say(s, "454 4.7.0 Temporary authentication failure");
		break;
	}
	s->auth.failures++;
	drop(s);
}

const char *
session_account(const struct session *s)
{
	return s->account;
}

const char *
session_claims(const struct session *s)
{
	return s->auth.proved ? sasl_server_name(s->auth.exchange) : s->account;
}

const char *
session_auth_method(const struct session *s)
{
	return s->auth.method;
}

void
session_account_gone(struct session *s)
{
	s->auth.gone = true;
	if (!s->mail && !s->auth.proved)
		session_auth_reset(s);
}

void
session_auth_reset(struct session *s)
{
	if (!s->auth.gone)
		return;
	s->auth.gone = false;
	s->account[0] = '\0';
	session_who(s);
}

void
session_auth_free(struct session *s)
{
	sasl_server_close(s->auth.exchange);
}
