#include "queue/journal.h"
#include "tests/queue/box.h"

#include <sys/wait.h>

/* An entry with something in every field. */
static struct journal_entry
entry_of(enum journal_kind kind, uint64_t message, uint32_t rcpt)
{
	return (struct journal_entry){
	    .kind = (uint8_t)kind,
	    .category = CATEGORY_COUNT - 1,
	    .code = 550,
	    .at_us = (uint64_t)BOX_NOW,
	    .message = message,
	    .rcpt = rcpt,
	    .arrival_us = (uint64_t)BOX_NOW - 1,
	    .next_us = (uint64_t)BOX_NOW + 1,
	    .size_bytes = UINT64_MAX,
	    .attempts = 3,
	    .queued_us = 4,
	    .in_worker_us = 5,
	    .connect_us = 6,
	    .transmit_us = 7,
	    .sender = text_of("sender@example.com"),
	    .address = text_of("reader@example.net"),
	    .message_id = text_of("<1@example.com>"),
	    .type = text_of("mass"),
	    .source = text_of("crm"),
	    .relay = text_of("corp"),
	    .remote = text_of("mx.example.net[192.0.2.1]:25"),
	    .status = text_of("5.1.1"),
	    .reply = text_of("550 5.1.1 no such user"),
	    .security = text_of("TLSv1.3"),
	    .who = text_of("root"),
	    .detail = text_of("why"),
	};
}

static uint64_t
add(struct box *b, const struct journal_entry *x)
{
	uint64_t n = 0;

	yes(b, journal_add(b->t, x, &n, &b->e));
	return n;
}

static uint64_t
add_at(struct box *b, int64_t at_us)
{
	struct journal_entry x = entry_of(JOURNAL_RELAY, 0, 0);

	x.at_us = (uint64_t)at_us;
	return add(b, &x);
}

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

/* A chain of n entries about one recipient, with its row in history. */
static uint64_t
chain(struct box *b, uint64_t message, uint32_t rcpt, unsigned n)
{
	struct journal_entry x = entry_of(JOURNAL_ACCEPTED, message, 9);
	uint64_t last = add(b, &x);

	for (unsigned i = 1; i < n; i++) {
		x = entry_of(i == n - 1 ? JOURNAL_DELIVERED : JOURNAL_DEFERRED,
			     message, rcpt);
		x.previous = last;
		last = add(b, &x);
	}
	yes(b, journal_ended(b->t, message, rcpt, last, &b->e));
	return last;
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

enum { DAY = 10 };
static const int64_t KEEP = 30 * 24 * HOUR_US;

static unsigned
prune(struct box *b, int64_t keep_us, uint64_t most_bytes, int64_t now_us,
      unsigned most, bool *more)
{
	uint64_t before = txn_state(b->t)->entries;
	bool may;

	yes(b,
	    journal_may_prune(b->t, keep_us, most_bytes, now_us, &may, &b->e));
	yes(b, journal_prune(b->t, keep_us, most_bytes, now_us, most, more,
			     &b->e));
	assert_int_equal(may, txn_state(b->t)->entries < before);
	return (unsigned)(before - txn_state(b->t)->entries);
}

/* One entry an hour for ten days. */
static uint64_t
ten_days(struct box *b)
{
	uint64_t first = 0, n;

	box_begin(b);
	for (int i = 0; i < DAY * 24; i++) {
		n = add_at(b, BOX_NOW + i * HOUR_US);
		if (first == 0)
			first = n;
	}
	box_commit(b);
	return first;
}

static void
prune_by_age(void **state)
{
	struct journal_entry x;
	uint64_t first;
	struct box b;
	bool more;

	(void)state;
	box_make(&b);
	first = ten_days(&b);
	box_begin(&b);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP - 1, 100, &more), 0);
	assert_false(more);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP, 100, &more), 1);
	assert_false(more);
	assert_int_equal(txn_state(b.t)->entry_removed, first);
	assert_false(journal_get(b.t, first, &x, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP + 9 * HOUR_US, 5, &more),
	    5);
	assert_true(more);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP + 9 * HOUR_US, 5, &more),
	    4);
	assert_false(more);
	box_commit(&b);
	box_verify(&b);
	box_begin(&b);
	assert_int_equal(prune(&b, KEEP, UINT64_MAX, INT64_MAX, 1000, &more),
			 230);
	assert_false(more);
	assert_int_equal(prune(&b, KEEP, 0, INT64_MAX, 1000, &more), 0);
	assert_int_equal(txn_state(b.t)->entry_bytes, 0);
	add_at(&b, BOX_NOW); /* the numbers go on */
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

