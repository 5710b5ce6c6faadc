#include "delivery/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/file.h"
#include "daemon/log.h"

enum {
	SESSIONS_MOST = 64, /* kept for resumption, of one relay */
	SESSION_KEY_MOST = 700,
	SESSION_MOST = 32 * 1024, /* octets of one */
	CERT_FILE_MOST = 256 * 1024,
	REPEATS_MOST = 16, /* messages that are no data, in one call */
	RECORD_MOST =
	    1 << 14, /* octets in one (RFC 8446 5.1, RFC 5246 6.2.1) */
};
static const char PRIORITY[] = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:"
			       "-SIGN-RSA-SHA1:-SIGN-ECDSA-SHA1:-SIGN-DSA-SHA1";

struct session {
	char *key;
	gnutls_datum_t data;
};
struct tls_setup {
	gnutls_certificate_credentials_t cred;
	gnutls_priority_t priority;
	const struct trust *trust;
	bool certificate;
	struct session kept[SESSIONS_MOST];
	size_t oldest; /* replaced next */
};

struct tls {
	struct tls_setup *setup;
	gnutls_session_t session;
	struct tls_wish wish;
	struct certificate_names names; /* points into `name` */
	char name[CERTIFICATE_NAMES_MOST][256];
	struct tlsa_set tlsa;
	unsigned char *tlsa_data;
	char key[SESSION_KEY_MOST];
	struct certificate_verdict verdict;
	bool looked, done, saved;
	bool stuck;   /* a record waits for the socket */
	size_t taken; /* octets in it at most */
	char why[200];
};

struct tls_setup *
tls_setup_open(const struct trust *trust, const char *client_cert,
	       const struct secret *client_key, struct err *e)
{
	struct tls_setup *s = must_alloc(sizeof *s);
	gnutls_datum_t c, k;
	char *cert;
	size_t n;
	int rc;

	s->trust = trust;
	must(gnutls_certificate_allocate_credentials(&s->cred) == 0);
	must(gnutls_priority_init(&s->priority, PRIORITY, NULL) == 0);
	if (*client_cert == '\0')
		return s;
	if (client_key == NULL) {
		err_set(e, ERR_CONFIG, "client_key of %s is missing",
			client_cert);
		goto fail;
	}
	cert = file_read(client_cert, CERT_FILE_MOST, &n);
	if (cert == NULL) {
		err_set(e, ERR_CONFIG, "client_cert %s: %m", client_cert);
		goto fail;
	}
	c = (gnutls_datum_t){(unsigned char *)cert, (unsigned)n};
	k = (gnutls_datum_t){(unsigned char *)client_key->value,
			     (unsigned)client_key->n};
	rc = gnutls_certificate_set_x509_key_mem2(s->cred, &c, &k,
						  GNUTLS_X509_FMT_PEM, NULL, 0);
	free(cert);
	if (rc < 0) {
		err_set(e, ERR_CONFIG, "client_cert %s and its key: %s",
			client_cert, gnutls_strerror(rc));
		goto fail;
	}
	s->certificate = true;
	return s;
fail:
	tls_setup_free(s);
	return NULL;
}

void
tls_setup_free(struct tls_setup *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < SESSIONS_MOST; i++) {
		free(s->kept[i].key);
		gnutls_free(s->kept[i].data.data);
	}
	gnutls_certificate_free_credentials(s->cred);
	gnutls_priority_deinit(s->priority);
	free(s);
}

bool
tls_setup_has_certificate(const struct tls_setup *s)
{
	return s->certificate;
}

/* --- sessions ---------------------------------------------------------------
 */

/* A resumed session is held to what it was made under: another check, other
 * names or other TLSA records are another key. */
