#include "tests/daemon/expect.h"

#include "daemon/archive_to.h"

#define ARCHIVE(keys) GOOD "archive law { " keys " }\n"

static void
wrong_archives(void **state)
{
	static const struct row table[] = {
	    {"nowhere", ARCHIVE("type = mass"), "f:6: archive law needs to\n"},
	    {"a word", ARCHIVE("to = me"),
	     "f:6: to: 'me' is neither maildir:/folder nor an address\n"},
	    {"a folder from nowhere", ARCHIVE("to = maildir:box"),
	     "f:6: to: the folder 'box' must begin with /\n"},
	    {"a type that is none", ARCHIVE("to = a@b.example type = spam"),
	     "f:6: type: there is no type spam\n"},
	    {"a source that is none", ARCHIVE("to = a@b.example source = crms"),
	     "f:6: source: there is no source crms\n"},
	    {"a name too long for its relay",
	     GOOD "archive "
		  "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefg "
		  "{ to = maildir:/a }\n",
	     "f:6: to: the relay of this archive would be archive-"
	     "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefg, "
	     "whose name is longer than 64; give the archive a shorter one\n"},
	    {"its relay is another",
	     ARCHIVE("to = maildir:/a") "relay archive-law { host = m.b }\n"
					"no_match = out\n",
	     "f:6: to: relay archive-law of f:7 carries this archive's copies "
	     "and needs deliver = maildir\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

/* One relay of the file is still the only one, and what is printed is read
 * again as the same. */
static void
a_relay_of_its_own(void **state)
{
	struct bytes report = {0}, print = {0}, again = {0};
	struct settings *s, *t;

	(void)state;
	s = parse(ARCHIVE("to = maildir:/var/law") "archive boss { to = "
						   "boss@b.example }\n",
		  &report);
	if (s == NULL)
		fail_msg("%s", (char *)report.data);
	assert_int_equal(s->nrelays, 2);
	assert_string_equal(s->no_match_relay->title, "out");
	assert_string_equal(s->relays[1].title, "archive-law");
	assert_string_equal(s->relays[1].dir, "/var/law");
	assert_int_equal(s->relays[1].deliver, DELIVER_MAILDIR);
	assert_true(archive_has(s, "archive-law"));
	assert_false(archive_has(s, "archive-boss"));
	settings_print(s, false, &print);
	t = settings_parse("f", (char *)print.data, print.n, &again);
	if (t == NULL)
		fail_msg("%s", (char *)again.data);
	assert_int_equal(t->nrelays, 2);
	assert_string_equal(t->relays[1].dir, "/var/law");
	assert_string_equal(t->no_match_relay->title, "out");
	settings_free(s);
	settings_free(t);
	bytes_free(&report);
	bytes_free(&print);
	bytes_free(&again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_archives),
	    cmocka_unit_test(a_relay_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
