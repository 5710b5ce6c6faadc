/* A mailbox that is taken reprints to what was read, and stays within what
 * RFC 5321 4.5.3.1 allows. */
#include <string.h>

#include "queue/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(const char *p, size_t n, bool utf8)
{
	struct bytes again = {0};
	struct address a;
	const char *why = NULL;

	if (!address_parse(p, n, utf8, &a, &why)) {
		must(why != NULL && why[0] != '\0');
		return;
	}
	must(a.local.n > 0 && a.local.n <= ADDRESS_LOCAL_MOST);
	must(a.domain.n > 0 && a.domain.n <= ADDRESS_DOMAIN_MOST);
	must(address_domain(a.domain.p, a.domain.n, utf8));
	must(utf8 || !a.utf8);
	bytes_add(&again, a.local.p, a.local.n);
	bytes_add(&again, "@", 1);
	bytes_add(&again, a.domain.p, a.domain.n);
	must(again.n == n && memcmp(again.data, p, n) == 0);
	/* Whatever it is, it can stand between brackets in one line. */
	for (size_t i = 0; i < n; i++)
		must((unsigned char)p[i] >= ' ' && p[i] != 0x7f);
	bytes_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	check((const char *)data, n, false);
	check((const char *)data, n, true);
	return 0;
}