static void
prune_by_size(void **state)
{
	uint64_t bytes;
	struct box b;
	bool more;

	(void)state;
	box_make(&b);
	ten_days(&b);
	box_begin(&b);
	bytes = txn_state(b.t)->entry_bytes;
	assert_int_equal(prune(&b, KEEP, bytes, BOX_NOW, 100, &more), 0);
	assert_int_equal(prune(&b, KEEP, bytes - 1, BOX_NOW, 100, &more), 1);
	assert_int_equal(prune(&b, KEEP, bytes / 2, BOX_NOW, 100, &more), 100);
	assert_true(more);
	assert_int_equal(prune(&b, KEEP, bytes / 2, BOX_NOW, 100, &more), 19);
	assert_false(more);
	assert_true(txn_state(b.t)->entry_bytes <= bytes / 2);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

/* The row of history goes with the entry that it names, not before. */
static void
prune_history(void **state)
{
	struct journal_entry x;
	uint64_t last, n;
	struct box b;
	bool more;

	(void)state;
	box_make(&b);
	box_begin(&b);
	last = chain(&b, 8, 3, 3);
	x = entry_of(JOURNAL_RETURNED, 8, 3);
	x.previous = last;
	x.at_us += (uint64_t)HOUR_US;
	last = add(&b, &x);
	yes(&b, journal_ended(b.t, 8, 3, last, &b.e));
	chain(&b, 12, 0, 2);
	box_commit(&b);
	box_begin(&b);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP, 100, &more), 3);
	yes(&b, journal_history(b.t, 8, 3, &n, &b.e));
	assert_int_equal(n, last);
	box_commit(&b);
	box_verify(&b); /* the chain ends before what is there */
	box_begin(&b);
	assert_int_equal(
	    prune(&b, KEEP, UINT64_MAX, BOX_NOW + KEEP + HOUR_US, 1, &more), 1);
	assert_false(journal_history(b.t, 8, 3, &n, &b.e));
	yes(&b, journal_history(b.t, 12, 0, &n, &b.e));
	box_commit(&b);
	box_verify(&b);
	box_begin(&b);
	/* Of an entry that is forgotten already nothing is kept. */
	yes(&b, journal_ended(b.t, 8, 3, last, &b.e));
	assert_false(journal_history(b.t, 8, 3, &n, &b.e));
	assert_int_equal(prune(&b, 0, 0, INT64_MAX, 9, &more), 2);
	assert_int_equal(txn_state(b.t)->entry_bytes, 0);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

static bool
ack(struct box *b, const char *name, uint64_t number)
{
	bool done;

	yes(b, journal_ack(b->t, text_of(name), number, "ro\not", BOX_NOW,
			   &done, &b->e));
	return done;
}

/* What it has not acknowledged outlives `keep`, not the size; and the gap
 * shows. */
