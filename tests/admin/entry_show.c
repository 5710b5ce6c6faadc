/* An event as JSON: its members depend on its kind alone, and no octet of it
 * breaks the line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "admin/entry_show.h"

static const int64_t NOW = INT64_C(1795246544000000);

static json_t *
shown(const struct entry *e)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	json_error_t why;
	json_t *o;

	assert_non_null(f);
	entry_show_event(f, e);
	assert_int_equal(fclose(f), 0);
	assert_true(n > 0 && strchr(text, '\n') == text + n - 1);
	for (size_t i = 0; i + 1 < n; i++)
		assert_true((unsigned char)text[i] >= ' ');
	o = json_loads(text, JSON_REJECT_DUPLICATES, &why);
	assert_non_null(o);
	free(text);
	return o;
}

/* "event,time,kind,..." */
static void
names(const json_t *o, char *out, size_t size)
{
	const char *name;
	json_t *v;

	out[0] = '\0';
	json_object_foreach((json_t *)o, name, v)
	{
		assert_true(strlen(out) + strlen(name) + 2 < size);
		strcat(out, name);
		strcat(out, ",");
	}
}

static void
members_depend_on_the_kind_alone(void **state)
{
	char bare[1024], full[1024];

	(void)state;
	for (int k = 0; k < JOURNAL_KIND_COUNT; k++) {
		struct entry e = {.number = 4 * 1000,
				  .x = {.kind = (uint8_t)k}};
		json_t *o = shown(&e);

		names(o, bare, sizeof bare);
		assert_string_equal(
		    json_string_value(json_object_get(o, "kind")),
		    journal_word((enum journal_kind)k));
		json_decref(o);
		e.x = (struct journal_entry){.kind = (uint8_t)k,
					     .category = CATEGORY_OTHER,
					     .code = 550,
					     .at_us = (uint64_t)NOW,
					     .message = 8000,
					     .rcpt = 7,
					     .previous = 4 * 999,
					     .arrival_us = (uint64_t)NOW,
					     .next_us = (uint64_t)NOW,
					     .size_bytes = UINT64_MAX,
					     .attempts = UINT32_MAX,
					     .queued_us = INT64_MAX,
					     .in_worker_us = UINT32_MAX,
					     .connect_us = UINT32_MAX,
					     .transmit_us = UINT32_MAX,
					     .sender = text_of("a@b"),
					     .address = text_of("c\x1b@d\xff"),
					     .message_id = text_of("<\n>"),
					     .relay = text_of("corp"),
					     .reply = text_of("550 \x80\"\\"),
					     .who = text_of("uid 0"),
					     .detail = text_of("d")};
		o = shown(&e);
		names(o, full, sizeof full);
		assert_string_equal(bare, full);
		assert_string_equal(
		    json_string_value(json_object_get(o, "detail")), "d");
		json_decref(o);
	}
}

/* As one of a recipient's attempts each has every member. */
static void
attempts_have_all_members(void **state)
{
	struct show_value v[ENTRY_VALUES] = {{0}};
	struct entry e = {.number = 4000, .x = {.kind = JOURNAL_QUOTA}};
	struct entry_ids ids;
	unsigned given = 0;

	(void)state;
	assert_true(entry_nfields <= ENTRY_VALUES);
	entry_show_fill(&e, &ids, v);
	for (size_t i = 0; i < entry_nfields; i++)
		given += v[i].given;
	assert_int_equal(given, 3); /* event, time, kind */
}

static void
words_for_people(void **state)
{
	struct journal_entry x = {.kind = JOURNAL_DELIVERED,
				  .queued_us = 1500000,
				  .transmit_us = 40000};
	char text[ENTRY_DELAYS];

	(void)state;
	assert_string_equal(entry_delays(&x, text), "1.50/0.00/0.00/0.04");
	x.kind = JOURNAL_HELD;
	assert_string_equal(entry_delays(&x, text), "");
	x.who = text_of("uid 0");
	assert_true(text_is(entry_words(&x), "uid 0"));
	x.detail = text_of("poison");
	assert_true(text_is(entry_words(&x), "poison"));
	x.reply = text_of("550 no");
	assert_true(text_is(entry_words(&x), "550 no"));
	assert_false(entry_category(CATEGORY_NONE).given);
	assert_false(entry_category(CATEGORY_COUNT).given);
	assert_true(entry_category(CATEGORY_BLOCKED).given);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(members_depend_on_the_kind_alone),
	    cmocka_unit_test(attempts_have_all_members),
	    cmocka_unit_test(words_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
