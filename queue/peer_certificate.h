/*
 * peer_certificate - the certificate that a client shows: does it hold, and
 * for which names?
 *
 * Time     an argument, seconds of the wall clock.
 * Source   facts: A03; RFC 5280 6, with id-kp-clientAuth.
 */
#ifndef MTQ_PEER_CERTIFICATE_H
#define MTQ_PEER_CERTIFICATE_H

#include "daemon/x509.h"

enum { PEER_NAMES = 512, PEER_WORDS = 200 };

struct peer_certificate {
	bool holds;
	char words[PEER_WORDS]; /* its subject, or what is wrong; cleaned */
	char names[PEER_NAMES]; /* its dNSNames, between blanks */
};
struct peer_chain { /* DER, its own certificate first */
	const unsigned char *der[X509_CHAIN_MOST];
	size_t n[X509_CHAIN_MOST];
	size_t
	    count; /* 0: none was shown; more than X509_CHAIN_MOST: too long */
};
void peer_certificate_look(const struct trust *t, const struct peer_chain *c,
			   int64_t now_s, struct peer_certificate *out);

#endif
