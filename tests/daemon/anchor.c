/* Files of trust anchors: what counts as a key, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "daemon/anchor.h"

static char path[] = "/tmp/mtq-anchor-XXXXXX";

static bool
collect(void *arg, const char *record)
{
	char *all = arg;
	size_t n = strlen(all);

	snprintf(all + n, 1024 - n, "%s%s", n > 0 ? "|" : "", record);
	return strstr(record, "refuse") == NULL;
}

static void
write_file(const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	must(f != NULL && fwrite(text, 1, n, f) == n && fclose(f) == 0);
}

static void
files(void **state)
{
	static const struct {
		const char *name;
		const char *text;
		const char *want; /* records; NULL: refused */
		const char *why;
	} row[] = {
	    {"one DS", ". IN DS 1 8 2 AB\n", ". IN DS 1 8 2 AB", ""},
	    {"no end of line", ". DS 1", ". DS 1", ""},
	    {"a comment behind it", ". DS 1 ; keytag 1\n", ". DS 1", ""},
	    {"comments and empty lines", "; x\n\n. DS 1\n  \n; y\n", ". DS 1",
	     ""},
	    {"two keys", ". DS 1\n. DS 2\n", ". DS 1|. DS 2", ""},
	    {"over several lines", ". DNSKEY ( 257\n3 8 ; a\n AA )\n. DS 1\n",
	     ". DNSKEY   257 3 8   AA|. DS 1", ""},
	    {"a valid key", ". DNSKEY 1 ;{id = 1} ;;state=2 [  VALID  ]\n",
	     ". DNSKEY 1", ""},
	    {"a missing key is a key", ". DNSKEY 1 ;;state=3 [ MISSING ]\n",
	     ". DNSKEY 1", ""},
	    {"one on trial isn't",
	     ". DNSKEY 1 ;;state=1 [ ADDPEND ]\n. DNSKEY 2 ;;state=2\n",
	     ". DNSKEY 2", ""},
	    {"nor a revoked one", ". DNSKEY 1 ;;state=4 [ REVOKED ]\n", NULL,
	     "no key that counts"},
	    {"an unknown state", ". DNSKEY 1 ;;state=\n", NULL,
	     "no key that counts"},
	    {"an empty file", "", NULL, "no key that counts"},
	    {"only comments", "; nothing\n", NULL, "no key that counts"},
	    {"a directive", "$ORIGIN example.\n", NULL,
	     "only DS and DNSKEY records may stand there"},
	    {"a record that libunbound refuses", "refuse\n", NULL,
	     "a record is not accepted"},
	    {"a parenthesis without an end", ". DS ( 1\n", ". DS   1", ""},
	};
	char all[1024], why[ANCHOR_WHY];

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		bool ok;

		all[0] = why[0] = '\0';
		write_file(row[i].text, strlen(row[i].text));
		ok = anchor_read(path, collect, all, why);
		if (ok != (row[i].want != NULL) ||
		    (ok && strcmp(all, row[i].want) != 0) ||
		    (!ok && strcmp(why, row[i].why) != 0))
			fail_msg("%s: %s (%s)", row[i].name, all, why);
	}
}

static void
limits(void **state)
{
	static char big[ANCHOR_FILE_MOST + 1];
	char all[1024] = "", why[ANCHOR_WHY];

	(void)state;
	memset(big, 'x', sizeof big);
	write_file(big, sizeof big);
	assert_false(anchor_read(path, collect, all, why));
	assert_string_equal(why, "File too large");
	write_file(big, 5000); /* one record */
	assert_false(anchor_read(path, collect, all, why));
	write_file("\0\0\n", 3);
	(void)!anchor_read(path, collect, all, why);
	assert_false(anchor_read("/nonexistent", collect, all, why));
	assert_string_equal(why, "No such file or directory");
	assert_false(anchor_read("/dev/zero", collect, all, why));
}

static void
stamps(void **state)
{
	uint64_t one, two;

	(void)state;
	write_file("a", 1);
	one = anchor_stamp(path, 7);
	assert_true(anchor_stamp(path, 7) == one);
	assert_true(anchor_stamp(path, 8) != one);
	write_file("ab", 2);
	two = anchor_stamp(path, 7);
	assert_true(two != one);
	assert_true(anchor_stamp("/nonexistent", 7) != two);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(files),
					   cmocka_unit_test(limits),
					   cmocka_unit_test(stamps)};
	int fd = mkstemp(path), bad;

	must(fd >= 0);
	close(fd);
	bad = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return bad;
}
