/*
 * sasl_private - an exchange as sasl.c (libgsasl's side) and sasl_talk.c (the
 * rules of RFC 4954) know it; for nobody else.
 */
#ifndef MTQ_SASL_PRIVATE_H
#define MTQ_SASL_PRIVATE_H

#include "delivery/sasl.h"

enum { SASL_WHY_SIZE = 160, SASL_ERROR_SIZE = 300 };

struct Gsasl;
struct Gsasl_session;

struct sasl {
	enum mechanism m;
	enum {
		S_NEW,     /* nothing was said */
		S_HELD,    /* the response was too long for the command */
		S_GOING,   /* the server has more to say */
		S_OVER,    /* we have nothing more to say or to check */
		S_REFUSED, /* an OAuth server told us its error */
		S_FAILED,
	} state,
	    after; /* HELD: what comes after it */
	unsigned steps;
	struct sasl_account account;
	struct Gsasl *g;
	struct Gsasl_session *x;
	struct bytes held;
	char why[100]; /* of a callback that refused */
	char error[SASL_ERROR_SIZE];
};

bool sasl_is_scram(enum mechanism m);
bool sasl_is_oauth(enum mechanism m);
/* libgsasl's part ends here: no step after it. */
void sasl_let_go(struct sasl *s);
/* Wipes and frees. */
void sasl_forget(struct bytes *b);
/* Appends without a copy left behind by growing. */
void sasl_keep(struct bytes *b, const void *p, size_t n);
/* False, always: the exchange is over, `why` says the mechanism and the text. */
bool sasl_fail(struct sasl *s, char why[SASL_WHY_SIZE], const char *text);
/* One step of libgsasl; our line in base64 goes to the end of *out. */
bool sasl_step(struct sasl *s, const char *in, size_t n, struct bytes *out,
	       char why[SASL_WHY_SIZE]) MUST_USE;
/* Decodes a challenge.  *raw is freed by sasl_free_raw; NULL when n is 0. */
bool sasl_decode(const char *p, size_t n, char **raw, size_t *nraw) MUST_USE;
/* NUL-terminated base64, for sasl_free_raw; NULL: no memory. */
char *sasl_encode(const char *p, size_t n) MUST_USE;
void sasl_free_raw(char *raw);

#endif
