/*
 * bytes - a growing buffer, and numbers laid out in it.
 *
 * Owner    bytes_init/bytes_free; the buffer is contiguous, data[0..n).
 * Errors   growing past memory ends the process; a limit is the caller's.
 *          Readers (struct reader) never read past their end: after the first
 *          short read `ok` is false, and everything later reads as zero.
 */
#ifndef MTQ_BYTES_H
#define MTQ_BYTES_H

#include "daemon/base.h"

struct bytes {
	unsigned char *data;
	size_t n;
	size_t room;
};

/* Octets of somebody else's, not NUL-terminated. */
struct text {
	const char *p;
	size_t n;
};
struct text text_of(const char *s);
/* A NUL-terminated copy in `out`, cut to its size. */
const char *text_copy(struct text t, char *out, size_t size);
bool text_is(struct text t, const char *s);

void bytes_free(struct bytes *b);
void bytes_reserve(struct bytes *b, size_t more); /* room for `more` octets */
void bytes_add(struct bytes *b, const void *p, size_t n);
void bytes_add_text(struct bytes *b, const char *s); /* without its NUL */
void bytes_printf(struct bytes *b, const char *fmt, ...) PRINTF(2, 3);
void bytes_cut(struct bytes *b, size_t n); /* drops n octets at the front */

/* Little-endian numbers at the end of b. */
void bytes_u8(struct bytes *b, uint8_t v);
void bytes_u16(struct bytes *b, uint16_t v);
void bytes_u32(struct bytes *b, uint32_t v);
void bytes_u64(struct bytes *b, uint64_t v);
/* A u32 length, then the octets. */
void bytes_text(struct bytes *b, const char *s, size_t n);

struct reader {
	const unsigned char *p;
	const unsigned char *end;
	bool ok;
};

struct reader reader_of(const void *p, size_t n);
uint8_t read_u8(struct reader *r);
uint16_t read_u16(struct reader *r);
uint32_t read_u32(struct reader *r);
uint64_t read_u64(struct reader *r);
/* A text of at most `most` octets without NUL: points into the input and is
 * not NUL-terminated; its length goes to *n.  Longer: ok becomes false. */
const char *read_text(struct reader *r, size_t most, size_t *n);

/* Big-endian, for keys whose order is the number's. */
void put_be32(unsigned char *p, uint32_t v);
void put_be64(unsigned char *p, uint64_t v);
uint32_t get_be32(const unsigned char *p);
uint64_t get_be64(const unsigned char *p);
void put_le32(unsigned char *p, uint32_t v);
uint32_t get_le32(const unsigned char *p);

/* CRC-32C (Castagnoli, RFC 3720 12.1), chained: start with crc = 0. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The same without the processor's instruction. */
uint32_t crc32c_plain(uint32_t crc, const void *p, size_t n);

#endif