static void
make_key(struct tls *t)
{
	size_t n = (size_t)snprintf(
	    t->key, sizeof t->key, "%s %d %d %016llx", t->wish.key,
	    (int)t->wish.check, t->names.allow_cn,
	    t->wish.check == CHECK_DANE
		? (unsigned long long)tlsa_fingerprint(&t->tlsa)
		: 0ULL);

	for (size_t i = 0; i < t->names.n && n < sizeof t->key; i++)
		n += (size_t)snprintf(t->key + n, sizeof t->key - n, " %s",
				      t->names.name[i]);
	if (n >= sizeof t->key)
		t->key[0] = '\0'; /* too long to be told apart: not kept */
}

static struct session *
find(struct tls_setup *s, const char *key)
{
	for (size_t i = 0; i < SESSIONS_MOST; i++)
		if (s->kept[i].key != NULL && strcmp(s->kept[i].key, key) == 0)
			return &s->kept[i];
	return NULL;
}

/* What was good once may have ended since: after a failure the host shows its
 * certificate again. */
static void
drop_kept(struct tls *t)
{
	struct session *x = t->key[0] != '\0' ? find(t->setup, t->key) : NULL;

	if (x == NULL)
		return;
	free(x->key);
	gnutls_free(x->data.data);
	*x = (struct session){.key = NULL};
}

static void
keep(struct tls *t)
{
	struct tls_setup *s = t->setup;
	gnutls_datum_t d = {NULL, 0};
	struct session *x;

	/* Before its ticket has come TLS 1.3 would wait for it. */
	if (t->saved || !t->done || t->key[0] == '\0' ||
	    (gnutls_protocol_get_version(t->session) == GNUTLS_TLS1_3 &&
	     (gnutls_session_get_flags(t->session) &
	      GNUTLS_SFLAGS_SESSION_TICKET) == 0))
		return;
	t->saved = true;
	if (gnutls_session_get_data2(t->session, &d) != 0)
		return;
	if (d.size > SESSION_MOST) {
		gnutls_free(d.data);
		return;
	}
	x = find(s, t->key);
	if (x == NULL) {
		x = &s->kept[s->oldest];
		s->oldest = (s->oldest + 1) % SESSIONS_MOST;
		free(x->key);
		x->key = must_strdup(t->key);
	}
	gnutls_free(x->data.data);
	x->data = d;
}

/* --- the handshake ----------------------------------------------------------
 */

void
tls_chain(const struct tls *t, struct chain *out)
{
	unsigned n = 0;
	const gnutls_datum_t *d = gnutls_certificate_get_peers(t->session, &n);

	out->n = 0;
	for (unsigned i = 0; d != NULL && i < n && out->n < CHAIN_MOST; i++) {
		out->at[out->n].der = d[i].data;
		out->at[out->n++].n = d[i].size;
	}
}

/* True: what the policy asks for holds. */
static bool
look(struct tls *t)
{
	struct chain c;

	tls_chain(t, &c);
	t->looked = true;
	switch (t->wish.check) {
	case CHECK_NOTHING:
		t->verdict.finding =
		    c.n > 0 ? CERTIFICATE_GOOD : CERTIFICATE_NONE;
		return true;
	case CHECK_NAME:
		t->verdict = certificate_check(t->setup->trust, &c, &t->names,
					       t->wish.now_s);
		break;
	case CHECK_DANE:
		t->verdict =
		    certificate_dane(&t->tlsa, &c, &t->names, t->wish.now_s);
		break;
	}
	return t->verdict.finding == CERTIFICATE_GOOD || t->wish.unchecked;
}

static int
on_certificate(gnutls_session_t session)
{
	struct tls *t = gnutls_session_get_ptr(session);

	return look(t) ? 0 : GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR;
}

