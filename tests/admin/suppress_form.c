/* What is made of the files that services give out; whole files by real
 * processes: tests/system/test_suppress.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "admin/suppress_form.h"

static void
first_record(const char *text, enum suppress_form form,
	     struct suppress_entry *s, char *evidence, struct err *e)
{
	static struct fields f;
	static struct fields_file *file;
	FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");

	assert_non_null(in);
	fields_close(file);
	file = fields_open(in);
	e->kind = ERR_NONE;
	s->address = text_of("");
	if (fields_next(file, &f, e) &&
	    !suppress_form_read(form, &f, s, evidence, e))
		s->address = text_of("");
	fclose(in);
}

/* since_s: 0 if the file says nothing. */
static void
times(void **state)
{
	static const struct {
		const char *written;
		uint64_t since_s;
	} row[] = {
	    {"1443651125", 1443651125},
	    {"1586577785.25", 1586577785},
	    {"2020-04-10T21:03:05Z", 1586552585},
	    {"2020-04-10T21:03:05.123456Z", 1586552585},
	    {"2020-04-10T21:03:05-07:00", 1586577785},
	    {"2020-04-10T21:03:05+0530", 1586532785},
	    {"2020-04-10 21:03:05 UTC", 1586552585},
	    {"\"Fri, 10 Apr 2020 21:03:05 GMT\"", 1586552585},
	    {"\"Fri, 10 Apr 2020 21:03:05 -0700\"", 1586577785},
	    {"", 0},
	    {"yesterday", UINT64_MAX},
	    {"12", UINT64_MAX},
	    {"-1586577785", UINT64_MAX},
	    {"1586577785000000000", UINT64_MAX},
	    {"2020-04-10T21:03:05Zx", UINT64_MAX},
	    {"2020-04-10T21:03:05+07", UINT64_MAX},
	    {"2020-13-10T21:03:05Z", UINT64_MAX},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		char text[200], evidence[SUPPRESS_FORM_TEXT];
		struct suppress_entry s;
		struct err e;

		print_message("%s\n", row[i].written);
		snprintf(text, sizeof text, "address,since\na@x.test,%s\n",
			 row[i].written);
		first_record(text, SUPPRESS_FORM_csv, &s, evidence, &e);
		if (row[i].since_s == UINT64_MAX) {
			assert_int_equal(e.kind, ERR_CONFIG);
			assert_non_null(strstr(e.text, "line 2: since"));
			continue;
		}
		assert_int_equal(e.kind, ERR_NONE);
		assert_int_equal(s.since_us, row[i].since_s * 1000000);
	}
}

