#include "queue/book_row.h"

#include <string.h>

static size_t
add_name(unsigned char *k, size_t at, struct text name)
{
	must(name.n <= BOOK_NAME);
	if (name.n > 0)
		memcpy(k + at, name.p, name.n);
	return at + name.n;
}

size_t
spent_key_from(unsigned char k[BOOK_KEY], struct text quota, int64_t minute_us)
{
	size_t n = add_name(k, 0, quota);

	k[n++] = '\0';
	/* A time before 1970 sorts as 1970. */
	put_be64(k + n, minute_us < 0 ? 0 : (uint64_t)minute_us);
	return n + 8;
}

size_t
spent_key(unsigned char k[BOOK_KEY], const struct spent_key *s)
{
	size_t n = spent_key_from(k, s->quota, s->minute_us);

	n = add_name(k, n, s->type);
	k[n++] = '\0';
	return add_name(k, n, s->relay);
}

/* The octets up to the next NUL. */
static bool
take_name(const char **p, const char *end, struct text *out)
{
	const char *nul = memchr(*p, '\0', (size_t)(end - *p));

	if (nul == NULL || nul - *p > BOOK_NAME)
		return false;
	*out = (struct text){*p, (size_t)(nul - *p)};
	*p = nul + 1;
	return true;
}

static bool
rest_name(const char *p, const char *end, struct text *out)
{
	*out = (struct text){p, (size_t)(end - p)};
	return out->n <= BOOK_NAME && memchr(p, '\0', out->n) == NULL;
}

bool
spent_key_parse(const void *k, size_t n, struct spent_key *out)
{
	const char *p = k, *end = p + n;
	uint64_t us;

	if (!take_name(&p, end, &out->quota) || end - p < 8)
		return false;
	us = get_be64((const unsigned char *)p);
	if (us > INT64_MAX || us % MINUTE_US != 0)
		return false;
	out->minute_us = (int64_t)us;
	p += 8;
	return out->quota.n > 0 && take_name(&p, end, &out->type) &&
	       rest_name(p, end, &out->relay);
}

size_t
override_key(unsigned char k[BOOK_KEY], struct text quota, struct text type)
{
	size_t n = add_name(k, 0, quota);

	k[n++] = '\0';
	return add_name(k, n, type);
}

bool
override_key_parse(const void *k, size_t n, struct text *quota,
		   struct text *type)
{
	const char *p = k, *end = p + n;

	return take_name(&p, end, quota) && quota->n > 0 &&
	       rest_name(p, end, type);
}

bool
name_key_parse(const void *k, size_t n, struct text *name)
{
	return rest_name(k, (const char *)k + n, name) && n > 0;
}

void
charged_add(struct bytes *b, const struct charged *c)
{
	bytes_text(b, c->quota.p, c->quota.n);
	bytes_u8(b, (uint8_t)c->unit);
}

bool
charged_take(struct reader *r, struct charged *out)
{
	uint8_t unit;

	if (!r->ok || r->p == r->end)
		return false;
	out->quota.p = read_text(r, BOOK_NAME, &out->quota.n);
	unit = read_u8(r);
	r->ok = r->ok && unit < UNIT_COUNT && out->quota.n > 0;
	out->unit = (enum unit_kind)unit;
	return r->ok;
}

uint64_t
charged_places(const struct charge_record *c, enum unit_kind unit)
{
	switch (unit) {
	case UNIT_RECIPIENTS:
		return c->open;
	case UNIT_MESSAGES:
		return c->open > 0;
	case UNIT_BYTES:
		return c->open > 0 ? c->size_bytes : 0;
	case UNIT_COUNT:
		break;
	}
	must_failed("a unit of the table", __FILE__, __LINE__);
}

void
counted_add(struct bytes *b, const struct counted *c)
{
	bytes_text(b, c->type.p, c->type.n);
	bytes_u64(b, c->used);
	bytes_u64(b, c->in_flight);
}

bool
counted_take(struct reader *r, struct counted *out)
{
	if (!r->ok || r->p == r->end)
		return false;
	out->type.p = read_text(r, BOOK_NAME, &out->type.n);
	out->used = read_u64(r);
	out->in_flight = read_u64(r);
	return r->ok;
}

void
recent_add(struct bytes *b, const struct recent *r)
{
	bytes_u64(b, (uint64_t)r->minute_us);
	bytes_text(b, r->type.p, r->type.n);
	bytes_text(b, r->relay.p, r->relay.n);
	bytes_u64(b, r->places);
}

bool
recent_take(struct reader *r, struct recent *out)
{
	uint64_t us;

	if (!r->ok || r->p == r->end)
		return false;
	us = read_u64(r);
	out->type.p = read_text(r, BOOK_NAME, &out->type.n);
	out->relay.p = read_text(r, BOOK_NAME, &out->relay.n);
	out->places = read_u64(r);
	r->ok = r->ok && us <= INT64_MAX && us % MINUTE_US == 0;
	out->minute_us = r->ok ? (int64_t)us : 0;
	return r->ok;
}
