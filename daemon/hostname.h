/*
 * hostname - does a name in a certificate stand for this host?  Pure.
 *
 * Source   RFC 6125 6.4.1, 6.4.3; RFC 9525 6.3 (the wildcard is a whole label,
 *          the left-most one).
 */
#ifndef MTQ_HOSTNAME_H
#define MTQ_HOSTNAME_H

#include "daemon/base.h"

/* `pattern` is what the certificate says, n octets, a wildcard or not; `name`
 * is the host we meant, a final dot is ignored there.  An address never
 * matches. */
bool hostname_match(const char *pattern, size_t n, const char *name) MUST_USE;
/* 4 or 16 octets when `name` is an address ("192.0.2.1", "2001:db8::1", with
 * or without brackets); 0 when it is none. */
size_t hostname_address(const char *name, unsigned char out[16]) MUST_USE;
/* The address of n octets as text; false when it is none. */
bool hostname_print(const void *p, size_t n, char *out, size_t size) MUST_USE;

#endif
