/*
 * digest - hashes and key derivation.  The only user of <gnutls/crypto.h>.
 */
#ifndef MTQ_DIGEST_H
#define MTQ_DIGEST_H

#include "daemon/base.h"

enum digest_kind { DIGEST_SHA1, DIGEST_SHA256, DIGEST_SHA512 };
enum { DIGEST_MOST = 64 };

/* Octets written. */
size_t digest_of(enum digest_kind k, const void *p, size_t n,
		 unsigned char out[DIGEST_MOST]);
/* The same of octets that stream by: begin, add, then end, which frees it, or
 * drop (NULL too). */
struct digest;
struct digest *digest_begin(enum digest_kind k) MUST_USE;
void digest_add(struct digest *d, const void *p, size_t n);
size_t digest_end(struct digest *d, unsigned char out[DIGEST_MOST]);
void digest_drop(struct digest *d);
/* PBKDF2-HMAC (RFC 8018), as long as the hash: SCRAM's SaltedPassword (RFC 5802
 * 3).  Octets written. */
size_t digest_pbkdf2(enum digest_kind k, const void *password, size_t npassword,
		     const void *salt, size_t nsalt, unsigned rounds,
		     unsigned char out[DIGEST_MOST]);

#endif
