/*
 * sink_tls - the sink's TLS, by GnuTLS: it must not be what is measured, so
 * tickets are given out and nothing is asked of the client.
 */
#ifndef MTQ_BENCH_SINK_TLS_H
#define MTQ_BENCH_SINK_TLS_H

#include <gnutls/gnutls.h>

#include "bench/tool.h"

static struct {
	gnutls_certificate_credentials_t pair;
	gnutls_priority_t priority;
	gnutls_datum_t ticket;
	uint64_t handshakes, resumed;
} tls;

static inline void
tls_check(int rc, const char *what)
{
	if (rc >= 0)
		return;
	fprintf(stderr, "sink: %s: %s\n", what, gnutls_strerror(rc));
	exit(2);
}

static inline void
tls_load(const char *chain, const char *key)
{
	tls_check(gnutls_certificate_allocate_credentials(&tls.pair), "memory");
	tls_check(gnutls_certificate_set_x509_key_file(tls.pair, chain, key,
						       GNUTLS_X509_FMT_PEM),
		  chain);
	tls_check(gnutls_priority_init(&tls.priority, "NORMAL", NULL),
		  "priority");
	tls_check(gnutls_session_ticket_key_generate(&tls.ticket), "ticket");
}

static inline gnutls_session_t
tls_start(int fd)
{
	gnutls_session_t s;

	tls_check(
	    gnutls_init(&s, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL),
	    "session");
	tls_check(gnutls_priority_set(s, tls.priority), "priority");
	tls_check(gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, tls.pair),
		  "credentials");
	tls_check(gnutls_session_ticket_enable_server(s, &tls.ticket),
		  "ticket");
	gnutls_transport_set_int(s, fd);
	return s;
}

/* 1: done, 0: later, -1: failed. */
static inline int
tls_shake(gnutls_session_t s)
{
	int rc = gnutls_handshake(s);

	if (rc == GNUTLS_E_SUCCESS) {
		tls.handshakes++;
		tls.resumed += gnutls_session_is_resumed(s) != 0;
		return 1;
	}
	return gnutls_error_is_fatal(rc) ? -1 : 0;
}

/* As recv(2).  s NULL: in clear. */
static inline ssize_t
tls_recv(gnutls_session_t s, int fd, void *p, size_t n)
{
	ssize_t got;

	if (s == NULL)
		return recv(fd, p, n, 0);
	got = gnutls_record_recv(s, p, n);
	if (got >= 0)
		return got;
	errno = gnutls_error_is_fatal((int)got) ? EIO : EAGAIN;
	return -1;
}

/* True: all of it. */
static inline bool
tls_send(gnutls_session_t s, int fd, const void *p, size_t n)
{
	return (s != NULL ? gnutls_record_send(s, p, n)
			  : send(fd, p, n, MSG_NOSIGNAL)) == (ssize_t)n;
}

#endif
