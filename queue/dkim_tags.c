#include "queue/dkim_tags.h"

#include <string.h>
#include <strings.h>

#include "daemon/base64.h"

enum { DIGITS_MOST = 12, LABEL_MOST = 63, NAME_MOST = 253 };

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct text
trimmed(const char *p, size_t n)
{
	while (n > 0 && blank(*p)) {
		p++;
		n--;
	}
	while (n > 0 && blank(p[n - 1]))
		n--;
	return (struct text){p, n};
}

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
good_name(struct text t)
{
	if (t.n == 0 || !letter(t.p[0]))
		return false;
	for (size_t i = 1; i < t.n; i++)
		if (!letter(t.p[i]) && !digit(t.p[i]) && t.p[i] != '_')
			return false;
	return true;
}

/* Printable ASCII with blanks between (tval); RFC 8616 allows UTF-8 too, which
 * none of the values we look at may have. */
static bool
good_value(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned char c = (unsigned char)t.p[i];

		if (!blank(t.p[i]) && (c < 0x21 || c == 0x7f))
			return false;
	}
	return true;
}

static const struct text *
find(const struct dkim_tags *t, struct text name)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->tag[i].name.n == name.n &&
		    memcmp(t->tag[i].name.p, name.p, name.n) == 0)
			return &t->tag[i].value;
	return NULL;
}

bool
dkim_tags_read(struct text list, struct dkim_tags *out)
{
	const char *p = list.p, *end = list.p + list.n;

	out->n = 0;
	while (p < end) {
		const char *stop = memchr(p, ';', (size_t)(end - p)), *is;
		struct text one, name, value;

		stop = stop != NULL ? stop : end;
		one = trimmed(p, (size_t)(stop - p));
		/* Only behind the last semicolon there may be nothing. */
		if (one.n == 0 && stop == end && out->n > 0)
			break;
		p = stop < end ? stop + 1 : end;
		is = one.n > 0 ? memchr(one.p, '=', one.n) : NULL;
		if (is == NULL || out->n == DKIM_TAGS_MOST)
			return false;
		name = trimmed(one.p, (size_t)(is - one.p));
		value = trimmed(is + 1, (size_t)(one.p + one.n - is - 1));
		if (!good_name(name) || !good_value(value) ||
		    find(out, name) != NULL)
			return false;
		out->tag[out->n++] = (struct dkim_tag){name, value};
	}
	return out->n > 0;
}

const struct text *
dkim_tag(const struct dkim_tags *t, const char *name)
{
	return find(t, text_of(name));
}

bool
dkim_item(struct text list, char mark, size_t *at, struct text *out)
{
	const char *p, *stop;

	if (*at > list.n)
		return false;
	p = list.p + *at;
	stop = list.n > *at ? memchr(p, mark, list.n - *at) : NULL;
	stop = stop != NULL ? stop : list.p + list.n;
	*out = trimmed(p, (size_t)(stop - p));
	*at = (size_t)(stop - list.p) + 1;
	return true;
}

bool
dkim_same(struct text t, const char *word)
{
	return t.n == strlen(word) && strncasecmp(t.p, word, t.n) == 0;
}

bool
dkim_listed(struct text list, char mark, const char *word)
{
	struct text item;
	size_t at = 0;

	while (dkim_item(list, mark, &at, &item))
		if (dkim_same(item, word))
			return true;
	return false;
}

bool
dkim_number(struct text t, int64_t *out)
{
	int64_t v = 0;

	if (t.n == 0 || t.n > DIGITS_MOST)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		if (!digit(t.p[i]))
			return false;
		v = v * 10 + (t.p[i] - '0');
	}
	*out = v;
	return true;
}

bool
dkim_octets(struct text t, unsigned char *out, size_t most, size_t *n)
{
	char tight[BASE64_SIZE(DKIM_OCTETS_MOST)];
	size_t k = 0;

	for (size_t i = 0; i < t.n; i++) {
		if (blank(t.p[i]))
			continue;
		if (k == sizeof tight)
			return false;
		tight[k++] = t.p[i];
	}
	return base64_read((struct text){tight, k}, out, most, n);
}

bool
dkim_name(struct text t, unsigned labels)
{
	size_t label = 0;
	unsigned n = 0;

	if (t.n == 0 || t.n > NAME_MOST)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		char c = t.p[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			n++;
			continue;
		}
		if ((!letter(c) && !digit(c) && c != '-' && c != '_') ||
		    ++label > LABEL_MOST)
			return false;
	}
	return label > 0 && n + 1 >= labels;
}
