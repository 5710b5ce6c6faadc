/*
 * dns - what an answer's octets mean.  Pure.
 *
 * Source   RFC 1035 3.3.9, 4.1.4; RFC 7505 (null MX).
 */
#ifndef MTQ_DNS_H
#define MTQ_DNS_H

#include "daemon/base.h"

enum { DNS_NAME_MOST = 255, DNS_NAME_TEXT = 1024 };

/* An uncompressed wire name as text without the final dot; "" is the root.
 * Only letters, digits, '-', '_' and '.' between labels: a host name we could
 * connect to.  False: malformed, or another octet. */
bool dns_name(const unsigned char *p, size_t n,
	      char out[DNS_NAME_TEXT]) MUST_USE;

struct dns_mx {
	uint16_t preference;
	char host[DNS_NAME_TEXT]; /* "": null MX if it is the only one */
};
bool dns_mx(const unsigned char *rdata, size_t n, struct dns_mx *out) MUST_USE;
/* Ascending preference; equal ones in the order of `salt`'s shuffle. */
void dns_mx_sort(struct dns_mx *mx, size_t n, uint64_t salt);

#endif
