/*
 * x509 - one certificate: what it says, whether a chain of them holds.  The
 * seam to the library; certificate.c decides on top of it.  The only user of
 * <gnutls/x509.h> and <gnutls/abstract.h>.
 *
 * Owner    x509_load allocates, x509_free frees (NULL too); so for a trust.
 * Time     an argument, seconds of the wall clock.
 */
#ifndef MTQ_X509_H
#define MTQ_X509_H

#include "daemon/err.h"

struct x509;
struct x509 *x509_load(const unsigned char *der, size_t n) MUST_USE;
void x509_free(struct x509 *x);

enum { X509_NAME_MOST = 256 };
struct x509_name {
	char p[X509_NAME_MOST];
	size_t n;
};
enum x509_alt {
	X509_ALT_END,
	X509_ALT_DNS,
	X509_ALT_ADDRESS, /* 4 or 16 octets, if it is right */
	X509_ALT_OTHER,
	X509_ALT_UNREADABLE, /* malformed, or too long */
};
/* Its alternative names, from 0 on. */
enum x509_alt x509_alt_at(const struct x509 *x, unsigned at,
			  struct x509_name *out) MUST_USE;
/* The common name, when there is exactly one and no NUL in it; a string. */
bool x509_common_name(const struct x509 *x, struct x509_name *out) MUST_USE;
bool x509_self_issued(const struct x509 *x) MUST_USE;
/* Are these octets its own (selector 0) or its public key's (1), as they are
 * (matching 0), by SHA-256 (1) or SHA-512 (2)?  The numbers are TLSA's (RFC 6698
 * 2.1). */
bool x509_is(const struct x509 *x, unsigned selector, unsigned matching,
	     const unsigned char *data, size_t n) MUST_USE;

/* For people, cleaned and cut to size. */
void x509_subject(const struct x509 *x, char *out, size_t size);
void x509_issuer(const struct x509 *x, char *out, size_t size);
void x509_key(const struct x509 *x, char *out, size_t size);
/* Too weak a key or signature, and which. */
bool x509_weak(const struct x509 *x, char *out, size_t size) MUST_USE;
void x509_dates(const struct x509 *x, int64_t *from_s, int64_t *until_s);
/* False: a key of a kind the library doesn't know. */
bool x509_key_digest(const struct x509 *x, unsigned char out[32]) MUST_USE;

struct trust;
/* NULL: no CA in it. */
struct trust *x509_trust_open(const char *ca_file, struct err *e) MUST_USE;
struct trust *x509_trust_memory(const void *pem, size_t n,
				struct err *e) MUST_USE;
/* `anchor` alone; it must outlive the trust. */
struct trust *x509_trust_one(const struct x509 *anchor) MUST_USE;
void x509_trust_free(struct trust *t);

/* The first of them is what has to be put right first. */
enum x509_fault {
	X509_HOLDS,
	X509_FORGED, /* a signature is not its issuer's */
	X509_UNKNOWN_CA,
	X509_EXPIRED,
	X509_NOT_YET,
	X509_WEAK,
	X509_WRONG_USE,
	X509_BROKEN, /* not a CA's, constraints, order */
};
enum { X509_CHAIN_MOST = 10 };
enum x509_purpose { X509_FOR_SERVER, X509_FOR_CLIENT };
/* The first certificate is the host's own; does it lead to the trust, for this
 * side of TLS, at that time? */
enum x509_fault x509_verify(const struct trust *t, struct x509 *const *chain,
			    size_t n, int64_t now_s,
			    enum x509_purpose purpose) MUST_USE;

/* A chain and its key (PEM) as our side shows them: they can be read and belong
 * together; when its first certificate ends. */
bool x509_pair(const void *chain, size_t nchain, const void *key, size_t nkey,
	       int64_t *out_until_s, struct err *e) MUST_USE;

#endif
