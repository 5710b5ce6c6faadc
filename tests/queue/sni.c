#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "queue/sni.h"

/* Certificates 0: mx.a.test, 1: *.a.test, 2: *.b.a.test and mail.c.test. */
static struct sni_name names[] = {{(char *)"mx.a.test", false, 0},
				  {(char *)".a.test", true, 1},
				  {(char *)".b.a.test", true, 2},
				  {(char *)"mail.c.test", false, 2}};
static const struct sni all = {names, countof(names)};

static const struct {
	const char *name, *asked;
	enum sni_answer answer;
	unsigned certificate;
} rows[] = {
    {"an exact name", "mx.a.test", SNI_EXACT, 0},
    {"letter case", "MX.A.test", SNI_EXACT, 0},
    {"a wildcard", "other.a.test", SNI_WILDCARD, 1},
    {"its letter case", "Other.A.TEST", SNI_WILDCARD, 1},
    {"a wildcard below", "x.b.a.test", SNI_WILDCARD, 2},
    {"one label alone", "x.y.a.test", SNI_NONE, 0},
    {"not its own domain", "a.test", SNI_NONE, 0},
    {"no label at all", ".a.test", SNI_NONE, 0},
    {"nobody's", "d.test", SNI_NONE, 0},
    {"a part of a name", "xmx.a.tes", SNI_NONE, 0},
    {"nothing", "", SNI_NONE, 0},
    {"no dot", "mx", SNI_NONE, 0},
};

static void
the_name_chooses(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		unsigned at = 0;
		enum sni_answer a =
		    sni_find(&all, rows[i].asked, strlen(rows[i].asked), &at);

		if (a != rows[i].answer ||
		    at != (a == SNI_WILDCARD ? rows[i].certificate : 0))
			fail_msg("%s: %d, certificate %u", rows[i].name, (int)a,
				 at);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_name_chooses)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
