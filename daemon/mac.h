/*
 * mac - HMAC-SHA-256: what only who has the key can have written.  Pure.
 *
 * Source   RFC 2104, RFC 4231; libnettle.
 */
#ifndef MTQ_MAC_H
#define MTQ_MAC_H

#include "daemon/bytes.h"

enum { MAC_SIZE = 32 };

void mac_make(struct text key, struct text what, unsigned char out[MAC_SIZE]);
/* In a time that does not depend on what they hold. */
bool mac_equal(const void *a, const void *b, size_t n) MUST_USE;

#endif
