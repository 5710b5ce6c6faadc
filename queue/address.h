/*
 * address - a mailbox as RFC 5321 writes it in MAIL and RCPT.
 *
 * Local part (dot-string or quoted string), domain (labels, A-labels, or U-labels
 * when SMTPUTF8 was asked for) or address literal.  Source routes are refused;
 * % and ! are plain characters and never routed.
 *
 * Owner    texts point into the input.
 * Source   RFC 5321 4.1.2, 4.1.3, 4.5.3.1 (64 / 255 / 254 octets); RFC 6531 3.3.
 */
#ifndef MTQ_ADDRESS_H
#define MTQ_ADDRESS_H

#include "daemon/wire.h"

enum { ADDRESS_MOST = 254, ADDRESS_LOCAL_MOST = 64, ADDRESS_DOMAIN_MOST = 255 };

struct address {
	struct text local;
	struct text domain;
	bool utf8;    /* has an octet above 127 */
	bool literal; /* domain is [192.0.2.1] or [IPv6:...] */
};

/* The whole of p[0..n) must be one mailbox.  `why` (static text) on false. */
bool address_parse(const char *p, size_t n, bool utf8_allowed,
		   struct address *out, const char **why) MUST_USE;
/* A domain or an address literal, as EHLO's argument. */
bool address_domain(const char *p, size_t n, bool utf8_allowed) MUST_USE;

#endif
