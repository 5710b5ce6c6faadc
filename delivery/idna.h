/*
 * idna - a domain as DNS and certificates have it: A-labels.
 *
 * A name of ASCII passes as it stands: what it must look like is decided where
 * it is used (address literals, names a resolver may be asked for).  Any other
 * is mapped by IDNA 2008 with UTS #46, and the result, which the library does
 * not check, must be labels of letters, digits and inner hyphens.  The only user
 * of <idn2.h>, which GnuTLS brings along.
 *
 * Source   RFC 5890, RFC 5891, RFC 6531 3.7.1, RFC 1123 2.1
 */
#ifndef MTQ_IDNA_H
#define MTQ_IDNA_H

#include "daemon/base.h"

enum {
	IDNA_TEXT_MOST = 1024, /* octets of UTF-8 */
	IDNA_NAME_MOST = 253,  /* RFC 1035 2.3.4 */
	IDNA_LABEL_MOST = 63,
};

/* False: there is no such name, or no room for it in out[size]. */
bool idna_ascii(const char *name, char *out, size_t size) MUST_USE;

#endif
