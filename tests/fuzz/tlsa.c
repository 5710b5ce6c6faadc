/* Any octets as an RRset of TLSA records: a length in two octets, rdata, and so
 * on.  Oracles: what is left is usable, was there, and is left again; printing
 * stays in its room; the order of the records does not matter. */
#include <stdlib.h>
#include <string.h>

#include "delivery/dane.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

enum { TLSA_TEXT = 160 };

static bool
same(const struct tlsa *a, const struct tlsa *b)
{
	return a->usage == b->usage && a->selector == b->selector &&
	       a->matching == b->matching && a->n == b->n &&
	       memcmp(a->data, b->data, a->n) == 0;
}

static bool
holds(const struct tlsa_set *s, const struct tlsa *t)
{
	for (size_t i = 0; i < s->n; i++)
		if (same(&s->rr[i], t))
			return true;
	return false;
}

static void
look(const struct tlsa *t)
{
	char out[TLSA_TEXT + 1];

	for (size_t size = 1; size <= TLSA_TEXT; size += 53) {
		memset(out, 'x', sizeof out);
		tlsa_print(t, out, size);
		must(memchr(out, '\0', size) != NULL);
		must(out[size] == 'x');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct tlsa_set s, turned, before;
	size_t at = 0;

	memset(&s, 0, sizeof s);
	while (n - at >= 2 && s.n < TLSA_MOST) {
		size_t k = (size_t)p[at] << 8 | p[at + 1];
		/* in memory of its own: ASan knows where it ends */
		unsigned char *rdata;

		at += 2;
		k = min_of(k, n - at);
		rdata = must_alloc(k + 1);
		memcpy(rdata, p + at, k);
		if (tlsa_decode(rdata, k, &s.rr[s.n])) {
			look(&s.rr[s.n]);
			s.rr[s.n++].data = p + at + 3;
		} else {
			must(k <= 3 || k - 3 > TLSA_DATA_MOST);
		}
		free(rdata);
		at += k;
	}
	before = s;
	turned = s;
	for (size_t i = 0; i < s.n; i++)
		turned.rr[i] = s.rr[s.n - 1 - i];
	must(tlsa_fingerprint(&s) == tlsa_fingerprint(&turned));
	tlsa_choose(&s);
	tlsa_choose(&turned);
	must(s.n == turned.n && s.n <= before.n);
	must((s.n > 0) == (s.state == TLSA_USABLE));
	must(tlsa_fingerprint(&s) == tlsa_fingerprint(&turned));
	for (size_t i = 0; i < s.n; i++)
		must(tlsa_usable(&s.rr[i]) && holds(&before, &s.rr[i]) &&
		     holds(&turned, &s.rr[i]));
	for (size_t i = 0; i < before.n; i++) /* one that counts, one is left */
		must(!tlsa_usable(&before.rr[i]) || s.n > 0);
	turned = s;
	tlsa_choose(&turned);
	must(turned.n == s.n);
	return 0;
}
