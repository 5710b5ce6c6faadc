/*
 * dane - which TLSA records count for SMTP, and what they ask for.  Pure.
 *
 * Owner    records borrow their data from the lookup that found them.
 * Source   RFC 6698 2.1, RFC 7671 4, 5, 9 (digest agility), RFC 7672 3.1.
 */
#ifndef MTQ_DANE_H
#define MTQ_DANE_H

#include "daemon/base.h"

enum {
	TLSA_MOST = 16,        /* records of one RRset that we look at */
	TLSA_DATA_MOST = 8192, /* octets of one record's data */
};

struct tlsa {
	uint8_t usage, selector, matching;
	uint16_t n;
	const unsigned char *data;
};

/* What DNS says about TLSA of one host. */
enum tlsa_state {
	TLSA_NONE,     /* not secure, or proved absent: no DANE */
	TLSA_USABLE,   /* at least one record counts: it must match */
	TLSA_UNUSABLE, /* secure records, none counts: TLS without a check */
	TLSA_FAILED,   /* bogus, SERVFAIL, too late: the host is not used */
};
const char *tlsa_word(enum tlsa_state s); /* "none" "usable" ... */

struct tlsa_set {
	enum tlsa_state state;
	char base[256]; /* host they were found for: the first name that may
			   stand in the certificate (DANE-TA) */
	struct tlsa rr[TLSA_MOST];
	size_t n;
	char why[128]; /* FAILED */
};

/* rdata of one record; the data is borrowed.  False: malformed. */
bool tlsa_decode(const unsigned char *rdata, size_t n,
		 struct tlsa *out) MUST_USE;
bool tlsa_usable(const struct tlsa *t) MUST_USE;
/* Drops what does not count, then weaker digests of a usage and selector that
 * has a stronger one (RFC 7671 9; full data counts always).  Sets `state` to
 * USABLE or UNUSABLE. */
void tlsa_choose(struct tlsa_set *s);
/* "3 1 1 0123abcd..." (64 octets of data at most) */
void tlsa_print(const struct tlsa *t, char *out, size_t size);
/* A digest of the set, for keys of caches; the same set in any order gives the
 * same. */
uint64_t tlsa_fingerprint(const struct tlsa_set *s);

#endif
