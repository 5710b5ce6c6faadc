#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "tests/daemon/tree.h"

static void
expect(const char *name, const char *text, size_t n, const char *tree,
       const char *says)
{
	struct bytes report = {0}, out = {0};
	struct report r = {.out = &report};
	struct conf c;

	conf_parse(&c, "f", text, n, &r);
	report_end(&r);
	dump(c.first, &out);
	bytes_u8(&out, 0);
	bytes_u8(&report, 0);
	if (strcmp((char *)report.data, says) != 0)
		fail_msg("%s: it says\n%swanted\n%s", name, (char *)report.data,
			 says);
	if (tree != NULL && strcmp((char *)out.data, tree) != 0)
		fail_msg("%s: it reads\n%s\nwanted\n%s", name, (char *)out.data,
			 tree);
	assert_int_equal(r.errors > 0, *says != '\0');
	conf_free(&c);
	bytes_free(&report);
	bytes_free(&out);
}

static void
good_files(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *tree;
	} table[] = {
	    {"nothing", "", ""},
	    {"a comment", "# a = 1\n", ""},
	    {"one key", "a = 1\n", "a:1=1"},
	    {"no blanks", "a=1\n", "a:1=1"},
	    {"CRLF line ends", "a = 1\r\nb = 2\r\n", "a:1=1 b:2=2"},
	    {"two keys on a line", "a = 1  b = 2\n", "a:1=1 b:1=2"},
	    {"semicolons", "a = 1; b = 2;\n", "a:1=1 b:1=2"},
	    {"comment behind a value", "a = 1 # b = 2\n", "a:1=1"},
	    {"double quotes", "a = \"x # y \\\" \\\\ '\"\n",
	     "a:1=x # y \" \\ '"},
	    {"single quotes", "a = 'x \\ \"'\n", "a:1=x \\ \""},
	    {"an empty text", "a = \"\"\n", "a:1="},
	    {"marks of patterns", "a = *.example.com b = $x!%y\n",
	     "a:1=*.example.com b:1=$x!%y"},
	    {"a list", "a = [1, 2,3]\n", "a:1=[1,2,3]"},
	    {"a list over lines", "a = [ # first\n1,\n2,\n]\nb = 3\n",
	     "a:1=[1,2] b:5=3"},
	    {"an empty list", "a = []\n", "a:1=[]"},
	    {"a key behind a list", "a = [1] b = 2\n", "a:1=[1] b:1=2"},
	    {"a block", "x { a = 1 }\n", "x:1{a:1=1}"},
	    {"a block with a name", "x \"n\" { a = 1\n}\n", "x:1\"n\"{a:1=1}"},
	    {"a name without quotes", "x n { }\n", "x:1\"n\"{}"},
	    {"an empty block, closed at once", "x {}\n", "x:1{}"},
	    {"blocks in blocks", "x { y { a = 1 } b = 2 }\nc = 3\n",
	     "x:1{y:1{a:1=1} b:1=2} c:2=3"},
	    {"same key in two blocks", "x n {a=1}\nx m {a=1}\na=1\n",
	     "x:1\"n\"{a:1=1} x:2\"m\"{a:2=1} a:3=1"},
	    {"a key named include", "include = 1\n", "include:1=1"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, strlen(table[i].text),
		       table[i].tree, "");
}

