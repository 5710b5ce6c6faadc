#include "daemon/x509.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "daemon/log.h"
#include "daemon/digest.h"

enum {
	DER_MOST = 1 << 16, /* 20 ms to verify one full of names */
};

struct x509 {
	gnutls_x509_crt_t crt;
};

struct x509 *
x509_load(const unsigned char *der, size_t n)
{
	gnutls_datum_t d;
	struct x509 *x;

	if (n == 0 || n > DER_MOST)
		return NULL;
	x = must_alloc(sizeof *x);
	d.data = (unsigned char *)(uintptr_t)der;
	d.size = (unsigned)n;
	must(gnutls_x509_crt_init(&x->crt) == 0);
	if (gnutls_x509_crt_import(x->crt, &d, GNUTLS_X509_FMT_DER) == 0)
		return x;
	x509_free(x);
	return NULL;
}

void
x509_free(struct x509 *x)
{
	if (x == NULL)
		return;
	gnutls_x509_crt_deinit(x->crt);
	free(x);
}

bool
x509_self_issued(const struct x509 *x)
{
	return gnutls_x509_crt_check_issuer(x->crt, x->crt) != 0;
}

/* --- names ------------------------------------------------------------------ */

enum x509_alt
x509_alt_at(const struct x509 *x, unsigned at, struct x509_name *out)
{
	int kind;

	out->n = sizeof out->p;
	kind = gnutls_x509_crt_get_subject_alt_name(x->crt, at, out->p, &out->n,
						    NULL);
	if (kind == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return X509_ALT_END;
	if (kind < 0 || out->n > sizeof out->p)
		return X509_ALT_UNREADABLE;
	if (kind == GNUTLS_SAN_DNSNAME)
		return X509_ALT_DNS;
	return kind == GNUTLS_SAN_IPADDRESS ? X509_ALT_ADDRESS : X509_ALT_OTHER;
}

bool
x509_common_name(const struct x509 *x, struct x509_name *out)
{
	struct x509_name second = {.n = sizeof second.p};

	out->n = sizeof out->p;
	if (gnutls_x509_crt_get_dn_by_oid(x->crt, GNUTLS_OID_X520_COMMON_NAME,
					  0, 0, out->p, &out->n) != 0)
		return false;
	if (gnutls_x509_crt_get_dn_by_oid(x->crt, GNUTLS_OID_X520_COMMON_NAME,
					  1, 0, second.p, &second.n) !=
	    GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
		return false;
	return out->n < sizeof out->p && memchr(out->p, '\0', out->n) == NULL;
}

/* --- words for people ------------------------------------------------------- */

static void
clean(int bad, gnutls_datum_t *d, char *out, size_t size)
{
	*out = '\0';
	if (bad == 0 && d->data != NULL)
		log_safe((const char *)d->data, d->size, out, size);
	gnutls_free(d->data);
}

void
x509_subject(const struct x509 *x, char *out, size_t size)
{
	gnutls_datum_t d = {0};

	clean(gnutls_x509_crt_get_dn3(x->crt, &d, 0), &d, out, size);
}

void
x509_issuer(const struct x509 *x, char *out, size_t size)
{
	gnutls_datum_t d = {0};

	clean(gnutls_x509_crt_get_issuer_dn3(x->crt, &d, 0), &d, out, size);
}

void
x509_key(const struct x509 *x, char *out, size_t size)
{
	unsigned bits = 0;
	int kind = gnutls_x509_crt_get_pk_algorithm(x->crt, &bits);
	const char *word =
	    kind < 0
		? NULL
		: gnutls_pk_algorithm_get_name((gnutls_pk_algorithm_t)kind);

	snprintf(out, size, "%s %u bits", word != NULL ? word : "unknown key",
		 bits);
}

bool
x509_weak(const struct x509 *x, char *out, size_t size)
{
	unsigned bits = 0;
	int key = gnutls_x509_crt_get_pk_algorithm(x->crt, &bits);
	int by = gnutls_x509_crt_get_signature_algorithm(x->crt);
	const char *word;

	if (key >= 0 &&
	    gnutls_pk_bits_to_sec_param((gnutls_pk_algorithm_t)key, bits) <
		GNUTLS_SEC_PARAM_MEDIUM) {
		x509_key(x, out, size);
		return true;
	}
	if (by < 0 || gnutls_sign_is_secure2((gnutls_sign_algorithm_t)by,
					     GNUTLS_SIGN_FLAG_SECURE_FOR_CERTS))
		return false;
	word = gnutls_sign_get_name((gnutls_sign_algorithm_t)by);
	snprintf(out, size, "signed with %s", word != NULL ? word : "?");
	return true;
}

void
x509_dates(const struct x509 *x, int64_t *from_s, int64_t *until_s)
{
	*from_s = gnutls_x509_crt_get_activation_time(x->crt);
	*until_s = gnutls_x509_crt_get_expiration_time(x->crt);
}

/* --- records ---------------------------------------------------------------- */

/* What a record with this selector is about; freed with gnutls_free. */
static bool
selected(gnutls_x509_crt_t crt, unsigned selector, gnutls_datum_t *out)
{
	gnutls_pubkey_t key;
	bool ok;

	if (selector == 0)
		return gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, out) ==
		       0;
	must(gnutls_pubkey_init(&key) == 0);
	ok = gnutls_pubkey_import_x509(key, crt, 0) == 0 &&
	     gnutls_pubkey_export2(key, GNUTLS_X509_FMT_DER, out) == 0;
	gnutls_pubkey_deinit(key);
	return ok;
}

bool
x509_is(const struct x509 *x, unsigned selector, unsigned matching,
	const unsigned char *data, size_t n)
{
	unsigned char hash[DIGEST_MOST];
	gnutls_datum_t d = {0};
	bool same = false;

	if (!selected(x->crt, selector, &d))
		return false;
	if (matching == 0) {
		same = d.size == n && memcmp(d.data, data, n) == 0;
	} else {
		size_t k =
		    digest_of(matching == 1 ? DIGEST_SHA256 : DIGEST_SHA512,
			      d.data, d.size, hash);

		same = k == n && memcmp(hash, data, n) == 0;
	}
	gnutls_free(d.data);
	return same;
}

bool
x509_key_digest(const struct x509 *x, unsigned char out[32])
{
	unsigned char hash[DIGEST_MOST];
	gnutls_datum_t d = {0};

	if (!selected(x->crt, 1, &d))
		return false;
	must(digest_of(DIGEST_SHA256, d.data, d.size, hash) == 32);
	memcpy(out, hash, 32);
	gnutls_free(d.data);
	return true;
}

/* --- chains ----------------------------------------------------------------- */

/* RSA below 2048 bits, SHA-1 and MD5 are refused (112 bits; NIST SP 800-57). */
#define VERIFY_FLAGS GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM)

struct trust {
	gnutls_x509_trust_list_t list;
	bool owner; /* of the certificates in it */
};

struct trust *
x509_trust_open(const char *ca_file, struct err *e)
{
	struct trust *t = must_alloc(sizeof *t);
	int n;

	t->owner = true;
	must(gnutls_x509_trust_list_init(&t->list, 0) == 0);
	if (*ca_file == '\0')
		n = gnutls_x509_trust_list_add_system_trust(t->list, 0, 0);
	else
		n = gnutls_x509_trust_list_add_trust_file(
		    t->list, ca_file, NULL, GNUTLS_X509_FMT_PEM, 0, 0);
	if (n > 0)
		return t;
	err_set(e, ERR_CONFIG, "%s: %s",
		*ca_file == '\0' ? "the system's CAs" : ca_file,
		n < 0 ? gnutls_strerror(n) : "no CA certificate in it");
	x509_trust_free(t);
	return NULL;
}

struct trust *
x509_trust_memory(const void *pem, size_t n, struct err *e)
{
	struct trust *t = must_alloc(sizeof *t);
	gnutls_datum_t d = {(unsigned char *)(uintptr_t)pem, (unsigned)n};
	int cas;

	t->owner = true;
	must(gnutls_x509_trust_list_init(&t->list, 0) == 0);
	cas = gnutls_x509_trust_list_add_trust_mem(t->list, &d, NULL,
						   GNUTLS_X509_FMT_PEM, 0, 0);
	if (cas > 0)
		return t;
	err_set(e, ERR_CONFIG, "%s",
		cas < 0 ? gnutls_strerror(cas) : "no CA certificate in it");
	x509_trust_free(t);
	return NULL;
}

struct trust *
x509_trust_one(const struct x509 *anchor)
{
	struct trust *t = must_alloc(sizeof *t);

	must(gnutls_x509_trust_list_init(&t->list, 0) == 0);
	/* When it is not taken the list is empty, and no chain leads there. */
	(void)gnutls_x509_trust_list_add_cas(t->list, &anchor->crt, 1, 0);
	return t;
}

void
x509_trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	gnutls_x509_trust_list_deinit(t->list, t->owner);
	free(t);
}

