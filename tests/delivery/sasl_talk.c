/* Servers that don't keep to the rules of AUTH, line by line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "delivery/sasl.h"

enum { TURNS_MOST = 12 };

static const struct secret password = {(char *)(uintptr_t) "s3cret-canary", 13};
static const struct secret token = {(char *)(uintptr_t) "tok3n.canary.abcdef",
				    19};

static struct sasl_account
account(void)
{
	return (struct sasl_account){.user = "crm",
				     .password = &password,
				     .token = &token,
				     .host = "mx.example",
				     .port = 587,
				     .certificate = true};
}

#define REFUSED "(refused)"
#define ANY     "(any)"

static const struct row {
	const char *name;
	enum mechanism m;
	const char *first;
	struct turn {
		const char *challenge; /* NULL: no more */
		const char *answer;
	} turn[TURNS_MOST];
	bool proved;
} row[] = {
    {"PLAIN, as it should be",
     MECHANISM_PLAIN,
     "AGNybQBzM2NyZXQtY2FuYXJ5",
     {{NULL, NULL}},
     true},
    {"PLAIN, a challenge after all is said",
     MECHANISM_PLAIN,
     ANY,
     {{"", REFUSED}},
     false},
    {"PLAIN, a challenge with text",
     MECHANISM_PLAIN,
     ANY,
     {{"UGFzc3dvcmQ6", REFUSED}},
     false},
    {"LOGIN, as it should be",
     MECHANISM_LOGIN,
     "",
     {{"VXNlcm5hbWU6", "Y3Jt"}, {"UGFzc3dvcmQ6", "czNjcmV0LWNhbmFyeQ=="}},
     true},
    {"LOGIN, other words",
     MECHANISM_LOGIN,
     "",
     {{"VXNlciBOYW1lAA==", "Y3Jt"}, {"", "czNjcmV0LWNhbmFyeQ=="}},
     true},
    {"LOGIN, blanks around",
     MECHANISM_LOGIN,
     "",
     {{" VXNlcm5hbWU6 ", "Y3Jt"}},
     false},
    {"LOGIN, yes before the name", MECHANISM_LOGIN, "", {{NULL, NULL}}, false},
    {"LOGIN, yes before the password",
     MECHANISM_LOGIN,
     "",
     {{"VXNlcm5hbWU6", "Y3Jt"}},
     false},
    {"LOGIN, a third question",
     MECHANISM_LOGIN,
     "",
     {{"VXNlcm5hbWU6", "Y3Jt"},
      {"UGFzc3dvcmQ6", ANY},
      {"UGFzc3dvcmQ6", REFUSED}},
     false},
    {"LOGIN, no base64", MECHANISM_LOGIN, "", {{"Username:", REFUSED}}, false},
    {"LOGIN, base64 cut short",
     MECHANISM_LOGIN,
     "",
     {{"VXNlcm5hb", REFUSED}},
     false},
    {"LOGIN, an equals sign alone",
     MECHANISM_LOGIN,
     "",
     {{"=", REFUSED}},
     false},
    {"LOGIN, octets above 127",
     MECHANISM_LOGIN,
     "",
     {{"\xff\xfe\x80\x80", REFUSED}},
     false},
    {"CRAM-MD5, RFC 2195's own shape",
     MECHANISM_CRAM_MD5,
     "",
     {{"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+", ANY}},
     true},
    {"CRAM-MD5, an empty challenge",
     MECHANISM_CRAM_MD5,
     "",
     {{"", REFUSED}},
     false},
    {"CRAM-MD5, a second challenge",
     MECHANISM_CRAM_MD5,
     "",
     {{"PDFAYT4=", ANY}, {"PDFAYT4=", REFUSED}},
     false},
    {"EXTERNAL, as it should be",
     MECHANISM_EXTERNAL,
     "Y3Jt",
     {{NULL, NULL}},
     true},
    {"EXTERNAL, a challenge", MECHANISM_EXTERNAL, ANY, {{"", REFUSED}}, false},
    {"SCRAM, yes at once", MECHANISM_SCRAM_SHA_256, ANY, {{NULL, NULL}}, false},
    {"SCRAM, an empty challenge",
     MECHANISM_SCRAM_SHA_256,
     ANY,
     {{"", REFUSED}},
     false},
    {"SCRAM, another nonce",
     MECHANISM_SCRAM_SHA_256,
     ANY,
     {{"cj1hYmMscz1jMkZzZEE9PSxpPTQwOTY=", REFUSED}},
     false},
    {"SCRAM, an error",
     MECHANISM_SCRAM_SHA_256,
     ANY,
     {{"ZT11bmtub3duLXVzZXI=", REFUSED}},
     false},
    {"SCRAM, NUL octets",
     MECHANISM_SCRAM_SHA_256,
     ANY,
     {{"AAAA", REFUSED}},
     false},
    {"XOAUTH2, as it should be",
     MECHANISM_XOAUTH2,
     "dXNlcj1jcm0BYXV0aD1CZWFyZXIgdG9rM24uY2FuYXJ5LmFiY2RlZgEB",
     {{NULL, NULL}},
     true},
    {"XOAUTH2, an error",
     MECHANISM_XOAUTH2,
     ANY,
     {{"eyJzdGF0dXMiOiI0MDEifQ==", ""}},
     false},
    {"XOAUTH2, an error that does not end",
     MECHANISM_XOAUTH2,
     ANY,
     {{"eyJzdGF0dXMiOiI0MDEifQ==", ""}, {"eyJzdGF0dXMiOiI0MDEifQ==", REFUSED}},
     false},
    {"OAUTHBEARER, as it should be",
     MECHANISM_OAUTHBEARER,
     "bixhPWNybSwBaG9zdD1teC5leGFtcGxlAXBvcnQ9NTg3AWF1dGg9QmVhcmVyIHRvazNu"
     "LmNhbmFyeS5hYmNkZWYBAQ==",
     {{NULL, NULL}},
     true},
    {"OAUTHBEARER, an error",
     MECHANISM_OAUTHBEARER,
     ANY,
     {{"eyJzdGF0dXMiOiI0MDEifQ==", "AQ=="}},
     false},
};

