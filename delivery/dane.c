#include "delivery/dane.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
	DANE_TA = 2, /* RFC 7218 2.1 */
	DANE_EE = 3,
	MATCH_FULL = 0, /* RFC 7218 2.3 */
	MATCH_SHA256 = 1,
	MATCH_SHA512 = 2,
	PRINT_MOST = 64, /* octets of data */
};

const char *
tlsa_word(enum tlsa_state s)
{
	switch (s) {
	case TLSA_NONE:
		return "none";
	case TLSA_USABLE:
		return "usable";
	case TLSA_UNUSABLE:
		return "unusable";
	case TLSA_FAILED:
		return "failed";
	}
	must(false);
	return "";
}

bool
tlsa_decode(const unsigned char *rdata, size_t n, struct tlsa *out)
{
	if (n <= 3 || n - 3 > TLSA_DATA_MOST)
		return false;
	out->usage = rdata[0];
	out->selector = rdata[1];
	out->matching = rdata[2];
	out->data = rdata + 3;
	out->n = (uint16_t)(n - 3);
	return true;
}

/* A certificate or a public key is one ASN.1 SEQUENCE that ends where the data
 * ends (X.690 8.1.3): cut or padded data can never match. */
static bool
one_sequence(const unsigned char *p, size_t n)
{
	size_t length, octets;

	if (n < 2 || p[0] != 0x30)
		return false;
	if (p[1] < 0x80)
		return n == 2U + p[1];
	octets = p[1] & 0x7fU;
	if (octets == 0 || octets > 3 || n < 2 + octets)
		return false;
	length = 0;
	for (size_t i = 0; i < octets; i++)
		length = length << 8 | p[2 + i];
	return n == 2 + octets + length;
}

bool
tlsa_usable(const struct tlsa *t)
{
	/* The PKIX usages 0 and 1 do not count for SMTP (RFC 7672 3.1.3). */
	if (t->usage != DANE_TA && t->usage != DANE_EE)
		return false;
	if (t->selector > 1)
		return false;
	if (t->matching == MATCH_SHA256)
		return t->n == 32;
	if (t->matching == MATCH_SHA512)
		return t->n == 64;
	return t->matching == MATCH_FULL && one_sequence(t->data, t->n);
}

/* Is there a stronger digest for the same usage and selector? */
static bool
outdone(const struct tlsa_set *s, const struct tlsa *t)
{
	if (t->matching == MATCH_FULL)
		return false;
	for (size_t i = 0; i < s->n; i++)
		if (s->rr[i].usage == t->usage &&
		    s->rr[i].selector == t->selector &&
		    s->rr[i].matching > t->matching)
			return true;
	return false;
}

void
tlsa_choose(struct tlsa_set *s)
{
	size_t n = 0;

	must(s->n <= TLSA_MOST);
	/* First what counts: a malformed SHA-512 must not drop a SHA-256. */
	for (size_t i = 0; i < s->n; i++)
		if (tlsa_usable(&s->rr[i]))
			s->rr[n++] = s->rr[i];
	s->n = n;
	n = 0;
	/* A strongest one is never dropped, so what outdoes stays in the set
	 * while it is thinned in place. */
	for (size_t i = 0; i < s->n; i++) {
		struct tlsa t = s->rr[i];

		if (!outdone(s, &t))
			s->rr[n++] = t;
	}
	s->n = n;
	s->state = n > 0 ? TLSA_USABLE : TLSA_UNUSABLE;
}

void
tlsa_print(const struct tlsa *t, char *out, size_t size)
{
	size_t shown = min_of((size_t)t->n, (size_t)PRINT_MOST);
	char hex[2 * PRINT_MOST + 1] = "";

	for (size_t i = 0; i < shown; i++)
		snprintf(hex + 2 * i, 3, "%02x", t->data[i]);
	snprintf(out, size, "%u %u %u %s%s", t->usage, t->selector, t->matching,
		 hex, shown < t->n ? "..." : "");
}

/* FNV-1a with 64 bits; the end spreads every bit (splitmix64), so that sums of
 * hashes stay apart. */
static uint64_t
hash_more(uint64_t h, const void *p, size_t n)
{
	const unsigned char *c = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ c[i]) * UINT64_C(0x100000001b3);
	return h;
}

static uint64_t
hash_end(uint64_t h)
{
	h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
	return h ^ h >> 31;
}

uint64_t
tlsa_fingerprint(const struct tlsa_set *s)
{
	const uint64_t begin = UINT64_C(0xcbf29ce484222325);
	unsigned char state = (unsigned char)s->state;
	uint64_t h = hash_more(begin, &state, 1), sum = 0;

	for (const char *p = s->base; *p != '\0'; p++) {
		unsigned char c = (unsigned char)tolower((unsigned char)*p);

		h = hash_more(h, &c, 1);
	}
	for (size_t i = 0; i < s->n; i++) { /* a sum knows no order */
		const struct tlsa *t = &s->rr[i];
		const unsigned char head[3] = {t->usage, t->selector,
					       t->matching};

		sum += hash_end(
		    hash_more(hash_more(begin, head, 3), t->data, t->n));
	}
	return hash_end(h + sum);
}
