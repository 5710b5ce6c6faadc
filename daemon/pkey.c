#include "daemon/pkey.h"

#include <stdlib.h>
#include <string.h>

#include <gnutls/abstract.h>

enum {
	PUBLIC_MOST = 2048,   /* octets of a public key; 8192 bits have 1046 */
	PRIVATE_MOST = 16384, /* of a private one as PEM; 8192 bits: 6.4 KB */
	RSA_LEAST = 512,      /* bits; the rules ask for more */
	/* An exponent as long as the modulus makes a verification cost what a
	 * signature does, at a stranger's wish.  65537 has three octets. */
	EXPONENT_MOST = 5,
	ED25519_OCTETS = 32,
	ED25519_BITS = 256,
};

struct pkey {
	enum pkey_kind kind;
	unsigned bits;
	gnutls_pubkey_t public;
	gnutls_privkey_t private; /* NULL: only the public half is known */
};

/* Borrowed; the library changes no input. */
static gnutls_datum_t
datum(const void *p, size_t n)
{
	return (gnutls_datum_t){.data = (unsigned char *)(uintptr_t)p,
				.size = (unsigned)n};
}

void
pkey_free(struct pkey *k)
{
	if (k == NULL)
		return;
	if (k->private != NULL)
		gnutls_privkey_deinit(k->private);
	gnutls_pubkey_deinit(k->public);
	free(k);
}

static struct pkey *
fresh(void)
{
	struct pkey *k = must_alloc(sizeof *k);

	must(gnutls_pubkey_init(&k->public) == 0);
	return k;
}

/* --- public keys ------------------------------------------------------------ */

/* Octets of an INTEGER without its leading zeros. */
static size_t
integer_octets(const gnutls_datum_t *d)
{
	size_t i = 0;

	while (i < d->size && d->data[i] == 0)
		i++;
	return d->size - i;
}

/* Is the RSA key one that costs what RSA keys cost? */
static bool
rsa_sound(const struct pkey *k)
{
	gnutls_datum_t m = {0}, e = {0};
	bool ok;

	if (gnutls_pubkey_export_rsa_raw(k->public, &m, &e) != 0)
		return false;
	ok = integer_octets(&e) > 0 && integer_octets(&e) <= EXPONENT_MOST &&
	     (e.data[e.size - 1] & 1) != 0 && m.size > 0 &&
	     (m.data[m.size - 1] & 1) != 0 &&
	     integer_octets(&m) <= PKEY_SIGNATURE_MOST;
	gnutls_free(m.data);
	gnutls_free(e.data);
	return ok;
}

/* What kind it is, its bits; false: none that we use. */
static bool
known(struct pkey *k)
{
	int kind = gnutls_pubkey_get_pk_algorithm(k->public, &k->bits);

	if (kind == GNUTLS_PK_EDDSA_ED25519) {
		k->kind = PKEY_ED25519;
		k->bits = ED25519_BITS;
		return true;
	}
	k->kind = PKEY_RSA;
	return kind == GNUTLS_PK_RSA && k->bits >= RSA_LEAST && rsa_sound(k);
}

/* Appends tag and length of what follows (X.690 8.1.3). */
static void
der_head(struct bytes *b, unsigned char tag, size_t n)
{
	unsigned char head[4] = {tag, 0x82, (unsigned char)(n >> 8),
				 (unsigned char)n};

	bytes_add(b, head, sizeof head);
}

/* A bare RSAPublicKey becomes a SubjectPublicKeyInfo, which the library reads
 * (RFC 8017 A.1, RFC 3279 2.3.1). */
static bool
import_bare(struct pkey *k, const unsigned char *p, size_t n)
{
	static const unsigned char rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a,
					    0x86, 0x48, 0x86, 0xf7, 0x0d,
					    0x01, 0x01, 0x01, 0x05, 0x00};
	struct bytes b = {0};
	gnutls_datum_t d;
	bool ok;

	der_head(&b, 0x30, sizeof rsa + 4 + 1 + n);
	bytes_add(&b, rsa, sizeof rsa);
	der_head(&b, 0x03, 1 + n);
	bytes_u8(&b, 0); /* no unused bits */
	bytes_add(&b, p, n);
	d = datum(b.data, b.n);
	ok = gnutls_pubkey_import(k->public, &d, GNUTLS_X509_FMT_DER) == 0;
	bytes_free(&b);
	return ok;
}

static bool
import_rsa(struct pkey *k, const unsigned char *p, size_t n)
{
	gnutls_datum_t d = datum(p, n);

	if (gnutls_pubkey_import(k->public, &d, GNUTLS_X509_FMT_DER) == 0)
		return true;
	/* What a failed import has left is thrown away. */
	gnutls_pubkey_deinit(k->public);
	must(gnutls_pubkey_init(&k->public) == 0);
	return import_bare(k, p, n);
}