static bool
as_wanted(const char *want, bool ok, const struct bytes *line)
{
	if (strcmp(want, REFUSED) == 0 || !ok)
		return !ok && strcmp(want, REFUSED) == 0;
	return strcmp(want, ANY) == 0 ||
	       (line->n == strlen(want) &&
		(line->n == 0 || memcmp(line->data, want, line->n) == 0));
}

static void
line_by_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		const struct row *r = &row[i];
		struct sasl_account a = account();
		struct sasl *s = sasl_open(r->m, &a);
		struct bytes line = {0};
		char why[160] = "";
		bool ok;

		assert_non_null(s);
		ok = sasl_first(s, &line, why);
		if (!as_wanted(r->first, ok, &line))
			fail_msg("%s: first: %.*s %s", r->name, (int)line.n,
				 (char *)line.data, why);
		for (const struct turn *t = r->turn; t->challenge != NULL;
		     t++) {
			line.n = 0;
			ok = sasl_next(s, t->challenge, strlen(t->challenge),
				       &line, why);
			if (!as_wanted(t->answer, ok, &line))
				fail_msg("%s: turn %d: %s", r->name,
					 (int)(t - r->turn), why);
			if (!ok)
				assert_non_null(
				    strstr(why, mechanism_name(r->m)));
		}
		if (sasl_proved(s, why) != r->proved)
			fail_msg("%s: proved", r->name);
		bytes_free(&line);
		sasl_close(s);
	}
}

/* Nothing goes on for ever, whatever a server asks. */
static void
endless(void **state)
{
	(void)state;
	for (int m = 0; m < MECHANISM_COUNT; m++) {
		struct sasl_account a = account();
		struct bytes line = {0};
		char why[160];
		struct sasl *s;
		int turns = 0;

		a.nbinding = 32;
		s = sasl_open((enum mechanism)m, &a);
		assert_true(sasl_first(s, &line, why));
		while (sasl_next(s, "YWJj", 4, &line, why))
			assert_true(++turns <= SASL_STEPS_MOST);
		assert_false(sasl_next(s, "YWJj", 4, &line, why));
		assert_false(sasl_proved(s, why));
		bytes_free(&line);
		sasl_close(s);
	}
}

