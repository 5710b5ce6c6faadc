#include "daemon/values.h"

#include <stdlib.h>

#include "tests/daemon/expect.h"

/* One text as each kind that a file can spell in several ways: what is wrong
 * with it, or how it is printed. */
static void
one_text(void **state)
{
	static const struct {
		enum value_kind kind;
		const char *text, *least, *most;
		const char *says; /* or "= " and the print */
	} table[] = {
	    {VALUE_rate, "14/s", NULL, NULL, "= 14/s"},
	    {VALUE_rate, "30/min", NULL, NULL, "= 30/min"},
	    {VALUE_rate, "1000/h", NULL, NULL, "= 1000/h"},
	    {VALUE_rate, "1k/h", NULL, NULL, "= 1000/h"},
	    {VALUE_rate, "", NULL, NULL, "= \"\""},
	    {VALUE_rate, "14", NULL, NULL,
	     "'14' is not a rate; write one as 14/s, 30/min or 1000/h"},
	    {VALUE_rate, "/s", NULL, NULL,
	     "'/s' is not a number; write one as 5, 5k, 5M or 5G"},
	    {VALUE_rate, "14/s/s", NULL, NULL,
	     "'14/s/s' is not a rate; write one as 14/s, 30/min or 1000/h"},
	    {VALUE_rate, "-1/s", NULL, NULL,
	     "'-1/s' is not a number; write one as 5, 5k, 5M or 5G"},
	    {VALUE_rate, "1.5/s", NULL, NULL,
	     "'1.5/s' has an unknown unit; write 1, 1k, 1M or 1G"},
	    {VALUE_rate, "100000000000000000000000000/s", NULL, NULL,
	     "'100000000000000000000000000/s' is not a rate; write one as "
	     "14/s, 30/min or 1000/h"},
	    {VALUE_count, "1000G", "0", "1000G", "= 1000G"},
	    {VALUE_count, "1001G", "0", "1000G",
	     "'1001G' is too large; the most is 1000G"},
	    {VALUE_count, "20000", NULL, NULL, "= 20k"},
	    {VALUE_count, "0", NULL, NULL, "= 0"},
	    {VALUE_duration, "1440min", NULL, NULL, "= 1d"},
	    {VALUE_duration, "90min", NULL, NULL, "= 90min"},
	    {VALUE_duration, "0s", NULL, NULL, "= 0s"},
	    {VALUE_size, "1024kb", NULL, NULL, "= 1mb"},
	    {VALUE_percent, "0%", "0%", "100%", "= 0%"},
	    {VALUE_percent, "101%", "0%", "100%",
	     "'101%' is too large; the most is 100%"},
	    {VALUE_unit, "bytes", NULL, NULL, "= bytes"},
	    {VALUE_unit, "mails", NULL, NULL,
	     "'mails' is none of recipients, messages, bytes"},
	    {VALUE_window, "rolling", NULL, NULL, "= rolling"},
	    {VALUE_duty, "crm", NULL, NULL, "= crm"},
	    {VALUE_provider, "exchange", NULL, NULL, "= exchange"},
	    {VALUE_counts, "5", NULL, NULL,
	     "is a block: write { NAME = number }"},
	    {VALUE_lists, "out", NULL, NULL, "= { * = [out] }"},
	    {VALUE_words, "a b", NULL, NULL, "= \"a b\""},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		char *item = must_strdup(table[i].text), why[VALUE_WHY];
		struct value_text text = {.item = &item, .n = 1};
		struct bytes out = {0};
		struct arena a = {0};
		uint64_t member[4] = {0};

		if (value_parse(table[i].kind, &text, table[i].least,
				table[i].most, &a, member, why)) {
			bytes_add_text(&out, "= ");
			value_print(table[i].kind, member, &out);
		} else {
			bytes_add_text(&out, why);
		}
		bytes_u8(&out, '\0');
		if (strcmp((char *)out.data, table[i].says) != 0)
			fail_msg("%s: %s", table[i].text, (char *)out.data);
		bytes_free(&out);
		arena_free(&a);
		free(item);
	}
}

/* Blocks of names. */
static void
named(void **state)
{
	char one_word[] = "1", two_word[] = "2k", x[] = "x";
	char *two[] = {one_word, two_word}, *bad[] = {x};
	struct value_named all[] = {{"mass", &two[1], 1, false},
				    {"a b", &two[0], 1, false},
				    {"both", two, 2, true},
				    {"none", NULL, 0, true},
				    {"bad", bad, 1, false}};
	static const struct {
		enum value_kind kind;
		size_t from, n;
		const char *says;
	} table[] = {
	    {VALUE_counts, 0, 2, "= { mass = 2k; \"a b\" = 1 }"},
	    {VALUE_counts, 0, 0, "= {}"},
	    {VALUE_counts, 0, 3, "both: '1' takes one number"},
	    {VALUE_counts, 3, 1, "none: '' takes one number"},
	    {VALUE_counts, 4, 1,
	     "bad: 'x' is not a number; write one as 5, 5k, 5M or 5G"},
	    {VALUE_lists, 0, 3,
	     "= { mass = [2k]; \"a b\" = [1]; both = [1, 2k] }"},
	    {VALUE_lists, 0, 0, "= {}"},
	    {VALUE_lists, 0, 4, "none: the list is empty"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		struct value_text text = {.block = true,
					  .named = all + table[i].from,
					  .nnamed = table[i].n};
		struct bytes out = {0};
		struct arena a = {0};
		uint64_t member[4] = {0};
		char why[VALUE_WHY];

		if (value_parse(table[i].kind, &text, NULL, NULL, &a, member,
				why)) {
			assert_int_equal(value_items(table[i].kind, member),
					 table[i].n);
			bytes_add_text(&out, "= ");
			value_print(table[i].kind, member, &out);
		} else {
			bytes_add_text(&out, why);
		}
		bytes_u8(&out, '\0');
		if (strcmp((char *)out.data, table[i].says) != 0)
			fail_msg("row %zu: %s", i, (char *)out.data);
		bytes_free(&out);
		arena_free(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(one_text),
	    cmocka_unit_test(named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
