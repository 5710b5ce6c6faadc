#include "daemon/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BYTES_FIRST = 256, /* octets of the first allocation */
};

void
bytes_free(struct bytes *b)
{
	free(b->data);
	*b = (struct bytes){0};
}

void
bytes_reserve(struct bytes *b, size_t more)
{
	size_t room = b->room ? b->room : BYTES_FIRST;

	if (b->room - b->n >= more)
		return;
	must(more < SIZE_MAX / 2 - b->n);
	while (room < b->n + more)
		room *= 2; /* doubling: each octet is copied twice at most */
	b->data = must_realloc(b->data, room);
	b->room = room;
}

void
bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (n == 0)
		return; /* p may be NULL then, which memcpy may not get */
	bytes_reserve(b, n);
	memcpy(b->data + b->n, p, n);
	b->n += n;
}

void
bytes_add_text(struct bytes *b, const char *s)
{
	bytes_add(b, s, strlen(s));
}

void
bytes_printf(struct bytes *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	bytes_reserve(b, 128);
	va_start(ap, fmt);
	n = vsnprintf((char *)b->data + b->n, b->room - b->n, fmt, ap);
	va_end(ap);
	must(n >= 0);
	if ((size_t)n >= b->room - b->n) {
		bytes_reserve(b, (size_t)n + 1);
		va_start(ap, fmt);
		n = vsnprintf((char *)b->data + b->n, b->room - b->n, fmt, ap);
		va_end(ap);
		must(n >= 0 && (size_t)n < b->room - b->n);
	}
	b->n += (size_t)n;
}

void
bytes_cut(struct bytes *b, size_t n)
{
	must(n <= b->n);
	b->n -= n;
	if (n > 0 && b->n > 0)
		memmove(b->data, b->data + n, b->n);
}

/* The octets of v, lowest first; compilers make one store of it. */
static void
put_le(unsigned char *p, uint64_t v, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		p[i] = (unsigned char)(v >> (8 * i));
}

static uint64_t
get_le(const unsigned char *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static void
add_le(struct bytes *b, uint64_t v, unsigned n)
{
	bytes_reserve(b, n);
	put_le(b->data + b->n, v, n);
	b->n += n;
}

void
bytes_u8(struct bytes *b, uint8_t v)
{
	add_le(b, v, 1);
}

void
bytes_u16(struct bytes *b, uint16_t v)
{
	add_le(b, v, 2);
}

void
bytes_u32(struct bytes *b, uint32_t v)
{
	add_le(b, v, 4);
}

void
bytes_u64(struct bytes *b, uint64_t v)
{
	add_le(b, v, 8);
}

void
bytes_text(struct bytes *b, const char *s, size_t n)
{
	must(n <= UINT32_MAX);
	bytes_u32(b, (uint32_t)n);
	bytes_add(b, s, n);
}

struct reader
reader_of(const void *p, size_t n)
{
	static const unsigned char nothing[1];

	if (p == NULL) {
		must(n == 0);
		p = nothing;
	}
	return (struct reader){p, (const unsigned char *)p + n, true};
}

/* The next n octets; NULL, and the reader spent, if there are fewer. */
static const unsigned char *
take(struct reader *r, size_t n)
{
	const unsigned char *p = r->p;

	if (!r->ok || (size_t)(r->end - r->p) < n) {
		r->ok = false;
		r->p = r->end;
		return NULL;
	}
	r->p += n;
	return p;
}

static uint64_t
read_le(struct reader *r, unsigned n)
{
	const unsigned char *p = take(r, n);

	return p ? get_le(p, n) : 0;
}

uint8_t
read_u8(struct reader *r)
{
	return (uint8_t)read_le(r, 1);
}

uint16_t
read_u16(struct reader *r)
{
	return (uint16_t)read_le(r, 2);
}

uint32_t
read_u32(struct reader *r)
{
	return (uint32_t)read_le(r, 4);
}

uint64_t
read_u64(struct reader *r)
{
	return read_le(r, 8);
}

const char *
read_text(struct reader *r, size_t most, size_t *n)
{
	uint32_t len = read_u32(r);
	const unsigned char *p = len <= most ? take(r, len) : NULL;

	*n = 0;
	if (p == NULL || (len > 0 && memchr(p, 0, len) != NULL)) {
		r->ok = false;
		r->p = r->end;
		return "";
	}
	*n = len;
	return (const char *)p;
}

void
put_be32(unsigned char *p, uint32_t v)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (24 - 8 * i));
}

void
put_be64(unsigned char *p, uint64_t v)
{
	for (unsigned i = 0; i < 8; i++)
		p[i] = (unsigned char)(v >> (56 - 8 * i));
}

uint32_t
get_be32(const unsigned char *p)
{
	uint32_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v = v << 8 | p[i];
	return v;
}

uint64_t
get_be64(const unsigned char *p)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

void
put_le32(unsigned char *p, uint32_t v)
{
	put_le(p, v, 4);
}

uint32_t
get_le32(const unsigned char *p)
{
	return (uint32_t)get_le(p, 4);
}

/* The next value of a CRC's low octet, bit by bit: the polynomial of RFC 3720
 * appendix B.4, reflected. */
#define CRC_BIT(c) ((c)&1 ? (c) >> 1 ^ 0x82f63b78U : (c) >> 1)

/* Four bits at a time: a table of 16 fits beside everything else, and only
 * processors before 2008 take this way. */
static uint32_t
crc32c_table(uint32_t crc, const unsigned char *p, size_t n)
{
	uint32_t row[16];

	for (uint32_t i = 0; i < 16; i++) {
		uint32_t c = i;

		for (int bit = 0; bit < 4; bit++)
			c = CRC_BIT(c);
		row[i] = c;
	}
	for (; n > 0; n--) {
		crc ^= *p++;
		crc = crc >> 4 ^ row[crc & 15];
		crc = crc >> 4 ^ row[crc & 15];
	}
	return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t
crc32c_sse42(uint32_t crc, const unsigned char *p, size_t n)
{
	uint64_t c = crc;

	for (; n >= 8; n -= 8, p += 8) {
		uint64_t v;

		memcpy(&v, p, 8);
		c = __builtin_ia32_crc32di(c, v);
	}
	for (; n > 0; n--)
		c = __builtin_ia32_crc32qi((uint32_t)c, *p++);
	return (uint32_t)c;
}
#endif

uint32_t
crc32c(uint32_t crc, const void *p, size_t n)
{
	crc = ~crc;
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~crc32c_sse42(crc, p, n);
#endif
	return crc32c_plain(~crc, p, n);
}

uint32_t
crc32c_plain(uint32_t crc, const void *p, size_t n)
{
	return ~crc32c_table(~crc, p, n);
}

struct text
text_of(const char *s)
{
	return (struct text){.p = s, .n = strlen(s)};
}

const char *
text_copy(struct text t, char *out, size_t size)
{
	size_t n = min_of(t.n, size - 1);

	if (n > 0)
		memcpy(out, t.p, n);
	out[n] = '\0';
	return out;
}

bool
text_is(struct text t, const char *s)
{
	return t.n == strlen(s) && (t.n == 0 || memcmp(t.p, s, t.n) == 0);
}
