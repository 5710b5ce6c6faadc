#include "daemon/dns.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

bool
dns_name(const unsigned char *p, size_t n, char out[DNS_NAME_TEXT])
{
	size_t at = 0, to = 0;

	if (n == 0 || n > DNS_NAME_MOST)
		return false;
	while (at < n && p[at] != 0) {
		size_t label = p[at++];

		if (label > 63 || label > n - at)
			return false;
		if (to > 0)
			out[to++] = '.';
		for (size_t i = 0; i < label; i++) {
			unsigned char c = p[at + i];

			if (!isalnum(c) && c != '-' && c != '_')
				return false;
			out[to++] = (char)c;
		}
		at += label;
	}
	if (at + 1 != n)
		return false;
	out[to] = '\0';
	return true;
}

bool
dns_same(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b);

	na -= na > 0 && a[na - 1] == '.';
	nb -= nb > 0 && b[nb - 1] == '.';
	return na == nb && strncasecmp(a, b, na) == 0;
}

bool
dns_mx(const unsigned char *rdata, size_t n, struct dns_mx *out)
{
	if (n < 3)
		return false;
	out->preference = (uint16_t)(rdata[0] << 8 | rdata[1]);
	return dns_name(rdata + 2, n - 2, out->host);
}

static uint64_t
order(const struct dns_mx *m, uint64_t salt)
{
	uint64_t h = salt;

	for (const char *p = m->host; *p != '\0'; p++)
		h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	h ^= h >> 32; /* names that differ in one letter differ everywhere */
	h *= UINT64_C(0xd6e8feb86659fd93);
	h ^= h >> 32;
	h *= UINT64_C(0xd6e8feb86659fd93);
	return (uint64_t)m->preference << 48 | h >> 16;
}

void
dns_hosts_add(struct dns_hosts *h, const struct dns_mx *mx)
{
	uint64_t key = order(mx, h->salt);
	size_t at;

	h->seen++;
	h->null += mx->host[0] == '\0';
	if (mx->host[0] == '\0')
		return;
	for (size_t i = 0; i < h->n; i++)
		if (dns_same(h->mx[i].host, mx->host)) {
			if (h->mx[i].preference <= mx->preference)
				return;
			memmove(&h->mx[i], &h->mx[i + 1],
				(h->n - i - 1) * sizeof h->mx[0]);
			h->n--;
			break;
		}
	at = h->n;
	while (at > 0 && order(&h->mx[at - 1], h->salt) > key)
		at--;
	if (at == DNS_HOSTS_MOST)
		return;
	h->n = min_of(h->n, (size_t)DNS_HOSTS_MOST - 1);
	memmove(&h->mx[at + 1], &h->mx[at], (h->n - at) * sizeof h->mx[0]);
	h->mx[at] = *mx;
	h->n++;
}

bool
dns_hosts_without(struct dns_hosts *h, const char *self)
{
	size_t n = h->n;

	for (size_t i = 0; i < h->n; i++) {
		if (!dns_same(h->mx[i].host, self))
			continue;
		while (i > 0 && h->mx[i - 1].preference == h->mx[i].preference)
			i--;
		h->n = i;
	}
	return h->n < n;
}

/* Networks that are not of the public Internet, by the registries of RFC 6890;
 * documentation: RFC 5737, 3849; CGNAT: RFC 6598; benchmarks: RFC 2544. */
static const struct {
	size_t n; /* octets of the family */
	unsigned bits;
	unsigned char net[16];
} special[] = {
    {4, 8, {0}},
    {4, 8, {10}},
    {4, 10, {100, 64}},
    {4, 8, {127}},
    {4, 16, {169, 254}},
    {4, 12, {172, 16}},
    {4, 24, {192, 0, 0}},
    {4, 24, {192, 0, 2}},
    {4, 24, {192, 88, 99}}, /* 6to4 relays, RFC 7526 */
    {4, 16, {192, 168}},
    {4, 15, {198, 18}},
    {4, 24, {198, 51, 100}},
    {4, 24, {203, 0, 113}},
    {4, 4, {224}},
    {4, 4, {240}},
    {16, 64, {0}}, /* ::, ::1, v4-mapped and v4-compatible */
    {16, 96, {0, 0x64, 0xff, 0x9b}},
    {16, 48, {0, 0x64, 0xff, 0x9b, 0, 1}},
    {16, 64, {1}}, /* 100::/64, discard */
    {16, 23, {0x20, 1}},
    {16, 32, {0x20, 1, 0x0d, 0xb8}},
    {16, 16, {0x20, 2}}, /* 6to4 wraps any IPv4 address */
    {16, 20, {0x3f, 0xff}},
    {16, 7, {0xfc}},
    {16, 10, {0xfe, 0x80}},
    {16, 10, {0xfe, 0xc0}},
    {16, 8, {0xff}},
};

static bool
inside(const unsigned char *addr, const unsigned char *net, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	unsigned mask = 0xffU << (8 - rest) & 0xff;

	return memcmp(addr, net, whole) == 0 &&
	       (rest == 0 || ((addr[whole] ^ net[whole]) & mask) == 0);
}

bool
dns_public(const unsigned char *addr, size_t n)
{
	must(n == 4 || n == 16);
	for (size_t i = 0; i < countof(special); i++)
		if (special[i].n == n &&
		    inside(addr, special[i].net, special[i].bits))
			return false;
	return true;
}

size_t
dns_literal(const char *host, unsigned char out[16])
{
	static const char TAG[] = "IPv6:";
	char text[INET6_ADDRSTRLEN + sizeof TAG];
	size_t n = strlen(host);
	bool box = n > 2 && host[0] == '[' && host[n - 1] == ']';
	const char *p = text;

	n -= box ? 2 : 0;
	if (n >= sizeof text)
		return 0;
	memcpy(text, host + box, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, out) == 1)
		return 4;
	if (strncasecmp(text, TAG, sizeof TAG - 1) == 0)
		p += sizeof TAG - 1;
	return box && inet_pton(AF_INET6, p, out) == 1 ? 16 : 0;
}
