/* What a person means by the filters of mtq queue. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "admin/queue_filter.h"

static const int64_t NOW = INT64_C(1795246544000000);

static const struct {
	const char *name;
	const char *pattern;
	const char *text;
	bool fits;
} globs[] = {
    {"the same", "a@b.test", "a@b.test", true},
    {"another case", "A@B.Test", "a@b.tEST", true},
    {"a part is not the whole", "b.test", "a@b.test", false},
    {"longer than the text", "a@b.test.", "a@b.test", false},
    {"star at the end", "a@*", "a@b.test", true},
    {"star alone", "*", "", true},
    {"two stars", "**", "x", true},
    {"nothing fits nothing", "", "", true},
    {"nothing fits no text", "", "x", false},
    {"a wildcard is not the bare domain", "*.b.test", "b.test", false},
    {"a wildcard takes subdomains", "*.b.test", "x.y.b.test", true},
    {"goes back to the last star", "*aab", "aaaaaab", true},
    {"several stars", "*a*b*c", "xxaxxbxxbxxc", true},
    {"several stars, no end", "*a*b*c", "xxaxxbxxbxx", false},
    {"a question mark is itself", "a?b", "axb", false},
    {"brackets are themselves", "a@[192.0.2.1]", "a@[192.0.2.1]", true},
    {"octets above 127", "\xc3\xbc*", "\xc3\xbc@b.test", true},
};

static void
test_glob(void **state)
{
	char many[4001], text[4001];

	(void)state;
	for (size_t i = 0; i < countof(globs); i++)
		if (queue_filter_glob(globs[i].pattern, globs[i].text,
				      strlen(globs[i].text)) != globs[i].fits)
			fail_msg("%s", globs[i].name);
	/* A pattern from hell takes length times length steps, not 2^n. */
	for (size_t i = 0; i < 4000; i++) {
		many[i] = i % 2 ? '*' : 'a';
		text[i] = 'a';
	}
	many[4000] = '\0';
	many[3999] = 'b';
	assert_false(queue_filter_glob(many, text, 4000));
}

static struct queue_filter
parse(const char *name, const char *value)
{
	static char copy[100];
	struct queue_filter f = {0};
	struct err e;

	snprintf(copy, sizeof copy, "%s", value);
	if (!queue_filter_add(&f, name, copy, NOW, &e))
		fail_msg("--%s %s: %s", name, value, e.text);
	assert_true(f.any);
	return f;
}

static const struct {
	const char *name;
	const char *value;
	const char *says;
} refusals[] = {
    {"state", "", "the states are active, waiting, held, failed and parked"},
    {"state", "activ", "the states are"},
    {"state", "active,", "the states are"},
    {"state", "active,,held", "the states are"},
    {"state", "Active", "the states are"},
    {"older", "5", "has no unit"},
    {"older", "5 parsecs", "--older"},
    {"older", "-1s", "--older"},
    {"older", "", "--older"},
    {"from", "", "the null sender is <>"},
    {"to", "", "nothing given"},
    {"domain", "@", "nothing given"},
};

static void
test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(refusals); i++) {
		struct queue_filter f = {0};
		struct err e;
		char value[40];

		snprintf(value, sizeof value, "%s", refusals[i].value);
		if (queue_filter_add(&f, refusals[i].name, value, NOW, &e))
			fail_msg("--%s %s was taken", refusals[i].name, value);
		if (strstr(e.text, refusals[i].says) == NULL)
			fail_msg("--%s %s: %s", refusals[i].name, value,
				 e.text);
	}
}

static const struct {
	const char *phrase;
	const char *name;
	const char *value;
	bool fits; /* the record below */
} matches[] = {
    {"its state", "state", "waiting", true},
    {"one of two states", "state", "held,waiting", true},
    {"another state", "state", "failed", false},
    {"the sender", "from", "CRM@example.com", true},
    {"the sender in brackets", "from", "<crm@example.com>", true},
    {"the null sender is another", "from", "<>", false},
    {"the recipient", "to", "\"a@b\"@gmx.test", true},
    {"the recipient by star", "to", "*@gmx.test", true},
    {"its domain", "domain", "GMX.test", true},
    {"its domain with an at", "domain", "@gmx.test", true},
    {"a domain inside the local part", "domain", "b\"@gmx.test", false},
    {"the relay", "relay", "corp", true},
    {"another relay", "relay", "direct", false},
    {"older than a minute", "older", "1min", true},
    {"older than an hour", "older", "1h", false},
};

static void
test_match(void **state)
{
	const struct message_record m = {.arrival_us =
					     (uint64_t)(NOW - 10 * MINUTE_US),
					 .sender = text_of("crm@example.com")};
	const struct recipient_record r = {.state = RECIPIENT_WAITING,
					   .address =
					       text_of("\"a@b\"@gmx.test"),
					   .relay = text_of("corp")};
	const struct queue_filter none = {0};

	(void)state;
	assert_true(queue_filter_match(&none, &m, &r));
	for (size_t i = 0; i < countof(matches); i++) {
		struct queue_filter f =
		    parse(matches[i].name, matches[i].value);

		if (queue_filter_match(&f, &m, &r) != matches[i].fits)
			fail_msg("%s", matches[i].phrase);
	}
}

static void
test_a_star_that_is_one(void **state)
{
	const struct message_record m = {.sender = text_of("")};
	const struct recipient_record star = {.address = text_of("*@y.test")},
				      other = {.address = text_of("x@y.test")};
	const struct queue_filter f = {.any = true, .exactly = "*@Y.test"};

	(void)state;
	assert_true(queue_filter_match(&f, &m, &star));
	assert_false(queue_filter_match(&f, &m, &other));
}

static void
test_all_must_hold(void **state)
{
	const struct message_record m = {.arrival_us = (uint64_t)NOW,
					 .sender = text_of("")};
	const struct recipient_record r = {.state = RECIPIENT_HELD,
					   .address = text_of("x@y.test")};
	struct queue_filter f = parse("from", "<>");
	struct err e;
	char held[] = "held", other[] = "z.test";

	(void)state;
	assert_true(queue_filter_add(&f, "state", held, NOW, &e));
	assert_true(queue_filter_match(&f, &m, &r));
	assert_true(queue_filter_add(&f, "domain", other, NOW, &e));
	assert_false(queue_filter_match(&f, &m, &r));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_glob),
	    cmocka_unit_test(test_refusals),
	    cmocka_unit_test(test_match),
	    cmocka_unit_test(test_a_star_that_is_one),
	    cmocka_unit_test(test_all_must_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
