/*
 * identity - whose certificate it is: its names, and whether ours is one.  Pure.
 *
 * Source   RFC 6125 6.4, RFC 7672 3.2.3.
 */
#ifndef MTQ_IDENTITY_H
#define MTQ_IDENTITY_H

#include "daemon/x509.h"

/* Has it this host name or address?  The common name counts when `allow_cn`
 * and no alternative name of that kind is there (RFC 6125 6.4.4). */
bool identity_is(const struct x509 *x, const char *name,
		 bool allow_cn) MUST_USE;
/* For people, cleaned and cut to size. */
void identity_print(const struct x509 *x, char *out, size_t size);

#endif
