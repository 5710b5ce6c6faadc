#include "queue/dkim_header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Fields that a message has once at most (RFC 5322 3.6) and that readers show
 * or use: a second one would be seen instead of the one that is signed. */
static const char *const once[] = {"From",
				   "Sender",
				   "Reply-To",
				   "To",
				   "Cc",
				   "Subject",
				   "Date",
				   "Message-ID",
				   "MIME-Version",
				   "Content-Type",
				   "Content-Transfer-Encoding"};

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

static uint32_t
hash_of(struct text name)
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (size_t i = 0; i < name.n; i++) {
		unsigned char c = (unsigned char)name.p[i];

		if (c >= 'A' && c <= 'Z')
			c = (unsigned char)(c - 'A' + 'a');
		h = (h ^ c) * 16777619u;
	}
	return h;
}

static bool
is(const struct dkim_line *l, struct text name, uint32_t hash)
{
	return l->hash == hash && l->name.n == name.n &&
	       strncasecmp(l->name.p, name.p, name.n) == 0;
}

/* A field's octets from p: up to the line end that no fold follows. */
static size_t
field_length(const char *p, size_t n)
{
	size_t at = 0;

	while (at < n) {
		const char *lf = memchr(p + at, '\n', n - at);

		if (lf == NULL)
			return n;
		at = (size_t)(lf - p) + 1;
		if (at == n || !blank(p[at]))
			return at;
	}
	return n;
}

size_t
dkim_header_end(const struct bytes *b, size_t from)
{
	const unsigned char *p;

	if (b->n >= 2 && memcmp(b->data, "\r\n", 2) == 0)
		return 2; /* no field at all */
	from = from > 3 ? from - 3 : 0;
	p = b->n > from ? memmem(b->data + from, b->n - from, "\r\n\r\n", 4)
			: NULL;
	return p != NULL ? (size_t)(p - b->data) + 4 : 0;
}

static bool
read_line(struct text all, struct dkim_line *out)
{
	const char *colon = memchr(all.p, ':', all.n);
	size_t n = colon != NULL ? (size_t)(colon - all.p) : 0;

	out->all = all;
	while (n > 0 && blank(all.p[n - 1]))
		n--;
	for (size_t i = 0; i < n; i++)
		if (all.p[i] <= ' ' || all.p[i] == 0x7f)
			return false;
	if (n == 0)
		return false;
	out->name = (struct text){all.p, n};
	out->value =
	    (struct text){colon + 1, (size_t)(all.p + all.n - colon - 1)};
	out->hash = hash_of(out->name);
	return true;
}

bool
dkim_header_read(struct text block, struct dkim_header *out)
{
	size_t room = 0;

	*out = (struct dkim_header){0};
	for (size_t at = 0; at < block.n;) {
		const char *p = block.p + at;
		size_t k = field_length(p, block.n - at);

		if (out->n == DKIM_FIELDS_MOST)
			return false;
		if (out->n == room) {
			room = room == 0 ? 32 : 2 * room;
			out->line =
			    must_realloc(out->line, room * sizeof *out->line);
		}
		if (!read_line((struct text){p, k}, &out->line[out->n]))
			return false;
		out->n++;
		at += k;
	}
	return true;
}

void
dkim_header_free(struct dkim_header *h)
{
	free(h->line);
	*h = (struct dkim_header){0};
}

/* The lowest instance of a field that is not used yet; h->n: none. */
static size_t
pick(const struct dkim_header *h, const bool used[], struct text name)
{
	uint32_t hash = hash_of(name);

	for (size_t i = h->n; i > 0; i--)
		if (!used[i - 1] && is(&h->line[i - 1], name, hash))
			return i - 1;
	return h->n;
}

/* Was one of several instances left out? */
static const char *
left_out(const struct dkim_header *h, const bool used[])
{
	for (size_t k = 0; k < countof(once); k++) {
		struct text name = text_of(once[k]);
		uint32_t hash = hash_of(name);
		size_t n = 0, taken = 0;

		for (size_t i = 0; i < h->n; i++) {
			if (!is(&h->line[i], name, hash))
				continue;
			n++;
			taken += used[i] ? 1 : 0;
		}
		if (taken > 0 && taken < n)
			return once[k];
	}
	return NULL;
}

/* The signature's own field, without the value of b= and the line end. */
static void
add_own(const struct dkim_line *l, enum dkim_canon c, struct bytes *out)
{
	struct bytes bare = {0};
	size_t at = l->all.n, n = 0;

	if (!dkim_field_b(l->all, &at, &n))
		n = 0; /* nothing to leave out: it can't hold */
	bytes_add(&bare, l->all.p, at);
	bytes_add(&bare, l->all.p + at + n, l->all.n - at - n);
	dkim_canon_header(c, (const char *)bare.data, bare.n, false, out);
	bytes_free(&bare);
}

bool
dkim_header_hash(const struct dkim_header *h, size_t own,
		 const struct dkim_field *f, unsigned char out[DKIM_HASH],
		 const char **name)
{
	unsigned char hash[DIGEST_MOST];
	bool used[DKIM_FIELDS_MOST] = {false};
	struct bytes data = {0};
	struct text item;
	size_t at = 0;

	used[own] = true;
	while (dkim_item(f->names, ':', &at, &item)) {
		size_t i = pick(h, used, item);

		if (i == h->n) /* signed is that there is none */
			continue;
		used[i] = true;
		dkim_canon_header(f->header, h->line[i].all.p, h->line[i].all.n,
				  true, &data);
	}
	add_own(&h->line[own], f->header, &data);
	digest_of(DIGEST_SHA256, data.data, data.n, hash);
	memcpy(out, hash, DKIM_HASH);
	bytes_free(&data);
	*name = left_out(h, used);
	return *name == NULL;
}
