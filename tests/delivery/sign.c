/* Which mail is signed, by which key, and that what is said of it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/delivery/sign_world.h"

#define FROM(a) "From: " a "\r\n"
#define REST    "To: b@to.test\r\nSubject: x\r\n\r\nHello\r\n"
#define ALWAYS  INT64_MIN, INT64_MAX
#define E       dkim_ed25519
#define R       dkim_rsa_2048
#define S       SIGN_WHEN_MISSING

/* The selectors of the signatures of a message, in their order. */
static void
selectors(const struct bytes *fields, char out[64])
{
	const char *p = (const char *)fields->data, *end = p + fields->n;

	out[0] = '\0';
	while (p < end &&
	       (p = memmem(p, (size_t)(end - p), " s=", 3)) != NULL) {
		size_t n = strlen(out);

		p += 3;
		snprintf(out + n, 64 - n, "%s%.*s", n > 0 ? " " : "",
			 (int)strcspn(p, ";"), p);
	}
}

struct key_row {
	const char *domain, *selector, *pem; /* NULL: broken */
	int64_t from_us, until_us;
	enum sign_when_kind when;
};

static void
make(const struct key_row *row, struct sign_keys *keys)
{
	for (keys->n = 0; keys->n < SIGN_WORLD_KEYS && row->domain != NULL;
	     row++)
		keys->key[keys->n++] = (struct sign_key){
		    .domain = must_strdup(row->domain),
		    .selector = must_strdup(row->selector),
		    .title = must_strdup("t"),
		    .key = row->pem != NULL ? sign_pem(row->pem) : NULL,
		    .why = "no key",
		    .when = row->when,
		    .from_us = row->from_us,
		    .until_us = row->until_us};
}

static void
done(struct sign_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		free(keys->key[i].domain);
		free(keys->key[i].selector);
		free(keys->key[i].title);
		pkey_free(keys->key[i].key);
	}
}

#define SIGNED "DKIM-Signature: v=1; d=a.test; s=x; b=\r\n"

