/*
 * pkey - keys that sign and verify: what DKIM needs of them.  With x509 the
 * only user of <gnutls/abstract.h>.
 *
 * Owner    a key is allocated by its load function; pkey_free (NULL too).  A
 *          loaded key may be used by several threads at a time.
 * Source   RFC 6376 3.3 (rsa-sha256), RFC 8463 (ed25519-sha256: the signature
 *          is of the SHA-256 of the data, PureEdDSA).
 */
#ifndef MTQ_PKEY_H
#define MTQ_PKEY_H

#include "daemon/bytes.h"
#include "daemon/err.h"

enum pkey_kind { PKEY_RSA, PKEY_ED25519 };
enum { PKEY_HASH = 32, PKEY_SIGNATURE_MOST = 1024 /* RSA of 8192 bits */ };

struct pkey;
/* A public key as a DKIM record has it (p=, decoded): for RSA the
 * SubjectPublicKeyInfo or the bare RSAPublicKey (RFC 6376 3.6.1 and errata), for
 * Ed25519 the 32 octets.  NULL: it is none. */
struct pkey *pkey_public(enum pkey_kind kind, const unsigned char *p,
			 size_t n) MUST_USE;
/* A private key, PEM, unencrypted. */
struct pkey *pkey_private(const void *pem, size_t n, struct err *e) MUST_USE;
void pkey_free(struct pkey *k);
enum pkey_kind pkey_kind(const struct pkey *k);
unsigned pkey_bits(const struct pkey *k);
/* `hash`: the SHA-256 of what is signed. */
bool pkey_verify(const struct pkey *k, const unsigned char hash[PKEY_HASH],
		 const unsigned char *signature, size_t n) MUST_USE;
/* Octets written, 0: the library refuses. */
size_t pkey_sign(const struct pkey *k, const unsigned char hash[PKEY_HASH],
		 unsigned char out[PKEY_SIGNATURE_MOST]) MUST_USE;
/* The public half of a private key as p= would have it, base64 not yet done. */
bool pkey_published(const struct pkey *k, struct bytes *out) MUST_USE;

#endif
