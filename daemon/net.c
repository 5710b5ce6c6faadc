#include "daemon/net.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

/* ::ffff:0:0/96, the IPv4 addresses within IPv6 (RFC 4291 2.5.5.2). */
static const unsigned char mapped[16] = {[10] = 0xff, [11] = 0xff};

#define because(why, ...) snprintf(why, NET_WHY, __VA_ARGS__)

/* Copies n octets of s and a NUL; false when they don't fit. */
static bool
cut(char *out, size_t size, const char *s, size_t n)
{
	if (n >= size)
		return false;
	memcpy(out, s, n);
	out[n] = '\0';
	return true;
}

/* Digits only, at most five of them. */
static bool
small_number(const char *s, unsigned *out)
{
	size_t n = strspn(s, "0123456789");

	*out = 0;
	if (n == 0 || n > 5 || s[n] != '\0')
		return false;
	for (; *s != '\0'; s++)
		*out = *out * 10 + (unsigned)(*s - '0');
	return true;
}

static void
set_v4(struct socket_at *at, const void *addr, unsigned port)
{
	struct sockaddr_in in = {.sin_family = AF_INET};

	in.sin_port = htons((uint16_t)port);
	memcpy(&in.sin_addr, addr, 4);
	at->sa = (struct sockaddr_storage){0};
	memcpy(&at->sa, &in, sizeof in);
	at->len = sizeof in;
}

static void
set_v6(struct socket_at *at, const struct in6_addr *addr, unsigned port)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	in6.sin6_port = htons((uint16_t)port);
	in6.sin6_addr = *addr;
	at->sa = (struct sockaddr_storage){0};
	memcpy(&at->sa, &in6, sizeof in6);
	at->len = sizeof in6;
}

static bool
parse_unix(const char *path, struct socket_at *at, char why[NET_WHY])
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t n = strlen(path);

	if (path[0] != '/' || n >= sizeof un.sun_path) {
		because(why, "is no path of 1 to %zu octets that begins with /",
			sizeof un.sun_path - 1);
		return false;
	}
	memcpy(un.sun_path, path, n);
	at->sa = (struct sockaddr_storage){0};
	memcpy(&at->sa, &un, sizeof un);
	at->len = sizeof un;
	return true;
}

const char *
net_unix_path(const struct socket_at *at)
{
	return at->sa.ss_family == AF_UNIX
		   ? ((const struct sockaddr_un *)&at->sa)->sun_path
		   : NULL;
}

bool
net_parse_socket(const char *s, struct socket_at *at, char why[NET_WHY])
{
	const char *colon = strrchr(s, ':');
	bool v6 = *s == '[';
	char host[INET6_ADDRSTRLEN + 2];
	struct in6_addr a6;
	struct in_addr a4;
	unsigned port;
	size_t n;

	if (strncmp(s, "unix:", 5) == 0)
		return parse_unix(s + 5, at, why);
	if (colon == NULL || (v6 && colon[-1] != ']')) {
		because(why, "has no port; write 192.0.2.1:25 or "
			     "\"[2001:db8::1]:25\"");
		return false;
	}
	if (!small_number(colon + 1, &port) || port == 0 || port > 65535) {
		because(why, "has a wrong port; ports go from 1 to 65535");
		return false;
	}
	n = (size_t)(colon - s);
	if (v6 && cut(host, sizeof host, s + 1, n - 2) &&
	    inet_pton(AF_INET6, host, &a6) == 1) {
		if (IN6_IS_ADDR_V4MAPPED(&a6))
			set_v4(at, a6.s6_addr + 12, port);
		else
			set_v6(at, &a6, port);
		return true;
	}
	if (!v6 && cut(host, sizeof host, s, n) &&
	    inet_pton(AF_INET, host, &a4) == 1) {
		set_v4(at, &a4, port);
		return true;
	}
	because(why,
		memchr(s, ':', n) != NULL && !v6
		    ? "an IPv6 address needs brackets: \"[2001:db8::1]:25\""
		    : "is not ADDRESS:PORT; write 0.0.0.0:25 or \"[::]:25\" "
		      "for all "
		      "addresses");
	return false;
}

/* Reads an address of either family into its IPv6 form; *bits is the length
 * of that form's fixed front. */
static bool
parse_address(const char *s, unsigned char out[16], unsigned *front)
{
	if (inet_pton(AF_INET6, s, out) == 1) {
		*front = 0;
		return true;
	}
	memcpy(out, mapped, 12);
	*front = NET_MAPPED;
	return inet_pton(AF_INET, s, out + 12) == 1;
}

/* True when a and b agree in their first bits. */
static bool
same_front(const unsigned char *a, const unsigned char *b, unsigned bits)
{
	unsigned octets = bits / 8, rest = bits % 8;

	if (memcmp(a, b, octets) != 0)
		return false;
	return rest == 0 || ((a[octets] ^ b[octets]) >> (8 - rest)) == 0;
}