/* The caller's names and records may go before the connection does. */
static void
copy_wish(struct tls *t, const struct tls_wish *w)
{
	size_t n = 0, at = 0;

	t->wish = *w;
	t->names.allow_cn = w->names.allow_cn;
	t->names.n = min_of(w->names.n, (size_t)CERTIFICATE_NAMES_MOST);
	for (size_t i = 0; i < t->names.n; i++) {
		snprintf(t->name[i], sizeof t->name[i], "%s", w->names.name[i]);
		t->names.name[i] = t->name[i];
	}
	if (w->check != CHECK_DANE)
		return;
	t->tlsa = *w->tlsa;
	for (size_t i = 0; i < t->tlsa.n; i++)
		n += t->tlsa.rr[i].n;
	t->tlsa_data = must_alloc(n + 1);
	for (size_t i = 0; i < t->tlsa.n; i++) {
		memcpy(t->tlsa_data + at, t->tlsa.rr[i].data, t->tlsa.rr[i].n);
		t->tlsa.rr[i].data = t->tlsa_data + at;
		at += t->tlsa.rr[i].n;
	}
}

/* RFC 6066 3: no addresses. */
static bool
is_name(const char *s)
{
	unsigned char a[16];

	return *s != '\0' && *s != '[' && inet_pton(AF_INET, s, a) != 1 &&
	       inet_pton(AF_INET6, s, a) != 1;
}

struct tls *
tls_open(struct tls_setup *s, int fd, const struct tls_wish *w)
{
	struct tls *t = must_alloc(sizeof *t);
	struct session *old;

	t->setup = s;
	copy_wish(t, w);
	make_key(t);
	must(gnutls_init(&t->session, GNUTLS_CLIENT | GNUTLS_NONBLOCK |
					  GNUTLS_NO_SIGNAL) == 0);
	gnutls_session_set_ptr(t->session, t);
	must(gnutls_priority_set(t->session, s->priority) == 0);
	must(gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE,
				    s->cred) == 0);
	if (t->names.n > 0 && is_name(t->name[0]))
		(void)gnutls_server_name_set(t->session, GNUTLS_NAME_DNS,
					     t->name[0], strlen(t->name[0]));
	gnutls_session_set_verify_function(t->session, on_certificate);
	gnutls_transport_set_int(t->session, fd);
	gnutls_handshake_set_timeout(t->session, 0); /* the caller has one */
	old = t->key[0] != '\0' ? find(s, t->key) : NULL;
	if (old != NULL)
		(void)gnutls_session_set_data(t->session, old->data.data,
					      old->data.size);
	return t;
}

static enum tls_step
failed(struct tls *t, int rc)
{
	drop_kept(t);
	if (rc == GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR && t->looked)
		snprintf(t->why, sizeof t->why, "%s%s%s",
			 certificate_text(t->verdict.finding),
			 t->verdict.detail[0] != '\0' ? ": " : "",
			 t->verdict.detail);
	else if (rc == GNUTLS_E_FATAL_ALERT_RECEIVED)
		snprintf(t->why, sizeof t->why, "the host refused: %s",
			 gnutls_alert_get_name(gnutls_alert_get(t->session)));
	else
		snprintf(t->why, sizeof t->why, "%s", gnutls_strerror(rc));
	return TLS_STEP_FAILED;
}

enum tls_step
tls_handshake(struct tls *t)
{
	int rc = GNUTLS_E_INTERRUPTED;

	for (int i = 0; i < REPEATS_MOST && rc < 0 && rc != GNUTLS_E_AGAIN &&
			!gnutls_error_is_fatal(rc);
	     i++)
		rc = gnutls_handshake(t->session);
	if (rc < 0 && gnutls_error_is_fatal(rc)) {
		/* Its alert tells the host why. */
		if (rc != GNUTLS_E_FATAL_ALERT_RECEIVED)
			(void)gnutls_alert_send_appropriate(t->session, rc);
		return failed(t, rc);
	}
	if (rc < 0)
		return gnutls_record_get_direction(t->session) == 1
			   ? TLS_STEP_WRITE
			   : TLS_STEP_READ;
	/* A resumed session brings its certificate: what was good once may
	 * have ended since. */
	if (!t->looked && !look(t))
		return failed(t, GNUTLS_E_CERTIFICATE_VERIFICATION_ERROR);
	t->done = true;
	return TLS_STEP_DONE;
}

