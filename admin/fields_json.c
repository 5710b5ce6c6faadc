/* Records out of JSON: see admin/fields.h. */
#include "admin/fields_private.h"

#include <string.h>

static int
hex4(struct fields_file *f)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		static const char digits[] = "0123456789abcdef";
		int c = fields_get(f);
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
		return fields_put(f, b, v, e);
	if (v < 0x800)
		return fields_put(f, b, 0xc0 | v >> 6, e) &&
		       fields_put(f, b, 0x80 | (v & 0x3f), e);
	if (v < 0x10000)
		return fields_put(f, b, 0xe0 | v >> 12, e) &&
		       fields_put(f, b, 0x80 | (v >> 6 & 0x3f), e) &&
		       fields_put(f, b, 0x80 | (v & 0x3f), e);
	return fields_put(f, b, 0xf0 | v >> 18, e) &&
	       fields_put(f, b, 0x80 | (v >> 12 & 0x3f), e) &&
	       fields_put(f, b, 0x80 | (v >> 6 & 0x3f), e) &&
	       fields_put(f, b, 0x80 | (v & 0x3f), e);
}

static bool
read_escape(struct fields_file *f, struct err *e)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = fields_get(f), v;
	const char *at = c > 0 ? strchr(from, c) : NULL;

	if (at != NULL)
		return fields_put(f, &f->octets, to[at - from], e);
	if (c != 'u' || (v = hex4(f)) < 0)
		return fields_bad(f, e, "a backslash that means nothing");
	if (v >= 0xd800 && v < 0xdc00 && fields_get(f) == '\\' &&
	    fields_get(f) == 'u') {
		int low = hex4(f);

		if (low >= 0xdc00 && low < 0xe000)
			return put_utf8(
			    f, 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00),
			    e);
	}
	if (v == 0 || (v >= 0xd800 && v < 0xe000))
		return fields_bad(f, e, "an escape that is no character");
	return put_utf8(f, v, e);
}

/* Behind the opening quote. */
static bool
read_string(struct fields_file *f, struct span *out, struct err *e)
{
	int c;

	out->at = f->octets.n;
	while ((c = fields_get(f)) != '"') {
		if (c == END)
			return fields_bad(f, e, "a text is not closed");
		if (c == '\\' ? !read_escape(f, e)
			      : !fields_put(f, &f->octets, c, e))
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
	while ((c = fields_get(f)) != END && strchr(",]} \t\r\n", c) == NULL)
		if (!fields_put(f, &f->octets, c, e))
			return false;
	if (c != END) {
		f->line -= c == '\n';
		ungetc(c, f->in);
	}
	out->n = f->octets.n - out->at;
	if (out->n == 0)
		return fields_bad(f, e, "this is no JSON");
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
		return fields_bad(f, e, "too many objects inside each other");
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

	if (c == '"' ? (fields_get(f), !read_string(f, &v, e))
		     : !read_plain(f, &v, e))
		return false;
	if (f->list[f->depth - 1])
		return true;
	if (f->n == FIELDS_MOST)
		return fields_bad(f, e, "more than 64 fields");
	f->name[f->n] = f->key;
	f->value[f->n++] = v;
	f->key.n = 0;
	return true;
}

static bool
read_key(struct fields_file *f, struct err *e)
{
	fields_get(f);
	if (!read_string(f, &f->key, e))
		return false;
	if (fields_peek(f) != ':')
		return fields_bad(f, e, "a ':' is missing");
	fields_get(f);
	return true;
}

/* Out of the innermost; *whole: it was a record. */
static bool
leave(struct fields_file *f, int c, bool *whole, struct err *e)
{
	size_t i = f->depth - 1;

	fields_get(f);
	if (f->depth == 0 || f->list[i] != (c == ']'))
		return fields_bad(f, e, "a bracket too many");
	f->depth--;
	*whole = c == '}' && !f->nested[i] && !f->paging[i] && f->n > 0;
	return true;
}

bool
fields_next_object(struct fields_file *f, struct err *e)
{
	bool whole = false;
	int c;

	e->kind = ERR_NONE;
	while (!whole) {
		c = fields_peek(f);
		if (c == END)
			return f->depth > 0
				   ? fields_bad(f, e, "it ends too early")
				   : false;
		if (c == ',') {
			fields_get(f);
			continue;
		}
		if (c == '{' || c == '[') {
			fields_get(f);
			if (!enter(f, c == '[', e))
				return false;
		} else if (c == '}' || c == ']') {
			if (!leave(f, c, &whole, e))
				return false;
		} else if (f->depth == 0) {
			return fields_bad(f, e, "this is no JSON");
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
