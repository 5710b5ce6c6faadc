#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/bytes.h"

/* What is laid out reads back, and not one octet more. */
static void
numbers_read_back(void **state)
{
	static const unsigned char expected[] = {
	    0xfe, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12, 8, 7,   6,  5,
	    4,    3,    2,    1,    2,    0,    0,    0, 'h', 'i'};
	struct bytes b = {0};
	struct reader r;
	size_t n;

	(void)state;
	bytes_u8(&b, 0xfe);
	bytes_u16(&b, 0x1234);
	bytes_u32(&b, 0x12345678);
	bytes_u64(&b, UINT64_C(0x0102030405060708));
	bytes_text(&b, "hi", 2);
	assert_int_equal(b.n, sizeof expected);
	assert_memory_equal(b.data, expected, sizeof expected);
	r = reader_of(b.data, b.n);
	assert_int_equal(read_u8(&r), 0xfe);
	assert_int_equal(read_u16(&r), 0x1234);
	assert_int_equal(read_u32(&r), 0x12345678);
	assert_int_equal(read_u64(&r), UINT64_C(0x0102030405060708));
	assert_memory_equal(read_text(&r, 2, &n), "hi", 2);
	assert_int_equal(n, 2);
	assert_true(r.ok && r.p == r.end);
	assert_int_equal(read_u8(&r), 0);
	assert_false(r.ok);
	bytes_free(&b);
}

/* After the first short read everything later reads as zero: a record cut off
 * in the middle never yields half a number. */
static void
short_reads_stay_bad(void **state)
{
	static const unsigned char data[] = {1, 2, 3};
	struct reader r = reader_of(data, sizeof data);

	(void)state;
	assert_int_equal(read_u32(&r), 0);
	assert_false(r.ok);
	assert_int_equal(read_u8(&r), 0);
	r = reader_of(NULL, 0);
	assert_true(r.ok);
	assert_int_equal(read_u64(&r), 0);
	assert_false(r.ok);
}

static void
texts_are_bounded(void **state)
{
	static const struct {
		const char *name;
		const char *data;
		size_t n;
		size_t most;
		bool ok;
		size_t len;
	} table[] = {
	    {"as long as allowed", "\3\0\0\0abc", 7, 3, true, 3},
	    {"empty", "\0\0\0\0", 4, 3, true, 0},
	    {"longer than allowed", "\4\0\0\0abcd", 8, 3, false, 0},
	    {"longer than the input", "\4\0\0\0abc", 7, 9, false, 0},
	    {"a length near the largest", "\377\377\377\377abc", 7, SIZE_MAX,
	     false, 0},
	    {"with a NUL", "\3\0\0\0a\0c", 7, 3, false, 0},
	    {"length cut off", "\3\0\0", 3, 3, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		struct reader r = reader_of(table[i].data, table[i].n);
		size_t n = 99;

		assert_non_null(read_text(&r, table[i].most, &n));
		if (r.ok != table[i].ok || n != table[i].len)
			fail_msg("%s", table[i].name);
	}
}

static void
grows_and_is_cut(void **state)
{
	struct bytes b = {0};
	char word[16];

	(void)state;
	for (unsigned i = 0; i < 5000; i++)
		bytes_printf(&b, "%06u,", i);
	assert_int_equal(b.n, 5000 * 7);
	bytes_cut(&b, 4999 * 7);
	assert_memory_equal(b.data, "004999,", b.n);
	bytes_cut(&b, 7);
	assert_int_equal(b.n, 0);
	bytes_add(&b, NULL, 0);
	bytes_add_text(&b, "");
	assert_int_equal(b.n, 0);
	/* A format longer than what is left takes the second way. */
	bytes_printf(&b, "%*d", 40000, 7);
	assert_int_equal(b.n, 40000);
	memcpy(word, b.data + b.n - 2, 2);
	assert_memory_equal(word, " 7", 2);
	bytes_free(&b);
	assert_null(b.data);
}

static void
big_endian_keeps_the_order(void **state)
{
	unsigned char a[8], b[8];

	(void)state;
	put_be64(a, 255);
	put_be64(b, 256);
	assert_true(memcmp(a, b, 8) < 0);
	assert_int_equal(get_be64(b), 256);
	put_be32(a, 0xfffefdfc);
	assert_memory_equal(a, "\xff\xfe\xfd\xfc", 4);
	assert_int_equal(get_be32(a), 0xfffefdfc);
	put_le32(a, 0xfffefdfc);
	assert_memory_equal(a, "\xfc\xfd\xfe\xff", 4);
	assert_int_equal(get_le32(a), 0xfffefdfc);
}

/* The polynomial bit by bit, as RFC 3720 12.1 writes it: slow and plain. */
static uint32_t
crc_by_bits(uint32_t crc, const unsigned char *p, size_t n)
{
	crc = ~crc;
	while (n-- > 0) {
		crc ^= *p++;
		for (int i = 0; i < 8; i++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
	}
	return ~crc;
}

static void
crc32c_is_castagnoli(void **state)
{
	unsigned char data[300];
	uint32_t seed = 1;

	(void)state;
	/* RFC 3720 B.4 */
	memset(data, 0, sizeof data);
	assert_int_equal(crc32c(0, data, 32), 0x8a9136aa);
	memset(data, 0xff, sizeof data);
	assert_int_equal(crc32c(0, data, 32), 0x62a8ab43);
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	assert_int_equal(crc32c(0, "", 0), 0);
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)((seed = seed * 69069 + 1) >> 24);
	for (size_t n = 0; n < 64; n++)
		for (size_t at = 0; at < 9; at++) {
			uint32_t whole = crc32c(0, data + at, n);

			assert_int_equal(whole, crc_by_bits(0, data + at, n));
			assert_int_equal(crc32c(whole, data, sizeof data),
					 crc_by_bits(whole, data, sizeof data));
		}
}

/* Processors without the instruction must reach the same sum, or a queue
 * moved to one would look damaged. */
static void
crc32c_table_agrees(void **state)
{
	unsigned char data[100];

	(void)state;
	for (size_t i = 0; i < sizeof data; i++)
		data[i] = (unsigned char)(i * 37);
	for (size_t n = 0; n <= sizeof data; n++)
		assert_int_equal(crc32c_plain(7, data, n), crc32c(7, data, n));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers_read_back),
	    cmocka_unit_test(short_reads_stay_bad),
	    cmocka_unit_test(texts_are_bounded),
	    cmocka_unit_test(grows_and_is_cut),
	    cmocka_unit_test(big_endian_keeps_the_order),
	    cmocka_unit_test(crc32c_is_castagnoli),
	    cmocka_unit_test(crc32c_table_agrees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
