/*
 * dkim_keys - the private keys of the blocks `dkim`: can they sign, are they
 * long enough?
 *
 * Errors   begin with FILE:LINE of the key.
 */
#ifndef MTQ_DKIM_KEYS_H
#define MTQ_DKIM_KEYS_H

#include "daemon/report.h"
#include "daemon/secret.h"
#include "daemon/settings.h"

enum {
	DKIM_KEYS_LEAST = 1024, /* of RSA (RFC 8301 3.2) */
	DKIM_KEYS_GOOD = 2048,
};

/* Of those that were fetched: every one can sign. */
bool dkim_keys_check(const struct settings *s, const struct secrets *set,
		     struct err *e) MUST_USE;
/* The short ones, and those of one domain that never take turns. */
void dkim_keys_doubts(const struct settings *s, const struct secrets *set,
		      struct report *rep);
/* What `mtq check` says: both of the above, of the files that it may read. */
void dkim_keys_look(const struct settings *s, struct report *rep);

#endif
