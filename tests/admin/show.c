/* One list of fields as table, card and JSON; hostile texts in all three. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "admin/show.h"

static const int64_t NOW = INT64_C(1795246544000000);

static const struct show_field inner[] = {
    {"address", NULL, SHOW_TEXT, false},
    {"attempts", NULL, SHOW_COUNT, false},
};
static const struct show_field fields[] = {
    {"queue_id", "ID", SHOW_TEXT, false},
    {"size", "SIZE", SHOW_SIZE, false},
    {"arrival_time", "ARRIVED", SHOW_TIME, false},
    {"held", NULL, SHOW_FLAG, false},
    {"reason", "REASON", SHOW_TEXT, true},
    {"recipients", NULL, SHOW_ROWS, false},
    {"problems", NULL, SHOW_WORDS, false},
};
enum { N = countof(fields) };

static void
fill(struct show_value v[N], const char *reason)
{
	v[0] = show_word("08RLLKY1WL7Z");
	v[1] = show_count(3000000);
	v[2] = show_time(NOW - 12 * MINUTE_US);
	v[3] = show_flag(true);
	v[4] = show_word(reason);
	v[5] = show_none();
	v[6] = show_none();
}

/* What `print` writes; the caller frees it. */
static char *
printed(void (*print)(FILE *out, const void *arg), const void *arg)
{
	char *text = NULL, *copy;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	print(f, arg);
	assert_int_equal(fclose(f), 0);
	copy = must_strdup(text);
	free(text);
	return copy;
}

static void
print_json(FILE *out, const void *arg)
{
	show_json(out, fields, N, arg);
}

static void
print_table(FILE *out, const void *arg)
{
	struct show *s = show_open(out, false, fields, N, NOW);

	show_row(s, arg);
	show_row(s, arg);
	show_close(s);
}

static void
print_card(FILE *out, const void *arg)
{
	show_card(out, fields, N, arg, NOW);
}

static void
expect(void (*print)(FILE *out, const void *arg), const struct show_value *v,
       const char *text)
{
	char *got = printed(print, v);

	assert_string_equal(got, text);
	free(got);
}

static void
test_the_three_forms(void **state)
{
	const struct show_value cells[] = {show_word("a@x.test"), show_count(2),
					   show_word("b@x.test"), show_none()};
	const struct show_rows rows = {inner, countof(inner), cells, 2};
	const struct text words[] = {text_of("one"), text_of("two")};
	struct show_value v[N];

	(void)state;
	fill(v, "Gr\xc3\xbc\xc3\x9f"
		"e");
	v[5] = show_rows(&rows);
	v[6] = show_words(words, 2);
	expect(
	    print_json, v,
	    "{\"queue_id\": \"08RLLKY1WL7Z\", \"size\": 3000000, "
	    "\"arrival_time\": \"2026-11-21T07:23:44.000Z\", \"held\": true, "
	    "\"reason\": \"Gr\xc3\xbc\xc3\x9f"
	    "e\", \"recipients\": "
	    "[{\"address\": \"a@x.test\", \"attempts\": 2}, "
	    "{\"address\": \"b@x.test\", \"attempts\": null}], "
	    "\"problems\": [\"one\", \"two\"]}\n");
	expect(print_card, v,
	       "ID       08RLLKY1WL7Z\n"
	       "SIZE     2.9mb\n"
	       "ARRIVED  2026-11-21T07:23:44.000Z (12min ago)\n"
	       "REASON   Gr\xc3\xbc\xc3\x9f"
	       "e\n");
	expect(print_table, v,
	       "ID            SIZE ARRIVED   REASON\n"
	       "08RLLKY1WL7Z 2.9mb 12min ago Gr\xc3\xbc\xc3\x9f"
	       "e\n"
	       "08RLLKY1WL7Z 2.9mb 12min ago Gr\xc3\xbc\xc3\x9f"
	       "e\n");
}

/* Subjects and replies that want to be more than text. */
static const struct {
	const char *name;
	const char *in;
	const char *json; /* with its quotes */
} hostile[] = {
    {"colour", "\033[31mred", "\"\\u001B[31mred\""},
    {"a title for the window", "\033]0;owned\007",
     "\"\\u001B]0;owned\\u0007\""},
    {"CSI in one octet of C1",
     "\xc2\x9b"
     "2J",
     "\"\\u009B2J\""},
    {"Latin-1", "caf\xe9", "\"caf\xef\xbf\xbd\""},
    {"quotes and backslashes", "\"},{\\\"", "\"\\\"},{\\\\\\\"\""},
    {"line ends", "a\r\nb", "\"a\\r\\nb\""},
    {"text turned around", "\xe2\x80\xaegnp.exe", "\"\\u202Egnp.exe\""},
    {"a format", "%s%n%n", "\"%s%n%n\""},
    {"cut in the middle of a character", "\xf0\x9f\x93",
     "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
};

static bool
has_control(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if ((*p > 0 && *p < ' ' && *p != '\n') || *p == 0x7f)
			return true;
	return strstr(text, "\xc2\x9b") != NULL ||
	       strstr(text, "\xe2\x80\xae") != NULL;
}

static void
test_hostile_texts(void **state)
{
	struct show_value v[N];

	(void)state;
	for (size_t i = 0; i < countof(hostile); i++) {
		char *json, *table, *card;

		fill(v, hostile[i].in);
		json = printed(print_json, v);
		table = printed(print_table, v);
		card = printed(print_card, v);
		if (strstr(json, hostile[i].json) == NULL)
			fail_msg("%s: %s", hostile[i].name, json);
		if (has_control(json) || has_control(table) ||
		    has_control(card))
			fail_msg("%s: %s%s%s", hostile[i].name, json, table,
				 card);
		assert_ptr_equal(strchr(json, '\n'), json + strlen(json) - 1);
		free(json);
		free(table);
		free(card);
	}
}

/* A NUL is no end: the rest is shown too. */
static void
test_a_nul_in_the_text(void **state)
{
	struct show_value v[N];
	char *json;

	(void)state;
	fill(v, "");
	v[4] = show_text((struct text){"a\0b", 3});
	json = printed(print_json, v);
	assert_non_null(strstr(json, "\"a\\u0000b\""));
	free(json);
}

static void
print_many(FILE *out, const void *arg)
{
	struct show *s = show_open(out, false, fields, N, NOW);

	for (int i = 0; i < 2 * SHOW_TABLE_ROWS + 1; i++)
		show_row(s, arg);
	show_close(s);
}

static void
test_a_long_table_has_one_heading(void **state)
{
	struct show_value v[N];
	size_t lines = 0;
	char *text;

	(void)state;
	fill(v, "x");
	text = printed(print_many, v);
	for (const char *p = text; *p != '\0'; p++)
		lines += *p == '\n';
	assert_int_equal(lines, 2 * SHOW_TABLE_ROWS + 2);
	assert_null(strstr(strstr(text, "REASON") + 1, "REASON"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_three_forms),
	    cmocka_unit_test(test_hostile_texts),
	    cmocka_unit_test(test_a_nul_in_the_text),
	    cmocka_unit_test(test_a_long_table_has_one_heading),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