const char *
tls_why(const struct tls *t)
{
	return t->why;
}

const struct certificate_verdict *
tls_finding(const struct tls *t)
{
	return &t->verdict;
}

/* --- octets ---------------------------------------------------------------- */

ssize_t
tls_send(struct tls *t, const void *p, size_t n)
{
	/* The record that is stuck was made of the same octets. */
	ssize_t rc = t->stuck ? gnutls_record_send(t->session, NULL, 0)
			      : gnutls_record_send(t->session, p, n);

	if (rc >= 0) {
		t->stuck = false;
		return rc;
	}
	if (!t->stuck)
		t->taken = min_of(n, (size_t)RECORD_MOST);
	t->stuck = true;
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
		errno = rc == GNUTLS_E_AGAIN ? EAGAIN : EINTR;
	else
		errno = rc == GNUTLS_E_PUSH_ERROR ? EPIPE : EPROTO;
	return -1;
}

size_t
tls_taken(const struct tls *t)
{
	return t->stuck ? t->taken : 0;
}

ssize_t
tls_recv(struct tls *t, void *p, size_t n)
{
	ssize_t rc = GNUTLS_E_INTERRUPTED;

	for (int i = 0; i < REPEATS_MOST && rc < 0 && rc != GNUTLS_E_AGAIN &&
			!gnutls_error_is_fatal((int)rc);
	     i++) {
		rc = gnutls_record_recv(t->session, p, n);
		if (rc == GNUTLS_E_REHANDSHAKE) /* TLS 1.2: not with us */
			(void)gnutls_alert_send(t->session, GNUTLS_AL_WARNING,
						GNUTLS_A_NO_RENEGOTIATION);
	}
	if (rc > 0)
		keep(t);
	if (rc >= 0 || rc == GNUTLS_E_PREMATURE_TERMINATION)
		return rc > 0 ? rc : 0;
	errno = !gnutls_error_is_fatal((int)rc) ? EAGAIN
		: rc == GNUTLS_E_PULL_ERROR     ? ECONNRESET
						: EPROTO;
	return -1;
}

bool
tls_pending(const struct tls *t)
{
	return gnutls_record_check_pending(t->session) > 0;
}

void
tls_close(struct tls *t)
{
	if (t == NULL)
		return;
	if (t->done) {
		keep(t);
		if (!t->stuck)
			(void)gnutls_bye(t->session, GNUTLS_SHUT_WR);
	}
	gnutls_deinit(t->session);
	free(t->tlsa_data);
	free(t);
}

/* --- what came of it ------------------------------------------------------- */

bool
tls_verified(const struct tls *t)
{
	return t->done && t->wish.check != CHECK_NOTHING &&
	       t->verdict.finding == CERTIFICATE_GOOD;
}

bool
tls_resumed(const struct tls *t)
{
	return gnutls_session_is_resumed(t->session) != 0;
}

const char *
tls_version(const struct tls *t)
{
	const char *s =
	    gnutls_protocol_get_name(gnutls_protocol_get_version(t->session));

	return s != NULL ? s : "unknown";
}

void
tls_cipher(const struct tls *t, char *out, size_t size)
{
	const char *s = gnutls_ciphersuite_get(t->session);

	snprintf(out, size, "%s", s != NULL ? s : "unknown");
}

size_t
tls_binding(const struct tls *t, unsigned char *out, size_t size)
{
	gnutls_datum_t d = {NULL, 0};
	size_t n = 0;

	if (gnutls_session_channel_binding(t->session, GNUTLS_CB_TLS_EXPORTER,
					   &d) != 0)
		return 0;
	if (d.size <= size) {
		memcpy(out, d.data, d.size);
		n = d.size;
	}
	gnutls_free(d.data);
	return n;
}