static void
bad_files(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *tree;
		const char *says;
	} table[] = {
	    {"cut off in a word", "a = 1\nb = 20", "a:1=1 b:2=20",
	     "f:2: no newline at the end: is the file cut off?\n"},
	    {"cut off in a block", "a = 1\nx {\n b = 2\n", NULL,
	     "f:2: x: this '{' is never closed\n"},
	    {"cut off in a block in a block", "x {\ny {\n", NULL,
	     "f:2: y: this '{' is never closed\n"
	     "f:1: x: this '{' is never closed\n"},
	    {"cut off in a list", "a = 1\nb = [1,\n2\n", "a:1=1 b:2=[1,2]",
	     "f:2: b: this '[' is never closed\n"},
	    {"cut off in a text", "a = \"xy\n",
	     "a:1=", "f:1: no closing \" on the same line\n"},
	    {"a text over two lines", "a = 'x\ny'\n", NULL,
	     "f:1: no closing ' on the same line\n"
	     "f:2: 'y'...' must stand in quotes\n"},
	    {"no value", "a =\nb = 2\n", "a:1= b:2=2",
	     "f:1: a value expected before the end of the line\n"},
	    {"no value, in a block", "x { a = }\nb = 2\n", "x:1{a:1=} b:2=2",
	     "f:1: a value expected, not '}'\n"},
	    {"no '='", "a\nb = 2\n", NULL,
	     "f:1: '=', '{' or a title expected before the end of the "
	     "line\n"},
	    {"a value without '='", "a 1\nb = 2\n", NULL,
	     "f:1: '=' expected after a, or '{' after a 1\n"},
	    {"two words as a value", "a = 1 2\n", NULL,
	     "f:1: '=', '{' or a title expected before the end of the "
	     "line\n"},
	    {"a name and '='", "x \"n\" = 1\n", NULL,
	     "f:1: '=' expected after x, or '{' after x n\n"},
	    {"# inside a word", "a = pass#word\n",
	     "a:1=", "f:1: 'pass#...' must stand in quotes\n"},
	    {"a quote inside a word", "a = it's\n",
	     "a:1=", "f:1: 'it'...' must stand in quotes\n"},
	    {"a text that runs into a word", "a = \"x\"y\n", "a:1=x",
	     "f:1: a blank or a new line expected, not 'y'\n"},
	    {"a text that runs into #", "a = \"x\"#y\n", "a:1=x",
	     "f:1: a blank or a new line expected, not '#'\n"},
	    {"a backslash in front of n", "a = \"x\\n\"\n", "a:1=",
	     "f:1: in a \"text\" \\ stands only before \" or \\; or use "
	     "'text'\n"},
	    {"a list without brackets", "a = 1, 2\n", "a:1=1",
	     "f:1: several values stand in [ ]\n"},
	    {"the same with a blank", "a = 1 , 2\n", "a:1=1",
	     "f:1: several values stand in [ ]\n"},
	    {"a list without commas", "a = [1 2]\nb = 3\n", "a:1=[1] b:2=3",
	     "f:1: a: ',' or ']' expected in the list\n"},
	    {"two commas", "a = [1,,2]\nb = 3\n", "a:1=[1] b:2=3",
	     "f:1: a value expected, not ','\n"},
	    {"a list in a list", "a = [1,[2]]\nb = 3\n", NULL,
	     "f:1: a value expected, not '['\n"
	     "f:1: a key expected, not ']'\n"},
	    {"a mistake inside a long list", "a = [1,\n=,\n3]\nb = 3\n", NULL,
	     "f:2: a value expected, not '='\n"
	     "f:3: '=', '{' or a title expected, not ']'\n"},
	    {"an address in brackets", "a = [::1]:25\nb = 2\n", NULL,
	     "f:1: an address in brackets stands in quotes, as "
	     "\"[::1]:25\"\n"},
	    {"'=' in a word", "a = b=c\n", NULL,
	     "f:1: a blank or a new line expected, not '='\n"},
	    {"'}' too many", "x { }\n}\na = 1\n", "x:1{} a:3=1",
	     "f:2: '}' without '{'\n"},
	    {"a value that is a block", "a = { b = 1 }\n", NULL,
	     "f:1: a value expected, not '{'\n"
	     "f:1: '}' without '{'\n"},
	    {"a value in front", "= 1\nb = 2\n", "b:2=2",
	     "f:1: a key expected, not '='\n"},
	    {"every line is wrong", "=\n=\n=\n", "",
	     "f:1: a key expected, not '='\n"
	     "f:2: a key expected, not '='\n"
	     "f:3: a key expected, not '='\n"},
	    {"a letter that is not ASCII", "a = \xc3\xa4\n", NULL,
	     "f:1: octet 0xc3: outside of comments the file is ASCII\n"},
	    {"the same in quotes", "a = '\xc3\xa4'\n", NULL,
	     "f:1: octet 0xc3 in a text in quotes\n"},
	    {"a terminal escape in quotes", "a = '\033[2J'\n", NULL,
	     "f:1: octet 0x1b in a text in quotes\n"},
	    {"a terminal escape", "\033 = 1\n", NULL,
	     "f:1: octet 0x1b: outside of comments the file is ASCII\n"},
	    {"a byte order mark",
	     "\xef\xbb\xbf"
	     "a = 1\n",
	     "a:1=1", "f:1: byte order mark: save the file without it\n"},
	    {"a double key", "a = 1\nb = 2\na = 1\n", NULL,
	     "f:3: a is already at f:1\n"},
	    {"a key three times", "a = 1\na = 2\na = 3\n", NULL,
	     "f:2: a is already at f:1\nf:3: a is already at f:1\n"},
	    {"a double key in a block", "x { a = 1\n a = 1 }\n", NULL,
	     "f:2: a is already at f:1\n"},
	    {"a double block", "x n { }\nx m { }\nx \"n\" { }\n", NULL,
	     "f:3: x n is already at f:1\n"},
	    {"a double block in a block", "z {\nx { }\ny { }\nx { }\n}\n", NULL,
	     "f:4: x is already at f:2\n"},
	    {"doubles in the order of the file", "z = 1\nb = 1\nb = 2\nz = 2\n",
	     NULL, "f:3: b is already at f:2\nf:4: z is already at f:1\n"},
	    {"include from memory", "include a.conf\n", NULL,
	     "f:1: include works in files only\n"},
	    {"include in a block", "x {\ninclude a.conf\n}\n", NULL,
	     "f:2: include stands outside of blocks\n"},
	    {"include without a name", "include\na = 1\n", "a:2=1",
	     "f:1: a file name expected before the end of the line\n"},
	    {"nine blocks inside each other", "a{a{a{a{a{a{a{a{\na{}}}}}}}}}\n",
	     NULL, "f:2: more than 8 blocks inside each other\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++)
		expect(table[i].name, table[i].text, strlen(table[i].text),
		       table[i].tree, table[i].says);
}

static void
octets_that_are_no_text(void **state)
{
	(void)state;
	expect("NUL", "a = 1\n\0b = 2\n", 13, "",
	       "f: there is a NUL octet: not a text file\n");
	expect("only NUL", "\0", 1, "",
	       "f: there is a NUL octet: not a text file\n");
}

/* What is too much is refused with its name, not cut. */
static void
limits(void **state)
{
	struct bytes b = {0};

	(void)state;
	bytes_add_text(&b, "a = ");
	for (int i = 0; i < 1024; i++)
		bytes_u8(&b, 'x');
	bytes_add_text(&b, "\n");
	expect("a word of 1,024", (char *)b.data, b.n, NULL, "");
	b.n--;
	bytes_add_text(&b, "x\n");
	expect("a word of 1,025", (char *)b.data, b.n, NULL,
	       "f:1: text over 1024 octets\n");
	b.n = 0;
	bytes_add_text(&b, "a = [");
	for (int i = 0; i <= 10000; i++)
		bytes_add_text(&b, "1,");
	bytes_add_text(&b, "]\n");
	expect("a list of 10,001", (char *)b.data, b.n, NULL,
	       "f:1: a: more than 10000 values\n");
	b.n = 0;
	for (int i = 0; i <= 200000; i++)
		bytes_printf(&b, "k%d=1\n", i);
	expect("200,001 keys", (char *)b.data, b.n, NULL,
	       "f:200001: more than 200000 keys and blocks\n");
	b.n = 0;
	bytes_reserve(&b, 9 << 20);
	memset(b.data, '\n', 9 << 20);
	expect("9 MB", (char *)b.data, 9 << 20, "",
	       "f: the configuration is over 8 MB\n");
	bytes_free(&b);
}

static void
fifty_messages(void **state)
{
	struct bytes text = {0}, report = {0};
	struct report r = {.out = &report};
	struct conf c;
	size_t lines = 0;

	(void)state;
	for (int i = 0; i < 60; i++)
		bytes_add_text(&text, "=\n");
	conf_parse(&c, "f", (char *)text.data, text.n, &r);
	report_end(&r);
	for (size_t i = 0; i < report.n; i++)
		lines += report.data[i] == '\n';
	assert_int_equal(lines, 51);
	assert_int_equal(r.errors, 60);
	assert_memory_equal(report.data + report.n - 12, "and 10 more\n", 12);
	conf_free(&c);
	bytes_free(&text);
	bytes_free(&report);
}

/* Whatever a value is, it prints as something that reads back to it. */
static void
values_print_as_they_read(void **state)
{
	static const struct {
		const char *value;
		const char *printed;
	} table[] = {
	    {"plain", "plain"},
	    {"", "\"\""},
	    {"two words", "\"two words\""},
	    {"a#b", "\"a#b\""},
	    {"it's \"x\" \\", "\"it's \\\"x\\\" \\\\\""},
	    {"[::1]:25", "\"[::1]:25\""},
	    {"*.example.com", "*.example.com"},
	};

	(void)state;
	for (size_t i = 0; i < countof(table); i++) {
		struct bytes out = {0};
		struct report r = {.out = &out};
		struct conf c;

		bytes_add_text(&out, "k = ");
		conf_print_text(&out, table[i].value);
		assert_int_equal(out.n - 4, strlen(table[i].printed));
		assert_memory_equal(out.data + 4, table[i].printed, out.n - 4);
		bytes_add_text(&out, "\n");
		conf_parse(&c, "f", (char *)out.data, out.n, &r);
		assert_int_equal(r.errors, 0);
		assert_string_equal(c.first->item[0], table[i].value);
		conf_free(&c);
		bytes_free(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(good_files),
	    cmocka_unit_test(bad_files),
	    cmocka_unit_test(octets_that_are_no_text),
	    cmocka_unit_test(limits),
	    cmocka_unit_test(fifty_messages),
	    cmocka_unit_test(values_print_as_they_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
