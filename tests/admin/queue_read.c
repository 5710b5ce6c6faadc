/* Looking at a queue in pages: everything once, in order, while it changes. */
#include "tests/queue/box.h"

#include "admin/queue_oldest.h"
#include "admin/queue_read.h"

static const struct queue_filter everything;

/* All hits as "id/rcpt " texts, ids counted from `first`. */
static void
scan(struct box *b, const struct queue_filter *f, bool messages, uint64_t first,
     char *out, size_t size)
{
	struct queue_scan s;
	size_t at = 0;

	out[0] = '\0';
	queue_scan_init(&s, b->store, f, messages);
	while (!s.ended) {
		yes(b, queue_scan_page(&s, &b->e));
		for (size_t i = 0; i < s.n; i++)
			at += (size_t)snprintf(
			    out + at, size - at, "%u/%u ",
			    (unsigned)((s.hit[i].id - first) / ID_WRITERS),
			    s.hit[i].rcpt);
		assert_true(at < size);
	}
}

static void
expect(struct box *b, const struct queue_filter *f, bool messages,
       uint64_t first, const char *text)
{
	char got[4096];

	scan(b, f, messages, first, got, sizeof got);
	assert_string_equal(got, text);
}

static void
hold(struct box *b, uint64_t id, uint32_t rcpt)
{
	enum ledger_answer a;
	uint32_t changed;
	bool gone;

	yes(b, ledger_order(b->t, id, rcpt, LEDGER_HOLD, "uid 0: a reason",
			    BOX_NOW, &a, &changed, &gone, &b->e));
	assert_int_equal(a, LEDGER_DONE);
}

static struct queue_filter
only(enum recipient_state s)
{
	return (struct queue_filter){.any = true, .states = 1U << s};
}

/* Message 0: held and waiting; 1: active; 2: failed and waiting later. */
static uint64_t
some_of_each(struct box *b)
{
	uint64_t id[3];
	bool gone;

	box_begin(b);
	for (size_t i = 0; i < countof(id); i++)
		id[i] = box_accept(b, 100, i == 1 ? 1 : 2, false);
	hold(b, id[0], 0);
	box_claim(b, id[1], 0);
	box_claim(b, id[2], 0);
	box_settle(b, id[2], 0, VERDICT_FAIL, &gone);
	box_claim(b, id[2], 1);
	box_settle(b, id[2], 1, VERDICT_DEFER, &gone);
	box_commit(b);
	return id[0];
}

static void
test_order_and_states(void **state)
{
	struct queue_filter held = only(RECIPIENT_HELD);
	struct queue_filter failed = only(RECIPIENT_FAILED);
	struct queue_filter corp = {.any = true, .relay = "corp"};
	struct queue_filter nobody = {.any = true, .to = "nobody@*"};
	struct box b;
	uint64_t first;

	(void)state;
	box_make(&b);
	first = some_of_each(&b);
	expect(&b, &everything, false, first, "1/0 0/1 2/1 0/0 2/0 ");
	expect(&b, &everything, true, first, "1/0 0/1 2/1 ");
	expect(&b, &held, true, first, "0/0 ");
	expect(&b, &failed, false, first, "2/0 ");
	expect(&b, &corp, true, first, "2/1 ");
	expect(&b, &nobody, true, first, "");
	box_remove(&b);
}

