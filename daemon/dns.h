/*
 * dns - what an answer's octets mean.  Pure.
 *
 * Source   RFC 1035 3.3.9, 4.1.4; RFC 7505 (null MX); the registries of special
 *          addresses (RFC 6890 and later).
 */
#ifndef MTQ_DNS_H
#define MTQ_DNS_H

#include "daemon/base.h"

enum { DNS_NAME_MOST = 255, DNS_NAME_TEXT = 256 };

/* An uncompressed wire name as text without the final dot; "" is the root.
 * Only letters, digits, '-', '_' and '.' between labels: a host name we could
 * connect to.  False: malformed, or another octet. */
bool dns_name(const unsigned char *p, size_t n,
	      char out[DNS_NAME_TEXT]) MUST_USE;
/* The same name, whatever its case and a final dot. */
bool dns_same(const char *a, const char *b) MUST_USE;

struct dns_mx {
	uint16_t preference;
	char host[DNS_NAME_TEXT]; /* "": null MX if it is the only one */
};
bool dns_mx(const unsigned char *rdata, size_t n, struct dns_mx *out) MUST_USE;

enum { DNS_HOSTS_MOST = 20 }; /* of one domain: the best ones are kept */

/* The mail exchangers of a domain: ascending preference, equal ones in the
 * order of the salt's shuffle, none twice. */
struct dns_hosts {
	struct dns_mx mx[DNS_HOSTS_MOST];
	size_t n;
	size_t seen; /* records, also those not kept */
	size_t null; /* records that name the root */
	uint64_t salt;
};
void dns_hosts_add(struct dns_hosts *h, const struct dns_mx *mx);
/* RFC 5321 5.1: a host of the list keeps out itself and what is not better
 * than itself, else mail runs in a loop.  True: something went. */
bool dns_hosts_without(struct dns_hosts *h, const char *self);

/* "192.0.2.1", "[192.0.2.1]", "[2001:db8::1]", "[IPv6:2001:db8::1]" (RFC 5321
 * 4.1.3): the octets written, 0 for a name. */
size_t dns_literal(const char *host, unsigned char out[16]);
/* An address of the public Internet: not private, loopback, link-local,
 * shared (CGNAT), documentation, multicast, reserved, unique local or
 * v4-mapped.  n is 4 or 16. */
bool dns_public(const unsigned char *addr, size_t n) MUST_USE;

#endif
