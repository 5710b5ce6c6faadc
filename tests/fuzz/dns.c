/* Any octets as MX records, one behind the other: a length, then the data. */
#include <string.h>

#include "daemon/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void
check_order(const struct dns_hosts *h)
{
	must(h->n <= DNS_HOSTS_MOST && h->n + h->null <= h->seen);
	for (size_t i = 0; i < h->n; i++) {
		must(h->mx[i].host[0] != '\0');
		must(i == 0 || h->mx[i - 1].preference <= h->mx[i].preference);
		for (size_t k = 0; k < i; k++)
			must(!dns_same(h->mx[i].host, h->mx[k].host));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL"
				      "MNOPQRSTUVWXYZ0123456789-_.";
	struct dns_hosts h = {.salt = n};
	unsigned char out[16];
	struct dns_mx mx;
	char self[64] = "";

	while (n > 0) {
		size_t size = min_of((size_t)p[0], n - 1);

		if (dns_mx(p + 1, size, &mx)) {
			must(strlen(mx.host) < DNS_NAME_MOST);
			must(strspn(mx.host, LETTERS) == strlen(mx.host));
			dns_hosts_add(&h, &mx);
			if (dns_literal(mx.host, out) == 4)
				(void)dns_public(out, 4);
		}
		if (size > 0 && size < sizeof self) {
			memcpy(self, p + 1, size);
			self[size] = '\0';
		}
		p += 1 + size;
		n -= 1 + size;
	}
	check_order(&h);
	(void)dns_literal(self, out);
	(void)dns_hosts_without(&h, self);
	check_order(&h);
	for (size_t i = 0; i < h.n; i++)
		must(!dns_same(h.mx[i].host, self));
	return 0;
}
