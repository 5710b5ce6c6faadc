#include "daemon/base64.h"

#include <string.h>

static const char digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
base64_add(struct bytes *b, const void *p, size_t n)
{
	const unsigned char *in = p;
	char four[4];

	for (size_t i = 0; i < n; i += 3) {
		size_t k = min_of(n - i, (size_t)3);
		unsigned v = (unsigned)in[i] << 16;

		v |= k > 1 ? (unsigned)in[i + 1] << 8 : 0U;
		v |= k > 2 ? (unsigned)in[i + 2] : 0U;
		four[0] = digits[v >> 18];
		four[1] = digits[v >> 12 & 63];
		four[2] = '=';
		four[3] = '=';
		if (k > 1)
			four[2] = digits[v >> 6 & 63];
		if (k > 2)
			four[3] = digits[v & 63];
		bytes_add(b, four, sizeof four);
	}
}

/* 64: no digit. */
static unsigned
value(char c)
{
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? 64 : (unsigned)(at - digits);
}

bool
base64_read(struct text t, unsigned char *out, size_t most, size_t *n)
{
	size_t pad = 0, at = 0;

	*n = 0;
	if (t.n % 4 != 0)
		return false;
	while (pad < 2 && pad < t.n && t.p[t.n - 1 - pad] == '=')
		pad++;
	if (t.n / 4 * 3 - pad > most)
		return false;
	for (size_t i = 0; i < t.n; i += 4) {
		size_t k = i + 4 == t.n ? 4 - pad : 4;
		unsigned v = 0;

		for (size_t j = 0; j < 4; j++) {
			unsigned d = j < k ? value(t.p[i + j]) : 0;

			if (d > 63)
				return false;
			v = v << 6 | d;
		}
		if ((k == 2 && (v & 0xffff) != 0) ||
		    (k == 3 && (v & 0xff) != 0))
			return false;
		for (size_t j = 0; j + 1 < k; j++)
			out[at++] = (unsigned char)(v >> (16 - 8 * j));
	}
	*n = at;
	return true;
}