/* 12,288 octets are a line, one more is none (RFC 4954 4). */
static void
long_lines(void **state)
{
	static char challenge[SASL_LINE_MOST + 4];

	(void)state;
	memset(challenge, 'A', sizeof challenge);
	for (size_t n = SASL_LINE_MOST; n <= SASL_LINE_MOST + 4; n += 4) {
		struct sasl_account a = account();
		struct sasl *s = sasl_open(MECHANISM_CRAM_MD5, &a);
		struct bytes line = {0};
		char why[160];

		assert_true(sasl_first(s, &line, why));
		assert_int_equal(sasl_next(s, challenge, n, &line, why),
				 n == SASL_LINE_MOST);
		bytes_free(&line);
		sasl_close(s);
	}
}

/* A token that makes the command longer than 512 octets waits for the server's
 * empty challenge; one that no line can carry is refused. */
static void
long_tokens(void **state)
{
	static const struct {
		const char *name;
		size_t n;
		bool held, refused;
	} token_row[] = {
	    {"fits", 300, false, false},
	    {"the longest of a command", 349, false, false},
	    {"one too many", 350, true, false},
	    {"a common length", 2000, true, false},
	    {"the longest of a line", 9193, true, false},
	    {"longer than a line", 9194, false, true},
	};
	static char text[SECRET_MOST];

	(void)state;
	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < countof(token_row); i++) {
		struct secret t = {text, token_row[i].n};
		struct sasl_account a = account();
		struct bytes line = {0};
		char why[160];
		struct sasl *s;
		bool ok;

		a.token = &t;
		s = sasl_open(MECHANISM_XOAUTH2, &a);
		ok = sasl_first(s, &line, why);
		if (ok == token_row[i].refused ||
		    (ok && (line.n == 0) != token_row[i].held))
			fail_msg("%s: %zu", token_row[i].name, line.n);
		if (token_row[i].held) {
			assert_false(sasl_proved(s, why));
			sasl_close(s);
			s = sasl_open(MECHANISM_XOAUTH2, &a);
			assert_true(sasl_first(s, &line, why));
			assert_true(sasl_next(s, "", 0, &line, why));
			assert_true(line.n > 512 - 14 &&
				    line.n <= SASL_LINE_MOST);
			assert_true(sasl_proved(s, why));
		} else if (ok) {
			assert_true(line.n + strlen("AUTH XOAUTH2 \r\n") <=
				    512);
		}
		bytes_free(&line);
		sasl_close(s);
	}
}

/* A server that speaks where it should only ask for our answer. */
static void
held_and_spoken_to(void **state)
{
	static char text[1000];
	struct secret t = {text, sizeof text};
	struct sasl_account a = account();
	struct bytes line = {0};
	char why[160];
	struct sasl *s;

	(void)state;
	memset(text, 'x', sizeof text);
	a.token = &t;
	s = sasl_open(MECHANISM_OAUTHBEARER, &a);
	assert_true(sasl_first(s, &line, why));
	assert_int_equal(line.n, 0);
	assert_false(sasl_next(s, "YWJj", 4, &line, why));
	assert_int_equal(line.n, 0);
	bytes_free(&line);
	sasl_close(s);
}

/* What a mechanism can't carry is told before anything is said. */
static void
unfit_secrets(void **state)
{
	static const struct {
		const char *name;
		enum mechanism m;
		struct secret secret;
		const char *why;
	} unfit_row[] = {
	    {"a NUL in the password",
	     MECHANISM_PLAIN,
	     {(char *)(uintptr_t) "s3\0ret", 6},
	     "NUL"},
	    {"a NUL at its end",
	     MECHANISM_SCRAM_SHA_256,
	     {(char *)(uintptr_t) "s3cret\0", 7},
	     "NUL"},
	    {"a line end in the token",
	     MECHANISM_XOAUTH2,
	     {(char *)(uintptr_t) "abc\n", 4},
	     "octet"},
	    {"a blank in the token",
	     MECHANISM_OAUTHBEARER,
	     {(char *)(uintptr_t) "a bc", 4},
	     "octet"},
	    {"0x01 in the token",
	     MECHANISM_XOAUTH2,
	     {(char *)(uintptr_t) "a\001auth=x", 8},
	     "octet"},
	    {"an empty token",
	     MECHANISM_XOAUTH2,
	     {(char *)(uintptr_t) "", 0},
	     "a token"},
	};

	(void)state;
	for (size_t i = 0; i < countof(unfit_row); i++) {
		struct sasl_account a = account();
		struct bytes line = {0};
		char why[160] = "";
		struct sasl *s;

		a.password = a.token = &unfit_row[i].secret;
		s = sasl_open(unfit_row[i].m, &a);
		if (sasl_first(s, &line, why) || line.n != 0 ||
		    strstr(why, unfit_row[i].why) == NULL)
			fail_msg("%s: %s", unfit_row[i].name, why);
		bytes_free(&line);
		sasl_close(s);
	}
}

