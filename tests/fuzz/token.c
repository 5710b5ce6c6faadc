/* What a token command printed: any octets give a token that is printable, or
 * a reason that repeats nothing of them. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	unsigned char *p;
	struct text t;
	char why[160];
	int64_t life_s;

	if (n > TOKEN_OUTPUT_MOST)
		return 0;
	p = must_alloc(n + !n);
	if (n > 0)
		memcpy(p, data, n);
	if (token_parse(p, n, &t, &life_s, why)) {
		must(t.n > 0 && t.n <= n);
		must((const unsigned char *)t.p >= p &&
		     (const unsigned char *)t.p + t.n <= p + n);
		for (size_t i = 0; i < t.n; i++)
			must(t.p[i] > ' ' && t.p[i] <= '~');
		must(life_s >= TOKEN_LEAST_S && life_s <= TOKEN_MOST_S);
	} else {
		must(why[0] != '\0');
	}
	free(p);
	return 0;
}
