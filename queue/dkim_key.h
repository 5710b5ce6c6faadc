/*
 * dkim_key - a DKIM key record: which key it holds, for what.  Pure.
 *
 * Source   RFC 6376 3.6.1, 3.6.2.2, 6.1.2; RFC 8301 3.2 (RSA below 1024 bits is
 *          no key); RFC 8463 4.2
 */
#ifndef MTQ_DKIM_KEY_H
#define MTQ_DKIM_KEY_H

#include "queue/dkim_field.h"

enum {
	DKIM_RECORD_MOST = 4096, /* octets of a record */
	DKIM_BITS_LEAST = 1024,  /* of RSA (RFC 8301 3.2) */
	DKIM_BITS_MOST = 4096,   /* longer ones cost time, no verifier has to */
	DKIM_BITS_WEAK = 2048,   /* below: noted */
};

#define DKIM_KEY_FAULTS(X)                                                     \
	X(NONE, "")                                                            \
	X(SEVERAL, "several key records")                                      \
	X(LONG, "key record too long")                                         \
	X(MALFORMED, "malformed key record")                                   \
	X(VERSION, "unknown version of the key record (v=)")                   \
	X(REVOKED, "key revoked (p= is empty)")                                \
	X(KIND, "key is of another kind (k=)")                                 \
	X(HASH, "key is not for sha256 (h=)")                                  \
	X(SERVICE, "key is not for mail (s=)")                                 \
	X(IDENTITY, "key is not for subdomains (t=s)")                         \
	X(TESTING, "key is being tested (t=y)")                                \
	X(BROKEN, "no such public key (p=)")                                   \
	X(SHORT, "RSA key shorter than 1024 bits")                             \
	X(HUGE, "RSA key longer than 4096 bits")
enum dkim_key_fault {
#define X(id, words) DKIM_KEY_##id,
	DKIM_KEY_FAULTS(X)
#undef X
};
const char *dkim_key_words(enum dkim_key_fault f);
/* The signature may hold; we don't take it. */
bool dkim_key_policy(enum dkim_key_fault f);

/* The strings of one TXT record joined; false: malformed or longer than
 * DKIM_RECORD_MOST. */
bool dkim_key_join(const unsigned char *rdata, size_t n,
		   struct bytes *out) MUST_USE;
/* The key for this signature; the caller frees it.  *bits are known also of a
 * key that is too short. */
enum dkim_key_fault dkim_key_read(struct text record,
				  const struct dkim_field *f,
				  struct pkey **out_key, unsigned *bits);

#endif
