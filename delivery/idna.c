#include "delivery/idna.h"

#include <idn2.h>
#include <string.h>

static bool
is_ascii(const char *p)
{
	for (; *p != '\0'; p++)
		if ((unsigned char)*p >= 0x80)
			return false;
	return true;
}

static bool
is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* Letters, digits and hyphens, none of these at an end of a label. */
static bool
is_ldh(const char *name)
{
	size_t label = 0;
	const char *p;

	for (p = name; *p != '\0'; p++) {
		bool end = p[1] == '.' || p[1] == '\0';

		if (*p == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!is_letter_or_digit(*p) && (*p != '-' || label == 0 || end))
			return false;
		if (++label > IDNA_LABEL_MOST)
			return false;
	}
	return label > 0 && p - name <= IDNA_NAME_MOST;
}

bool
idna_ascii(const char *name, char *out, size_t size)
{
	size_t n = strlen(name);
	char *mapped = NULL;
	bool ok;

	if (is_ascii(name)) {
		if (n >= size)
			return false;
		memcpy(out, name, n + 1);
		return true;
	}
	/* Not gnutls_idna_map(): it leaves out what is no part of a host name,
	 * so that "a\uff0fb" becomes "ab", another's domain. */
	if (n > IDNA_TEXT_MOST ||
	    idn2_to_ascii_8z(name, &mapped,
			     IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	n = strlen(mapped);
	ok = n < size && is_ldh(mapped);
	if (ok)
		memcpy(out, mapped, n + 1);
	idn2_free(mapped);
	return ok;
}
