/* load_tls - the client's side of TLS for load, unchecked: what is measured is
 * the server. */
#ifndef MTQ_BENCH_LOAD_TLS_H
#define MTQ_BENCH_LOAD_TLS_H

#include <gnutls/gnutls.h>

#include "bench/tool.h"

static gnutls_certificate_credentials_t load_tls_cred;

static inline gnutls_session_t
load_tls_open(int fd)
{
	gnutls_session_t s;

	if (load_tls_cred == NULL &&
	    gnutls_certificate_allocate_credentials(&load_tls_cred) != 0)
		tool_die("gnutls");
	if (gnutls_init(&s, GNUTLS_CLIENT | GNUTLS_NONBLOCK |
				GNUTLS_NO_SIGNAL) != 0 ||
	    gnutls_set_default_priority(s) != 0 ||
	    gnutls_credentials_set(s, GNUTLS_CRD_CERTIFICATE, load_tls_cred) !=
		0)
		tool_die("gnutls");
	gnutls_transport_set_int(s, fd);
	return s;
}

/* 1: done, 0: not yet, -1: failed. */
static inline int
load_tls_shake(gnutls_session_t s)
{
	int rc = gnutls_handshake(s);

	if (rc == 0)
		return 1;
	return gnutls_error_is_fatal(rc) ? -1 : 0;
}

/* As send and recv. */
static inline ssize_t
load_tls_send(gnutls_session_t s, const void *p, size_t n)
{
	ssize_t rc = gnutls_record_send(s, p, n);

	if (rc >= 0)
		return rc;
	errno = gnutls_error_is_fatal((int)rc) ? EPIPE : EAGAIN;
	return -1;
}

static inline ssize_t
load_tls_recv(gnutls_session_t s, void *p, size_t n)
{
	ssize_t rc = gnutls_record_recv(s, p, n);

	if (rc >= 0)
		return rc;
	errno = gnutls_error_is_fatal((int)rc) ? EPIPE : EAGAIN;
	return -1;
}

#endif