static void
prune_with_readers(void **state)
{
	int64_t late = BOX_NOW + 2 * KEEP;
	struct reader_record r;
	uint64_t first, bytes;
	struct box b;
	bool more;

	(void)state;
	box_make(&b);
	first = ten_days(&b);
	box_begin(&b);
	bytes = txn_state(b.t)->entry_bytes;
	assert_true(ack(&b, "slow", first));
	assert_true(ack(&b, "fast", txn_state(b.t)->last_entry));
	assert_int_equal(prune(&b, KEEP, bytes, late, 1000, &more), 1);
	assert_false(more);
	assert_true(txn_state(b.t)->entry_removed <= first);
	assert_int_equal(prune(&b, KEEP, bytes / 2, late, 1000, &more), 119);
	yes(&b, journal_reader(b.t, text_of("slow"), &r, &b.e));
	assert_true(txn_state(b.t)->entry_removed > r.entry); /* it lost some */
	assert_int_equal(prune(&b, KEEP, bytes, late, 1000, &more), 0);
	assert_true(ack(&b, "slow", 0));
	assert_int_equal(prune(&b, KEEP, bytes, late, 1000, &more), 120);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

static void
readers(void **state)
{
	static const struct {
		const char *name, *reader;
		bool valid;
	} rows[] = {
	    {"a letter", "a", true},
	    {"all kinds", "crm-EU_2.x", true},
	    {"64",
	     "a234567890123456789012345678901234567890123456789012345678"
	     "901234",
	     true},
	    {"65",
	     "a234567890123456789012345678901234567890123456789012345678"
	     "9012345",
	     false},
	    {"none", "", false},
	    {"a blank", "a b", false},
	    {"a line end", "a\n", false},
	    {"a slash", "../a", false},
	    {"UTF-8", "\xc3\xa4", false},
	};
	struct text name = {.p = "", .n = 0};
	struct reader_record r;
	uint64_t one, two;
	unsigned n = 0;
	struct box b;

	(void)state;
	box_make(&b);
	box_begin(&b);
	one = add_at(&b, BOX_NOW);
	two = add_at(&b, BOX_NOW + 9);
	for (size_t i = 0; i < countof(rows); i++) {
		print_message("%s\n", rows[i].name);
		assert_int_equal(journal_reader_valid(text_of(rows[i].reader)),
				 rows[i].valid);
		assert_int_equal(ack(&b, rows[i].reader, one), rows[i].valid);
		if (rows[i].valid)
			assert_true(ack(&b, rows[i].reader, 0));
		assert_false(ack(&b, rows[i].reader, 0)); /* nobody there */
	}
	assert_false(ack(&b, "a", one + 4)); /* between the two */
	assert_false(ack(&b, "a", two + 4)); /* not yet */
	assert_false(ack(&b, "a", one - 1)); /* a message's */
	assert_false(ack(&b, "a", UINT64_MAX));
	assert_true(ack(&b, "a", two));
	assert_true(ack(&b, "a", one)); /* said again, out of order */
	yes(&b, journal_reader(b.t, text_of("a"), &r, &b.e));
	assert_int_equal(r.entry, two);
	assert_int_equal(r.at_us, BOX_NOW);
	assert_true(text_is(r.who, "ro?ot"));
	for (unsigned i = 1; i < JOURNAL_READERS_MOST; i++) {
		char s[8];

		snprintf(s, sizeof s, "b%u", i);
		assert_true(ack(&b, s, one));
	}
	assert_false(ack(&b, "c", one));
	assert_true(ack(&b, "b3", two)); /* who is there goes on */
	while (journal_reader_next(b.t, name, &name, &r, &b.e)) {
		assert_true(name.p[0] == "ab"[n > 0]);
		n++;
	}
	assert_int_equal(b.e.kind, ERR_NONE);
	assert_int_equal(n, JOURNAL_READERS_MOST);
	assert_true(ack(&b, "a", 0));
	assert_true(ack(&b, "c", one));
	assert_false(journal_reader(b.t, text_of("a"), &r, &b.e));
	assert_int_equal(b.e.kind, ERR_NONE);
	box_commit(&b);
	box_verify(&b);
	box_remove(&b);
}

enum lie {
	DEL_ENTRY,
	DEL_LAST,
	OCTET,
	NO_SENSE,
	ODD_KEY,
	SHORT_KEY,
	TOO_NEW,
	REMOVED,
	AHEAD,
	ANOTHERS,
	HISTORY_OF_NOBODY,
	HISTORY_OF_ANOTHER,
	HISTORY_GONE,
	HISTORY_LONG,
	READER_AHEAD,
	READER_NAME,
	COUNT_BYTES,
};

static void
put_entry(struct box *b, const struct journal_entry *x, uint64_t number,
	  size_t nkey)
{
	struct state_record *s = txn_state(b->t);
	unsigned char key[8];
	struct bytes row = {0};

	put_be64(key, number);
	record_seal_begin(&row);
	journal_entry_encode(&row, x);
	record_seal_end(&row, 0);
	yes(b, txn_put(b->t, STORE_JOURNAL, key, nkey, row.data, row.n, &b->e));
	s->entries++;
	s->entry_bytes += row.n + nkey;
	bytes_free(&row);
}

static void
put_history(struct box *b, uint64_t message, uint32_t rcpt, uint64_t entry,
	    size_t extra)
{
	struct history_record h = {.entry = entry};
	unsigned char key[KEY_RECIPIENT];
	struct bytes row = {0};

	key_recipient(key, message, rcpt);
	history_seal(&row, &h);
	bytes_add(&row, "xx", extra);
	yes(b, txn_put(b->t, STORE_HISTORY, key, sizeof key, row.data, row.n,
		       &b->e));
	bytes_free(&row);
}

/* first, last: of a chain of three about recipient 0 of message 8. */
static void
tell(struct box *b, enum lie lie, uint64_t first, uint64_t last)
{
	struct journal_entry x = entry_of(JOURNAL_DEFERRED, 8, 0);
	struct state_record *s = txn_state(b->t);
	struct reader_record r = {.entry = last + 4};
	unsigned char key[KEY_RECIPIENT];
	struct bytes row = {0};
	const void *val;
	size_t n;

	put_be64(key, lie == DEL_LAST ? last : first);
	switch (lie) {
	case DEL_ENTRY:
	case DEL_LAST:
		s->entries--;
		yes(b, txn_del(b->t, STORE_JOURNAL, key, 8, &b->e));
		break;
	case OCTET:
		yes(b, txn_get(b->t, STORE_JOURNAL, key, 8, &val, &n, &b->e));
		bytes_add(&row, val, n);
		row.data[n / 2] ^= 1;
		yes(b,
		    txn_put(b->t, STORE_JOURNAL, key, 8, row.data, n, &b->e));
		break;
	case NO_SENSE:
		record_seal(&row, &(struct bytes){0});
		yes(b, txn_put(b->t, STORE_JOURNAL, key, 8, row.data, row.n,
			       &b->e));
		break;
	case ODD_KEY:
		s->last_entry++;
		put_entry(b, &x, last + 1, 8);
		break;
	case SHORT_KEY:
		put_entry(b, &x, last, 7);
		break;
	case TOO_NEW:
		put_entry(b, &x, last + 4, 8);
		break;
	case REMOVED:
		s->entry_removed = first;
		break;
	case AHEAD:
	case ANOTHERS:
		x.previous = lie == AHEAD ? last + 8 : first + 4;
		x.message += lie == ANOTHERS;
		add(b, &x);
		break;
	case HISTORY_OF_NOBODY:
		put_history(b, 8, 1, last + 4, 0);
		break;
	case HISTORY_OF_ANOTHER:
		put_history(b, 8, 1, last, 0);
		break;
	case HISTORY_GONE:
		key_recipient(key, 8, 0);
		yes(b, txn_del(b->t, STORE_HISTORY, key, sizeof key, &b->e));
		break;
	case HISTORY_LONG:
		put_history(b, 8, 0, last, 1);
		break;
	case READER_AHEAD:
	case READER_NAME:
		reader_seal(&row, &r);
		yes(b, txn_put(b->t, STORE_READER,
			       lie == READER_NAME ? "a b" : "abc", 3, row.data,
			       row.n, &b->e));
		break;
	case COUNT_BYTES:
		s->entry_bytes--;
		break;
	}
	bytes_free(&row);
}

/* A row written or removed behind the journal's back is found. */
static void
every_lie(void **state)
{
	static const struct {
		const char *name;
		enum lie lie;
		const char *text;
	} rows[] = {
	    {"an entry is gone", DEL_ENTRY, "one before is missing"},
	    {"the last one is gone", DEL_LAST, "history names it"},
	    {"an octet of a row", OCTET, "checksum"},
	    {"a row that is empty", NO_SENSE, "no sense"},
	    {"a message's number", ODD_KEY, "no number"},
	    {"a key cut short", SHORT_KEY, "no number"},
	    {"newer than the last", TOO_NEW, "newer"},
	    {"removed and there", REMOVED, "removed"},
	    {"it follows a later one", AHEAD, "later"},
	    {"it follows another's", ANOTHERS, "another recipient's"},
	    {"history of no entry", HISTORY_OF_NOBODY, "missing"},
	    {"history of another's", HISTORY_OF_ANOTHER, "of another"},
	    {"a row of history is gone", HISTORY_GONE, "octets"},
	    {"a row of history too long", HISTORY_LONG, "history"},
	    {"a reader ahead of us", READER_AHEAD, "never written"},
	    {"a reader without a name", READER_NAME, "no name"},
	    {"an octet counted too few", COUNT_BYTES, "octets"},
	};

	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		uint64_t first, last, entries;
		struct verify_report r;
		struct box b;

		print_message("%s\n", rows[i].name);
		box_make(&b);
		box_begin(&b);
		last = chain(&b, 8, 0, 3);
		first = last - 8;
		yes(&b, journal_verify(b.t, &entries, &b.e));
		assert_int_equal(entries, 3);
		tell(&b, rows[i].lie, first, last);
		box_commit(&b);
		assert_false(verify_store(b.store, &r, NULL, NULL, &b.e));
		assert_int_equal(b.e.kind, ERR_DAMAGED);
		print_message("  %s\n", b.e.text);
		assert_non_null(strstr(b.e.text, rows[i].text));
		box_remove(&b);
	}
}

