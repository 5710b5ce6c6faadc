#include "delivery/dns.h"

#include <ctype.h>
#include <string.h>

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
	return (uint64_t)m->preference << 48 | h >> 16;
}

void
dns_mx_sort(struct dns_mx *mx, size_t n, uint64_t salt)
{
	for (size_t i = 1; i < n; i++) /* at most 20: insertion */
		for (size_t j = i;
		     j > 0 && order(&mx[j], salt) < order(&mx[j - 1], salt);
		     j--) {
			struct dns_mx swap = mx[j];

			mx[j] = mx[j - 1];
			mx[j - 1] = swap;
		}
}
