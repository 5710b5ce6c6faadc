/* Any octets as the data of an MX record. */
#include <string.h>

#include "delivery/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct dns_mx mx[2];

	if (dns_mx(p, n, &mx[0])) {
		must(strlen(mx[0].host) <= DNS_NAME_MOST);
		must(strspn(mx[0].host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKL"
					"MNOPQRSTUVWXYZ0123456789-_.") ==
		     strlen(mx[0].host));
		mx[1] = mx[0];
		dns_mx_sort(mx, 2, n);
	}
	return 0;
}