static bool
not_too_wide(const struct network *net, char why[NET_WHY])
{
	unsigned own = net_is_v4(net) ? net->bits - NET_MAPPED : net->bits;

	if (own == 0 ||
	    (!net_is_v4(net) && same_front(net->addr, mapped, net->bits))) {
		because(why, "holds everybody: an open relay; name the "
			     "networks that may hand us mail");
		return false;
	}
	if (own >= (net_is_v4(net) ? NET_WIDEST_V4 : NET_WIDEST_V6))
		return true;
	because(why, "is too wide, it makes an open relay; the widest is /%d",
		net_is_v4(net) ? NET_WIDEST_V4 : NET_WIDEST_V6);
	return false;
}

bool
net_parse_network(const char *s, struct network *net, char why[NET_WHY])
{
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	char host[INET6_ADDRSTRLEN + 1];
	unsigned char left;
	unsigned front, bits;

	if (!cut(host, sizeof host, s, n) ||
	    !parse_address(host, net->addr, &front)) {
		because(why, "is not a network; write 192.0.2.0/24 or "
			     "2001:db8::/32");
		return false;
	}
	bits = 128 - front;
	if (slash != NULL &&
	    (!small_number(slash + 1, &bits) || bits > 128 - front)) {
		because(why, "has a wrong length; it goes from 0 to %u",
			128 - front);
		return false;
	}
	net->bits = front + bits;
	for (unsigned i = net->bits; i < 128; i++) {
		left = (unsigned char)(net->addr[i / 8] & 0x80 >> i % 8);
		if (left != 0) {
			because(why, "has bits beyond its length; is one "
				     "address meant, or the network?");
			return false;
		}
	}
	return not_too_wide(net, why);
}

void
net_print_network(const struct network *net, struct bytes *out)
{
	char text[INET6_ADDRSTRLEN];
	bool v4 = net_is_v4(net);
	unsigned all = v4 ? 32 : 128;
	unsigned bits = v4 ? net->bits - NET_MAPPED : net->bits;

	must(inet_ntop(v4 ? AF_INET : AF_INET6, net->addr + (v4 ? 12 : 0), text,
		       sizeof text) != NULL);
	bytes_add_text(out, text);
	if (bits != all)
		bytes_printf(out, "/%u", bits);
}

bool
net_address(const struct sockaddr *sa, unsigned char out[16])
{
	static const unsigned char here[4] = {127, 0, 0, 1};
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	if (sa->sa_family == AF_UNIX) {
		memcpy(out, mapped, 12);
		memcpy(out + 12, here, 4);
		return true;
	}
	if (sa->sa_family == AF_INET) {
		memcpy(&in, sa, sizeof in);
		memcpy(out, mapped, 12);
		memcpy(out + 12, &in.sin_addr, 4);
		return true;
	}
	if (sa->sa_family != AF_INET6)
		return false;
	memcpy(&in6, sa, sizeof in6);
	memcpy(out, &in6.sin6_addr, 16);
	return true;
}

bool
net_holds(const struct network *net, const unsigned char addr[16])
{
	return same_front(net->addr, addr, net->bits);
}

bool
net_is_v4(const struct network *net)
{
	return net->bits >= NET_MAPPED && memcmp(net->addr, mapped, 12) == 0;
}

bool
net_is_wildcard(const struct socket_at *at)
{
	static const unsigned char nothing[16];
	unsigned char addr[16];

	must(net_address((const struct sockaddr *)&at->sa, addr));
	if (at->sa.ss_family == AF_INET)
		return memcmp(addr + 12, nothing, 4) == 0;
	return memcmp(addr, nothing, 16) == 0;
}

unsigned
net_port(const struct socket_at *at)
{
	struct sockaddr_in in;

	/* The port stands at the same place in both families. */
	static_assert(offsetof(struct sockaddr_in, sin_port) ==
			  offsetof(struct sockaddr_in6, sin6_port),
		      "one way to read a port");
	if (at->sa.ss_family == AF_UNIX)
		return 0;
	memcpy(&in, &at->sa, sizeof in);
	return ntohs(in.sin_port);
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool
net_is_domain(const char *s)
{
	size_t n = 0; /* octets of this label */
	bool letter = false;

	if (strlen(s) > NET_DOMAIN)
		return false;
	for (;; s++) {
		if (*s == '.' || *s == '\0') {
			if (n == 0 || n > NET_LABEL || s[-1] == '-')
				return false;
			if (*s == '\0')
				return letter;
			n = 0;
			letter = false;
			continue;
		}
		if (!is_letter(*s) && !is_digit(*s) && (*s != '-' || n == 0))
			return false;
		letter = letter || !is_digit(*s);
		n++;
	}
}

bool
net_is_host(const char *s, char why[NET_WHY])
{
	unsigned char addr[16];
	char host[INET6_ADDRSTRLEN + 1];
	size_t n = strlen(s);

	if (net_is_domain(s) || inet_pton(AF_INET, s, addr) == 1)
		return true;
	if (n > 2 && s[0] == '[' && s[n - 1] == ']' &&
	    cut(host, sizeof host, s + 1, n - 2) &&
	    inet_pton(AF_INET6, host, addr) == 1)
		return true;
	if (inet_pton(AF_INET6, s, addr) == 1)
		because(why, "an IPv6 address needs brackets: \"[%s]\"", s);
	else if (strchr(s, ':') != NULL && s[0] != '[')
		because(why, "is not a host; the port has a key of its own");
	else
		because(why, "is not a name, an IPv4 address or an IPv6 "
			     "address in brackets");
	return false;
}
