/* Tokens: what a command may print, and when it is asked again. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "daemon/token.h"

static const struct row {
	const char *name, *printed;
	const char *token; /* NULL: refused with `says` */
	int64_t life_s;
	const char *says;
} rows[] = {
    {"a line", "abc.def-ghi\n", "abc.def-ghi", TOKEN_BARE_S, NULL},
    {"no line end", "abc", "abc", TOKEN_BARE_S, NULL},
    {"a line of Windows", "abc\r\n", "abc", TOKEN_BARE_S, NULL},
    {"two lines", "abc\ndef\n", NULL, 0, "is no token"},
    {"a message", "error: no network\n", NULL, 0, "is no token"},
    {"nothing", "", NULL, 0, "printed nothing"},
    {"line ends alone", "\n\n", NULL, 0, "printed nothing"},
    {"not ASCII", "ab\xc3\xbc\n", NULL, 0, "is no token"},
    {"a token endpoint's answer",
     "{\"token_type\":\"Bearer\",\"expires_in\":3599,"
     "\"ext_expires_in\":3599,\"access_token\":\"eyJ0.x_y-z\"}",
     "eyJ0.x_y-z", 3599, NULL},
    {"seconds in a string",
     "{\"expires_in\": \"3600\", \"access_token\": \"a\"}\n", "a", 3600, NULL},
    {"another name", "{ \"token\" : \"abc\" , \"expires_in\" : 60 }", "abc", 60,
     NULL},
    {"both names", "{\"access_token\":\"a\",\"token\":\"b\"}", "a",
     TOKEN_BARE_S, NULL},
    {"both names, turned", "{\"token\":\"b\",\"access_token\":\"a\"}", "a",
     TOKEN_BARE_S, NULL},
    {"no lifetime", "{\"token\":\"b\"}", "b", TOKEN_BARE_S, NULL},
    {"a long life", "{\"token\":\"b\",\"expires_in\":31536000}", "b",
     TOKEN_MOST_S, NULL},
    {"a life beyond numbers",
     "{\"token\":\"b\",\"expires_in\":99999999999999999999999999}", "b",
     TOKEN_MOST_S, NULL},
    {"a short life", "{\"token\":\"b\",\"expires_in\":29}", NULL, 0,
     "ends at once"},
    {"a negative life", "{\"token\":\"b\",\"expires_in\":-1}", NULL, 0,
     "malformed JSON"},
    {"half a second", "{\"token\":\"b\",\"expires_in\":3600.5}", NULL, 0,
     "malformed JSON"},
    {"no life", "{\"token\":\"b\",\"expires_in\":null}", NULL, 0,
     "malformed JSON"},
    {"things inside",
     "{\"a\":{\"b\":[1,{\"token\":\"no\"},\"}\"],\"c\":null},\"token\":"
     "\"yes\"}",
     "yes", TOKEN_BARE_S, NULL},
    {"escapes", "{\"tok\\u0065n\":\"a\\/b\\u002b\\\"\\\\\"}", "a/b+\"\\",
     TOKEN_BARE_S, NULL},
    {"a line end in the token", "{\"token\":\"a\\nb\"}", NULL, 0,
     "is no token"},
    {"a NUL in the token", "{\"token\":\"a\\u0000b\"}", NULL, 0, "is no token"},
    {"an umlaut in the token", "{\"token\":\"a\\u00fcb\"}", NULL, 0,
     "is no token"},
    {"an empty token", "{\"token\":\"\"}", NULL, 0, "is no token"},
    {"an error", "{\"error\":\"invalid_client\"}", NULL, 0, "neither"},
    {"an empty object", "{}", NULL, 0, "neither"},
    {"a number for a token", "{\"token\":12}", NULL, 0, "malformed JSON"},
    {"something behind it", "{\"token\":\"a\"} x", NULL, 0, "malformed JSON"},
    {"a comma too many", "{\"token\":\"a\",}", NULL, 0, "malformed JSON"},
    {"no comma", "{\"token\":\"a\" \"b\":1}", NULL, 0, "malformed JSON"},
    {"the wrong bracket", "{\"a\":[1},\"token\":\"a\"}", NULL, 0,
     "malformed JSON"},
    {"a bad escape", "{\"token\":\"a\\x\"}", NULL, 0, "malformed JSON"},
    {"a bad number of an escape", "{\"token\":\"a\\u00g1\"}", NULL, 0,
     "malformed JSON"},
    {"a control in a string", "{\"token\":\"a\tb\"}", NULL, 0,
     "malformed JSON"},
    {"a list", "[\"a\"]", "[\"a\"]", TOKEN_BARE_S, NULL},
};

