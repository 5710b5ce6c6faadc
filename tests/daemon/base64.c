#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "daemon/base64.h"

/* RFC 4648 10. */
static const struct {
	const char *octets, *text;
} vectors[] = {{"", ""},
	       {"f", "Zg=="},
	       {"fo", "Zm8="},
	       {"foo", "Zm9v"},
	       {"foob", "Zm9vYg=="},
	       {"fooba", "Zm9vYmE="},
	       {"foobar", "Zm9vYmFy"}};

static void
there_and_back(void **state)
{
	unsigned char back[16];
	size_t n;

	(void)state;
	for (size_t i = 0; i < countof(vectors); i++) {
		struct bytes b = {0};

		base64_add(&b, vectors[i].octets, strlen(vectors[i].octets));
		assert_int_equal(b.n, BASE64_SIZE(strlen(vectors[i].octets)));
		assert_int_equal(b.n, strlen(vectors[i].text));
		assert_true(b.n == 0 ||
			    memcmp(b.data, vectors[i].text, b.n) == 0);
		assert_true(base64_read(text_of(vectors[i].text), back,
					sizeof back, &n));
		assert_int_equal(n, strlen(vectors[i].octets));
		assert_true(n == 0 || memcmp(back, vectors[i].octets, n) == 0);
		bytes_free(&b);
	}
}

static void
wrong_forms(void **state)
{
	static const struct {
		const char *name, *text;
	} table[] = {
	    {"no padding", "Zg"},
	    {"half a padding", "Zg="},
	    {"padding alone", "===="},
	    {"padding in the middle", "Zg==Zm9v"},
	    {"bits behind", "Zh=="},
	    {"bits behind two", "Zm9="},
	    {"a blank", "Zm 9"},
	    {"a line end", "Zm9v\r\n"},
	    {"letters of URLs", "Zm-_"},
	    {"an 8-bit letter", "Zm\xc3\xa4"},
	    {"three paddings", "Z==="},
	    {"more than there is room", "Zm9vYmFy"},
	};
	unsigned char out[5];
	size_t n;

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		if (base64_read(text_of(table[i].text), out, sizeof out, &n))
			fail_msg("%s: taken", table[i].name);
	assert_false(base64_read((struct text){"Zg\0=", 4}, out, 5, &n));
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back), cmocka_unit_test(wrong_forms)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
