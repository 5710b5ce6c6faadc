#include "queue/tls_server.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/log.h"
#include "queue/sni.h"

enum {
	REPEATS_MOST = 16,          /* records without data, in one call */
	HANDSHAKE_MOST = 64 * 1024, /* octets of one message of it */
	TICKETS_S = 2 * 60 * 60,    /* a session may be resumed so long */
	SERVER_NAME_MOST = 256,     /* with its NUL */
};
static const char PRIORITY[] =
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:"
    "-RSA:-DHE-RSA:-AES-128-CBC:-AES-256-CBC:-AES-128-CCM:-AES-256-CCM:"
    "-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:-SIGN-DSA-SHA1:%SERVER_PRECEDENCE";

struct tls_server_setup {
	gnutls_certificate_credentials_t cred;
	gnutls_priority_t priority;
	gnutls_datum_t ticket_key; /* the library derives new ones from it */
	struct trust *trust;       /* NULL: clients are asked for nothing */
	/* Each certificate alone, for names that only a wildcard of it is for;
	 * `cred` has all of them. */
	gnutls_certificate_credentials_t alone[TLS_SERVER_CERTIFICATES];
	unsigned nalone;
	struct sni names;
};

struct tls_server {
	struct tls_server_setup *setup;
	gnutls_session_t session;
	int fd;
	unsigned char *ahead; /* read, not yet taken by the library */
	size_t ahead_at, ahead_n;
	bool done;
	bool stuck; /* a record waits for the socket */
	bool broken;
	bool ended; /* nothing more can be read */
	char why[200];
};

/* --- setups ----------------------------------------------------------------- */

struct tls_server_setup *
tls_server_setup_open(void)
{
	struct tls_server_setup *s = must_alloc(sizeof *s);

	must(gnutls_certificate_allocate_credentials(&s->cred) == 0);
	must(gnutls_priority_init(&s->priority, PRIORITY, NULL) == 0);
	must(gnutls_session_ticket_key_generate(&s->ticket_key) == 0);
	return s;
}

void
tls_server_setup_free(struct tls_server_setup *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < s->nalone; i++)
		gnutls_certificate_free_credentials(s->alone[i]);
	sni_free(&s->names);
	gnutls_certificate_free_credentials(s->cred);
	gnutls_priority_deinit(s->priority);
	secret_wipe(s->ticket_key.data, s->ticket_key.size);
	gnutls_free(s->ticket_key.data);
	x509_trust_free(s->trust);
	free(s);
}

static gnutls_datum_t
datum(const struct secret *s)
{
	return (gnutls_datum_t){(unsigned char *)s->value, (unsigned)s->n};
}

/* Which names the (first) certificate is for. */
static void
add_names(struct tls_server_setup *s, const gnutls_datum_t *pem)
{
	gnutls_datum_t der = {NULL, 0};
	struct x509 *x;

	if (gnutls_pem_base64_decode2("CERTIFICATE", pem, &der) != 0)
		return;
	x = x509_load(der.data, der.size);
	if (x != NULL)
		sni_add(&s->names, x, s->nalone);
	x509_free(x);
	gnutls_free(der.data);
}

bool
tls_server_certificate(struct tls_server_setup *s, const struct secret *chain,
		       const struct secret *key, struct err *e)
{
	gnutls_datum_t c = datum(chain), k = datum(key);
	gnutls_certificate_credentials_t alone;
	int rc;

	must(s->nalone < TLS_SERVER_CERTIFICATES);
	must(gnutls_certificate_allocate_credentials(&alone) == 0);
	rc = gnutls_certificate_set_x509_key_mem2(s->cred, &c, &k,
						  GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc >= 0)
		rc = gnutls_certificate_set_x509_key_mem2(
		    alone, &c, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
	if (rc < 0) {
		err_set(e, ERR_CONFIG, "the certificate and its key: %s",
			gnutls_strerror(rc));
		gnutls_certificate_free_credentials(alone);
		return false;
	}
	add_names(s, &c);
	s->alone[s->nalone++] = alone;
	return true;
}

bool
tls_server_ask(struct tls_server_setup *s, const struct secret *ca,
	       struct err *e)
{
	x509_trust_free(s->trust);
	s->trust = x509_trust_memory(ca->value, ca->n, e);
	return s->trust != NULL;
}

/* --- the handshake ---------------------------------------------------------- */

/* One read from the kernel serves several of the library: it asks for a
 * record's header and its body one by one. */
static ssize_t
pull(gnutls_transport_ptr_t arg, void *p, size_t n)
{
	struct tls_server *t = arg;
	size_t k;

	if (t->ahead_n == 0) {
		ssize_t got;

		if (t->ahead == NULL)
			t->ahead = must_realloc(NULL, TLS_SERVER_AHEAD);
		got = recv(t->fd, t->ahead, TLS_SERVER_AHEAD, MSG_DONTWAIT);
		if (got <= 0) {
			gnutls_transport_set_errno(t->session, errno);
			return got;
		}
		t->ahead_at = 0;
		t->ahead_n = (size_t)got;
	}
	k = min_of(n, t->ahead_n);
	memcpy(p, t->ahead + t->ahead_at, k);
	t->ahead_at += k;
	t->ahead_n -= k;
	return (ssize_t)k;
}

/* The library never waits: what is not there comes later. */
static int
pull_timeout(gnutls_transport_ptr_t arg, unsigned ms)
{
	const struct tls_server *t = arg;

	(void)ms;
	return t->ahead_n > 0;
}

static void
drop_ahead(struct tls_server *t)
{
	if (t->ahead_n > 0)
		return;
	free(t->ahead);
	t->ahead = NULL;
}

/* The hello is read: the library will show the certificate with exactly the
 * name in it, or the first one. */
static int
on_hello(gnutls_session_t session)
{
	const struct tls_server *t = gnutls_session_get_ptr(session);
	char name[SERVER_NAME_MOST];
	size_t n = sizeof name;
	unsigned type, at;

	if (gnutls_server_name_get(session, name, &n, &type, 0) == 0 &&
	    type == GNUTLS_NAME_DNS && n < sizeof name &&
	    sni_find(&t->setup->names, name, n, &at) == SNI_WILDCARD)
		must(gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
					    t->setup->alone[at]) == 0);
	return 0;
}

