#include "delivery/identity.h"

#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/hostname.h"

enum { NAMES_MOST = 500 }; /* of one certificate that we look at */

static bool
common_name_is(const struct x509 *x, const char *name)
{
	unsigned char want[16], have[16];
	struct x509_name cn;
	size_t n;

	if (!x509_common_name(x, &cn))
		return false;
	n = hostname_address(name, want);
	if (n == 0)
		return hostname_match(cn.p, cn.n, name);
	return hostname_address(cn.p, have) == n && memcmp(have, want, n) == 0;
}

bool
identity_is(const struct x509 *x, const char *name, bool allow_cn)
{
	unsigned char address[16];
	size_t n = hostname_address(name, address);
	bool others = false; /* alternative names of the kind we look for */
	struct x509_name alt;

	for (unsigned i = 0; i < NAMES_MOST; i++) {
		enum x509_alt kind = x509_alt_at(x, i, &alt);

		if (kind == X509_ALT_END)
			return !others && allow_cn && common_name_is(x, name);
		if (kind ==
		    X509_ALT_UNREADABLE) /* may have been of that kind */
			others = true;
		if (kind == X509_ALT_DNS && n == 0) {
			if (hostname_match(alt.p, alt.n, name))
				return true;
			others = true;
		}
		if (kind == X509_ALT_ADDRESS && n != 0) {
			if (alt.n == n && memcmp(alt.p, address, n) == 0)
				return true;
			others = true;
		}
	}
	return false;
}

/* Without what could be taken for the end of a name. */
static void
one_name(const struct x509_name *alt, char *out, size_t size)
{
	log_safe(alt->p, alt->n, out, size);
	for (char *p = out; *p != '\0'; p++)
		if (strchr(" ,;()\"", *p) != NULL)
			*p = '?';
}

/* "mx.example, *.mx.example, 192.0.2.1"; the common name when there is none.
 * Names that do not fit are left out, "..." says so. */
void
identity_print(const struct x509 *x, char *out, size_t size)
{
	struct x509_name alt;
	char one[X509_NAME_MOST + 16];
	size_t at = 0;

	*out = '\0';
	for (unsigned i = 0; i < NAMES_MOST; i++) {
		enum x509_alt kind = x509_alt_at(x, i, &alt);

		if (kind == X509_ALT_END)
			break;
		if (kind != X509_ALT_DNS && kind != X509_ALT_ADDRESS)
			continue;
		if (kind == X509_ALT_DNS)
			one_name(&alt, one, sizeof one);
		else if (!hostname_print(alt.p, alt.n, one, sizeof one))
			continue;
		if (at + strlen(one) + sizeof ", , ..." > size) {
			snprintf(out + at, size - at, "%s...", at ? ", " : "");
			return;
		}
		at += (size_t)snprintf(out + at, size - at, "%s%s",
				       at > 0 ? ", " : "", one);
	}
	if (at == 0 && x509_common_name(x, &alt)) {
		one_name(&alt, one, sizeof one);
		snprintf(out, size, "common name %s", one);
	}
}
