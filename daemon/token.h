/*
 * token - an OAuth token that somebody else gives us: what a command printed,
 * until when it is good and when to ask again.  Pure.
 *
 * A command prints the token alone on one line, or a JSON object with
 * access_token (or token) and expires_in, as token endpoints answer
 * (RFC 6749 5.1).  A token alone is taken to be good for TOKEN_BARE_S.
 *
 * Unit     microseconds of the steady clock.
 * Source   docs/decisions/0008-secrets.md
 */
#ifndef MTQ_TOKEN_H
#define MTQ_TOKEN_H

#include "daemon/bytes.h"

enum {
	TOKEN_OUTPUT_MOST = 64 * 1024, /* octets a command may print */
	TOKEN_BARE_S = 600,            /* lifetime where none is told */
	TOKEN_LEAST_S = 30,            /* a shorter one is of no use */
	TOKEN_MOST_S = 86400,          /* a longer one is asked for daily */
	TOKEN_EARLY_S = 300,           /* asked for again before its end, */
				       /* but not in its first half */
	TOKEN_LOOK_S = 60,             /* a file is looked at again */
	TOKEN_PAUSE_FIRST_S = 5,       /* after a failure; then 10, 20, ... */
	TOKEN_PAUSE_MOST_S = 300,
	TOKEN_REFUSED_S = 60, /* a refused one is replaced no more often */
};

/* Where the token lies in what a command printed, unescaped in place; its
 * lifetime in seconds.  False: `why` says what is wrong, and nothing of it. */
bool token_parse(unsigned char *p, size_t n, struct text *out, int64_t *life_s,
		 char why[160]) MUST_USE;

/* When to ask, and whether what we have is still good. */
struct token_times {
	int64_t due_us;     /* ask at */
	int64_t expires_us; /* INT64_MIN: there is none */
	int64_t pause_s;    /* after the next failure */
	int64_t refused_us; /* when a refusal made us ask; INT64_MIN: never */
};
/* For a token that we have not (due at once). */
struct token_times token_begin(int64_t now_us);
/* life_s 0: it has no end we know of; look again after TOKEN_LOOK_S. */
void token_got(struct token_times *t, int64_t life_s, int64_t now_us);
void token_failed(struct token_times *t, int64_t now_us);
/* A server refused it.  False: it was asked for not long ago. */
bool token_refused(struct token_times *t, int64_t now_us);
bool token_expired(const struct token_times *t, int64_t now_us);

#endif
