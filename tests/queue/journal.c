#include "tests/queue/journal_box.h"

#include <sys/wait.h>

static bool
same_text(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#define SAME_u8(a, b)   ((a) == (b))
#define SAME_u16(a, b)  ((a) == (b))
#define SAME_u32(a, b)  ((a) == (b))
#define SAME_u64(a, b)  ((a) == (b))
#define SAME_text(a, b) same_text(a, b)
#define SAME(kind, name, most)                                                 \
	if (!SAME_##kind(a->name, b->name))                                    \
		fail_msg("%s differs", #name);
static void
same(const struct journal_entry *a, const struct journal_entry *b)
{
	ENTRY_FIELDS(SAME)
}

/* What is written is what is read, each field of it, by number and in order;
 * texts of any length up to the limit. */
static void
round_trip(void **state)
{
	struct journal_entry x, y;
	uint64_t one, two, got;
	char longest[513];
	struct box b;

	(void)state;
	box_make(&b);
	memset(longest, 'x', sizeof longest);
	box_begin(&b);
	x = entry_of(JOURNAL_BOUNCED, 8, 2);
	one = add(&b, &x);
	x.previous = one;
	x.reply = (struct text){.p = longest, .n = VERDICT_REPLY_MOST};
	x.sender = x.status = (struct text){.p = NULL, .n = 0};
	two = add(&b, &x);
	assert_true(two > one && journal_number_valid(two));
	assert_true(journal_from(BOX_NOW) <= one);
	assert_false(journal_number_valid(one + 1));
	yes(&b, journal_get(b.t, two, &y, &b.e));
	same(&x, &y);
	yes(&b, journal_next(b.t, journal_from(BOX_NOW), &got, &y, &b.e));
	assert_int_equal(got, one);
	yes(&b, journal_next(b.t, got + 1, &got, &y, &b.e));
	assert_int_equal(got, two);
	assert_false(journal_next(b.t, got + 1, &got, &y, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	assert_false(journal_get(b.t, two + 4, &y, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

static void
words(void **state)
{
	(void)state;
	for (int i = 0; i < JOURNAL_KIND_COUNT; i++) {
		assert_true(strlen(journal_word((enum journal_kind)i)) > 3);
		for (int k = 0; k < i; k++)
			assert_string_not_equal(
			    journal_word((enum journal_kind)i),
			    journal_word((enum journal_kind)k));
	}
}

/* Numbers grow in the order of the commits, whatever the clock says and whoever
 * of the two processes writes; and none is smaller than its moment's. */
static void
numbers_grow(void **state)
{
	static const struct {
		const char *name;
		int64_t at_us;
	} rows[] = {
	    {"the first", BOX_NOW},
	    {"the same microsecond", BOX_NOW},
	    {"a year later", BOX_NOW + 365 * 24 * HOUR_US},
	    {"set back", BOX_NOW},
	    {"before 1970", -5},
	    {"1970", 0},
	    {"a little later", BOX_NOW + 1},
	    {"ahead again", BOX_NOW + 2 * 365 * 24 * HOUR_US},
	    {"the last year of all", INT64_MAX},
	    {"and back", BOX_NOW},
	};
	uint64_t last = 0, n, got;
	struct journal_entry x;
	struct box b;

	(void)state;
	box_make(&b);
	for (size_t i = 0; i < countof(rows); i++) {
		print_message("%s\n", rows[i].name);
		box_begin(&b);
		n = add_at(&b, rows[i].at_us);
		assert_true(n > last && journal_number_valid(n));
		assert_true(n >= journal_from(rows[i].at_us) ||
			    rows[i].at_us == INT64_MAX);
		last = n;
		box_commit(&b);
	}
	box_begin(&b);
	n = 0;
	for (size_t i = 0; i < countof(rows); i++) {
		yes(&b, journal_next(b.t, n + 1, &got, &x, &b.e));
		n = got;
		assert_int_equal(x.at_us, max_of(rows[i].at_us, 0));
	}
	assert_int_equal(n, last);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

/* Writes n entries in n commits, in a process of its own. */
static pid_t
writer(const char *dir, unsigned n, int64_t at_us)
{
	pid_t pid = fork();
	struct box b = {0};

	assert_true(pid >= 0);
	if (pid != 0)
		return pid;
	snprintf(b.dir, sizeof b.dir, "%s", dir);
	box_open(&b, STORE_WRITE);
	for (unsigned i = 0; i < n; i++) {
		box_begin(&b);
		add_at(&b, at_us);
		box_commit(&b);
	}
	box_close(&b);
	_exit(0);
}

/* Two processes with clocks that differ, and a reader that goes on behind the
 * last number it had: it gets every entry once. */
static void
two_writers(void **state)
{
	enum { EACH = 200 };
	uint64_t last = 0, n;
	unsigned seen = 0, ended = 0;
	struct box b;
	int status;
	pid_t pid[2];

	(void)state;
	box_make(&b);
	box_close(&b);
	pid[0] = writer(b.dir, EACH, BOX_NOW);
	pid[1] = writer(b.dir, EACH, BOX_NOW + HOUR_US);
	box_open(&b, STORE_WRITE);
	while (ended < 2 || seen < 2 * EACH) {
		struct journal_entry x;

		if (ended < 2 && waitpid(pid[ended], &status, WNOHANG) != 0) {
			assert_int_equal(status, 0);
			ended++;
		}
		box_read(&b);
		while (journal_next(b.t, last + 1, &n, &x, &b.e)) {
			assert_true(n > last);
			last = n;
			seen++;
		}
		assert_int_equal(b.e.kind, ERR_NONE);
		box_end(&b);
		assert_true(seen <= 2 * EACH);
	}
	box_verify(&b);
	box_remove(&b);
}

/* Whatever octets a text has, in whatever length: the entry is written, and
 * what is read is short and harmless. */
static void
texts_from_outside(void **state)
{
	static const size_t length[] = {0, 1, 10, 11, 63, 64, 254, 255, 4000};
	static char text[4000];
	struct journal_entry x, y;
	struct box b;

	(void)state;
	box_make(&b);
	box_begin(&b);
	for (int octet = 0; octet < 256; octet++) {
		memset(text, octet, sizeof text);
		for (size_t i = 0; i < countof(length); i++) {
			struct text all = {.p = text, .n = length[i]};

			x = entry_of(JOURNAL_DEFERRED, 0, 0);
			x.sender = x.address = x.message_id = x.type =
			    x.source = x.relay = x.remote = x.status = x.reply =
				x.security = x.who = x.detail = all;
			yes(&b, journal_get(b.t, add(&b, &x), &y, &b.e));
			assert_int_equal(y.status.n, min_of(all.n, 11u));
			assert_int_equal(y.reply.n, min_of(all.n, 512u));
			for (size_t k = 0; k < y.reply.n; k++) {
				char is = octet >= ' ' && octet < 127
					      ? (char)octet
					      : '?';

				assert_int_equal(y.reply.p[k], is);
			}
		}
	}
	box_end(&b);
	/* Letters of more than one octet stay whole. */
	for (size_t i = 0; i + 1 < sizeof text; i += 2)
		memcpy(text + i, "\xc3\xa4", 2);
	box_begin(&b);
	x = entry_of(JOURNAL_DEFERRED, 0, 0);
	x.status = (struct text){.p = text, .n = sizeof text};
	x.address = (struct text){.p = text, .n = 20};
	yes(&b, journal_get(b.t, add(&b, &x), &y, &b.e));
	assert_int_equal(y.status.n, 10);
	assert_memory_equal(y.status.p, text, 10);
	assert_true(same_text(x.address, y.address));
	/* And numbers that nobody can mean are not known. */
	x.code = 999;
	x.category = 255;
	x.arrival_us = UINT64_MAX;
	yes(&b, journal_get(b.t, add(&b, &x), &y, &b.e));
	assert_int_equal(y.code + y.category, 0);
	assert_int_equal(y.arrival_us, 0);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

/* From the row in history back to the acceptance; and one row for each
 * recipient, the last one that was written. */
static void
chains(void **state)
{
	uint64_t last[2], n, later;
	struct journal_entry x;
	unsigned steps = 0;
	uint32_t rcpt = 0;
	struct box b;

	(void)state;
	box_make(&b);
	box_begin(&b);
	last[0] = chain(&b, 8, 3, 5);
	last[1] = chain(&b, 8, 7, 2);
	(void)chain(&b, 12, 3, 2);
	yes(&b, journal_history(b.t, 8, 3, &n, &b.e));
	assert_int_equal(n, last[0]);
	for (; n != 0; n = x.previous, steps++)
		yes(&b, journal_get(b.t, n, &x, &b.e));
	assert_int_equal(x.kind, JOURNAL_ACCEPTED);
	assert_int_equal(steps, 5);
	yes(&b, journal_history_next(b.t, 8, &rcpt, &n, &b.e));
	assert_true(rcpt == 3 && n == last[0]);
	rcpt++;
	yes(&b, journal_history_next(b.t, 8, &rcpt, &n, &b.e));
	assert_true(rcpt == 7 && n == last[1]);
	rcpt++;
	assert_false(journal_history_next(b.t, 8, &rcpt, &n, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	assert_false(journal_history(b.t, 8, 4, &n, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	x = entry_of(JOURNAL_RETURNED, 8, 3);
	x.previous = last[0];
	later = add(&b, &x);
	yes(&b, journal_ended(b.t, 8, 3, later, &b.e));
	yes(&b, journal_history(b.t, 8, 3, &n, &b.e));
	assert_int_equal(n, later);
	box_commit(&b);
	assert_int_equal(box_verify(&b).entries, 10);
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip),         cmocka_unit_test(words),
	    cmocka_unit_test(numbers_grow),       cmocka_unit_test(two_writers),
	    cmocka_unit_test(texts_from_outside), cmocka_unit_test(chains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
