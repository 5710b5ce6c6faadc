#include "queue/dkim_field.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *
dkim_fault_words(enum dkim_fault f)
{
	static const char *const words[] = {
#define X(id, text) [DKIM_FAULT_##id] = text,
	    DKIM_FAULTS(X)
#undef X
	};

	return words[f];
}

static bool
algorithm(struct text t, struct dkim_field *out)
{
	static const struct {
		const char *word;
		enum pkey_kind kind;
	} row[] = {{"rsa-sha256", PKEY_RSA}, {"ed25519-sha256", PKEY_ED25519}};

	for (size_t i = 0; i < countof(row); i++)
		if (dkim_same(t, row[i].word)) {
			out->kind = row[i].kind;
			snprintf(out->algorithm, sizeof out->algorithm, "%s",
				 row[i].word);
			return true;
		}
	return false;
}

static bool
canon_word(struct text t, enum dkim_canon *out)
{
	*out = dkim_same(t, "relaxed") ? DKIM_RELAXED : DKIM_SIMPLE;
	return *out == DKIM_RELAXED || dkim_same(t, "simple");
}

/* c=HEADER/BODY; what is not said is simple. */
static bool
canon(const struct text *t, struct dkim_field *out)
{
	const char *slash;

	out->header = out->body = DKIM_SIMPLE;
	if (t == NULL)
		return true;
	slash = t->n > 0 ? memchr(t->p, '/', t->n) : NULL;
	if (slash == NULL)
		return canon_word(*t, &out->header);
	return canon_word((struct text){t->p, (size_t)(slash - t->p)},
			  &out->header) &&
	       canon_word(
		   (struct text){slash + 1, (size_t)(t->p + t->n - slash - 1)},
		   &out->body);
}

/* [local-part]@d or a subdomain of d (3.5).  A quoted local part may hold an
 * '@', a domain none. */
static bool
identity(const struct text *t, struct dkim_field *out)
{
	struct text host, d = out->domain;
	const char *at;

	if (t == NULL)
		return true;
	at = t->n > 0 ? memrchr(t->p, '@', t->n) : NULL;
	if (at == NULL)
		return false;
	host = (struct text){at + 1, (size_t)(t->p + t->n - at - 1)};
	if (!dkim_name(host, 1) || host.n < d.n ||
	    strncasecmp(host.p + host.n - d.n, d.p, d.n) != 0)
		return false;
	out->below = host.n > d.n;
	return !out->below || host.p[host.n - d.n - 1] == '.';
}

static bool
times(const struct dkim_tags *tags, struct dkim_field *out)
{
	const struct text *t = dkim_tag(tags, "t"), *x = dkim_tag(tags, "x");

	out->made_s = out->until_s = -1;
	return (t == NULL || dkim_number(*t, &out->made_s)) &&
	       (x == NULL || dkim_number(*x, &out->until_s)) &&
	       (t == NULL || x == NULL || out->until_s > out->made_s);
}

enum dkim_fault
dkim_field_when(const struct dkim_field *f, int64_t now_s)
{
	if (f->made_s > now_s + DKIM_CLOCKS_S)
		return DKIM_FAULT_FUTURE;
	return f->until_s >= 0 && f->until_s < now_s ? DKIM_FAULT_EXPIRED
						     : DKIM_FAULT_NONE;
}

/* A list of field names that has From among them. */
static enum dkim_fault
names(struct text h)
{
	struct text item;
	size_t at = 0, n = 0;

	while (dkim_item(h, ':', &at, &item))
		if (++n > DKIM_SIGNED_MOST || item.n == 0)
			return DKIM_FAULT_MALFORMED;
	return dkim_listed(h, ':', "from") ? DKIM_FAULT_NONE : DKIM_FAULT_FROM;
}

static bool
hashes(const struct dkim_tags *tags, struct dkim_field *out)
{
	size_t n = 0;

	return dkim_octets(*dkim_tag(tags, "bh"), out->hash, sizeof out->hash,
			   &n) &&
	       n == sizeof out->hash &&
	       dkim_octets(*dkim_tag(tags, "b"), out->signature,
			   sizeof out->signature, &out->nsignature) &&
	       out->nsignature > 0;
}

static bool
all_there(const struct dkim_tags *tags)
{
	static const char *const needed[] = {"v", "a", "b", "bh",
					     "d", "h", "s"};

	for (size_t i = 0; i < countof(needed); i++)
		if (dkim_tag(tags, needed[i]) == NULL)
			return false;
	return true;
}

static bool
whose(const struct dkim_tags *tags, struct dkim_field *out)
{
	const struct text *d = dkim_tag(tags, "d"), *s = dkim_tag(tags, "s");

	if (!dkim_name(*d, 2) || !dkim_name(*s, 1))
		return false;
	out->domain = *d;
	out->selector = *s;
	return true;
}

static enum dkim_fault
how(const struct dkim_tags *tags, struct dkim_field *out)
{
	const struct text *q = dkim_tag(tags, "q"), *a = dkim_tag(tags, "a");

	if (!text_is(*dkim_tag(tags, "v"), "1"))
		return DKIM_FAULT_VERSION;
	if (dkim_same(*a, "rsa-sha1"))
		return DKIM_FAULT_SHA1;
	if (!algorithm(*a, out))
		return DKIM_FAULT_ALGORITHM;
	if (!canon(dkim_tag(tags, "c"), out))
		return DKIM_FAULT_CANON;
	if (q != NULL && !dkim_listed(*q, ':', "dns/txt"))
		return DKIM_FAULT_QUERY;
	return DKIM_FAULT_NONE;
}

enum dkim_fault
dkim_field_read(struct text value, struct dkim_field *out)
{
	struct dkim_tags tags;
	enum dkim_fault f;

	memset(out, 0, sizeof *out);
	if (!dkim_tags_read(value, &tags) || !all_there(&tags) ||
	    !whose(&tags, out))
		return DKIM_FAULT_MALFORMED;
	f = how(&tags, out);
	if (f != DKIM_FAULT_NONE)
		return f;
	if (!identity(dkim_tag(&tags, "i"), out))
		return DKIM_FAULT_IDENTITY;
	if (dkim_tag(&tags, "l") != NULL)
		return DKIM_FAULT_LENGTH;
	out->names = *dkim_tag(&tags, "h");
	f = names(out->names);
	if (f == DKIM_FAULT_NONE && (!times(&tags, out) || !hashes(&tags, out)))
		return DKIM_FAULT_MALFORMED;
	return f;
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool
dkim_field_b(struct text field, size_t *at, size_t *n)
{
	const char *colon = field.n > 0 ? memchr(field.p, ':', field.n) : NULL;
	size_t i = colon != NULL ? (size_t)(colon - field.p) + 1 : field.n;

	while (i < field.n) {
		const char *semi = memchr(field.p + i, ';', field.n - i);
		size_t stop = semi != NULL ? (size_t)(semi - field.p) : field.n;
		size_t k = i;

		for (; k < stop && blank(field.p[k]); k++)
			;
		if (k < stop && field.p[k] == 'b') {
			for (k++; k < stop && blank(field.p[k]); k++)
				;
			if (k < stop && field.p[k] == '=') {
				*at = k + 1;
				*n = stop - k - 1;
				return true;
			}
		}
		i = stop + 1;
	}
	return false;
}