/* No room: the transaction is given up, what was committed is as it was, and
 * the oldest ones still can make room. */
static void
no_room(void **state)
{
	uint64_t entries = 0, n = 0;
	struct journal_entry x = entry_of(JOURNAL_BOUNCED, 8, 0);
	char longest[VERDICT_REPLY_MOST];
	struct box b;
	bool ok = true, more;

	(void)state;
	memset(longest, 'x', sizeof longest);
	x.reply = (struct text){.p = longest, .n = sizeof longest};
	box_make(&b);
	while (ok) {
		box_begin(&b);
		entries = txn_state(b.t)->entries;
		for (int i = 0; i < 100 && ok; i++) {
			x.rcpt++;
			ok = journal_add(b.t, &x, &n, &b.e) &&
			     journal_ended(b.t, 8, x.rcpt, n, &b.e);
		}
		if (ok)
			ok = store_commit(b.t, &b.e);
		else
			store_abort(b.t);
	}
	assert_int_equal(b.e.kind, ERR_FULL);
	assert_true(entries > 1000);
	assert_int_equal(box_verify(&b).entries, entries);
	box_begin(&b);
	assert_int_equal(prune(&b, KEEP, 0, BOX_NOW, 50, &more), 50);
	box_commit(&b);
	assert_int_equal(box_verify(&b).entries, entries - 50);
	box_remove(&b);
}

