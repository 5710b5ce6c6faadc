#include "tests/daemon/expect.h"

#include <stdlib.h>

#define REPLY(keys) GOOD "reply a { " keys " }\n"
#define MATCH       "match = \"550 *a*\" "

static void
wrong_replies(void **state)
{
	static const struct row table[] = {
	    {"no priority", REPLY(MATCH "then = retry"),
	     "f:6: reply a needs priority\n"},
	    {"no match", REPLY("priority = 1 then = retry"),
	     "f:6: reply a needs match\n"},
	    {"an empty list", REPLY("priority = 1 then = retry match = []"),
	     "f:6: match: the list is empty\n"},
	    {"what is no pattern",
	     REPLY("priority = 1 then = retry match = [\"550 ok\", \"250 a\", "
		   "550, \"5.7.1 *spam*\"]"),
	     "f:6: match: '250 a' is not a code from 400 to 599 and words, as "
	     "\"550 5.7.1 *spam*\"\n"
	     "f:6: match: '550' is not a code from 400 to 599 and words, as "
	     "\"550 5.7.1 *spam*\"\n"
	     "f:6: match: '5.7.1 *spam*' is not a code from 400 to 599 and "
	     "words, as \"550 5.7.1 *spam*\"\n"},
	    {"a relay that is not there",
	     REPLY("priority = 1 " MATCH "then = fail relay = [out, ses]"),
	     "f:6: relay: there is no relay ses\n"},
	    {"two of a priority",
	     REPLY("priority = 1 " MATCH
		   "then = fail") "reply b { priority = 1 " MATCH
				  "then = retry }\n",
	     "f:7: priority: 1 is taken by the reply a of f:6\n"},
	    {"another word", REPLY("priority = 1 " MATCH "then = bounce"),
	     "f:6: then: 'bounce' is none of as-is, retry, fail\n"},
	};

	(void)state;
	expect_all(table, countof(table));
}

static void
good_replies(void **state)
{
	(void)state;
	expect("two",
	       REPLY("priority = 1 " MATCH
		     "category = content") "reply b { priority = 2 " MATCH
					   "relay = out then = retry }\n",
	       "", true);
	expect("nothing", REPLY("priority = 1 " MATCH),
	       "f:6: warning: reply a changes nothing: it has neither category "
	       "nor then\n",
	       true);
}

static void
too_many(void **state)
{
	struct bytes text = {0};

	(void)state;
	bytes_add(&text, GOOD, strlen(GOOD));
	for (unsigned i = 0; i <= SETTINGS_REPLIES; i++) {
		char *line = must_printf("reply r%u { priority = %u " MATCH
					 "then = fail }\n",
					 i, i + 1);

		bytes_add(&text, line, strlen(line));
		free(line);
	}
	bytes_u8(&text, '\0');
	expect("201", (char *)text.data,
	       "f: 201 reply blocks; there may be 200\n", false);
	bytes_free(&text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(wrong_replies),
	    cmocka_unit_test(good_replies),
	    cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