struct tls_server *
tls_server_open(struct tls_server_setup *s, int fd)
{
	static const gnutls_datum_t smtp = {(unsigned char *)"smtp", 4};
	struct tls_server *t = must_alloc(sizeof *t);
	unsigned flags = GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;

	t->setup = s;
	t->fd = fd;
	if (s->trust != NULL)
		flags |= GNUTLS_NO_TICKETS;
	must(gnutls_init(&t->session, flags) == 0);
	gnutls_session_set_ptr(t->session, t);
	must(gnutls_priority_set(t->session, s->priority) == 0);
	must(gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE,
				    s->cred) == 0);
	must(gnutls_alpn_set_protocols(t->session, &smtp, 1,
				       GNUTLS_ALPN_MANDATORY) == 0);
	if (s->trust != NULL) {
		gnutls_certificate_server_set_request(t->session,
						      GNUTLS_CERT_REQUEST);
		/* It may be of a CA that we name in no list. */
		gnutls_certificate_send_x509_rdn_sequence(t->session, 1);
	} else {
		must(gnutls_session_ticket_enable_server(t->session,
							 &s->ticket_key) == 0);
		gnutls_db_set_cache_expiration(t->session, TICKETS_S);
	}
	if (s->names.n > 0)
		gnutls_handshake_set_post_client_hello_function(t->session,
								on_hello);
	gnutls_handshake_set_max_packet_length(t->session, HANDSHAKE_MOST);
	gnutls_handshake_set_timeout(t->session, 0); /* the caller has one */
	gnutls_transport_set_ptr2(t->session, t,
				  (gnutls_transport_ptr_t)(intptr_t)fd);
	gnutls_transport_set_pull_function(t->session, pull);
	gnutls_transport_set_pull_timeout_function(t->session, pull_timeout);
	return t;
}

static enum tls_server_step
failed(struct tls_server *t, int rc)
{
	t->broken = true;
	if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED) {
		const char *name =
		    gnutls_alert_get_name(gnutls_alert_get(t->session));

		snprintf(t->why, sizeof t->why, "the client refused: %s",
			 name != NULL ? name : "an unknown alert");
	} else {
		/* Its alert tells the client why. */
		(void)gnutls_alert_send_appropriate(t->session, rc);
		snprintf(t->why, sizeof t->why, "%s", gnutls_strerror(rc));
	}
	return TLS_SERVER_FAILED;
}

/* Not done, not over, and no wait for the socket.  Behind a message that brings
 * nothing the library says "again" though more is there. */
static bool
goes_on(const struct tls_server *t, ssize_t rc)
{
	if (rc == GNUTLS_E_AGAIN)
		return t->ahead_n > 0 &&
		       gnutls_record_get_direction(t->session) == 0;
	return rc < 0 && !gnutls_error_is_fatal((int)rc);
}

enum tls_server_step
tls_server_handshake(struct tls_server *t)
{
	int rc = GNUTLS_E_INTERRUPTED;

	for (int i = 0; i < REPEATS_MOST && goes_on(t, rc); i++)
		rc = gnutls_handshake(t->session);
	drop_ahead(t);
	if (rc < 0 && rc != GNUTLS_E_AGAIN)
		return failed(t, rc);
	if (rc < 0)
		return gnutls_record_get_direction(t->session) == 1
			   ? TLS_SERVER_WRITE
			   : TLS_SERVER_READ;
	t->done = true;
	return TLS_SERVER_DONE;
}

