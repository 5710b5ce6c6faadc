/*
 * certificate - is this the host we meant?  A chain as it came in the handshake
 * against a list of CAs and names, or against TLSA records.  Decides on top of
 * x509, the seam to the library.
 *
 * Names are compared with dNSName alternative names only, a wildcard stands for
 * the left-most label alone; an iPAddress when the name is an address; the
 * common name only where the caller allows it and no alternative name of that
 * kind is there (RFC 6125 6.4); DANE-TA always allows it (RFC 7672 3.2.3).
 *
 * Owner    plain values; a trust is shared by all connections of a relay.
 * Time     an argument, seconds of the wall clock.
 * Source   RFC 5280 6, RFC 6125, RFC 6698, RFC 7671 5, RFC 7672 3.
 */
#ifndef MTQ_CERTIFICATE_H
#define MTQ_CERTIFICATE_H

#include "daemon/err.h"
#include "delivery/dane.h"

enum { CHAIN_MOST = 10, CERTIFICATE_NAMES_MOST = 4 };

struct chain {
	struct {
		const unsigned char *der;
		size_t n;
	} at[CHAIN_MOST]; /* the host's own first, as it came */
	size_t n;
};

#define CERTIFICATE_FINDINGS(F)                                                \
	F(GOOD, "verified")                                                    \
	F(NONE, "the host sent no certificate")                                \
	F(MALFORMED, "a certificate can't be read")                            \
	F(UNKNOWN_CA, "not signed by a CA we know")                            \
	F(SELF_SIGNED, "self-signed")                                          \
	F(EXPIRED, "expired")                                                  \
	F(NOT_YET, "not valid yet")                                            \
	F(WRONG_NAME, "for another name")                                      \
	F(WRONG_USE, "not for a server")                                       \
	F(WEAK, "a weak key or signature")                                     \
	F(NO_MATCH, "no TLSA record matches")                                  \
	F(INVALID, "the chain does not hold")
enum certificate_finding {
#define F(id, text) CERTIFICATE_##id,
	CERTIFICATE_FINDINGS(F)
#undef F
	    CERTIFICATE_FINDING_COUNT
};
const char *certificate_text(enum certificate_finding f);

struct certificate_verdict {
	enum certificate_finding finding;
	char detail[160]; /* cleaned; which certificate, which names it has */
};

struct certificate_names {
	const char *name[CERTIFICATE_NAMES_MOST]; /* host names or addresses */
	size_t n;
	bool allow_cn;
};

struct trust;
/* ca_file "": the system's CAs.  NULL: no CA in it. */
struct trust *trust_open(const char *ca_file, struct err *e) MUST_USE;
void trust_free(struct trust *t);

/* Signed by a CA of `t`, for one of the names, now, for a TLS server. */
struct certificate_verdict
certificate_check(const struct trust *t, const struct chain *c,
		  const struct certificate_names *names, int64_t now_s);
/* DANE-EE: the record alone, no name and no dates (RFC 7672 3.1.1).  DANE-TA:
 * the matched certificate is the only anchor of what is below it, and the name
 * counts (3.1.2); "2 0 0" may bring the anchor itself.  `rr` are usable ones
 * (tlsa_choose). */
struct certificate_verdict
certificate_dane(const struct tlsa_set *set, const struct chain *c,
		 const struct certificate_names *names, int64_t now_s);
/* For people: subject, issuer, names, dates, key of one certificate; each
 * cleaned.  False: malformed. */
struct certificate_look {
	char subject[200], issuer[200], names[300], key[64];
	int64_t from_s, until_s;
	unsigned char sha256[32]; /* of the public key (SPKI) */
};
bool certificate_look(const unsigned char *der, size_t n,
		      struct certificate_look *out) MUST_USE;

#endif
