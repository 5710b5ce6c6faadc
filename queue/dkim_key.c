#include "queue/dkim_key.h"

#include <string.h>

const char *
dkim_key_words(enum dkim_key_fault f)
{
	static const char *const words[] = {
#define X(id, text) [DKIM_KEY_##id] = text,
	    DKIM_KEY_FAULTS(X)
#undef X
	};

	return words[f];
}

bool
dkim_key_policy(enum dkim_key_fault f)
{
	return f == DKIM_KEY_TESTING || f == DKIM_KEY_SHORT ||
	       f == DKIM_KEY_HUGE;
}

bool
dkim_key_join(const unsigned char *rdata, size_t n, struct bytes *out)
{
	for (size_t at = 0; at < n;) {
		size_t k = rdata[at++];

		if (k > n - at || out->n + k > DKIM_RECORD_MOST)
			return false;
		bytes_add(out, rdata + at, k);
		at += k;
	}
	return true;
}

static enum dkim_key_fault
for_this(const struct dkim_tags *tags, const struct dkim_field *f)
{
	const struct text *k = dkim_tag(tags, "k"), *h = dkim_tag(tags, "h");
	const struct text *s = dkim_tag(tags, "s"), *t = dkim_tag(tags, "t");
	const char *kind = f->kind == PKEY_RSA ? "rsa" : "ed25519";

	if (!dkim_same(k != NULL ? *k : text_of("rsa"), kind))
		return DKIM_KEY_KIND;
	if (h != NULL && !dkim_listed(*h, ':', "sha256"))
		return DKIM_KEY_HASH;
	if (s != NULL && !dkim_listed(*s, ':', "*") &&
	    !dkim_listed(*s, ':', "email"))
		return DKIM_KEY_SERVICE;
	if (t != NULL && dkim_listed(*t, ':', "s") && f->below)
		return DKIM_KEY_IDENTITY;
	/* Not to be told from unsigned mail (3.6.1). */
	if (t != NULL && dkim_listed(*t, ':', "y"))
		return DKIM_KEY_TESTING;
	return DKIM_KEY_NONE;
}

static enum dkim_key_fault
measured(struct pkey *k, unsigned *bits)
{
	if (k == NULL)
		return DKIM_KEY_BROKEN;
	*bits = pkey_bits(k);
	if (pkey_kind(k) == PKEY_RSA && *bits < DKIM_BITS_LEAST)
		return DKIM_KEY_SHORT;
	return pkey_kind(k) == PKEY_RSA && *bits > DKIM_BITS_MOST
		   ? DKIM_KEY_HUGE
		   : DKIM_KEY_NONE;
}

enum dkim_key_fault
dkim_key_read(struct text record, const struct dkim_field *f,
	      struct pkey **out_key, unsigned *bits)
{
	unsigned char p[DKIM_OCTETS_MOST];
	const struct text *v, *public;
	enum dkim_key_fault fault;
	struct dkim_tags tags;
	struct pkey *k;
	size_t n = 0;

	*bits = 0;
	if (!dkim_tags_read(record, &tags))
		return DKIM_KEY_MALFORMED;
	v = dkim_tag(&tags, "v");
	if (v != NULL && (v != &tags.tag[0].value || !text_is(*v, "DKIM1")))
		return DKIM_KEY_VERSION;
	public = dkim_tag(&tags, "p");
	if (public == NULL)
		return DKIM_KEY_MALFORMED;
	if (public->n == 0)
		return DKIM_KEY_REVOKED;
	fault = for_this(&tags, f);
	if (fault != DKIM_KEY_NONE)
		return fault;
	if (!dkim_octets(*public, p, sizeof p, &n))
		return DKIM_KEY_BROKEN;
	k = pkey_public(f->kind, p, n);
	fault = measured(k, bits);
	if (fault == DKIM_KEY_NONE)
		*out_key = k;
	else
		pkey_free(k);
	return fault;
}
