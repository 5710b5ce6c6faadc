#include <string.h>
#include <strings.h>

#include "queue/session_private.h"

/* Commands of other times and of later issues. */
static const char *const not_offered[] = {"ETRN", "TURN", "ATRN",
					  "SEND", "SOML", "SAML"};
/* The words of another protocol that a browser can be made to speak to us
 * (attacks.md A13). */
static const char *const foreign_word[] = {
    "GET",     "POST",  "HEAD",  "PUT",     "DELETE",      "OPTIONS", "TRACE",
    "CONNECT", "PATCH", "Host:", "Cookie:", "User-Agent:", "Accept:"};
enum { TLS_HANDSHAKE = 0x16 }; /* RFC 8446 5.1 */

static bool
word_is(const char *p, size_t n, const char *word)
{
	return n == strlen(word) && strncasecmp(p, word, n) == 0;
}

static bool
word_among(const char *p, size_t n, const char *const *word, size_t nwords)
{
	for (size_t i = 0; i < nwords; i++)
		if (word_is(p, n, word[i]))
			return true;
	return false;
}

/* Commands that must be the last of a group (RFC 2920 3.1); before EHLO we
 * have not offered groups at all. */
static bool
must_be_last(const struct session *s, int v)
{
	if (v == VERB_QUIT)
		return false; /* what follows it is not read */
	return v == VERB_EHLO || v == VERB_HELO || v == VERB_DATA ||
	       v == VERB_AUTH || v == VERB_STARTTLS || s->hello != HELLO_EHLO;
}

/* One command line without its CRLF; `more`: octets came with it. */
static enum session_step
command(struct session *s, const char *p, size_t n, bool more)
{
	size_t nverb, arg;
	int v = 0;

	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] < 0x20 || p[i] == 0x7f) {
			session_refuse(s, "UNKNOWN",
				       "501 5.5.2 Error: control character in "
				       "a command");
			return SESSION_MORE;
		}
	for (nverb = 0; nverb < n && p[nverb] != ' ';)
		nverb++;
	for (arg = nverb; arg < n && p[arg] == ' ';)
		arg++;
	while (n > arg && p[n - 1] == ' ')
		n--;
	while (v < VERB_COUNT && !word_is(p, nverb, session_verb_word[v]))
		v++;
	if (word_among(p, nverb, foreign_word, countof(foreign_word)))
		session_refuse_close(s, "UNKNOWN",
				     "500 5.5.1 Error: this is SMTP");
	else if (more && must_be_last(s, v))
		session_refuse_close(
		    s, v < VERB_COUNT ? session_verb_word[v] : "UNKNOWN",
		    "503 5.5.1 Error: it must be the last command of a group");
	else if (v < VERB_COUNT)
		return session_execute(s, (enum session_verb)v, p + arg,
				       n - arg);
	else if (word_among(p, nverb, not_offered, countof(not_offered)))
		session_refuse(s, "UNKNOWN", "502 5.5.1 Error: not offered");
	else
		session_refuse(s, "UNKNOWN",
			       "500 5.5.2 Error: command not recognized");
	return SESSION_MORE;
}

static void
bare_command(struct session *s)
{
	session_refuse_close(s, "UNKNOWN",
			     "521 5.5.2 %s Error: bare CR, LF or NUL received",
			     s->hostname);
}

/* A line longer than any command: its rest is not looked at (RFC 5321
 * 4.5.3.1.4), but it must end as a line does. */
static void
skip_line(struct session *s, const unsigned char *p, size_t n, bool ended)
{
	bool cr = n >= 2 ? p[n - 2] == '\r' : s->resync_cr;

	if (ended && !cr) {
		bare_command(s);
		return;
	}
	s->resync_cr = !ended && p[n - 1] == '\r';
	s->resync = !ended;
	if (ended)
		session_refuse(s, "UNKNOWN",
			       "500 5.5.2 Error: the line is too long");
}

enum session_step
session_command_line(struct session *s, const unsigned char *p, size_t *n)
{
	const unsigned char *lf = memchr(p, '\n', *n);
	size_t line = lf != NULL ? (size_t)(lf - p) + 1 : *n, all = *n;

	if (p[0] == TLS_HANDSHAKE && !s->resync) {
		session_refuse_close(s, "UNKNOWN",
				     "500 5.5.1 Error: this is SMTP without "
				     "TLS");
		return SESSION_MORE;
	}
	if (s->resync || line > SESSION_LINE_MOST) {
		*n = line;
		skip_line(s, p, line, lf != NULL);
		return SESSION_MORE;
	}
	if (lf == NULL) {
		*n = 0; /* the caller keeps it until the rest has come */
		return SESSION_MORE;
	}
	*n = line;
	/* A bare LF, CR or NUL in it makes it two lines to somebody. */
	if (line < 2 || p[line - 2] != '\r' ||
	    memchr(p, '\r', line - 2) != NULL || memchr(p, '\0', line) != NULL)
		bare_command(s);
	else
		return command(s, (const char *)p, line - 2, line < all);
	return SESSION_MORE;
}