static void
who_signs(void **state)
{
	static const struct {
		const char *name;
		struct key_row key[4];
		const char *message, *signs, *note;
	} row[] = {
	    {"no key", {{0}}, FROM("a@a.test") REST, "", ""},
	    {"the domain",
	     {{"a.test", "e", E, ALWAYS, S}},
	     FROM("a@a.test") REST,
	     "e",
	     ""},
	    {"one below it, in capitals",
	     {{"a.test", "e", E, ALWAYS, S}},
	     FROM("A <a@B.A.TEST>") REST,
	     "e",
	     ""},
	    {"another that ends alike",
	     {{"a.test", "e", E, ALWAYS, S}},
	     FROM("a@ba.test") REST,
	     "",
	     ""},
	    {"the one above",
	     {{"b.a.test", "e", E, ALWAYS, S}},
	     FROM("a@a.test") REST,
	     "",
	     ""},
	    {"the closest one, though its sister is of another kind",
	     {{"a.test", "r", R, ALWAYS, S}, {"b.a.test", "e", E, ALWAYS, S}},
	     FROM("a@b.a.test") REST,
	     "e",
	     ""},
	    {"both kinds",
	     {{"a.test", "r", R, ALWAYS, S}, {"a.test", "e", E, ALWAYS, S}},
	     FROM("a@a.test") REST,
	     "r e",
	     ""},
	    {"the one that began last",
	     {{"a.test", "e1", E, ALWAYS, S},
	      {"a.test", "e2", E, SIGN_NOW_US, INT64_MAX, S},
	      {"a.test", "e3", E, SIGN_NOW_US - DAY_US, INT64_MAX, S}},
	     FROM("a@a.test") REST,
	     "e2",
	     ""},
	    {"not before its day",
	     {{"a.test", "e", E, SIGN_NOW_US + 1, INT64_MAX, S}},
	     FROM("a@a.test") REST,
	     "",
	     ""},
	    {"not on its last day",
	     {{"a.test", "e", E, INT64_MIN, SIGN_NOW_US, S}},
	     FROM("a@a.test") REST,
	     "",
	     ""},
	    {"the closest one is over: the next above it",
	     {{"a.test", "e", E, ALWAYS, S},
	      {"b.a.test", "f", E, INT64_MIN, SIGN_NOW_US, S}},
	     FROM("a@b.a.test") REST,
	     "e",
	     ""},
	    {"signed already",
	     {{"a.test", "e", E, ALWAYS, S}},
	     SIGNED FROM("a@a.test") REST,
	     "",
	     ""},
	    {"signed already, but always",
	     {{"a.test", "e", E, ALWAYS, SIGN_WHEN_ALWAYS}},
	     SIGNED FROM("a@a.test") REST,
	     "e",
	     ""},
	    {"signed by another domain",
	     {{"b.a.test", "e", E, ALWAYS, S}},
	     SIGNED FROM("a@b.a.test") REST,
	     "e",
	     ""},
	    {"d= in a value is no tag",
	     {{"a.test", "e", E, ALWAYS, S}},
	     "DKIM-Signature: x=d=a.test; sd=a.test; d\r\n" FROM("a@a.test")
		 REST,
	     "e",
	     ""},
	    {"folded, with blanks, in capitals",
	     {{"a.test", "e", E, ALWAYS, S}},
	     "dkim-signature : v=1;\r\n\td\r\n = \r\n A.Test \r\n ;\r\n" FROM(
		 "a@a.test") REST,
	     "",
	     ""},
	    {"no From", {{"a.test", "e", E, ALWAYS, S}}, REST, "", ""},
	    {"a From without an address",
	     {{"a.test", "e", E, ALWAYS, S}},
	     FROM("a at a.test") REST,
	     "",
	     ""},
	    {"From in the body",
	     {{"a.test", "e", E, ALWAYS, S}},
	     "To: b@to.test\r\n\r\n" FROM("a@a.test"),
	     "",
	     ""},
	    {"a folded From",
	     {{"a.test", "e", E, ALWAYS, S}},
	     "From:\r\n \"a,\r\n\tb\"\r\n <a@a.test>\r\n\r\n",
	     "e",
	     ""},
	    {"a domain beyond ASCII",
	     {{"xn--mller-kva.test", "e", E, ALWAYS, S}},
	     FROM("a@m\xc3\xbcller.test") REST,
	     "e",
	     ""},
	    {"two fields From",
	     {{"a.test", "e", E, ALWAYS, S}},
	     FROM("a@a.test") FROM("a@a.test") REST,
	     "",
	     "it has several header fields From"},
	    {"no header",
	     {{"a.test", "e", E, ALWAYS, S}},
	     "\r\n" FROM("a@a.test"),
	     "",
	     ""},
	    {"nothing at all", {{"a.test", "e", E, ALWAYS, S}}, "", "", ""},
	    {"a broken key of another domain",
	     {{"a.test", "e", E, ALWAYS, S}, {"b.test", "x", NULL, ALWAYS, S}},
	     FROM("a@a.test") REST,
	     "e",
	     ""},
	    {"a broken key: it waits",
	     {{"a.test", "e", E, ALWAYS, S}, {"a.test", "x", NULL, ALWAYS, S}},
	     FROM("a@a.test") REST,
	     NULL,
	     ""},
	    {"a broken third key: it waits",
	     {{"a.test", "e", E, ALWAYS, S},
	      {"a.test", "r", R, ALWAYS, S},
	      {"a.test", "x", NULL, ALWAYS, S}},
	     FROM("a@a.test") REST,
	     NULL,
	     ""},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		for (size_t piece = 1; piece < 200; piece += 66) {
			struct sign_key room[SIGN_WORLD_KEYS];
			struct sign_keys keys = {.key = room};
			struct bytes out = {0};
			const char *note;
			char signs[64];
			struct err e;
			bool ok;

			make(row[i].key, &keys);
			ok = sign_all(&keys, row[i].message,
				      strlen(row[i].message), piece, &out,
				      &note, &e);
			selectors(&out, signs);
			if (ok != (row[i].signs != NULL) ||
			    (ok && strcmp(signs, row[i].signs) != 0) ||
			    strcmp(note, row[i].note) != 0)
				fail_msg("%s: \"%s\" note \"%s\"", row[i].name,
					 ok ? signs : e.text, note);
			bytes_free(&out);
			done(&keys);
		}
}

/* Our own verifier, which the RFCs' examples convince, takes what we make of
 * odd messages, and nothing that was changed in them. */
static void
it_holds(void **state)
{
	static const char *const message[] = {
	    FROM("a@a.test"),
	    FROM("a@a.test") "\r\n",
	    FROM("a@a.test") "\r\n\r\n\r\n",
	    FROM("a@a.test") "\r\n \t\r\n",
	    FROM("a@a.test") "\r\nno end of line",
	    FROM("a@a.test") "\r\n a  b \t\r\n\r\nc\r\n\r\n",
	    FROM("a@a.test") "To: x\r\nto: y\r\nTO : z\r\n\r\nx\r\n",
	    "Subject:\r\n\tx \r\n y\t\r\n" FROM(
		"a@a.test") "Date:x\r\n\r\nx\r\n",
	    FROM("a@a.test") "\r\n.\r\n..\r\n\x80\xff\r\n",
	};
	static const char *const pem[] = {E, R};

	(void)state;
	for (size_t i = 0; i < countof(message) * countof(pem); i++) {
		const char *m = message[i / countof(pem)];
		struct sign_key key = {.domain = (char[]){"a.test"},
				       .selector = (char[]){"s"},
				       .title = (char[]){"t"},
				       .key = sign_pem(pem[i % countof(pem)]),
				       .from_us = INT64_MIN,
				       .until_us = INT64_MAX};
		struct sign_keys keys = {&key, 1};
		struct bytes out = {0};
		const char *note;
		char *other = must_strdup(m);
		struct err e;

		assert_true(sign_all(&keys, m, strlen(m), 7, &out, &note, &e));
		assert_true(out.n > 0);
		if (sign_verified(&key, "a.test", &out, m, strlen(m)) !=
		    DKIM_PASS)
			fail_msg("not valid: %.*s%s", (int)out.n,
				 (char *)out.data, m);
		*strchr(other, '@') = 'x';
		assert_int_not_equal(
		    sign_verified(&key, "a.test", &out, other, strlen(other)),
		    DKIM_PASS);
		free(other);
		bytes_free(&out);
		pkey_free(key.key);
	}
}

static void
too_large(void **state)
{
	struct sign_key key = {.domain = (char[]){"a.test"},
			       .from_us = INT64_MIN,
			       .until_us = INT64_MAX};
	struct sign_keys keys = {&key, 1};
	struct bytes m = {0}, out = {0};
	const char *note;
	struct err e;

	(void)state;
	while (m.n <= SIGN_HEADER_MOST)
		bytes_add_text(&m, "X-A: 0123456789\r\n");
	bytes_add_text(&m, FROM("a@a.test") REST);
	assert_true(sign_all(&keys, m.data, m.n, 65512, &out, &note, &e));
	assert_int_equal(out.n, 0);
	assert_string_equal(note, "its header is too large");
	bytes_free(&m);
}

static void
days(void **state)
{
	struct sign_key key[] = {{.from_us = 5, .until_us = 9},
				 {.from_us = INT64_MIN, .until_us = 7},
				 {.from_us = 7, .until_us = INT64_MAX}};
	const struct sign_keys keys = {key, countof(key)};

	(void)state;
	assert_int_equal(sign_next_change(&keys, 0), 5);
	assert_int_equal(sign_next_change(&keys, 5), 7);
	assert_int_equal(sign_next_change(&keys, 7), 9);
	assert_true(sign_next_change(&keys, 9) == INT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_signs), cmocka_unit_test(it_holds),
	    cmocka_unit_test(too_large), cmocka_unit_test(days)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
