/*
 * sasl - authenticating to a relay: which mechanism, and its steps.  The only
 * user of <gsasl.h>.
 *
 * XOAUTH2 and OAUTHBEARER are registered with libgsasl; DIGEST-MD5, NTLM,
 * GSSAPI and the like are not used.
 *
 * Owner    a sasl copies nothing: secrets stay with their owner until
 *          sasl_close.
 * Source   RFC 4954 4; RFC 4616, 5802, 7677, 7628, 4422 A.
 */
#ifndef MTQ_SASL_H
#define MTQ_SASL_H

#include "daemon/bytes.h"
#include "daemon/secret.h"
#include "daemon/settings_auth.h"

enum {
	SASL_LINE_MOST = 12288,     /* octets of a line, RFC 4954 4 */
	SASL_ROUNDS_LEAST = 4096,   /* RFC 7677 4; less is refused */
	SASL_ROUNDS_MOST = 1000000, /* the server picks them */
	SASL_STEPS_MOST = 8,
};

/* What the server offered behind AUTH. */
struct sasl_offer {
	bool has[MECHANISM_COUNT];
};
/* One EHLO line's words behind "AUTH " (or "AUTH="). */
void sasl_offer_line(struct sasl_offer *o, const char *p, size_t n);

struct sasl_account {
	const char *user;
	const struct secret *password; /* NULL: none */
	const struct secret *token;    /* NULL: none */
	const char *host;              /* OAUTHBEARER's host= */
	uint16_t port;
	bool certificate; /* we showed one: EXTERNAL is possible */
	/* tls-exporter; n 0: none */
	unsigned char binding[64];
	size_t nbinding;
};

/* The first of `a->order` that was offered and that this account can do.  On
 * false `why` says what was offered and what is missing. */
bool sasl_choose(const struct auth_settings *a, const struct sasl_offer *o,
		 const struct sasl_account *account, enum mechanism *out,
		 char why[160]) MUST_USE;

struct sasl;
/* NULL: libgsasl refuses. */
struct sasl *sasl_open(enum mechanism m, const struct sasl_account *account);
void sasl_close(struct sasl *s); /* wipes; NULL is fine */
/* The first line behind "AUTH MECHANISM": *out gets (at its end, as in
 * sasl_next) the initial response in base64 ("=" when it is empty), or nothing
 * when the server speaks first or the command would be too long.  The caller
 * wipes what it has sent. */
bool sasl_first(struct sasl *s, struct bytes *out, char why[160]) MUST_USE;
/* The text of a 334 (base64); *out gets our line.  False: the exchange can't go
 * on (say "*"). */
bool sasl_next(struct sasl *s, const char *challenge, size_t n,
	       struct bytes *out, char why[160]) MUST_USE;
/* The server said 235: is the exchange over, and did the server prove itself
 * where the mechanism asks for that (SCRAM)? */
bool sasl_proved(struct sasl *s, char why[160]) MUST_USE;
/* The error of an OAuth server, cleaned; "" if it told none. */
const char *sasl_error(const struct sasl *s);
/* Does a text of the server repeat a secret, as it is or in base64?  Then it
 * goes into no log and no record. */
bool sasl_told(const struct sasl *s, const char *text) MUST_USE;

#endif
