#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "queue/record.h"

/* An id is read and written by people: twelve letters, in the order of time. */
static void
ids_as_text(void **state)
{
	static const struct {
		const char *name;
		uint64_t id;
		const char *text;
	} rows[] = {
	    {"the least", 1, "000000000001"},
	    {"one below the base", 30, "00000000000Z"},
	    {"the base", 31, "000000000010"},
	    {"the most", UINT64_C(787662783788549760), "ZZZZZZZZZZZZ"},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		char text[ID_TEXT + 1];
		uint64_t id = 0;

		print_message("%s\n", rows[i].name);
		id_text(rows[i].id, text);
		assert_string_equal(text, rows[i].text);
		assert_true(id_parse(text, ID_TEXT, &id));
		assert_true(id == rows[i].id);
	}
}

static void
no_ids(void **state)
{
	static const struct {
		const char *name;
		const char *text;
	} rows[] = {
	    {"empty", ""},
	    {"too short", "00000000001"},
	    {"too long", "0000000000001"},
	    {"a vowel", "00000000000A"},
	    {"small letters", "00000000000b"},
	    {"a space", "00000000 001"},
	    {"a line end", "00000000001\n"},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		uint64_t id = 7;

		print_message("%s\n", rows[i].name);
		assert_false(id_parse(rows[i].text, strlen(rows[i].text), &id));
		assert_true(id == 7);
	}
}

/* Never the same twice, never going back, and writers never meet. */
static void
ids_follow(void **state)
{
	static const struct {
		const char *name;
		uint64_t last;
		int64_t now_us;
		unsigned writer;
		uint64_t next;
	} rows[] = {
	    {"the first", 0, 10, 0, 40},
	    {"of the scheduler", 0, 10, 1, 41},
	    {"the clock goes on", 40, 11, 0, 44},
	    {"the same microsecond", 40, 10, 0, 44},
	    {"the same, another's last", 41, 10, 0, 44},
	    {"the clock went back", 4000, 10, 1, 4005},
	    {"a clock before 1970", 0, -5, 0, 4},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		print_message("%s\n", rows[i].name);
		assert_true(id_next(rows[i].last, rows[i].now_us,
				    rows[i].writer) == rows[i].next);
	}
	assert_true(id_valid(id_next(0, INT64_MAX, 3)));
}

/* LMDB compares octets; what sorts first must be due first. */
static void
due_order(void **state)
{
	static const struct due_key rows[] = {
	    {RECIPIENT_WAITING, 1, INT64_MIN, 0, 0},
	    {RECIPIENT_WAITING, 1, 5, 1, 0},
	    {RECIPIENT_WAITING, 1, 5, 1, 1},
	    {RECIPIENT_WAITING, 1, 5, 2, 0},
	    {RECIPIENT_WAITING, 1, 6, 1, 0},
	    {RECIPIENT_WAITING, 1, INT64_MAX, 1, 0},
	    {RECIPIENT_WAITING, 2, 0, 1, 0},
	    {RECIPIENT_WAITING, 256, 0, 1, 0},
	    {RECIPIENT_WAITING, UINT64_C(1) << 63, 0, 1, 0},
	    {RECIPIENT_CLAIMED, 0, 0, 1, 0},
	    {RECIPIENT_FAILED, 0, 0, UINT64_MAX, UINT32_MAX},
	};
	unsigned char last[KEY_DUE] = {0}, k[KEY_DUE];

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		struct due_key d;

		key_due(k, &rows[i]);
		if (i > 0)
			assert_true(memcmp(last, k, sizeof k) < 0);
		memcpy(last, k, sizeof k);
		assert_true(key_due_parse(k, sizeof k, &d));
		assert_int_equal(d.state, rows[i].state);
		assert_true(d.lane == rows[i].lane && d.id == rows[i].id &&
			    d.rcpt == rows[i].rcpt);
		assert_true(d.due_us == max_of(rows[i].due_us, 0));
		assert_false(key_due_parse(k, sizeof k - 1, &d));
	}
	k[0] = RECIPIENT_STATE_COUNT;
	assert_false(key_due_parse(k, sizeof k, &(struct due_key){0}));
	k[0] = RECIPIENT_WAITING;
	k[9] = 0x80; /* a time below zero */
	assert_false(key_due_parse(k, sizeof k, &(struct due_key){0}));
}

static struct recipient_record
sample(void)
{
	return (struct recipient_record){
	    .state = RECIPIENT_WAITING,
	    .notify = NOTIFY_FAILURE | NOTIFY_DELAY,
	    .lane = 7,
	    .attempts = 3,
	    .due_us = 12345678,
	    .changed_us = 12345,
	    .address = text_of("a@example.com"),
	    .orcpt = text_of("rfc822;a@example.com"),
	    .relay = text_of("corp"),
	    .status = text_of("4.2.1"),
	    .reason = text_of("450 later"),
	    .security = text_of("")};
}

