#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/tree.h"

static char folder[] = "/tmp/mtq-conf-XXXXXX";

static void
put(const char *name, const char *text)
{
	char *path = must_printf("%s/%s", folder, name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	free(path);
}

/* Loads FOLDER/main; FOLDER/ is taken out of the messages. */
static void
expect_file(const char *name, const char *tree, const char *says)
{
	struct bytes report = {0}, out = {0}, plain = {0};
	struct report r = {.out = &report};
	struct conf c;
	char *path = must_printf("%s/main", folder), *p;
	size_t n = strlen(folder) + 1;

	conf_load(&c, path, &r);
	dump(c.first, &out);
	bytes_u8(&out, 0);
	bytes_u8(&report, 0);
	for (p = (char *)report.data; *p != '\0';) {
		if (strncmp(p, folder, n - 1) == 0 && p[n - 1] == '/')
			p += n;
		else
			bytes_u8(&plain, (uint8_t)*p++);
	}
	bytes_u8(&plain, 0);
	if (strcmp((char *)plain.data, says) != 0)
		fail_msg("%s: it says\n%swanted\n%s", name, (char *)plain.data,
			 says);
	if (tree != NULL && strcmp((char *)out.data, tree) != 0)
		fail_msg("%s: it reads\n%s\nwanted\n%s", name, (char *)out.data,
			 tree);
	conf_free(&c);
	bytes_free(&report);
	bytes_free(&out);
	bytes_free(&plain);
	free(path);
}

static void
includes(void **state)
{
	char *fifo = must_printf("%s/fifo", folder);

	(void)state;
	put("one", "o = 1\n");
	put("10-b.conf", "b = 1\n");
	put("05-a.conf", "a = 1\ninclude one\na2 = 1\n");
	put("main", "m = 1\ninclude *.conf\nn = 1\n");
	expect_file("by name, where they stand, relative",
		    "m:1=1 a:1=1 o:1=1 a2:3=1 b:1=1 n:3=1", "");
	put("main", "include none*.conf\nn = 1\n");
	expect_file("a pattern may match nothing", "n:2=1", "");
	put("main", "include none.conf\nn = 1\n");
	expect_file("a name must be there", "n:2=1",
		    "main:1: include: there is no none.conf\n");
	put("main", "include .\nn = 1\n");
	expect_file("a folder", "n:2=1",
		    "main:1: can't read .: Is a directory\n");
	assert_int_equal(mkfifo(fifo, 0600), 0);
	put("main", "include fifo\nn = 1\n");
	expect_file("a FIFO must not hang us", "n:2=1",
		    "main:1: can't read fifo: not a file\n");
	put("main", "o = 1\ninclude one\n");
	expect_file("a double over two files", NULL,
		    "one:1: o is already at main:1\n");
	put("cut.conf", "x {\na = 1\n");
	put("main", "include cut.conf\n}\n");
	expect_file("a block ends in its file", NULL,
		    "cut.conf:1: x: this '{' is never closed\n"
		    "main:2: '}' without '{'\n");
	put("main", "include main\n");
	expect_file("a file that includes itself", "",
		    "main:1: more than 8 includes inside each other\n");
	free(fifo);
}

static void
too_many_files(void **state)
{
	char name[32];

	(void)state;
	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof name, "many-%03d", i);
		put(name, "");
	}
	put("main", "include many-*\nn = 1\n");
	expect_file("257 files", "", "main:1: include: more than 256 files\n");
}

static void
no_file(void **state)
{
	struct bytes report = {0};
	struct report r = {.out = &report};
	struct conf c;

	(void)state;
	conf_load(&c, "/nowhere/mtq.conf", &r);
	bytes_u8(&report, 0);
	assert_string_equal(
	    (char *)report.data,
	    "/nowhere/mtq.conf: can't read: No such file or directory\n");
	conf_free(&c);
	bytes_free(&report);
}

static int
make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL;
}

static int
remove_folder(void **state)
{
	char *command = must_printf("rm -rf %s", folder);
	int rc = system(command);

	(void)state;
	free(command);
	return rc;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(includes),
	    cmocka_unit_test(too_many_files),
	    cmocka_unit_test(no_file),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
