#include "admin/fields_private.h"

#include <stdlib.h>
#include <string.h>

bool
fields_bad(const struct fields_file *f, struct err *e, const char *what)
{
	err_set(e, ERR_CONFIG, "line %lu: %s", f->line, what);
	return false;
}

int
fields_get(struct fields_file *f)
{
	int c = getc(f->in);

	f->line += c == '\n';
	return c;
}

/* The next octet that is no blank; it is not taken. */
int
fields_peek(struct fields_file *f)
{
	int c;

	do
		c = fields_get(f);
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
	c = fields_peek(f);
	if (c == 0xef) { /* a byte order mark: EF BB BF */
		(void)getc(in);
		(void)getc(in);
		(void)getc(in);
		c = fields_peek(f);
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

bool
fields_put(struct fields_file *f, struct bytes *b, int c, struct err *e)
{
	if (b->n == FIELDS_OCTETS)
		return fields_bad(f, e, "a record of more than 64 kB");
	if (c == 0)
		return fields_bad(f, e, "a NUL");
	bytes_u8(b, (uint8_t)c);
	return true;
}

static void
give(const struct fields_file *f, struct fields *out)
{
	const char *p = (const char *)f->octets.data;

	out->n = f->n;
	out->line = f->began;
	out->json = f->json;
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
		c = fields_get(f);
		if (first && c == '"') {
			quoted = true;
			continue;
		}
		if (quoted && c == '"') {
			c = fields_get(f);
			quoted = c == '"';
		} else if (quoted && c != END) {
			if (!fields_put(f, b, c, e))
				return false;
			continue;
		}
		if (quoted && c == END)
			return fields_bad(f, e, "a quote is not closed");
		if (!quoted && (c == ',' || c == '\n' || c == END))
			break;
		if (c != '\r' && !fields_put(f, b, c, e))
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
			return fields_bad(f, e, "more than 64 columns");
		if (!read_cell(f, b, &cell[*n], &end, e))
			return false;
	}
	return true;
}

/* The header, once. */
static bool
read_titles(struct fields_file *f, struct err *e)
{
	e->kind = ERR_NONE;
	return f->ntitles > 0 || fields_peek(f) == END ||
	       read_line(f, &f->heading, f->title, &f->ntitles, e);
}

bool
fields_heading(struct fields_file *f, struct fields *out, struct err *e)
{
	e->kind = ERR_NONE;
	*out = (struct fields){.line = f->line, .json = f->json};
	if (f->json)
		return true;
	if (!read_titles(f, e))
		return false;
	out->n = f->ntitles;
	for (size_t i = 0; i < out->n; i++) {
		const char *p = (const char *)f->heading.data;

		out->name[i] = (struct text){p + f->title[i].at, f->title[i].n};
		out->value[i] = text_of("");
	}
	return true;
}

static bool
next_line(struct fields_file *f, struct err *e)
{
	if (!read_titles(f, e) || fields_peek(f) == END)
		return false;
	f->began = f->line;
	if (!read_line(f, &f->octets, f->value, &f->n, e))
		return false;
	if (f->n != f->ntitles)
		return fields_bad(f, e, "not as many cells as the header has");
	memcpy(f->name, f->title, f->n * sizeof f->name[0]);
	return true;
}

bool
fields_next(struct fields_file *f, struct fields *out, struct err *e)
{
	if (f->json ? !fields_next_object(f, e) : !next_line(f, e))
		return false;
	give(f, out);
	return true;
}
