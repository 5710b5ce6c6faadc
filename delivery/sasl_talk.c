/* What the lines of AUTH may be and what follows from them (RFC 4954 4); the
 * mechanisms themselves are sasl.c's. */
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "delivery/sasl_private.h"

enum {
	/* "AUTH", the mechanism, the response, CRLF: RFC 5321 4.5.3.1.4.  A
	 * longer response waits for the server's empty challenge (RFC 4954
	 * 4). */
	COMMAND_MOST = 512,
	/* An echo of a secret is known by so many octets in a row; what is
	 * shorter than the least stands in any text. */
	TELL_PIECE = 12,
	TELL_LEAST = 4,
};

static bool
server_first(enum mechanism m)
{
	return m == MECHANISM_LOGIN || m == MECHANISM_CRAM_MD5;
}

/* A secret that the mechanism can't carry: a NUL ends it in the middle, a
 * control character or a blank ends the token (RFC 6750 2.1). */
static const char *
unfit(const struct sasl *s)
{
	const struct secret *p = s->account.password, *t = s->account.token;

	if (s->m == MECHANISM_EXTERNAL)
		return NULL;
	if (s->account.user[0] == '\0')
		return "it needs a user";
	if (!sasl_is_oauth(s->m))
		return p == NULL || p->n == 0 ? "it needs a password"
		       : strlen(p->value) != p->n
			   ? "the password holds a NUL, which it can't carry"
			   : NULL;
	if (t == NULL || t->n == 0)
		return "it needs a token";
	for (size_t i = 0; i < t->n; i++)
		if (t->value[i] <= ' ' || t->value[i] > '~')
			return "the token holds an octet that no token has";
	return NULL;
}

bool
sasl_first(struct sasl *s, struct bytes *out, char why[160])
{
	const char *what = unfit(s);
	size_t had = out->n, most;

	must(s->state == S_NEW);
	if (what != NULL)
		return sasl_fail(s, why, what);
	if (server_first(s->m)) {
		s->state = S_GOING;
		return true;
	}
	if (!sasl_step(s, "", 0, out, why))
		return false;
	most =
	    COMMAND_MOST - strlen("AUTH  \r\n") - strlen(mechanism_name(s->m));
	if (out->n == had) {
		bytes_add_text(out, "=");
	} else if (out->n - had > most) {
		sasl_keep(&s->held, out->data + had, out->n - had);
		secret_wipe(out->data + had, out->n - had);
		out->n = had;
		s->after = s->state;
		s->state = S_HELD;
	}
	return true;
}

/* Keeps the error an OAuth server tells (RFC 7628 3.2.2) and answers as it
 * wants before it says 535. */
static bool
refused(struct sasl *s, const char *p, size_t n, struct bytes *out)
{
	(void)log_safe(p, n, s->error, sizeof s->error);
	if (sasl_told(s, s->error))
		(void)snprintf(s->error, sizeof s->error,
			       "the server's error repeats the token");
	s->state = S_REFUSED;
	if (s->m == MECHANISM_OAUTHBEARER)
		bytes_add_text(out, "AQ=="); /* one 0x01 */
	return true;
}

/* What is wrong with a challenge at this point; NULL: nothing. */
static const char *
untimely(const struct sasl *s, size_t n)
{
	if (s->state == S_HELD)
		return n == 0 ? NULL
			      : "the server spoke before it was its turn";
	if (s->state == S_GOING)
		/* Its HMAC would be over a text known before. */
		return s->m == MECHANISM_CRAM_MD5 && n == 0
			   ? "an empty challenge"
			   : NULL;
	if (s->state == S_OVER && sasl_is_oauth(s->m))
		return NULL;
	return "the server asks for more than there is";
}

static bool
answer(struct sasl *s, const char *p, size_t n, struct bytes *out,
       char why[SASL_WHY_SIZE])
{
	const char *what = untimely(s, n);

	if (what != NULL)
		return sasl_fail(s, why, what);
	if (s->state == S_HELD) {
		sasl_keep(out, s->held.data, s->held.n);
		sasl_forget(&s->held);
		s->state = s->after;
		return true;
	}
	if (s->state == S_OVER)
		return refused(s, p, n, out);
	return sasl_step(s, p, n, out, why);
}

bool
sasl_next(struct sasl *s, const char *challenge, size_t n, struct bytes *out,
	  char why[160])
{
	char *raw = NULL;
	size_t nraw = 0;
	bool ok;

	must(s->state != S_NEW);
	if (s->steps++ >= SASL_STEPS_MOST)
		return sasl_fail(s, why, "the server goes on asking");
	while (n > 0 && challenge[0] == ' ') {
		challenge++;
		n--;
	}
	while (n > 0 && challenge[n - 1] == ' ')
		n--;
	if (n > SASL_LINE_MOST)
		return sasl_fail(s, why, "the challenge is too long");
	if (!sasl_decode(challenge, n, &raw, &nraw))
		return sasl_fail(s, why, "the challenge is not base64");
	ok = answer(s, raw != NULL ? raw : "", nraw, out, why);
	sasl_free_raw(raw);
	return ok;
}

bool
sasl_proved(struct sasl *s, char why[160])
{
	if (s->state == S_OVER) {
		/* What remains is small, and sasl_told may want it for as long
		 * as the connection lives. */
		sasl_let_go(s);
		return true;
	}
	return sasl_fail(s, why,
			 sasl_is_scram(s->m)
			     ? "the server said yes and did not prove itself"
			     : "the server said yes before it could know us");
}

const char *
sasl_error(const struct sasl *s)
{
	return s->error;
}

/* Does `text` hold any TELL_PIECE octets in a row of p (or p, if shorter)? */
static bool
tells(const char *text, const void *p, size_t n)
{
	size_t ntext = strlen(text), piece = min_of(n, (size_t)TELL_PIECE);

	if (n < TELL_LEAST)
		return false;
	for (size_t i = 0; i + piece <= n; i++)
		if (memmem(text, ntext, (const char *)p + i, piece) != NULL)
			return true;
	return false;
}

/* Base64 of the secret as it stands in what we said: behind 0, 1 or 2 octets of
 * others in its group of three, without the digits it shares with them. */
static bool
tells_base64(const char *text, const struct secret *x, size_t before)
{
	struct bytes b = {0};
	size_t from = before + (before > 0), to = (before + x->n) * 8 / 6;
	bool found = false;
	char *b64;

	bytes_reserve(&b, before + x->n);
	bytes_add(&b, "\0\0", before);
	bytes_add(&b, x->value, x->n);
	b64 = sasl_encode((char *)b.data, b.n);
	if (b64 != NULL && to > from)
		found = tells(text, b64 + from, to - from);
	if (b64 != NULL)
		secret_wipe(b64, strlen(b64));
	sasl_free_raw(b64);
	sasl_forget(&b);
	return found;
}

static bool
tells_secret(const char *text, const struct secret *x)
{
	return x != NULL && x->n > 0 &&
	       (tells(text, x->value, x->n) || tells_base64(text, x, 0) ||
		tells_base64(text, x, 1) || tells_base64(text, x, 2));
}

bool
sasl_told(const struct sasl *s, const char *text)
{
	return tells_secret(text, s->account.password) ||
	       tells_secret(text, s->account.token);
}
