#include "queue/door_header.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool
blank(char c)
{
	return c == ' ' || c == '\t';
}

size_t
door_header_name(const char *p, size_t n, size_t *value)
{
	size_t k = 0, colon;

	while (k < n && p[k] > ' ' && p[k] < 0x7f && p[k] != ':')
		k++;
	colon = k;
	while (colon < n && blank(p[colon]))
		colon++;
	*value = colon + 1;
	return colon < n && p[colon] == ':' ? k : 0;
}

static void
look_for(struct door_header *h, const char *name)
{
	struct door_field *f = &h->field[h->nfields];

	if (h->nfields == DOOR_FIELDS || door_header_field(h, name) != NULL)
		return;
	snprintf(f->name, sizeof f->name, "%s", name);
	f->nname = strlen(f->name);
	h->nfields++;
}

void
door_header_begin(struct door_header *h, const struct source_settings *source)
{
	memset(h, 0, sizeof *h);
	look_for(h, DOOR_LK);
	look_for(h, DOOR_APP);
	for (size_t i = 0; source != NULL && i < source->require_header.n; i++)
		look_for(h, source->require_header.item[i].name);
}

const struct door_field *
door_header_field(const struct door_header *h, const char *name)
{
	for (size_t i = 0; i < h->nfields; i++)
		if (strcasecmp(h->field[i].name, name) == 0)
			return &h->field[i];
	return NULL;
}

/* The first reason stays. */
static void
odd(struct door_header *h, const char *why, const char *name)
{
	if (h->odd[0] == '\0')
		snprintf(h->odd, sizeof h->odd, "%s%s", why, name);
}

static void
keep(struct door_header *h, const char *p, size_t n, bool cut)
{
	struct door_field *f = h->open;
	size_t k;

	if (f != NULL) {
		k = min_of(n, (size_t)DOOR_VALUE - f->n);
		memcpy(f->value + f->n, p, k);
		f->n += k;
		f->cut = f->cut || cut || k < n;
	}
	if (h->open_from && !h->from_cut) { /* nothing behind a gap */
		k = min_of(n, (size_t)MAILBOX_FIELD - h->nfrom);
		memcpy(h->from + h->nfrom, p, k);
		h->nfrom += k;
		h->from_cut = cut || k < n;
	}
}

static bool
named(const char *p, size_t n, struct text name)
{
	return name.n == n && strncasecmp(p, name.p, n) == 0;
}

static const char *
single(struct door_header *h, const char *p, size_t n)
{
	static const struct text name[DOOR_SINGLE_COUNT] = {
#define F(id, word) [DOOR_##id] = {word, sizeof(word) - 1},
	    DOOR_SINGLES(F)
#undef F
	};

	for (size_t i = 0; i < countof(name); i++) {
		if (!named(p, n, name[i]))
			continue;
		h->open_from = i == DOOR_FROM && h->single[i] == 0;
		if (h->single[i]++ > 0)
			odd(h, "more than one field ", name[i].p);
		return name[i].p;
	}
	return NULL;
}

static const char *
wanted(struct door_header *h, const char *p, size_t n)
{
	for (size_t i = 0; i < h->nfields; i++) {
		struct door_field *f = &h->field[i];

		if (!named(p, n, (struct text){f->name, f->nname}))
			continue;
		h->open = f->seen++ == 0 ? f : NULL;
		return f->name;
	}
	return NULL;
}

static void
field_begins(struct door_header *h, const char *p, size_t n, size_t value)
{
	static const char signature[] = "DKIM-Signature";
	const char *one = single(h, p, n), *other = wanted(h, p, n);
	const char *name = one != NULL ? one : other;

	if (name == NULL && named(p, n, text_of(signature)))
		name = signature;
	if (name != NULL && value != n + 1)
		odd(h, "a blank before the colon of ", name);
	if (name != NULL && h->end != NULL)
		odd(h, h->end, name);
	if (value != n + 1)
		h->end = "a field with a blank before its colon before ";
}

void
door_header_line(struct door_header *h, const char *p, size_t n, bool cut)
{
	size_t value = 0, name, blanks = 0;

	if (h->ended)
		return;
	while (blanks < n && blank(p[blanks]))
		blanks++;
	if (n > 0 && blanks == n && !cut)
		h->end = "a line of blanks before ";
	if (blanks > 0 && h->open_any) {
		keep(h, p, n, cut);
		return;
	}
	h->open = NULL;
	h->open_from = false;
	name = blanks == 0 ? door_header_name(p, n, &value) : 0;
	h->open_any = name > 0;
	if (name > 0) {
		field_begins(h, p, name, value);
		keep(h, p + value, n - value, cut);
		return;
	}
	h->ended = true;
	if (n > 0)
		odd(h, "a line that is no header field", "");
}
