/* Keys that can't sign are refused by FILE:LINE; those that should not are
 * told. */
#include "tests/daemon/expect.h"

#include <stdlib.h>

#include "daemon/dkim_keys.h"
#include "daemon/secret.h"
#include "tests/queue/dkim_keys.h"

#define E dkim_ed25519
#define R dkim_rsa_2048
#define ONE(more)                                                              \
	"dkim a { domain = x.test selector = a key = \"file:/a\" " more "}\n"
#define TWO(more)                                                              \
	"dkim b { domain = X.test selector = b key = \"file:/b\" " more "}\n"

static void
put(struct secrets *set, const char *title, const char *pem)
{
	if (pem != NULL)
		secrets_put(set, title, "dkim_key", pem, strlen(pem));
}

static void
keys(void **state)
{
	static const struct {
		const char *name, *blocks, *a, *b;
		const char *error; /* how it begins; NULL: they can sign */
		const char *doubts;
	} row[] = {
	    {"none", "", NULL, NULL, NULL, ""},
	    {"one of each", ONE("") TWO(""), R, E, NULL, ""},
	    {"not there", ONE(""), NULL, NULL,
	     "f:6: dkim a: key: the private key is not there", ""},
	    {"no key", ONE(""), "abc", NULL, "f:6: dkim a: key: ", ""},
	    {"the second one is none", ONE("") TWO(""), E, "",
	     "f:7: dkim b: key: ", ""},
	    {"768 bits", ONE(""), dkim_rsa_768, NULL,
	     "f:6: dkim a: key: RSA of 768 bits, receivers ask for 1024 at "
	     "least",
	     "f:6: warning: dkim a: RSA of 768 bits; use 2048\n"},
	    {"1024 bits", ONE(""), dkim_rsa_1024, NULL, NULL,
	     "f:6: warning: dkim a: RSA of 1024 bits; use 2048\n"},
	    {"one after the other", ONE("") TWO("from = 2026-12-01 "), E, E,
	     NULL, ""},
	    {"which of them?", ONE("") TWO(""), E, E, NULL,
	     "f:7: warning: dkim b: begins when dkim a does, which then does "
	     "not sign: give one of them another day\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		char *text = must_printf(GOOD "%s", row[i].blocks);
		struct bytes report = {0}, doubts = {0};
		struct settings *s = parse(text, &report);
		struct secrets *set = secrets_open();
		struct report rep = {.out = &doubts};
		struct err e = {.text = ""};
		bool ok;

		assert_non_null(s);
		put(set, "a", row[i].a);
		put(set, "b", row[i].b);
		ok = dkim_keys_check(s, set, &e);
		dkim_keys_doubts(s, set, &rep);
		bytes_u8(&doubts, 0);
		if (ok != (row[i].error == NULL) ||
		    (!ok && strncmp(e.text, row[i].error,
				    strlen(row[i].error)) != 0) ||
		    strcmp((char *)doubts.data, row[i].doubts) != 0)
			fail_msg("%s: \"%s\", \"%s\"", row[i].name, e.text,
				 (char *)doubts.data);
		secrets_free(set);
		settings_free(s);
		bytes_free(&report);
		bytes_free(&doubts);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(keys)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