/* What lies in a queue that an mtq without `security` wrote. */
static void
an_older_record_opens(void **state)
{
	struct recipient_record r = sample(), s;
	struct bytes plain = {0}, b = {0};
	struct err e;

	(void)state;
	recipient_record_encode(&plain, &r);
	plain.n -= 4; /* the length of the empty text */
	record_seal(&b, &plain);
	assert_true(recipient_open(b.data, b.n, &s, &e));
	assert_true(text_is(s.reason, "450 later"));
	assert_int_equal(s.security.n, 0);
	for (size_t n = plain.n - 1; n > plain.n - 9; n--) { /* in `reason` */
		plain.n = n;
		b.n = 0;
		record_seal(&b, &plain);
		assert_false(recipient_open(b.data, b.n, &s, &e));
	}
	bytes_free(&plain);
	bytes_free(&b);
}

/* The same for one without `recent`, whose octets may be any. */
static void
an_older_counter_opens(void **state)
{
	struct counter_record c = {.from_us = 60,
				   .to_us = 120,
				   .types = {"\0a", 2},
				   .recent = {"\0b\0", 3}},
			      d;
	struct bytes plain = {0}, b = {0};
	struct err e;

	(void)state;
	counter_seal(&b, &c);
	assert_true(counter_open(b.data, b.n, &d, &e));
	assert_int_equal(d.recent.n, 3);
	assert_memory_equal(d.recent.p, "\0b\0", 3);
	counter_record_encode(&plain, &c);
	for (size_t cut = 1; cut <= 7; cut++) {
		plain.n--;
		b.n = 0;
		record_seal(&b, &plain);
		assert_int_equal(counter_open(b.data, b.n, &d, &e), cut == 7);
	}
	assert_int_equal(d.recent.n, 0);
	assert_int_equal(d.types.n, 2);
	bytes_free(&plain);
	bytes_free(&b);
}

static void
sealed_and_opened(void **state)
{
	struct recipient_record r = sample(), s;
	struct bytes b = {0};
	struct err e;

	(void)state;
	bytes_add_text(&b, "what was there before is replaced");
	recipient_seal(&b, &r);
	assert_true(recipient_open(b.data, b.n, &s, &e));
	assert_int_equal(s.state, r.state);
	assert_int_equal(s.lane, 7);
	assert_true(s.due_us == 12345678 && s.changed_us == 12345);
	assert_true(text_is(s.address, "a@example.com"));
	assert_true(text_is(s.reason, "450 later"));
	bytes_free(&b);
}

/* One wrong bit anywhere, or one octet less or more, is seen. */
static void
damage_is_seen(void **state)
{
	struct recipient_record r = sample(), s;
	struct bytes b = {0};
	struct err e;

	(void)state;
	recipient_seal(&b, &r);
	for (size_t bit = 0; bit < 8 * b.n; bit++) {
		b.data[bit / 8] ^= (unsigned char)(1U << bit % 8);
		assert_false(recipient_open(b.data, b.n, &s, &e));
		assert_int_equal(e.kind, ERR_DAMAGED);
		b.data[bit / 8] ^= (unsigned char)(1U << bit % 8);
	}
	for (size_t n = 0; n < b.n; n++)
		assert_false(recipient_open(b.data, n, &s, &e));
	bytes_u8(&b, 0);
	assert_false(recipient_open(b.data, b.n, &s, &e));
	bytes_free(&b);
}

/* A record with a right checksum may still say what can't be. */
static void
sense_is_checked(void **state)
{
	struct recipient_record r, s;
	struct bytes b = {0};
	struct err e;

	(void)state;
	r = sample();
	r.state = RECIPIENT_STATE_COUNT;
	recipient_seal(&b, &r);
	assert_false(recipient_open(b.data, b.n, &s, &e));
	assert_non_null(strstr(e.text, "makes no sense"));
	r = sample();
	r.due_us = UINT64_MAX;
	recipient_seal(&b, &r);
	assert_false(recipient_open(b.data, b.n, &s, &e));
	bytes_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ids_as_text),
	    cmocka_unit_test(no_ids),
	    cmocka_unit_test(ids_follow),
	    cmocka_unit_test(due_order),
	    cmocka_unit_test(sealed_and_opened),
	    cmocka_unit_test(an_older_record_opens),
	    cmocka_unit_test(an_older_counter_opens),
	    cmocka_unit_test(damage_is_seen),
	    cmocka_unit_test(sense_is_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