/* {"status":"401","x":"<ESC>[2J<LF>"}, and one that repeats the token. */
static void
error_of_oauth(void **state)
{
	static const char *const json[] = {
	    "eyJzdGF0dXMiOiI0MDEiLCJ4IjoiG1sySgoifQ==",
	    "eyJ0b2tlbiI6InRvazNuLmNhbmFyeS5hYmNkZWYifQ=="};
	static const char *const want[] = {
	    "{\"status\":\"401\",\"x\":\"?[2J?\"}",
	    "the server's error repeats the token"};

	(void)state;
	for (size_t i = 0; i < countof(json); i++) {
		struct sasl_account a = account();
		struct sasl *s = sasl_open(MECHANISM_XOAUTH2, &a);
		struct bytes line = {0};
		char why[160];

		assert_true(sasl_first(s, &line, why));
		assert_string_equal(sasl_error(s), "");
		assert_true(sasl_next(s, json[i], strlen(json[i]), &line, why));
		assert_string_equal(sasl_error(s), want[i]);
		assert_false(sasl_proved(s, why));
		bytes_free(&line);
		sasl_close(s);
	}
}

/* A reply that repeats what must stay secret is known. */
static void
told(void **state)
{
	static const struct {
		const char *text;
		bool told;
	} told_row[] = {
	    {"5.7.8 Authentication failed", false},
	    {"5.7.8 Authentication failed for crm", false},
	    {"no: s3cret-canary", true},
	    {"no: 3cret-canary was wrong", true},
	    {"no: tok3n.canary.abcdef", true},
	    {"no: AGNybQBzM2NyZXQtY2FuYXJ5", true},
	    {"no: BzM2NyZXQtY2FuYXJ5", true},
	    {"no: czNjcmV0LWNhbmFyeQ==", true},
	    {"no: AHMzY3JldC1jYW5hcnk=", true},
	    {"no: AAAHMzY3JldC1jYW5hcnkA", true},
	    {"no: dXNlcj1jcm0BYXV0aD1CZWFyZXIgdG9rM24uY2FuYXJ5", true},
	    {"no: dXNlcj1jcm0BYXV0aD1CZWFyZXIg", false},
	    {"canary", false},
	    {"", false},
	};
	struct sasl_account a = account();
	struct sasl *s = sasl_open(MECHANISM_PLAIN, &a);
	struct bytes line = {0};
	char why[160];

	(void)state;
	assert_true(sasl_first(s, &line, why));
	for (size_t i = 0; i < countof(told_row); i++)
		if (sasl_told(s, told_row[i].text) != told_row[i].told)
			fail_msg("%s", told_row[i].text);
	bytes_free(&line);
	sasl_close(s);
}

/* A worker talks to many servers at once. */
static void
many(void **state)
{
	enum { MANY = 200 };
	static struct sasl *s[MANY];
	struct sasl_account a = account();
	struct bytes line = {0};
	char why[160];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		s[i] = sasl_open((enum mechanism)(i % MECHANISM_COUNT), &a);
		assert_non_null(s[i]);
	}
	for (int i = 0; i < MANY; i++)
		if (s[i] != NULL && i % MECHANISM_COUNT == MECHANISM_XOAUTH2)
			assert_true(sasl_first(s[i], &line, why));
	for (int i = MANY - 1; i >= 0; i--)
		sasl_close(s[i]);
	sasl_close(NULL);
	bytes_free(&line);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(line_by_line),
	    cmocka_unit_test(endless),
	    cmocka_unit_test(long_lines),
	    cmocka_unit_test(long_tokens),
	    cmocka_unit_test(held_and_spoken_to),
	    cmocka_unit_test(unfit_secrets),
	    cmocka_unit_test(error_of_oauth),
	    cmocka_unit_test(told),
	    cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
