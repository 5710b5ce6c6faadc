/*
 * sasl_salted - SCRAM's SaltedPassword, computed once for each salt.
 *
 * The server picks the rounds; at 100,000 they cost 11 ms of a worker's loop,
 * and a relay is authenticated to once a connection with the same salt each
 * time.
 *
 * Owner    a few results are kept for the life of the process, in memory that
 *          is locked and in no core where the kernel allows it; the password
 *          itself is not kept.
 * Source   RFC 5802 2.2, 3; RFC 7677 4 (rounds).
 */
#ifndef MTQ_SASL_SALTED_H
#define MTQ_SASL_SALTED_H

#include "daemon/digest.h"

enum {
	SALTED_KEPT_MOST = 16, /* relays times credentials of one worker */
	SALTED_SALT_MOST = 1024,
};

/* Octets written.  `password` is prepared (SASLprep). */
size_t sasl_salted(enum digest_kind k, const char *password,
		   const unsigned char *salt, size_t nsalt, unsigned rounds,
		   unsigned char out[DIGEST_MOST]);
/* How often it was computed and not found; for tests. */
uint64_t sasl_salted_computed(void);

#endif
