#include "admin/fields.h"

#include <stdlib.h>
#include <string.h>

enum { END = -1 };

/* A text in `octets`. */
struct span {
	size_t at, n;
};

struct fields_file {
	FILE *in;
	bool json;
	unsigned long line;
	unsigned long began; /* where the record does */
	struct bytes octets; /* of the record */
	struct span name[FIELDS_MOST], value[FIELDS_MOST];
	size_t n;
	/* CSV */
	struct bytes heading;
	struct span title[FIELDS_MOST];
	size_t ntitles;
	/* JSON: what we are in, outermost first */
	size_t depth;
	bool list[FIELDS_DEEP];
	bool nested[FIELDS_DEEP]; /* an object with an object inside */
	bool paging[FIELDS_DEEP];
	struct span key;
};

static bool
bad(const struct fields_file *f, struct err *e, const char *what)
{
	err_set(e, ERR_CONFIG, "line %lu: %s", f->line, what);
	return false;
}

static int
next(struct fields_file *f)
{
	int c = getc(f->in);

	f->line += c == '\n';
	return c;
}

/* The next octet that is no blank; it is not taken. */
static int
peek(struct fields_file *f)
{
	int c;

	do
		c = next(f);
	while (c == ' ' || c == '\t' || c == '\r' || c == '\n');
	if (c != END)
		ungetc(c, f->in);
	return c;
}

struct fields_file *
fields_open(FILE *in)
{
	struct fields_file *f = must_alloc(sizeof *f);
	int c;

	f->in = in;
	bytes_reserve(&f->octets, 1); /* so that an empty text is one */
	bytes_reserve(&f->heading, 1);
	f->line = 1;
	c = peek(f);
	if (c == 0xef) { /* a byte order mark: EF BB BF */
		(void)getc(in);
		(void)getc(in);
		(void)getc(in);
		c = peek(f);
	}
	f->json = c == '{' || c == '[';
	return f;
}

void
fields_close(struct fields_file *f)
{
	if (f == NULL)
		return;
	bytes_free(&f->octets);
	bytes_free(&f->heading);
	free(f);
}

static bool
put(struct fields_file *f, struct bytes *b, int c, struct err *e)
{
	if (b->n == FIELDS_OCTETS)
		return bad(f, e, "a record of more than 64 kB");
	if (c == 0)
		return bad(f, e, "a NUL");
	bytes_u8(b, (uint8_t)c);
	return true;
}

static void
give(const struct fields_file *f, struct fields *out)
{
	const char *p = (const char *)f->octets.data;

	out->n = f->n;
	out->line = f->began;
	for (size_t i = 0; i < f->n; i++) {
		const char *names = f->json ? p : (const char *)f->heading.data;

		out->name[i] =
		    (struct text){names + f->name[i].at, f->name[i].n};
		out->value[i] =
		    (struct text){p + f->value[i].at, f->value[i].n};
	}
}

/* --- CSV --------------------------------------------------------------------
 */

/* One cell; *end is what stands behind it: ',', '\n' or END. */
static bool
read_cell(struct fields_file *f, struct bytes *b, struct span *out, int *end,
	  struct err *e)
{
	bool quoted = false, first = true;
	int c;

	out->at = b->n;
	for (;; first = false) {
		c = next(f);
		if (first && c == '"') {
			quoted = true;
			continue;
		}
		if (quoted && c == '"') {
			c = next(f);
			quoted = c == '"';
		} else if (quoted && c != END) {
			if (!put(f, b, c, e))
				return false;
			continue;
		}
		if (quoted && c == END)
			return bad(f, e, "a quote is not closed");
		if (!quoted && (c == ',' || c == '\n' || c == END))
			break;
		if (c != '\r' && !put(f, b, c, e))
			return false;
	}
	*end = c;
	out->n = b->n - out->at;
	return true;
}

static bool
read_line(struct fields_file *f, struct bytes *b, struct span *cell, size_t *n,
	  struct err *e)
{
	int end = ',';

	b->n = 0;
	for (*n = 0; end == ','; ++*n) {
		if (*n == FIELDS_MOST)
			return bad(f, e, "more than 64 columns");
		if (!read_cell(f, b, &cell[*n], &end, e))
			return false;
	}
	return true;
}

static bool
next_line(struct fields_file *f, struct err *e)
{
	e->kind = ERR_NONE;
	if (peek(f) == END)
		return false;
	if (f->ntitles == 0 &&
	    !read_line(f, &f->heading, f->title, &f->ntitles, e))
		return false;
	if (peek(f) == END)
		return false;
	f->began = f->line;
	if (!read_line(f, &f->octets, f->value, &f->n, e))
		return false;
	if (f->n != f->ntitles)
		return bad(f, e, "not as many cells as the header has");
	memcpy(f->name, f->title, f->n * sizeof f->name[0]);
	return true;
}

/* --- JSON -------------------------------------------------------------------
 */

static int
hex4(struct fields_file *f)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef";
		int c = next(f);
		const char *at =
		    c > 0 ? strchr(digits, c >= 'A' && c <= 'F' ? c + 32 : c)
			  : NULL;

		if (at == NULL)
			return -1;
		v = v * 16 + (int)(at - digits);
	}
	return v;
}

