/* Replies as servers give them, and what they are about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/category.h"
#include "tests/queue/category_known.h"

/* As the worker reports it: "550-5.1.1 ..." has code and status. */
static struct verdict
reply(enum stage stage, const char *text)
{
	struct verdict v = {.kind = VERDICT_DEFER, .stage = stage};

	v.code = (uint16_t)atoi(text);
	if (v.code >= 500)
		v.kind = VERDICT_FAIL;
	if (strlen(text) > 6 && text[5] == '.')
		snprintf(v.status, sizeof v.status, "%.*s",
			 (int)strcspn(text + 4, " "), text + 4);
	else
		snprintf(v.status, sizeof v.status, "%u.0.0", v.code / 100U);
	snprintf(v.reply, sizeof v.reply, "%s", text);
	return v;
}

static void
what_replies_are_about(void **state)
{
	const struct settings s = {0};
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < countof(known); i++) {
		struct verdict v = reply(known[i].stage, known[i].reply);
		struct verdict was = v;

		category_judge(&s, "r", &v);
		if (v.category != known[i].category) {
			print_message(
			    "%s, not %s: %s\n", category_word(v.category),
			    category_word(known[i].category), known[i].reply);
			wrong++;
		}
		v.category = CATEGORY_NONE;
		assert_memory_equal(&v, &was, sizeof v);
	}
	assert_int_equal(wrong, 0);
	assert_true(countof(known) >= 120);
}

/* Whatever we say ourselves is known again by its words, also from a worker,
 * whose OUTCOME carries no category, and with a detail behind it. */
static void
our_own_statuses(void **state)
{
	const struct settings s = {0};

	(void)state;
	for (int i = 0; i < STATUS_COUNT; i++)
		for (int j = 0; j < STAGE_COUNT; j++) {
			struct verdict v = verdict_of(
			    (enum status)i, (enum stage)j,
			    "550 5.1.1 user unknown, spam, mailbox full");
			enum category_kind c = status_category(&v);

			category_judge(&s, "", &v);
			assert_int_equal(v.category, c);
			assert_true((c == CATEGORY_NONE) ==
				    (v.kind == VERDICT_SENT));
			assert_int_not_equal(c, CATEGORY_OTHER);
		}
}

/* No way an attempt can end at a stage of ours goes without a word. */
static void
every_stage_without_words(void **state)
{
	static const struct {
		enum stage stage;
		enum category_kind refused, deferred; /* 554, 421 */
	} row[] = {
	    {STAGE_NONE, OTH, SYS},     {STAGE_LOOKUP, NET, NET},
	    {STAGE_CONNECT, NET, NET},  {STAGE_GREETING, BLK, SYS},
	    {STAGE_EHLO, BLK, SYS},     {STAGE_HELO, BLK, SYS},
	    {STAGE_MAIL, POL, SYS},     {STAGE_RCPT, POL, SYS},
	    {STAGE_DATA, POL, SYS},     {STAGE_BODY, CON, SYS},
	    {STAGE_DOT, CON, SYS},      {STAGE_RSET, OTH, SYS},
	    {STAGE_QUIT, OTH, SYS},     {STAGE_FILE, SYS, SYS},
	    {STAGE_STARTTLS, NET, NET}, {STAGE_TLS, NET, NET},
	    {STAGE_AUTH, AUT, AUT},
	};
	const struct settings s = {0};

	(void)state;
	assert_int_equal(countof(row), STAGE_COUNT);
	for (size_t i = 0; i < countof(row); i++) {
		struct verdict v = reply(row[i].stage, "554 no");

		print_message("%s\n", stage_text(row[i].stage));
		category_judge(&s, "", &v);
		assert_string_equal(category_word(v.category),
				    category_word(row[i].refused));
		v = reply(row[i].stage, "421 no");
		category_judge(&s, "", &v);
		assert_string_equal(category_word(v.category),
				    category_word(row[i].deferred));
	}
}

static void
words_for_people(void **state)
{
	(void)state;
	for (int i = 0; i < CATEGORY_COUNT; i++) {
		assert_true(strlen(category_word((enum category_kind)i)) > 0);
		assert_true(strlen(category_text((enum category_kind)i)) > 9);
	}
	assert_string_equal(category_word(CATEGORY_BAD_ADDRESS), "bad-address");
}

static char nothing[] = "550 *we know nothing of*",
	    later[] = "450 4.2.0 later*";
