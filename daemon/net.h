/*
 * net - addresses, networks and host names as a configuration spells them.
 *
 * An IPv4 address is compared as IPv6, in its mapped form (RFC 4291 2.5.5.2),
 * so that there is one way to ask "is it in there?".
 *
 * Errors   a sentence in `why`, without the text itself.
 */
#ifndef MTQ_NET_H
#define MTQ_NET_H

#include <sys/socket.h>

#include "daemon/bytes.h"

struct socket_at {
	struct sockaddr_storage sa;
	socklen_t len;
	char *text; /* as in the file */
};
struct sockets {
	struct socket_at *at;
	size_t n;
};
struct network { /* IPv4 is kept as v4-mapped IPv6: one way to compare */
	unsigned char addr[16];
	unsigned bits; /* 0..128 */
};
struct networks {
	struct network *net;
	size_t n;
};

enum {
	NET_WHY = 256,     /* octets of a message */
	NET_WIDEST_V4 = 8, /* bits of the widest network of clients */
	NET_WIDEST_V6 = 7, /* fc00::/7, the private addresses (RFC 4193) */
	NET_DOMAIN = 253,  /* octets of a domain name (RFC 1035 2.3.4) */
	NET_LABEL = 63,
	NET_MAPPED = 96, /* bits before the IPv4 address */
};

/* "192.0.2.1:25", "[2001:db8::1]:25" or "unix:/path"; at->text is not set. */
bool net_parse_socket(const char *s, struct socket_at *at,
		      char why[NET_WHY]) MUST_USE;
/* "192.0.2.0/24", "2001:db8::/32", or one address.  What would make an open
 * relay (everything, or wider than the two limits above) is refused. */
bool net_parse_network(const char *s, struct network *net,
		       char why[NET_WHY]) MUST_USE;
void net_print_network(const struct network *net, struct bytes *out);

/* NULL: it is no Unix socket. */
const char *net_unix_path(const struct socket_at *at);
/* The address alone, as in networks: who comes by a Unix socket is 127.0.0.1.
 * False for other families. */
bool net_address(const struct sockaddr *sa, unsigned char out[16]) MUST_USE;
bool net_holds(const struct network *net,
	       const unsigned char addr[16]) MUST_USE;
bool net_is_v4(const struct network *net) MUST_USE;
bool net_is_wildcard(const struct socket_at *at) MUST_USE; /* 0.0.0.0, [::] */
unsigned net_port(const struct socket_at *at) MUST_USE;

/* Letters, digits, hyphens and dots (RFC 1123 2.1); the last label is not a
 * number, so that no address passes for a name. */
bool net_is_domain(const char *s) MUST_USE;
/* A domain name, an IPv4 address or an IPv6 address in brackets. */
bool net_is_host(const char *s, char why[NET_WHY]) MUST_USE;

#endif
