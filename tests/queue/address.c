#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "queue/address.h"

#define TEN "aaaaaaaaaa"
#define L60 TEN TEN TEN TEN TEN TEN
#define L63 L60 "aaa"
#define L64 L60 "aaaa"
#define L65 L60 "aaaaa"

struct row {
	const char *text;
	bool plain; /* taken without SMTPUTF8 */
	bool utf8;  /* taken with it */
};

static const struct row rows[] = {
    {"a@b", true, true},
    {"a.b@c.d", true, true},
    {"user+tag@example.com", true, true},
    {"!#$%&'*+-/=?^_`{|}~@b", true, true},
    {"a%b@c", true, true},
    {"host!user@c", true, true},
    {"1@2", true, true},
    {"a@b-c.d", true, true},
    {"a@b--c.d", true, true},
    {"a@xn--bcher-kva.example", true, true},
    {"a@_b.c", true, true},
    {"A@B.C", true, true},
    {"\"a b\"@c", true, true},
    {"\"\"@c", true, true},
    {"\"a@b\"@c", true, true},
    {"\"a\\\"b\"@c", true, true},
    {"\"a\\\\\"@c", true, true},
    {"\".a.\"@c", true, true},
    {"a@[127.0.0.1]", true, true},
    {"a@[255.255.255.255]", true, true},
    {"a@[IPv6:::1]", true, true},
    {"a@[ipv6:2001:db8::7]", true, true},
    {"a@[IPv6:::ffff:192.0.2.1]", true, true},
    {L64 "@b", true, true},
    {"a@" L63 ".b", true, true},

    {"", false, false},
    {"a", false, false},
    {"@", false, false},
    {"@b", false, false},
    {"a@", false, false},
    {"a@b@c", false, false},
    {".a@b", false, false},
    {"a.@b", false, false},
    {"a..b@c", false, false},
    {"a b@c", false, false},
    {"a@b c", false, false},
    {" a@b", false, false},
    {"a@b ", false, false},
    {"a@.b", false, false},
    {"a@b.", false, false},
    {"a@b..c", false, false},
    {"a@-b", false, false},
    {"a@b-", false, false},
    {"a@b-.c", false, false},
    {"a@b.-c", false, false},
    {"a@b(c)", false, false},
    {"a(c)@b", false, false},
    {"<a@b>", false, false},
    {"a,b@c", false, false},
    {"a;b@c", false, false},
    {"a\\b@c", false, false},
    {"@x,@y:a@b", false, false},
    {"@x:a@b", false, false},
    {"\"a@b", false, false},
    {"\"a\"b@c", false, false},
    {"\"a\\\"@b", false, false},
    {"\"a\r\n\"@b", false, false},
    {"\"a\tb\"@c", false, false},
    {"a\r\n@b", false, false},
    {"a@b\n", false, false},
    {"a\x7f@b", false, false},
    {"a@[127.0.0.1", false, false},
    {"a@127.0.0.1]", false, false},
    {"a@[127.0.0]", false, false},
    {"a@[127.0.0.256]", false, false},
    {"a@[::1]", false, false},
    {"a@[IPv6:]", false, false},
    {"a@[IPv6:127.0.0.1]", false, false},
    {"a@[IPv6:12345::]", false, false},
    {"a@[]", false, false},
    {"a@[x]", false, false},
    {L65 "@b", false, false},
    {"a@" L64 ".b", false, false},
    {"\xc3\xa9@b", false, true},
    {"a@\xc3\xa9.b", false, true},
    {"\"\xc3\xa9 x\"@b", false, true},
    {"\xf0\x9f\x98\x80@b", false, true},
    {"\xc3@b", false, false},
    {"\xc0\x80@b", false, false},
    {"\xed\xa0\x80@b", false, false},
    {"\xf4\x90\x80\x80@b", false, false},
    {"\xff@b", false, false},
    {"a@\xc3.b", false, false},
    {"a@\xe2\x82", false, false},
};

static void
table(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		size_t n = strlen(rows[i].text);
		struct address a;
		const char *why = NULL;

		if (address_parse(rows[i].text, n, false, &a, &why) !=
		    rows[i].plain)
			fail_msg("<%s>: %s", rows[i].text, why);
		if (address_parse(rows[i].text, n, true, &a, &why) !=
		    rows[i].utf8)
			fail_msg("<%s> with SMTPUTF8: %s", rows[i].text, why);
		if (!rows[i].utf8)
			continue;
		assert_ptr_equal(a.local.p, rows[i].text);
		assert_int_equal(a.local.n + 1 + a.domain.n, n);
		assert_int_equal(a.local.p[a.local.n], '@');
	}
}

/* RFC 5321 4.5.3.1.3: a path has 256 octets with its brackets. */
static void
whole_length(void **state)
{
	char text[ADDRESS_MOST + 2];
	struct address a;
	const char *why;

	(void)state;
	memset(text, 'a', sizeof text);
	text[1] = '@';
	for (size_t i = 10; i < sizeof text; i += 50)
		text[i] = '.';
	assert_true(address_parse(text, ADDRESS_MOST, false, &a, &why));
	assert_false(address_parse(text, ADDRESS_MOST + 1, false, &a, &why));
	assert_string_equal(why, "an address has at most 254 octets");
}

/* What the client is told helps it. */
static void
reasons(void **state)
{
	static const struct {
		const char *text, *why;
	} told[] = {
	    {"", "empty address"},
	    {"\xc3\xa9@b", "an address beyond ASCII needs SMTPUTF8"},
	    {"@x:a@b", "source routes are not taken"},
	    {L65 "@b", "a local part has at most 64 octets"},
	    {"a", "not a mailbox (RFC 5321 4.1.2)"},
	};
	struct address a;
	const char *why;

	(void)state;
	for (size_t i = 0; i < countof(told); i++) {
		assert_false(address_parse(told[i].text, strlen(told[i].text),
					   false, &a, &why));
		assert_string_equal(why, told[i].why);
	}
	assert_false(address_parse("a\0b@c", 5, true, &a, &why));
	assert_false(address_parse("a@b\0c", 5, true, &a, &why));
	assert_true(address_parse("a@[127.0.0.1]", 13, false, &a, &why));
	assert_true(a.literal && !a.utf8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(table),
	    cmocka_unit_test(whole_length),
	    cmocka_unit_test(reasons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