static void
parse_one(const char *name, const char *printed, size_t n, const char *token,
	  int64_t life_s, const char *says)
{
	/* Of its own, so that a read behind it is seen. */
	unsigned char *p = must_alloc(n + !n);
	char why[160] = "";
	struct text t;
	int64_t got_s;
	bool ok;

	memcpy(p, printed, n);
	ok = token_parse(p, n, &t, &got_s, why);
	if (ok != (token != NULL))
		fail_msg("%s: %s %s", name, ok ? "taken" : "refused", why);
	if (ok && (!text_is(t, token) || got_s != life_s))
		fail_msg("%s: %.*s %d", name, (int)t.n, t.p, (int)got_s);
	if (!ok && says != NULL && strstr(why, says) == NULL)
		fail_msg("%s: %s", name, why);
	free(p);
}

static void
output(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++)
		parse_one(rows[i].name, rows[i].printed,
			  strlen(rows[i].printed), rows[i].token,
			  rows[i].life_s, rows[i].says);
}

/* An object that is cut anywhere is refused. */
static void
cut_output(void **state)
{
	const char *all =
	    "{\"x\":[{\"y\":\"\\u0041\"},1e5,true],"
	    "\"expires_in\":\"3600\",\"access_token\":\"a\\\\b\"}";

	(void)state;
	for (size_t n = 0; n < strlen(all); n++)
		parse_one("cut", all, n, NULL, 0, NULL);
	parse_one("whole", all, strlen(all), "a\\b", 3600, NULL);
}

/* Brackets without end cost nothing. */
static void
deep_output(void **state)
{
	char all[TOKEN_OUTPUT_MOST];

	(void)state;
	memset(all, '[', sizeof all);
	memcpy(all, "{\"a\":", 5);
	parse_one("deep", all, sizeof all, NULL, 0, "malformed JSON");
}

#define S(s) ((s)*SECOND_US)

static void
times(void **state)
{
	struct token_times t = token_begin(S(100));

	(void)state;
	assert_int_equal(t.due_us, S(100));
	assert_false(token_expired(&t, S(100))); /* there is none */
	token_got(&t, 3600, S(100));
	assert_int_equal(t.due_us, S(100 + 3600 - 300));
	assert_false(token_expired(&t, S(3699)));
	assert_true(token_expired(&t, S(3700)));
	token_got(&t, 60, S(1000)); /* not in its first half */
	assert_int_equal(t.due_us, S(1030));
	token_got(&t, 0, S(2000)); /* a file */
	assert_int_equal(t.due_us, S(2060));
	assert_false(token_expired(&t, S(INT64_C(1000000))));
}

static void
failures(void **state)
{
	static const int64_t pause_s[] = {5, 10, 20, 40, 80, 160, 300, 300};
	struct token_times t = token_begin(0);

	(void)state;
	token_got(&t, 600, 0);
	for (size_t i = 0; i < countof(pause_s); i++) {
		token_failed(&t, S(300));
		assert_int_equal(t.due_us, S(300 + pause_s[i]));
	}
	assert_int_equal(t.expires_us, S(600)); /* it is good until then */
	token_got(&t, 600, S(400));
	token_failed(&t, S(700));
	assert_int_equal(t.due_us, S(705));
}

/* A refused token is replaced once; a server that refuses all can't make us
 * ask without end. */
static void
refusals(void **state)
{
	struct token_times t = token_begin(0);

	(void)state;
	token_got(&t, 3600, 0);
	assert_true(token_refused(&t, S(10)));
	assert_int_equal(t.due_us, S(10));
	token_got(&t, 3600, S(11));
	assert_false(token_refused(&t, S(12)));
	assert_false(token_refused(&t, S(69)));
	assert_int_equal(t.due_us, S(11 + 3300));
	assert_true(token_refused(&t, S(70)));
	assert_int_equal(t.due_us, S(70));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(output),      cmocka_unit_test(cut_output),
	    cmocka_unit_test(deep_output), cmocka_unit_test(times),
	    cmocka_unit_test(failures),    cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
