#include "queue/dkim_canon.h"

#include <string.h>

static bool
is_blank(int c)
{
	return c == ' ' || c == '\t';
}

/* --- header fields ---------------------------------------------------------- */

static size_t
without_line_end(const char *p, size_t n)
{
	return n >= 2 && p[n - 2] == '\r' && p[n - 1] == '\n' ? n - 2 : n;
}

static size_t
add_name(const char *p, size_t n, struct bytes *out)
{
	const char *colon = memchr(p, ':', n);
	size_t end = colon != NULL ? (size_t)(colon - p) : n, i;

	for (i = end; i > 0 && is_blank(p[i - 1]); i--)
		;
	for (size_t k = 0; k < i; k++) {
		char c = p[k];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		bytes_add(out, &c, 1);
	}
	if (colon == NULL)
		return n;
	bytes_add(out, ":", 1);
	return end + 1;
}

/* Is there a fold, the line end before a blank? */
static bool
is_fold(const char *p, size_t left)
{
	return left >= 3 && p[0] == '\r' && p[1] == '\n' && is_blank(p[2]);
}

static void
relax(const char *p, size_t n, struct bytes *out)
{
	size_t at = add_name(p, n, out), from = out->n;

	while (at < n) {
		size_t start = at;

		while (at < n && (is_blank(p[at]) || is_fold(p + at, n - at)))
			at += is_blank(p[at]) ? 1 : 2;
		if (at == n)
			break; /* blanks at the end */
		if (at > start && out->n > from)
			bytes_add(out, " ", 1);
		start = at;
		while (at < n && !is_blank(p[at]) && !is_fold(p + at, n - at))
			at++;
		bytes_add(out, p + start, at - start);
	}
}

void
dkim_canon_header(enum dkim_canon c, const char *field, size_t n, bool end,
		  struct bytes *out)
{
	n = without_line_end(field, n);
	switch (c) {
	case DKIM_SIMPLE:
		bytes_add(out, field, n);
		break;
	case DKIM_RELAXED:
		relax(field, n, out);
		break;
	}
	if (end)
		bytes_add(out, "\r\n", 2);
}

/* --- bodies ----------------------------------------------------------------- */

static void
flush(struct dkim_body *b)
{
	if (b->n > 0)
		digest_add(b->hash, b->run, b->n);
	b->n = 0;
}

static void
put(struct dkim_body *b, const unsigned char *p, size_t n)
{
	if (n > sizeof b->run - b->n)
		flush(b);
	if (n > sizeof b->run) {
		digest_add(b->hash, p, n);
		return;
	}
	memcpy(b->run + b->n, p, n);
	b->n += n;
}

/* Something follows: what waited counts. */
static void
settle(struct dkim_body *b)
{
	for (; b->lines > 0; b->lines--)
		put(b, (const unsigned char *)"\r\n", 2);
	if (b->blank)
		put(b, (const unsigned char *)" ", 1);
	b->blank = false;
	b->any = true;
}

/* Octets that mean themselves. */
static size_t
run_of(const struct dkim_body *b, const unsigned char *p, size_t n)
{
	const unsigned char *cr;
	size_t i;

	if (b->canon == DKIM_SIMPLE) {
		cr = memchr(p, '\r', n);
		return cr != NULL ? (size_t)(cr - p) : n;
	}
	for (i = 0; i < n && p[i] != '\r' && !is_blank(p[i]); i++)
		;
	return i;
}

static void
line_end(struct dkim_body *b)
{
	b->cr = b->blank = false;
	b->lines++;
}

static void
bare_cr(struct dkim_body *b)
{
	b->cr = false;
	settle(b);
	put(b, (const unsigned char *)"\r", 1);
}

void
dkim_body_begin(struct dkim_body *b, enum dkim_canon c)
{
	b->canon = c;
	b->hash = digest_begin(DIGEST_SHA256);
	b->lines = 0;
	b->blank = b->cr = b->any = false;
	b->n = 0;
}

void
dkim_body_add(struct dkim_body *b, const unsigned char *p, size_t n)
{
	const unsigned char *end = p + n;

	while (p < end) {
		size_t k;

		if (b->cr && *p == '\n') {
			line_end(b);
			p++;
			continue;
		}
		if (b->cr)
			bare_cr(b);
		if (*p == '\r') {
			b->cr = true;
			p++;
			continue;
		}
		if (b->canon == DKIM_RELAXED && is_blank(*p)) {
			b->blank = true;
			p++;
			continue;
		}
		k = run_of(b, p, (size_t)(end - p));
		settle(b);
		put(b, p, k);
		p += k;
	}
}

void
dkim_body_end(struct dkim_body *b, unsigned char out[DKIM_HASH])
{
	unsigned char hash[DIGEST_MOST];

	if (b->cr)
		bare_cr(b);
	/* The last line has its end, whether it was there or not; simple knows
	 * no body without one (3.4.3), relaxed does (3.4.4). */
	if (b->any || b->canon == DKIM_SIMPLE)
		put(b, (const unsigned char *)"\r\n", 2);
	flush(b);
	must(digest_end(b->hash, hash) == DKIM_HASH);
	b->hash = NULL;
	memcpy(out, hash, DKIM_HASH);
}

void
dkim_body_drop(struct dkim_body *b)
{
	digest_drop(b->hash);
	b->hash = NULL;
}