/* Entries lie close together: the file grows by little more than they have. */
static void
dense(void **state)
{
	struct store_room before, after;
	uint64_t bytes;
	struct box b;

	(void)state;
	box_make(&b);
	yes(&b, store_room(b.store, &before, &b.e));
	for (unsigned i = 0; i < 20; i++) {
		box_begin(&b);
		for (unsigned k = 0; k < 50; k++)
			chain(&b, (i * 50 + k + 1) * 4, 0, 3);
		box_commit(&b);
	}
	yes(&b, store_room(b.store, &after, &b.e));
	box_read(&b);
	bytes = txn_state(b.t)->entry_bytes;
	box_end(&b);
	print_message(
	    "%llu octets of rows take %llu of the file\n",
	    (unsigned long long)bytes,
	    (unsigned long long)(after.used_bytes - before.used_bytes));
	assert_true(after.used_bytes - before.used_bytes < bytes * 5 / 4);
	box_remove(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(round_trip),
	    cmocka_unit_test(words),
	    cmocka_unit_test(numbers_grow),
	    cmocka_unit_test(two_writers),
	    cmocka_unit_test(texts_from_outside),
	    cmocka_unit_test(chains),
	    cmocka_unit_test(prune_by_age),
	    cmocka_unit_test(prune_by_size),
	    cmocka_unit_test(prune_history),
	    cmocka_unit_test(prune_with_readers),
	    cmocka_unit_test(readers),
	    cmocka_unit_test(every_lie),
	    cmocka_unit_test(no_room),
	    cmocka_unit_test(dense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
