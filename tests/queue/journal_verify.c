/* What lies about the journal, and what the journal needs. */
#include "tests/queue/journal_box.h"

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
	    cmocka_unit_test(every_lie),
	    cmocka_unit_test(no_room),
	    cmocka_unit_test(dense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