static bool
import_ed25519(struct pkey *k, const unsigned char *p, size_t n)
{
	gnutls_datum_t d = datum(p, n);

	return n == ED25519_OCTETS &&
	       gnutls_pubkey_import_ecc_raw(k->public, GNUTLS_ECC_CURVE_ED25519,
					    &d, NULL) == 0;
}

struct pkey *
pkey_public(enum pkey_kind kind, const unsigned char *p, size_t n)
{
	struct pkey *k;
	bool ok = false;

	if (n == 0 || n > PUBLIC_MOST)
		return NULL;
	k = fresh();
	switch (kind) {
	case PKEY_RSA:
		ok = import_rsa(k, p, n);
		break;
	case PKEY_ED25519:
		ok = import_ed25519(k, p, n);
		break;
	}
	if (ok && known(k) && k->kind == kind)
		return k;
	pkey_free(k);
	return NULL;
}

/* --- private keys ----------------------------------------------------------- */

struct pkey *
pkey_private(const void *pem, size_t n, struct err *e)
{
	struct pkey *k = fresh();
	gnutls_datum_t d = datum(pem, n);
	int rc;

	must(gnutls_privkey_init(&k->private) == 0);
	if (n == 0 || n > PRIVATE_MOST) {
		err_set(e, ERR_CONFIG, "not a private key: %zu octets", n);
		goto fail;
	}
	rc = gnutls_privkey_import_x509_raw(k->private, &d, GNUTLS_X509_FMT_PEM,
					    NULL, 0);
	if (rc == 0)
		rc = gnutls_pubkey_import_privkey(k->public, k->private, 0, 0);
	if (rc != 0) {
		err_set(e, ERR_CONFIG, "not an unencrypted private key: %s",
			gnutls_strerror(rc));
		goto fail;
	}
	if (!known(k)) {
		err_set(e, ERR_CONFIG,
			"a private key that is neither RSA of 512 to 8192 bits "
			"nor Ed25519");
		goto fail;
	}
	return k;
fail:
	pkey_free(k);
	return NULL;
}

enum pkey_kind
pkey_kind(const struct pkey *k)
{
	return k->kind;
}

unsigned
pkey_bits(const struct pkey *k)
{
	return k->bits;
}

/* --- signatures ------------------------------------------------------------- */

bool
pkey_verify(const struct pkey *k, const unsigned char hash[PKEY_HASH],
	    const unsigned char *signature, size_t n)
{
	gnutls_datum_t h = datum(hash, PKEY_HASH), s = datum(signature, n);

	if (n == 0 || n > PKEY_SIGNATURE_MOST)
		return false;
	switch (k->kind) {
	case PKEY_RSA:
		return gnutls_pubkey_verify_hash2(
			   k->public, GNUTLS_SIGN_RSA_SHA256, 0, &h, &s) >= 0;
	case PKEY_ED25519:
		return gnutls_pubkey_verify_data2(k->public,
						  GNUTLS_SIGN_EDDSA_ED25519, 0,
						  &h, &s) >= 0;
	}
	must(false);
	return false;
}

static int
sign(const struct pkey *k, const gnutls_datum_t *h, gnutls_datum_t *out)
{
	switch (k->kind) {
	case PKEY_RSA:
		return gnutls_privkey_sign_hash2(
		    k->private, GNUTLS_SIGN_RSA_SHA256, 0, h, out);
	case PKEY_ED25519:
		return gnutls_privkey_sign_data2(
		    k->private, GNUTLS_SIGN_EDDSA_ED25519, 0, h, out);
	}
	must(false);
	return -1;
}

size_t
pkey_sign(const struct pkey *k, const unsigned char hash[PKEY_HASH],
	  unsigned char out[PKEY_SIGNATURE_MOST])
{
	gnutls_datum_t h = datum(hash, PKEY_HASH), s = {0};
	size_t n = 0;

	must(k->private != NULL);
	if (sign(k, &h, &s) != 0)
		return 0;
	if (s.size <= PKEY_SIGNATURE_MOST) {
		n = s.size;
		memcpy(out, s.data, n);
	}
	gnutls_free(s.data);
	return n;
}

bool
pkey_published(const struct pkey *k, struct bytes *out)
{
	gnutls_datum_t d = {0};
	int rc = -1;

	switch (k->kind) {
	case PKEY_RSA:
		rc = gnutls_pubkey_export2(k->public, GNUTLS_X509_FMT_DER, &d);
		break;
	case PKEY_ED25519:
		rc = gnutls_pubkey_export_ecc_raw(k->public, NULL, &d, NULL);
		break;
	}
	if (rc == 0)
		bytes_add(out, d.data, d.size);
	gnutls_free(d.data);
	return rc == 0;
}
