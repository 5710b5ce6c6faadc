/* A message's header fields, as signing looks at them. */
#include <string.h>
#include <strings.h>

#include "delivery/sign_private.h"

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t';
}

/* Where the line that begins at `at` ends, its line end included. */
static size_t
line_end(const struct bytes *h, size_t at)
{
	const unsigned char *p = memmem(h->data + at, h->n - at, "\r\n", 2);

	return p != NULL ? (size_t)(p - h->data) + 2 : h->n;
}

/* The field in [at, end), or false: it is none (RFC 5322 2.2). */
static bool
split(const struct bytes *h, size_t at, size_t end, struct sign_field *out)
{
	const char *p = (const char *)h->data + at;
	size_t n = end - at, i = 0, value;

	while (i < n && p[i] > ' ' && p[i] < 0x7f && p[i] != ':')
		i++;
	for (value = i; value < n && is_blank(p[value]); value++)
		;
	if (i == 0 || value == n || p[value] != ':')
		return false;
	value++;
	*out = (struct sign_field){
	    .name = {p, i}, .value = {p + value, n - value}, .whole = {p, n}};
	return true;
}

bool
sign_next(const struct bytes *header, size_t *at, struct sign_field *out)
{
	while (*at < header->n) {
		size_t begin = *at, end = line_end(header, begin);

		if (end - begin == 2 && header->data[begin] == '\r')
			break; /* the empty line */
		while (end < header->n && is_blank(header->data[end]))
			end = line_end(header, end);
		*at = end;
		if (split(header, begin, end, out))
			return true;
	}
	return false;
}

bool
sign_is(const struct sign_field *f, const char *name)
{
	return f->name.n == strlen(name) &&
	       strncasecmp(f->name.p, name, f->name.n) == 0;
}

size_t
sign_count(const struct bytes *header, const char *name,
	   struct sign_field *first)
{
	struct sign_field f;
	size_t at = 0, n = 0;

	while (sign_next(header, &at, &f))
		if (sign_is(&f, name) && n++ == 0)
			*first = f;
	return n;
}

void
sign_unfold(struct text value, struct bytes *out)
{
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] != '\r' && value.p[i] != '\n')
			bytes_add(out, value.p + i, 1);
}

static struct text
trimmed(struct text t)
{
	while (t.n > 0 &&
	       (is_blank(t.p[0]) || t.p[0] == '\r' || t.p[0] == '\n'))
		t = (struct text){t.p + 1, t.n - 1};
	while (t.n > 0 && (is_blank(t.p[t.n - 1]) || t.p[t.n - 1] == '\r' ||
			   t.p[t.n - 1] == '\n'))
		t.n--;
	return t;
}

/* Does the tag list say d=domain?  (RFC 6376 3.2) */
static bool
says_domain(struct text list, const char *domain)
{
	const char *p = list.p, *end = list.p + list.n;

	while (p < end) {
		const char *stop = memchr(p, ';', (size_t)(end - p));
		const char *next = stop != NULL ? stop : end;
		const char *is = memchr(p, '=', (size_t)(next - p));

		if (is != NULL &&
		    text_is(trimmed((struct text){p, (size_t)(is - p)}), "d")) {
			struct text d = trimmed(
			    (struct text){is + 1, (size_t)(next - is - 1)});

			return d.n == strlen(domain) &&
			       strncasecmp(d.p, domain, d.n) == 0;
		}
		p = stop != NULL ? stop + 1 : end;
	}
	return false;
}

bool
sign_has(const struct bytes *header, const char *domain)
{
	struct sign_field f;
	size_t at = 0;

	while (sign_next(header, &at, &f))
		if (sign_is(&f, "DKIM-Signature") &&
		    says_domain(f.value, domain))
			return true;
	return false;
}
