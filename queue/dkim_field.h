/*
 * dkim_field - a DKIM-Signature field: what it claims, and whether we look any
 * further.  Pure; texts point into the field.
 *
 * Stricter than RFC 6376: l= is no signature of what follows, sha1 is broken
 * (RFC 8301 3.1), t= may not be in the future.
 * Source   RFC 6376 3.5, 6.1.1; RFC 8301; RFC 8463.
 */
#ifndef MTQ_DKIM_FIELD_H
#define MTQ_DKIM_FIELD_H

#include "daemon/pkey.h"
#include "queue/dkim_canon.h"
#include "queue/dkim_tags.h"

enum {
	DKIM_SIGNED_MOST = 256, /* names in h= */
	DKIM_CLOCKS_S = 5 * 60, /* between the signer's clock and ours */
	DKIM_ALGORITHM = 15,
};

/* Why a signature counts for nothing; the words are for people. */
#define DKIM_FAULTS(X)                                                         \
	X(NONE, "")                                                            \
	X(MALFORMED, "malformed signature")                                    \
	X(VERSION, "unknown version (v=)")                                     \
	X(ALGORITHM, "unknown algorithm (a=)")                                 \
	X(SHA1, "rsa-sha1 proves nothing (RFC 8301)")                          \
	X(CANON, "unknown canonicalization (c=)")                              \
	X(QUERY, "no known way to its key (q=)")                               \
	X(IDENTITY, "i= is not in d=")                                         \
	X(LENGTH, "l= leaves a part of the body unsigned")                     \
	X(EXPIRED, "expired (x=)")                                             \
	X(FUTURE, "signed in the future (t=)")                                 \
	X(FROM, "From is not signed (h=)")
enum dkim_fault {
#define X(id, words) DKIM_FAULT_##id,
	DKIM_FAULTS(X)
#undef X
};
const char *dkim_fault_words(enum dkim_fault f);

struct dkim_field {
	enum pkey_kind kind;
	char algorithm[DKIM_ALGORITHM + 1]; /* "rsa-sha256" */
	enum dkim_canon header, body;
	struct text domain, selector;
	bool below;              /* i= is in a subdomain of d= */
	struct text names;       /* h= */
	int64_t made_s, until_s; /* t=, x=; -1: not said */
	unsigned char hash[DKIM_HASH];
	unsigned char signature[PKEY_SIGNATURE_MOST];
	size_t nsignature;
};

/* `value` is what follows the colon.  What could be read is in *out also when
 * there is a fault: domain and selector are then texts without octets, or
 * names. */
enum dkim_fault dkim_field_read(struct text value, struct dkim_field *out);
/* EXPIRED, FUTURE or NONE. */
enum dkim_fault dkim_field_when(const struct dkim_field *f, int64_t now_s);
/* The value of b= in a whole field, which is left out when the field itself is
 * hashed (3.7): from *at, *n octets.  False: there is none. */
bool dkim_field_b(struct text field, size_t *at, size_t *n) MUST_USE;

#endif