const char *
tls_server_why(const struct tls_server *t)
{
	return t->why;
}

/* --- octets ----------------------------------------------------------------- */

ssize_t
tls_server_send(struct tls_server *t, const void *p, size_t n)
{
	/* The record that is stuck was made of the same octets. */
	ssize_t rc = t->stuck ? gnutls_record_send(t->session, NULL, 0)
			      : gnutls_record_send(t->session, p, n);

	if (rc >= 0) {
		t->stuck = false;
		return rc;
	}
	t->stuck = true;
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED) {
		errno = EAGAIN;
	} else {
		t->broken = true;
		errno = rc == GNUTLS_E_PUSH_ERROR ? EPIPE : EPROTO;
	}
	return -1;
}

ssize_t
tls_server_recv(struct tls_server *t, void *p, size_t n)
{
	ssize_t rc = GNUTLS_E_INTERRUPTED;

	if (t->ended) {
		errno = EPROTO;
		return -1;
	}
	/* GNUTLS_E_REHANDSHAKE, too: TLS 1.2 clients may not with us. */
	for (int i = 0;
	     i < REPEATS_MOST && goes_on(t, rc) && rc != GNUTLS_E_REHANDSHAKE;
	     i++)
		rc = gnutls_record_recv(t->session, p, n);
	drop_ahead(t);
	if (rc == GNUTLS_E_AGAIN) {
		errno = EAGAIN;
		return -1;
	}
	t->ended = rc <= 0;
	if (rc >= 0)
		return rc;
	t->broken = true;
	if (rc == GNUTLS_E_PREMATURE_TERMINATION)
		return 0;
	if (rc == GNUTLS_E_REHANDSHAKE)
		(void)gnutls_alert_send(t->session, GNUTLS_AL_FATAL,
					GNUTLS_A_NO_RENEGOTIATION);
	else if (rc != GNUTLS_E_FATAL_ALERT_RECEIVED)
		(void)gnutls_alert_send_appropriate(t->session, (int)rc);
	errno = rc == GNUTLS_E_PULL_ERROR ? ECONNRESET : EPROTO;
	return -1;
}

bool
tls_server_pending(const struct tls_server *t)
{
	return t->ended || t->ahead_n > 0 ||
	       gnutls_record_check_pending(t->session) > 0;
}

void
tls_server_bye(struct tls_server *t)
{
	if (t->done && !t->stuck && !t->broken)
		(void)gnutls_bye(t->session, GNUTLS_SHUT_WR);
	t->broken = true; /* it is said once */
}

void
tls_server_close(struct tls_server *t)
{
	if (t == NULL)
		return;
	tls_server_bye(t);
	gnutls_deinit(t->session);
	free(t->ahead);
	free(t);
}

/* --- what came of it -------------------------------------------------------- */

static void
look_at_client(const struct tls_server *t, int64_t now_s,
	       struct tls_server_told *out)
{
	struct peer_chain c = {.count = 0};
	unsigned n = 0;
	const gnutls_datum_t *d = gnutls_certificate_get_peers(t->session, &n);

	c.count = d != NULL ? n : 0;
	for (unsigned i = 0; i < c.count && i < X509_CHAIN_MOST; i++) {
		c.der[i] = d[i].data;
		c.n[i] = d[i].size;
	}
	peer_certificate_look(t->setup->trust, &c, now_s, &out->client);
}

/* RFC 9266 4.2: on TLS 1.2 only with the extended master secret. */
static void
bind_channel(const struct tls_server *t, bool modern,
	     struct tls_server_told *out)
{
	gnutls_datum_t d = {NULL, 0};

	if (!modern && !gnutls_session_ext_master_secret_status(t->session))
		return;
	if (gnutls_session_channel_binding(t->session, GNUTLS_CB_TLS_EXPORTER,
					   &d) != 0)
		return;
	if (d.size <= sizeof out->binding) {
		memcpy(out->binding, d.data, d.size);
		out->nbinding = d.size;
	}
	gnutls_free(d.data);
}

void
tls_server_told(const struct tls_server *t, int64_t now_s,
		struct tls_server_told *out)
{
	bool modern = gnutls_protocol_get_version(t->session) == GNUTLS_TLS1_3;
	const char *cipher = gnutls_ciphersuite_get(t->session);

	memset(out, 0, sizeof *out);
	snprintf(out->words, sizeof out->words, "%s with cipher %s",
		 modern ? "TLSv1.3" : "TLSv1.2",
		 cipher != NULL ? cipher : "unknown");
	out->resumed = gnutls_session_is_resumed(t->session) != 0;
	bind_channel(t, modern, out);
	if (t->setup->trust != NULL)
		look_at_client(t, now_s, out);
}