static void
test_an_empty_queue(void **state)
{
	struct queue_oldest oldest;
	struct queue_message m;
	struct box b;

	(void)state;
	box_make(&b);
	expect(&b, &everything, true, 0, "");
	yes(&b, queue_oldest(b.store, BOX_NOW, &oldest, &b.e));
	assert_false(oldest.message || oldest.waiting);
	assert_false(queue_message_read(b.store, 4711, &m, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	box_remove(&b);
}

/* More than a page, more than a look, and messages that leave between two
 * pages. */
static void
test_pages(void **state)
{
	enum { MANY = 450 };
	struct queue_filter f = only(RECIPIENT_HELD);
	struct queue_scan s;
	uint64_t id[MANY];
	unsigned n = 0;
	struct box b;

	(void)state;
	box_make(&b);
	box_begin(&b);
	for (int i = 0; i < MANY; i++) {
		id[i] = box_accept(&b, 10, 1, false);
		hold(&b, id[i], 0);
	}
	box_commit(&b);
	queue_scan_init(&s, b.store, &f, true);
	while (!s.ended) {
		yes(&b, queue_scan_page(&s, &b.e));
		assert_true(s.n <= QUEUE_PAGE);
		for (size_t i = 0; i < s.n; i++)
			assert_int_equal(s.hit[i].id, id[n + i]);
		n += (unsigned)s.n;
		if (n == QUEUE_PAGE) { /* the last ones leave */
			box_begin(&b);
			for (int i = MANY - 50; i < MANY; i++) {
				enum ledger_answer a;
				uint32_t changed;
				bool gone;

				yes(&b, ledger_order(b.t, id[i], 0, LEDGER_DROP,
						     "", BOX_NOW, &a, &changed,
						     &gone, &b.e));
				assert_true(gone);
			}
			box_commit(&b);
		}
	}
	assert_int_equal(n, MANY - 50);
	box_remove(&b);
}

/* A message for many comes once, wherever its recipients stand. */
static void
test_many_recipients_once(void **state)
{
	struct box b;
	uint64_t id;
	bool gone;

	(void)state;
	for (uint32_t first = 0; first < 8; first++) {
		char text[32];

		box_make(&b);
		box_begin(&b);
		id = box_accept(&b, 10, 8, false);
		for (uint32_t r = 0; r < 8; r++)
			if (r != first) {
				box_claim(&b, id, r);
				box_settle(&b, id, r, VERDICT_DEFER, &gone);
			}
		box_commit(&b);
		snprintf(text, sizeof text, "0/%u ", first);
		expect(&b, &everything, true, id, text);
		box_remove(&b);
	}
}

static void
test_a_message_is_copied(void **state)
{
	struct queue_message m;
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	id = some_of_each(&b);
	yes(&b, queue_message_read(b.store, id, &m, &b.e));
	box_close(&b); /* the map is gone, the copy is not */
	assert_int_equal(m.nrcpt, 2);
	assert_true(text_is(m.record.sender, "sender@example.com"));
	assert_true(text_is(m.rcpt[0].record.reason, "uid 0: a reason"));
	assert_true(text_is(m.rcpt[1].record.address, "reader@example.net"));
	queue_message_free(&m);
	box_open(&b, STORE_READ);
	box_remove(&b);
}

struct taken {
	struct bytes all;
	unsigned chunks;
	unsigned most;
};

static bool
take(void *arg, const unsigned char *p, size_t n)
{
	struct taken *t = arg;

	bytes_add(&t->all, p, n);
	return ++t->chunks < t->most;
}

static void
test_the_body(void **state)
{
	enum { SIZE = 2 * CHUNK_MOST + 17 };
	struct taken all = {.most = 100}, one = {.most = 1};
	unsigned char *body = must_alloc(SIZE);
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, SIZE, 1, false);
	box_commit(&b);
	yes(&b, queue_body_read(b.store, id, 3, take, &all, &b.e));
	box_body(id, body, SIZE);
	assert_int_equal(all.all.n, SIZE);
	assert_memory_equal(all.all.data, body, SIZE);
	yes(&b, queue_body_read(b.store, id, 3, take, &one, &b.e));
	assert_int_equal(one.all.n, CHUNK_MOST);
	assert_false(queue_body_read(b.store, id, 4, take, &all, &b.e));
	bytes_free(&all.all);
	bytes_free(&one.all);
	free(body);
	box_remove(&b);
}

static void
test_what_waits_longest(void **state)
{
	struct queue_oldest o;
	struct box b;
	uint64_t id;
	bool gone;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 10, 1, false);
	box_commit(&b);
	yes(&b, queue_oldest(b.store, BOX_NOW, &o, &b.e));
	assert_true(o.message && o.waiting && !o.tried);
	assert_int_equal(o.due_us, BOX_NOW);
	box_begin(&b);
	box_claim(&b, id, 0);
	box_settle(&b, id, 0, VERDICT_DEFER, &gone);
	box_commit(&b);
	yes(&b, queue_oldest(b.store, BOX_NOW, &o, &b.e));
	assert_true(o.message && o.waiting && o.tried);
	assert_int_equal(o.arrival_us, BOX_NOW);
	assert_int_equal(o.due_us, BOX_NOW + HOUR_US);
	assert_string_equal(o.relay, "corp");
	assert_string_equal(o.status, "4.2.0");
	assert_non_null(strstr(o.reason, "try later"));
	box_remove(&b);
}

/* Untried mail stands in front while a relay is down: the words are those of
 * the one that was tried. */
static void
test_the_words_of_one_that_was_tried(void **state)
{
	struct queue_oldest o;
	struct box b;
	uint64_t id;
	bool gone;

	(void)state;
	box_make(&b);
	box_begin(&b);
	id = box_accept(&b, 10, 1, false);
	box_accept(&b, 10, 1, false);
	box_claim(&b, id, 0);
	box_settle(&b, id, 0, VERDICT_DEFER, &gone);
	box_commit(&b);
	yes(&b, queue_oldest(b.store, BOX_NOW + SECOND_US, &o, &b.e));
	assert_int_equal(o.due_us, BOX_NOW);
	assert_true(o.tried);
	assert_int_equal(o.tried_us, BOX_NOW + 2 * SECOND_US);
	assert_non_null(strstr(o.reason, "try later"));
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order_and_states),
	    cmocka_unit_test(test_an_empty_queue),
	    cmocka_unit_test(test_pages),
	    cmocka_unit_test(test_many_recipients_once),
	    cmocka_unit_test(test_a_message_is_copied),
	    cmocka_unit_test(test_the_body),
	    cmocka_unit_test(test_what_waits_longest),
	    cmocka_unit_test(test_the_words_of_one_that_was_tried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