/* The library asks this function for the time while it verifies: there is no
 * argument for it, and its own date checks know which certificates of a chain
 * count.  One thread verifies at a time (a worker has one). */
static time_t verify_now;

static time_t
verify_time(time_t *out)
{
	if (out != NULL)
		*out = verify_now;
	return verify_now;
}

static enum x509_fault
fault_of(unsigned status)
{
	static const struct {
		unsigned bit;
		enum x509_fault fault;
	} row[] = {
	    {GNUTLS_CERT_SIGNATURE_FAILURE, X509_FORGED},
	    {GNUTLS_CERT_SIGNER_NOT_FOUND, X509_UNKNOWN_CA},
	    {GNUTLS_CERT_EXPIRED, X509_EXPIRED},
	    {GNUTLS_CERT_NOT_ACTIVATED, X509_NOT_YET},
	    {GNUTLS_CERT_INSECURE_ALGORITHM, X509_WEAK},
	    {GNUTLS_CERT_PURPOSE_MISMATCH, X509_WRONG_USE},
	};

	if (status == 0)
		return X509_HOLDS;
	for (size_t i = 0; i < countof(row); i++)
		if (status & row[i].bit)
			return row[i].fault;
	return X509_BROKEN;
}

enum x509_fault
x509_verify(const struct trust *t, struct x509 *const *chain, size_t n,
	    int64_t now_s, enum x509_purpose purpose)
{
	gnutls_typed_vdata_st use = {.type = GNUTLS_DT_KEY_PURPOSE_OID};
	gnutls_x509_crt_t crt[X509_CHAIN_MOST];
	unsigned status = 0;
	int bad;

	must(n > 0 && n <= X509_CHAIN_MOST);
	for (size_t i = 0; i < n; i++)
		crt[i] = chain[i]->crt;
	switch (purpose) {
	case X509_FOR_SERVER:
		use.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_SERVER;
		break;
	case X509_FOR_CLIENT:
		use.data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT;
		break;
	}
	verify_now = (time_t)now_s;
	gnutls_global_set_time_function(verify_time);
	bad = gnutls_x509_trust_list_verify_crt2(
	    t->list, crt, (unsigned)n, &use, 1, VERIFY_FLAGS, &status, NULL);
	gnutls_global_set_time_function(time);
	return bad < 0 ? X509_BROKEN : fault_of(status);
}

