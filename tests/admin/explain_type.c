/* The fields that rules look at, read again from the begin of a stored body. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "admin/explain_type.h"

#define RULES                                                                  \
	"instance=test hostname=a.b\nlisten l {address=127.0.0.1:1}\n"         \
	"source s {from_ip=192.0.2.0/24}\nno_match = r\n"                      \
	"relay r {host=c.d}\n"                                                 \
	"classify {priority=1 by_header=X-Type}\n"                             \
	"classify {priority=2 header {Precedence=bulk} type=mass}\n"

static struct settings *
load(void)
{
	struct bytes report = {0};
	struct settings *s =
	    settings_parse("test", RULES, strlen(RULES), &report);

	if (s == NULL)
		fail_msg("%.*s", (int)report.n, (const char *)report.data);
	bytes_free(&report);
	return s;
}

/* "-" for a field that the message has not. */
struct row {
	const char *name, *body, *type, *precedence;
};
static const struct row rows[] = {
    {"both", "X-Type: mass\r\nPrecedence: bulk\r\n\r\n", "mass", "bulk"},
    {"none", "Subject: x\r\n\r\n", "-", "-"},
    {"behind our Received", "Received: a\r\n\tb\r\nX-Type: mass\r\n\r\n",
     "mass", "-"},
    {"folded", "X-Type:\r\n mass \r\n\t one\r\n\r\n", "mass one", "-"},
    {"letter case", "x-tYPE: Mass\r\n\r\n", "Mass", "-"},
    {"blanks before the colon", "X-Type \t: mass\r\n\r\n", "mass", "-"},
    {"the first counts", "X-Type: a\r\nX-Type: b\r\n c\r\n\r\n", "a", "-"},
    {"an empty one", "X-Type:\r\n\r\n", "", "-"},
    {"a longer name", "X-Type2: a\r\nX-Typ: b\r\n\r\n", "-", "-"},
    {"in the body", "Subject: x\r\n\r\nX-Type: mass\r\n", "-", "-"},
    {"behind a line that is no field",
     "Subject: x\r\nhello\r\nX-Type: mass\r\n", "-", "-"},
    {"a body without a header", "\r\nX-Type: mass\r\n", "-", "-"},
    {"a line that was cut off", "Precedence: bulk\r\nX-Type: ma", "-", "bulk"},
    {"nothing", "", "-", "-"},
    {"a continuation at first", " X-Type: a\r\nX-Type: b\r\n\r\n", "b", "-"},
    {"controls", "X-Type: a\033[2Jb\r\n\r\n", "a?[2Jb", "-"},
};

static const char *
value_of(const struct explain_fields *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->field[i].name, name) == 0)
			return f->field[i].value != NULL ? f->field[i].value
							 : "-";
	return "?";
}

/* In memory of its own, so that a sanitizer sees each octet too many. */
static void
read_again(const struct settings *s, const char *body, size_t n,
	   struct explain_fields *out)
{
	unsigned char *p = malloc(n + 1);

	assert_non_null(p);
	memcpy(p + 1, body, n);
	explain_fields(s, p + 1, n, out);
	free(p);
}

static void
fields_are_read_as_the_receiver_read_them(void **state)
{
	struct explain_fields *f = must_alloc(sizeof *f);
	struct settings *s = load();

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];

		read_again(s, r->body, strlen(r->body), f);
		if (strcmp(value_of(f, "X-Type"), r->type) != 0 ||
		    strcmp(value_of(f, "Precedence"), r->precedence) != 0)
			fail_msg("%s: X-Type is \"%s\", Precedence is \"%s\"",
				 r->name, value_of(f, "X-Type"),
				 value_of(f, "Precedence"));
		for (size_t n = 0; n < strlen(r->body); n++)
			read_again(s, r->body, n, f);
	}
	settings_free(s);
	free(f);
}

static void
a_long_value_is_cut(void **state)
{
	struct explain_fields *f = must_alloc(sizeof *f);
	struct settings *s = load();
	struct bytes b = {0};

	(void)state;
	bytes_printf(&b, "X-Type: %0300d\r\n %0300d\r\n\r\n", 0, 0);
	read_again(s, (const char *)b.data, b.n, f);
	assert_int_equal(strlen(value_of(f, "X-Type")), CLASSIFY_VALUE);
	bytes_free(&b);
	settings_free(s);
	free(f);
}

static void
a_type_given_is_compared_with_today(void **state)
{
	const struct classify_field field = {"X-Type", "workflow"};
	const struct classify_ask ask = {.field = &field, .nfields = 1};
	struct settings *s = load();
	struct sentence words = {.n = 0};
	unsigned type;

	(void)state;
	type = explain_given_type(s, text_of("workflow"), &ask, &words);
	assert_string_equal(s->types[type].title, "workflow");
	assert_string_equal(words.text,
			    "given when it was accepted (today: by the rule "
			    "with priority 1)");
	words.n = 0;
	type = explain_given_type(s, text_of("mass"), &ask, &words);
	assert_string_equal(s->types[type].title, "mass");
	assert_non_null(strstr(words.text, "today it would be workflow"));
	words.n = 0;
	type = explain_given_type(s, text_of("o\nld"), &ask, &words);
	assert_string_equal(s->types[type].title, "individual");
	assert_non_null(strstr(words.text, "accepted as o?ld"));
	settings_free(s);
}

static void
a_sentence_too_long_is_cut(void **state)
{
	struct sentence s = {.n = 0};
	char much[SENTENCE_MOST];

	(void)state;
	memset(much, 'x', sizeof much - 1);
	much[sizeof much - 1] = '\0';
	for (int i = 0; i < 3; i++) {
		sentence_add(&s, "a%s", much);
		sentence_quote(&s, text_of(much));
	}
	assert_int_equal(strlen(s.text), SENTENCE_MOST - 1);
	assert_int_equal(s.n, SENTENCE_MOST - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(fields_are_read_as_the_receiver_read_them),
	    cmocka_unit_test(a_long_value_is_cut),
	    cmocka_unit_test(a_type_given_is_compared_with_today),
	    cmocka_unit_test(a_sentence_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
