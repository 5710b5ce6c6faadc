#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "queue/names.h"

enum { MANY = 1000 };

static const char *
name_of(unsigned i)
{
	static char text[16];

	snprintf(text, sizeof text, "n%u", i);
	if (i == 0)
		text[0] = '\0'; /* the empty name is one too */
	return text;
}

/* Numbers are given in order and stay, however many there are. */
static void
numbers(void **state)
{
	struct names names = {0};

	(void)state;
	assert_int_equal(names_find(&names, text_of("x")), 0);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(names_find(&names, text_of(name_of(i))), i);
		assert_int_equal(names_add(&names, text_of(name_of(i))), i);
		assert_int_equal(names_add(&names, text_of(name_of(i / 2))),
				 i / 2);
	}
	assert_int_equal(names.n, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(names_find(&names, text_of(name_of(i))), i);
		assert_string_equal(names.name[i], name_of(i));
	}
	/* A text is not the name it begins with. */
	assert_int_equal(names_find(&names, (struct text){"n12x", 3}), 12);
	assert_int_equal(names_find(&names, (struct text){"n12x", 4}), MANY);
	names_free(&names);
	assert_int_equal(names.n, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
