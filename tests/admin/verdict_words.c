/* A verdict's line, taken apart for people. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "admin/verdict_words.h"

static void
checks(void **state)
{
	static const struct {
		const char *name, *line, *says;
	} row[] = {
	    {"nothing", "", ""},
	    {"one check", "ip=ok", "[ip|ok|]"},
	    {"several", "ip=ok auth=sf tls=ok", "[ip|ok|][auth|sf|][tls|ok|]"},
	    {"a reason with blanks", "X-SFDC-LK=fail(more than one) from=ok",
	     "[X-SFDC-LK|fail|more than one][from|ok|]"},
	    {"a reason with a check in it",
	     "dkim=fail(d=example.com has no key) type=ok",
	     "[dkim|fail|d=example.com has no key][type|ok|]"},
	    {"brackets in brackets", "header=fail(From (a) twice) from=ok",
	     "[header|fail|From (a) twice][from|ok|]"},
	    {"an account with a blank", "auth=a b tls=ok",
	     "[auth|a b|][tls|ok|]"},
	    {"a bracket that is never closed", "dkim=fail(x from=ok",
	     "[dkim|fail(x from=ok|]"},
	    {"a word that is no check", "sandbox", "[sandbox||]"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct text rest = text_of(row[i].line);
		struct bytes out = {0};
		struct verdict_word w;

		while (verdict_word_next(&rest, &w))
			bytes_printf(&out, "[%.*s|%.*s|%.*s]", (int)w.check.n,
				     w.check.p, (int)w.result.n, w.result.p,
				     (int)w.detail.n,
				     w.detail.n > 0 ? w.detail.p : "");
		bytes_u8(&out, 0);
		if (strcmp((char *)out.data, row[i].says) != 0)
			fail_msg("%s: %s", row[i].name, (char *)out.data);
		bytes_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(checks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
