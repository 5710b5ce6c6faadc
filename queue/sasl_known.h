/*
 * sasl_known - passwords that were right before, so that a client which
 * authenticates on each connection (CRMs do) does not cost PBKDF2 each time.
 *
 * What is kept is a MAC of name and password under a key of this process, and
 * the stored key that it proved.  Whether that key is still in force is asked
 * each time, so a password that was changed, removed or has become too old is
 * never right here.  Nobody hears more than that he was right: a wrong password
 * costs what it always costs.
 *
 * Owner    plain memory of the loop's thread.
 * Bounded  SASL_KNOWN_MOST, the oldest gives way.
 */
#ifndef MTQ_SASL_KNOWN_H
#define MTQ_SASL_KNOWN_H

#include "daemon/mac.h"

enum { SASL_KNOWN_MOST = 256 };

struct sasl_known {
	unsigned char key[MAC_SIZE]; /* random */
	struct sasl_known_one {
		unsigned char tag[MAC_SIZE]; /* of name and password */
		unsigned char stored[MAC_SIZE];
	} one[SASL_KNOWN_MOST];
	size_t n;
	size_t next; /* the oldest, when all are taken */
};

/* The stored key that this tag proved; NULL: it is not known. */
const unsigned char *sasl_known_find(const struct sasl_known *k,
				     const unsigned char tag[MAC_SIZE]);
void sasl_known_put(struct sasl_known *k, const unsigned char tag[MAC_SIZE],
		    const unsigned char stored[MAC_SIZE]);

#endif