static char any4[] = "450 *", any5[] = "550 *", ses[] = "ses", crm[] = "crm";
static char *patterns[] = {nothing, later}, *any[] = {any4, any5};
static char *relays[] = {ses, crm};
static struct reply_settings blocks[] = {
    {.priority = 30,
     .match = {any, 2},
     .relay = {relays, 2},
     .category = CATEGORY_POLICY,
     .then = THEN_FAIL},
    {.priority = 10,
     .match = {patterns, 1},
     .category = CATEGORY_BLOCKED,
     .then = THEN_RETRY},
    {.priority = 20, .match = {patterns + 1, 1}, .then = THEN_FAIL},
};

/* `reply` blocks: by priority, from their relays, and what follows. */
static void
reply_blocks(void **state)
{
	static const struct {
		const char *name, *relay, *reply;
		enum stage stage;
		enum category_kind category;
		enum verdict_kind kind;
		const char *status;
	} row[] = {
	    {"a failure becomes a deferral", "mx",
	     "550 5.1.1 We know nothing of user unknown", STAGE_RCPT, BLK,
	     VERDICT_DEFER, "4.1.1"},
	    {"the smallest number, not the first block", "ses",
	     "550 5.1.1 we know nothing of it", STAGE_RCPT, BLK, VERDICT_DEFER,
	     "4.1.1"},
	    {"over two lines", "mx",
	     "550-5.1.1 We know 550 5.1.1 nothing of it", STAGE_RCPT, BLK,
	     VERDICT_DEFER, "4.1.1"},
	    {"another code", "mx", "554 5.1.1 we know nothing of it",
	     STAGE_RCPT, BAD, VERDICT_FAIL, "5.1.1"},
	    {"a deferral becomes a failure, the category stays", "mx",
	     "450 4.2.0 later, greylisted", STAGE_RCPT, POL, VERDICT_FAIL,
	     "5.2.0"},
	    {"only of these relays", "mx", "450 4.2.2 full", STAGE_RCPT, BOX,
	     VERDICT_DEFER, "4.2.2"},
	    {"of these", "crm", "450 4.2.2 full", STAGE_RCPT, POL, VERDICT_FAIL,
	     "5.2.2"},
	    {"as it is, only the word changes", "crm", "550 5.2.2 full",
	     STAGE_RCPT, POL, VERDICT_FAIL, "5.2.2"},
	    {"AUTH is not about the mail", "crm", "450 4.7.0 no", STAGE_AUTH,
	     POL, VERDICT_DEFER, "4.7.0"},
	};
	struct settings s = {.replies = blocks, .nreplies = countof(blocks)};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct verdict v = reply(row[i].stage, row[i].reply);

		print_message("%s\n", row[i].name);
		category_judge(&s, row[i].relay, &v);
		assert_string_equal(category_word(v.category),
				    category_word(row[i].category));
		assert_int_equal(v.kind, row[i].kind);
		assert_string_equal(v.status, row[i].status);
	}
}

/* What was delivered is delivered, whatever the reply says. */
static void
nothing_changes_what_was_sent(void **state)
{
	char *item = any4;
	struct reply_settings block = {.priority = 1,
				       .match = {&item, 1},
				       .category = CATEGORY_OTHER,
				       .then = THEN_FAIL};
	struct settings s = {.replies = &block, .nreplies = 1};
	struct verdict v = reply(STAGE_DOT, "450 4.0.0 taken");

	(void)state;
	v.kind = VERDICT_SENT;
	v.category = CATEGORY_OTHER;
	category_judge(&s, "", &v);
	assert_int_equal(v.kind, VERDICT_SENT);
	assert_int_equal(v.category, CATEGORY_NONE);
	assert_string_equal(v.status, "4.0.0");
}

/* Bytes from outside: of any length, with or without codes. */
static void
strange_replies(void **state)
{
	const struct settings s = {0};
	struct verdict v = {.kind = VERDICT_FAIL};

	(void)state;
	category_judge(&s, "", &v);
	assert_int_equal(v.category, CATEGORY_OTHER);
	memset(v.reply, '*', sizeof v.reply - 1);
	memset(v.status, '5', sizeof v.status - 1);
	v.code = 599;
	category_judge(&s, "", &v);
	assert_int_equal(v.category, CATEGORY_OTHER);
	snprintf(v.status, sizeof v.status, "5");
	snprintf(v.reply, sizeof v.reply, "user unknown");
	category_judge(&s, "", &v);
	assert_int_equal(v.category, CATEGORY_BAD_ADDRESS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_replies_are_about),
	    cmocka_unit_test(our_own_statuses),
	    cmocka_unit_test(every_stage_without_words),
	    cmocka_unit_test(words_for_people),
	    cmocka_unit_test(reply_blocks),
	    cmocka_unit_test(nothing_changes_what_was_sent),
	    cmocka_unit_test(strange_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
