/*
 * tls_server - the server's side of TLS on a non-blocking socket.  With
 * delivery/tls.c the only user of <gnutls/gnutls.h>.
 *
 * TLS 1.2 and 1.3, forward secrecy and AEAD only; no renegotiation, no early
 * data.  The certificate is chosen by the name the client asks for (SNI, RFC
 * 6066 3), the first one for all others.  A client that offers protocols (ALPN,
 * RFC 7301) without "smtp" means another service and is refused (attacks.md
 * A13).
 *
 * A client's certificate never ends the handshake: the session decides what a
 * client without a good one may do.  Where certificates are asked for nothing
 * is resumed, so each connection shows one.
 *
 * Owner    a setup outlives its connections; a connection frees itself with
 *          tls_server_close, not the descriptor.
 * Memory   octets read ahead of the library (TLS_SERVER_AHEAD) only while there
 *          are some: an idle connection has none.
 * Time     an argument where a certificate's dates are looked at.
 */
#ifndef MTQ_TLS_SERVER_H
#define MTQ_TLS_SERVER_H

#include <sys/types.h>

#include "daemon/err.h"
#include "daemon/secret.h"
#include "queue/peer_certificate.h"

enum {
	TLS_SERVER_AHEAD = 32 * 1024, /* two records */
	TLS_SERVER_WORDS = 160,
	TLS_SERVER_CERTIFICATES = 64, /* CERTIFICATES_MOST */
	TLS_SERVER_BINDING = 64,
};

struct tls_server_setup;
struct tls_server_setup *tls_server_setup_open(void);
void tls_server_setup_free(struct tls_server_setup *s); /* takes NULL */
/* One more certificate (a chain, PEM) with its key; the first is the default. */
bool tls_server_certificate(struct tls_server_setup *s,
			    const struct secret *chain,
			    const struct secret *key, struct err *e) MUST_USE;
/* Clients are asked for a certificate of one of these CAs (PEM). */
bool tls_server_ask(struct tls_server_setup *s, const struct secret *ca,
		    struct err *e) MUST_USE;

enum tls_server_step {
	TLS_SERVER_DONE,
	TLS_SERVER_READ,  /* wait until the socket can be read */
	TLS_SERVER_WRITE, /* until it can be written */
	TLS_SERVER_FAILED
};

/* What a handshake has told. */
struct tls_server_told {
	char words[TLS_SERVER_WORDS]; /* "TLSv1.3 with cipher ..." */
	bool resumed;
	struct peer_certificate client; /* words "": it was asked for none */
	unsigned char binding[TLS_SERVER_BINDING]; /* RFC 9266 */
	size_t nbinding;                           /* 0: there is none */
};

struct tls_server;
struct tls_server *tls_server_open(struct tls_server_setup *s, int fd);
enum tls_server_step tls_server_handshake(struct tls_server *t);
const char *tls_server_why(const struct tls_server *t); /* FAILED; cleaned */
void tls_server_told(const struct tls_server *t, int64_t now_s,
		     struct tls_server_told *out);
/* As send and recv: -1 and EAGAIN, or -1 and another errno when it is over; 0
 * from tls_server_recv: it was closed.  After EAGAIN tls_server_send is called
 * again with octets that begin as those did. */
ssize_t tls_server_send(struct tls_server *t, const void *p, size_t n);
ssize_t tls_server_recv(struct tls_server *t, void *p, size_t n);
/* Octets are there that no poll will tell of. */
bool tls_server_pending(const struct tls_server *t);
void tls_server_bye(struct tls_server *t); /* close_notify, without waiting */
void tls_server_close(struct tls_server *t);

#endif