static bool
belongs(gnutls_x509_crt_t crt, gnutls_privkey_t key)
{
	unsigned char one[32], two[32];
	size_t n = sizeof one, m = sizeof two;
	gnutls_pubkey_t public;
	bool same;

	must(gnutls_pubkey_init(&public) == 0);
	same = gnutls_pubkey_import_privkey(public, key, 0, 0) == 0 &&
	       gnutls_pubkey_get_key_id(public, GNUTLS_KEYID_USE_SHA256, one,
					&n) == 0 &&
	       gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, two,
					  &m) == 0 &&
	       n == m && memcmp(one, two, n) == 0;
	gnutls_pubkey_deinit(public);
	return same;
}

bool
x509_pair(const void *chain, size_t nchain, const void *key, size_t nkey,
	  int64_t *out_until_s, struct err *e)
{
	gnutls_datum_t c = {(unsigned char *)(uintptr_t)chain,
			    (unsigned)nchain};
	gnutls_datum_t k = {(unsigned char *)(uintptr_t)key, (unsigned)nkey};
	gnutls_x509_crt_t *list = NULL;
	gnutls_privkey_t private;
	unsigned n = 0;
	bool ok = false;
	int rc;

	must(gnutls_privkey_init(&private) == 0);
	rc =
	    gnutls_x509_crt_list_import2(&list, &n, &c, GNUTLS_X509_FMT_PEM, 0);
	if (rc < 0 || n == 0) {
		n = 0;
		err_set(e, ERR_CONFIG, "its certificate can't be read: %s",
			rc < 0 ? gnutls_strerror(rc) : "there is none");
		goto out;
	}
	rc = gnutls_privkey_import_x509_raw(private, &k, GNUTLS_X509_FMT_PEM,
					    NULL, 0);
	if (rc < 0) {
		err_set(e, ERR_CONFIG, "its key can't be read: %s",
			gnutls_strerror(rc));
		goto out;
	}
	ok = belongs(list[0], private);
	if (ok)
		*out_until_s =
		    (int64_t)gnutls_x509_crt_get_expiration_time(list[0]);
	else
		err_set(e, ERR_CONFIG,
			"its key is not that of its (first) certificate");
out:
	for (unsigned i = 0; i < n; i++)
		gnutls_x509_crt_deinit(list[i]);
	gnutls_free(list);
	gnutls_privkey_deinit(private);
	return ok;
}
