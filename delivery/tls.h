/*
 * tls - the client's side of TLS on a non-blocking socket.  The only user of
 * <gnutls/gnutls.h>.
 *
 * The certificate is checked inside the handshake, before a client certificate
 * or any octet of mail leaves, and again when a session is resumed.  TLS 1.2
 * and 1.3 only.
 *
 * Owner    a setup belongs to a relay (or a test run) and outlives its
 *          connections; a tls frees itself with tls_close, not the descriptor.
 * Time     an argument where a certificate's dates are looked at.
 */
#ifndef MTQ_TLS_H
#define MTQ_TLS_H

#include <sys/types.h>

#include "daemon/err.h"
#include "daemon/secret.h"
#include "delivery/certificate.h"
#include "delivery/policy.h"

/* What all connections to a relay share: CAs, our certificate, sessions.  The
 * trust is borrowed (many relays share the system's); NULL: no CA is known.
 * client_cert: path of a chain, "": none. */
struct tls_setup;
struct tls_setup *tls_setup_open(const struct trust *trust,
				 const char *client_cert,
				 const struct secret *client_key,
				 struct err *e) MUST_USE;
void tls_setup_free(struct tls_setup *s);
bool tls_setup_has_certificate(const struct tls_setup *s) MUST_USE;

struct tls_wish {
	enum policy_check check;
	struct certificate_names names; /* the first one is sent as SNI */
	const struct tlsa_set *tlsa;    /* CHECK_DANE */
	const char *key;                /* sessions: "host[address]:port" */
	int64_t now_s;
	bool unchecked; /* look, but take any certificate (relay test) */
};

enum tls_step { TLS_STEP_DONE, TLS_STEP_READ, TLS_STEP_WRITE, TLS_STEP_FAILED };

struct tls;
struct tls *tls_open(struct tls_setup *s, int fd, const struct tls_wish *w);
/* FAILED: tls_why says why, tls_finding whether it was the certificate. */
enum tls_step tls_handshake(struct tls *t);
const char *tls_why(const struct tls *t); /* cleaned */
const struct certificate_verdict *tls_finding(const struct tls *t);
/* As send and recv: -1 and EAGAIN, or -1 and another errno when it is over; 0
 * from tls_recv: it was closed. */
ssize_t tls_send(struct tls *t, const void *p, size_t n);
ssize_t tls_recv(struct tls *t, void *p, size_t n);
/* Octets, at most, that tls_send took when it said EAGAIN: their record may be
 * on its way in part; the next tls_send goes on with it. */
size_t tls_taken(const struct tls *t);
bool tls_pending(const struct tls *t); /* octets that no poll will tell of */
/* Says close_notify without waiting, keeps the session for the next one. */
void tls_close(struct tls *t);

bool tls_verified(const struct tls *t);
bool tls_resumed(const struct tls *t);
/* "TLS1.3", "TLS_AES_256_GCM_SHA384" */
const char *tls_version(const struct tls *t);
void tls_cipher(const struct tls *t, char *out, size_t size);
/* The chain the host sent; borrowed until tls_close. */
void tls_chain(const struct tls *t, struct chain *out);
/* Channel binding (RFC 9266 tls-exporter on TLS 1.3).  0: there is none. */
size_t tls_binding(const struct tls *t, unsigned char *out, size_t size);

#endif