/* address "": refused, and why. */
static void
files(void **state)
{
	static const struct {
		const char *name, *text;
		enum suppress_form form;
		const char *address, *said;
	} row[] = {
	    {"CRLF and quotes",
	     "address,evidence\r\na@x.test,\"a \"\"b\"\"\"\r\n",
	     SUPPRESS_FORM_csv, "a@x.test", "a \"b\""},
	    {"a line end in a cell", "evidence,address\n\"a\nb\",a@x.test\n",
	     SUPPRESS_FORM_csv, "a@x.test", "a\nb"},
	    {"nothing but empty cells", ",\n,\n", SUPPRESS_FORM_csv, "",
	     "a column this format doesn't have, ''"},
	    {"no line end at the end", "address\na@x.test", SUPPRESS_FORM_csv,
	     "a@x.test", ""},
	    {"a cell too few", "address,reason\na@x.test\n", SUPPRESS_FORM_csv,
	     "", "not as many cells"},
	    {"a quote that stays open", "address\n\"a@x.test\n",
	     SUPPRESS_FORM_csv, "", "a quote is not closed"},
	    {"a column of another form", "email\na@x.test\n", SUPPRESS_FORM_csv,
	     "", "a column this format doesn't have, 'email'"},
	    {"JSON in pages",
	     "{\"items\":[{\"address\":\"a@x.test\",\"code\":"
	     "550,\"error\":\"gone\"}],\"paging\":{\"next\":\"\"}}",
	     SUPPRESS_FORM_mailgun, "a@x.test", "550 gone"},
	    {"a page of nothing", "{\"items\":[],\"paging\":{\"next\":\"x\"}}",
	     SUPPRESS_FORM_mailgun, "", ""},
	    {"letters beyond ASCII",
	     "[{\"email\":\"a@x.test\",\"reason\":\"\\u00fc\\ud83d\\ude00\"}]",
	     SUPPRESS_FORM_sendgrid, "a@x.test", "\xc3\xbc\xf0\x9f\x98\x80"},
	    {"half a pair", "[{\"email\":\"a@x.test\",\"reason\":\"\\ud83d\"}]",
	     SUPPRESS_FORM_sendgrid, "", "no character"},
	    {"JSON cut short", "[{\"email\":\"a@x.test\"",
	     SUPPRESS_FORM_sendgrid, "", "ends too early"},
	    {"brackets that don't match", "[{\"email\":\"a@x.test\"]",
	     SUPPRESS_FORM_sendgrid, "", "a bracket too many"},
	    {"too deep", "[[[[[[[[[[[[[[[[[[[[[[", SUPPRESS_FORM_sendgrid, "",
	     "inside each other"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		char evidence[SUPPRESS_FORM_TEXT] = "";
		struct suppress_entry s = {.origin = 0};
		struct err e;

		print_message("%s\n", row[i].name);
		first_record(row[i].text, row[i].form, &s, evidence, &e);
		assert_int_equal(s.address.n, strlen(row[i].address));
		if (s.address.n > 0)
			assert_string_equal(evidence, row[i].said);
		else if (*row[i].said != '\0')
			assert_non_null(strstr(e.text, row[i].said));
		else
			assert_int_equal(e.kind, ERR_NONE);
	}
}

static void
formulas(void **state)
{
	static const struct {
		const char *cell;
		bool address, quoted;
	} row[] = {
	    {"+a@x.test", true, true},   {"-a@x.test", true, true},
	    {"=a@x.test", true, true},   {"'=a@x.test", true, true},
	    {"''+a@x.test", true, true}, {"'a@x.test", true, false},
	    {"'@x.test", true, false},   {"@x.test", true, false},
	    {"@SUM(A1)", false, true},   {"'@x", false, true},
	    {"\tx", false, true},        {"a=b", false, false},
	    {"'", false, false},         {"", false, false},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		print_message("%s\n", row[i].cell);
		assert_int_equal(
		    suppress_form_formula(text_of(row[i].cell), row[i].address),
		    row[i].quoted);
	}
}

/* address "": the record is refused. */
static void
quotes_are_taken_away(void **state)
{
	static const struct {
		const char *name, *text;
		enum suppress_form form;
		const char *address, *evidence;
	} row[] = {
	    {"our own", "address,evidence\n'+a@x.test,'@x\n", SUPPRESS_FORM_csv,
	     "+a@x.test", "@x"},
	    {"one of two", "address,evidence\n''=a@x.test,''-\n",
	     SUPPRESS_FORM_csv, "'=a@x.test", "'-"},
	    {"nobody's", "address,evidence\n'a@x.test,'a\n", SUPPRESS_FORM_csv,
	     "'a@x.test", "'a"},
	    {"JSON has none",
	     "[{\"address\":\"'+a@x.test\",\"evidence\":\"'@x\"}]",
	     SUPPRESS_FORM_csv, "'+a@x.test", "'@x"},
	    {"a service writes none", "email,reason\n'+a@x.test,'@x\n",
	     SUPPRESS_FORM_sendgrid, "'+a@x.test", "'@x"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		char evidence[SUPPRESS_FORM_TEXT] = "";
		struct suppress_entry s = {.origin = 0};
		struct err e;

		print_message("%s\n", row[i].name);
		first_record(row[i].text, row[i].form, &s, evidence, &e);
		assert_int_equal(s.address.n, strlen(row[i].address));
		assert_memory_equal(s.address.p, row[i].address, s.address.n);
		assert_string_equal(evidence, row[i].evidence);
	}
}

/* said NULL: it is one. */
static void
headings(void **state)
{
	static const struct {
		const char *text, *said;
	} row[] = {
	    {"address,reason\n", NULL},
	    {"", NULL},
	    {"[]", NULL},
	    {"a@x.test", "the first line must name the columns"},
	    {"a@x.test\nb@x.test\n", "none called 'a@x.test'"},
	    {"reason\nx\n", "no column has the address"},
	    {"\"address", "a quote is not closed"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		/* fmemopen takes no empty text. */
		const char *text = row[i].text[0] != '\0' ? row[i].text : "\n";
		FILE *in = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
		struct fields_file *file;
		struct fields f;
		struct err e = {.kind = ERR_NONE};
		bool good;

		print_message("%s\n", row[i].text);
		assert_non_null(in);
		file = fields_open(in);
		good = fields_heading(file, &f, &e) &&
		       suppress_form_heading(SUPPRESS_FORM_csv, &f, &e);
		assert_int_equal(good, row[i].said == NULL);
		if (!good)
			assert_non_null(strstr(e.text, row[i].said));
		fields_close(file);
		fclose(in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(times), cmocka_unit_test(files),
	    cmocka_unit_test(formulas), cmocka_unit_test(quotes_are_taken_away),
	    cmocka_unit_test(headings)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
