/*
 * sasl_server - one AUTH exchange, the server's side: a line in, a line out.
 * The only user of <gsasl.h> here.
 *
 * sasl_server_take is cheap and belongs to the loop; sasl_server_step may take
 * milliseconds (PBKDF2) and belongs to a thread of the pool.  In between nobody
 * else touches the exchange.  It knows no socket, no clock, no reply codes.
 *
 * Whether a name is known changes neither the steps nor their time, nor a word
 * of what the client is told; only sasl_server_reason, for our log, knows.
 *
 * Owner    a handle of libgsasl each, never used twice (CVE-2011-1720); secrets
 *          are wiped at sasl_server_close.
 * Bounded  SASL_SERVER_LINE octets a line, SASL_SERVER_STEPS steps.
 * Source   RFC 4954 4; 4616 (PLAIN), draft-murchison-sasl-login, 5802 and 7677
 *          (SCRAM), 9266 (tls-exporter).
 */
#ifndef MTQ_SASL_SERVER_H
#define MTQ_SASL_SERVER_H

#include "daemon/settings_auth.h"
#include "queue/accounts.h"

enum {
	SASL_SERVER_LINE = 12288, /* RFC 4954 4, with CRLF */
	SASL_SERVER_STEPS = 6,
	SASL_SERVER_NAME = 255,
	SASL_SERVER_BINDING = 64,
	SASL_SERVER_REASON = 100,
};

enum sasl_server_result {
	SASL_SERVER_MORE, /* 334 and what was said */
	SASL_SERVER_YES,
	SASL_SERVER_NO,
	SASL_SERVER_BUSY, /* not tried: too many failures before */
};

struct sasl_server;

/* Mechanisms that a listener may offer. */
bool sasl_server_knows(enum mechanism m) MUST_USE;
/* The binding of the connection, n 0: none.  `plus`: a mechanism that uses it
 * was offered, so a client that says we did not is being lied to (RFC 5802 6).
 */
struct sasl_server *sasl_server_open(enum mechanism m,
				     const unsigned char *binding, size_t n,
				     bool plus);
void sasl_server_close(struct sasl_server *x); /* wipes; NULL is fine */
/* The client's line, base64 (empty: none yet).  False: it is not base64. */
bool sasl_server_take(struct sasl_server *x, struct text line) MUST_USE;
/* A MAC of name and password, if the line has a password.  False: it has
 * none. */
bool sasl_server_tag(const struct sasl_server *x, struct text key,
		     unsigned char tag[MAC_SIZE]) MUST_USE;
/* This password has proved this stored key before.  True: it is in force, and
 * the next step says so in microseconds; `now_us` is the one of that step. */
bool sasl_server_presume(struct sasl_server *x, const struct accounts *a,
			 int64_t now_us,
			 const unsigned char stored[MAC_SIZE]) MUST_USE;
/* Which key was proved; valid at SASL_SERVER_YES. */
const unsigned char *sasl_server_stored(const struct sasl_server *x);
/* Will the next step say right or wrong? */
bool sasl_server_decides(const struct sasl_server *x) MUST_USE;
void sasl_server_step(struct sasl_server *x, const struct accounts *a,
		      int64_t now_us);
/* Instead of a step. */
void sasl_server_put_off(struct sasl_server *x, const char *reason);

enum sasl_server_result sasl_server_result(const struct sasl_server *x);
/* What goes behind 334, base64. */
struct text sasl_server_said(const struct sasl_server *x);
/* As the client gave it, "" before that. */
const char *sasl_server_name(const struct sasl_server *x);
const char *sasl_server_mechanism(const struct sasl_server *x);
/* Why not; for the log alone. */
const char *sasl_server_reason(const struct sasl_server *x);

/* A password as it is hashed (SASLprep, RFC 4013).  False: it is no text. */
bool sasl_server_prepare(const char *password, struct bytes *out) MUST_USE;

#endif
