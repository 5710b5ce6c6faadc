#include "delivery/ehlo.h"

#include <string.h>
#include <strings.h>

static const char *const words[EXTENSION_COUNT] = {
#define X(id, word) [EXTENSION_##id] = word,
    EXTENSIONS(X)
#undef X
};

/* RFC 1870 4: up to 20 digits; what does not fit or is no number tells no
 * limit. */
static uint64_t
number(const char *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++) {
		uint64_t digit = (uint64_t)(unsigned char)p[i] - '0';

		if (p[i] < '0' || p[i] > '9' || v > (UINT64_MAX - digit) / 10)
			return 0;
		v = v * 10 + digit;
	}
	return v;
}

void
ehlo_line(struct ehlo *e, const char *p, size_t n)
{
	const char *blank = n > 0 ? memchr(p, ' ', n) : NULL;
	size_t word = blank != NULL ? (size_t)(blank - p) : n;

	for (int i = 0; i < EXTENSION_COUNT; i++) {
		if (strlen(words[i]) != word ||
		    strncasecmp(words[i], p, word) != 0)
			continue;
		e->has[i] = true;
		if (i == EXTENSION_SIZE && blank != NULL)
			e->size_bytes = number(blank + 1, n - word - 1);
		if (i == EXTENSION_AUTH && blank != NULL)
			sasl_offer_line(&e->sasl, blank + 1, n - word - 1);
	}
}