static bool
put_utf8(struct fields_file *f, int v, struct err *e)
{
	struct bytes *b = &f->octets;

	if (v < 0x80)
		return put(f, b, v, e);
	if (v < 0x800)
		return put(f, b, 0xc0 | v >> 6, e) &&
		       put(f, b, 0x80 | (v & 0x3f), e);
	if (v < 0x10000)
		return put(f, b, 0xe0 | v >> 12, e) &&
		       put(f, b, 0x80 | (v >> 6 & 0x3f), e) &&
		       put(f, b, 0x80 | (v & 0x3f), e);
	return put(f, b, 0xf0 | v >> 18, e) &&
	       put(f, b, 0x80 | (v >> 12 & 0x3f), e) &&
	       put(f, b, 0x80 | (v >> 6 & 0x3f), e) &&
	       put(f, b, 0x80 | (v & 0x3f), e);
}

static bool
read_escape(struct fields_file *f, struct err *e)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = next(f), v;
	const char *at = c > 0 ? strchr(from, c) : NULL;

	if (at != NULL)
		return put(f, &f->octets, to[at - from], e);
	if (c != 'u' || (v = hex4(f)) < 0)
		return bad(f, e, "a backslash that means nothing");
	if (v >= 0xd800 && v < 0xdc00 && next(f) == '\\' && next(f) == 'u') {
		int low = hex4(f);

		if (low >= 0xdc00 && low < 0xe000)
			return put_utf8(
			    f, 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00),
			    e);
	}
	if (v == 0 || (v >= 0xd800 && v < 0xe000))
		return bad(f, e, "an escape that is no character");
	return put_utf8(f, v, e);
}

/* Behind the opening quote. */
static bool
read_string(struct fields_file *f, struct span *out, struct err *e)
{
	int c;

	out->at = f->octets.n;
	while ((c = next(f)) != '"') {
		if (c == END)
			return bad(f, e, "a text is not closed");
		if (c == '\\' ? !read_escape(f, e) : !put(f, &f->octets, c, e))
			return false;
	}
	out->n = f->octets.n - out->at;
	return true;
}

/* A number, true, false or null, as it stands. */
static bool
read_plain(struct fields_file *f, struct span *out, struct err *e)
{
	int c;

	out->at = f->octets.n;
	while ((c = next(f)) != END && strchr(",]} \t\r\n", c) == NULL)
		if (!put(f, &f->octets, c, e))
			return false;
	if (c != END) {
		f->line -= c == '\n';
		ungetc(c, f->in);
	}
	out->n = f->octets.n - out->at;
	if (out->n == 0)
		return bad(f, e, "this is no JSON");
	if (out->n == 4 && memcmp(f->octets.data + out->at, "null", 4) == 0)
		out->n = 0;
	return true;
}

static bool
key_is(const struct fields_file *f, const char *word)
{
	return f->key.n == strlen(word) &&
	       memcmp(f->octets.data + f->key.at, word, f->key.n) == 0;
}

static bool
enter(struct fields_file *f, bool list, struct err *e)
{
	if (f->depth == FIELDS_DEEP)
		return bad(f, e, "too many objects inside each other");
	f->list[f->depth] = list;
	f->nested[f->depth] = false;
	f->paging[f->depth] = f->key.n > 0 && key_is(f, "paging");
	for (size_t i = 0; !list && i < f->depth; i++)
		f->nested[i] = true;
	f->depth++;
	if (!list) {
		f->began = f->line;
		f->octets.n = 0;
		f->n = 0;
	}
	f->key.n = 0;
	return true;
}

/* A value in a record; in a list it is only passed over. */
static bool
take_value(struct fields_file *f, int c, struct err *e)
{
	struct span v;

	if (c == '"' ? (next(f), !read_string(f, &v, e))
		     : !read_plain(f, &v, e))
		return false;
	if (f->list[f->depth - 1])
		return true;
	if (f->n == FIELDS_MOST)
		return bad(f, e, "more than 64 fields");
	f->name[f->n] = f->key;
	f->value[f->n++] = v;
	f->key.n = 0;
	return true;
}

static bool
read_key(struct fields_file *f, struct err *e)
{
	next(f);
	if (!read_string(f, &f->key, e))
		return false;
	if (peek(f) != ':')
		return bad(f, e, "a ':' is missing");
	next(f);
	return true;
}

/* Out of the innermost; *whole: it was a record. */
static bool
leave(struct fields_file *f, int c, bool *whole, struct err *e)
{
	size_t i = f->depth - 1;

	next(f);
	if (f->depth == 0 || f->list[i] != (c == ']'))
		return bad(f, e, "a bracket too many");
	f->depth--;
	*whole = c == '}' && !f->nested[i] && !f->paging[i] && f->n > 0;
	return true;
}

static bool
next_object(struct fields_file *f, struct err *e)
{
	bool whole = false;
	int c;

	e->kind = ERR_NONE;
	while (!whole) {
		c = peek(f);
		if (c == END)
			return f->depth > 0 ? bad(f, e, "it ends too early")
					    : false;
		if (c == ',') {
			next(f);
			continue;
		}
		if (c == '{' || c == '[') {
			next(f);
			if (!enter(f, c == '[', e))
				return false;
		} else if (c == '}' || c == ']') {
			if (!leave(f, c, &whole, e))
				return false;
		} else if (f->depth == 0) {
			return bad(f, e, "this is no JSON");
		} else if (c == '"' && !f->list[f->depth - 1] &&
			   f->key.n == 0) {
			if (!read_key(f, e))
				return false;
		} else if (!take_value(f, c, e)) {
			return false;
		}
	}
	return true;
}

bool
fields_next(struct fields_file *f, struct fields *out, struct err *e)
{
	if (f->json ? !next_object(f, e) : !next_line(f, e))
		return false;
	give(f, out);
	return true;
}
