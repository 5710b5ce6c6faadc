#include "tests/queue/box.h"

#include "queue/suppress.h"

static const int64_t DAY = INT64_C(86400) * 1000000;

static struct text
batch_of(struct bytes *b, const struct suppress_entry *e, size_t n)
{
	b->n = 0;
	for (size_t i = 0; i < n; i++)
		suppress_entry_add(b, &e[i]);
	return (struct text){(const char *)b->data, b->n};
}

static struct suppress_entry
entry(enum suppress_origin origin, const char *address, const char *reason)
{
	return (struct suppress_entry){.origin = (uint8_t)origin,
				       .address = text_of(address),
				       .reason = text_of(reason),
				       .evidence = text_of("550 no")};
}

static uint32_t
add(struct box *b, struct suppress_entry e)
{
	struct bytes batch = {0};
	uint32_t changed;

	box_begin(b);
	yes(b, suppress_add(b->t, batch_of(&batch, &e, 1), "uid 0", BOX_NOW,
			    &changed, &b->e));
	box_commit(b);
	bytes_free(&batch);
	return changed;
}

/* "": it is not suppressed; else the reason. */
static const char *
why(struct box *b, const char *address, int64_t now_us)
{
	static char reason[SUPPRESS_REASON + 1];
	struct suppress_record r;
	bool found;

	box_read(b);
	yes(b,
	    suppress_find(b->t, text_of(address), now_us, &found, &r, &b->e));
	reason[0] = '\0';
	if (found)
		text_copy(r.reason, reason, sizeof reason);
	box_end(b);
	return reason;
}

/* What is an address, and that its key leads back to it. */
static void
keys(void **state)
{
	static const struct {
		const char *name, *address, *key, *back;
	} row[] = {
	    {"letters", "Bob.X@Example.COM", "example.com@bob.x",
	     "bob.x@example.com"},
	    {"a domain", "@Example.com", "example.com@", "@example.com"},
	    {"a quoted local part with an @", "\"A@b\"@x.test",
	     "x.test@\"a@b\"", "\"a@b\"@x.test"},
	    {"beyond ASCII", "J\xc3\x9crg@b\xc3\xbc.test",
	     "b\xc3\xbc.test@j\xc3\x9crg", "j\xc3\x9crg@b\xc3\xbc.test"},
	    {"a literal", "a@[192.0.2.1]", "[192.0.2.1]@a", "a@[192.0.2.1]"},
	    {"nothing", "", "", NULL},
	    {"no domain", "bob", "", NULL},
	    {"a lone @", "@", "", NULL},
	    {"a literal as a domain", "@[192.0.2.1]", "", NULL},
	    {"two domains", "@a.test@b.test", "", NULL},
	    {"a line end", "a\r\n@x.test", "", NULL},
	    {"malformed UTF-8", "\xc3@x.test", "", NULL},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		unsigned char key[SUPPRESS_KEY];
		char back[SUPPRESS_ADDRESS + 1];
		size_t n = suppress_key(text_of(row[i].address), key);

		print_message("%s\n", row[i].name);
		assert_int_equal(n, strlen(row[i].key));
		assert_memory_equal(key, row[i].key, n);
		if (n == 0)
			continue;
		assert_true(suppress_address(key, n, back));
		assert_string_equal(back, row[i].back);
	}
}

static void
longest_address(void **state)
{
	char address[ADDRESS_MOST + 1];
	unsigned char key[SUPPRESS_KEY];
	size_t n = 0;

	(void)state;
	memset(address, 'a', sizeof address - 1);
	address[ADDRESS_MOST] = '\0';
	address[ADDRESS_LOCAL_MOST] = '@';
	for (n = ADDRESS_LOCAL_MOST + 61; n < ADDRESS_MOST; n += 61)
		address[n] = '.';
	assert_int_equal(suppress_key(text_of(address), key), ADDRESS_MOST);
}

static void
found_and_not(void **state)
{
	struct box b;

	(void)state;
	box_make(&b);
	assert_string_equal(why(&b, "bob@x.test", BOX_NOW), "");
	assert_int_equal(add(&b, entry(SUPPRESS_MANUAL, "Bob@x.test", "m")), 1);
	assert_int_equal(add(&b, entry(SUPPRESS_MANUAL, "@y.test", "d")), 1);
	assert_string_equal(why(&b, "bOB@X.test", BOX_NOW), "m");
	assert_string_equal(why(&b, "bo@x.test", BOX_NOW), "");
	assert_string_equal(why(&b, "bobb@x.test", BOX_NOW), "");
	assert_string_equal(why(&b, "any@Y.test", BOX_NOW), "d");
	assert_string_equal(why(&b, "any@z.y.test", BOX_NOW), "");
	assert_string_equal(why(&b, "any@xy.test", BOX_NOW), "");
	assert_int_equal(box_verify(&b).suppressed, 2);
	box_remove(&b);
}

/* The second says something else of the same address. */
static void
who_outranks_whom(void **state)
{
	static const struct {
		const char *name;
		enum suppress_origin first, second;
		const char *holds;
	} row[] = {
	    {"a person over a service", SUPPRESS_IMPORT, SUPPRESS_MANUAL, "2"},
	    {"a service not over a person", SUPPRESS_MANUAL, SUPPRESS_IMPORT,
	     "1"},
	    {"a bounce over nobody", SUPPRESS_IMPORT, SUPPRESS_BOUNCE, "1"},
	    {"a service over a bounce", SUPPRESS_BOUNCE, SUPPRESS_IMPORT, "2"},
	    {"a service over a complaint", SUPPRESS_COMPLAINT, SUPPRESS_IMPORT,
	     "2"},
	    {"a complaint over a bounce", SUPPRESS_BOUNCE, SUPPRESS_COMPLAINT,
	     "2"},
	    {"the same again is newer", SUPPRESS_MANUAL, SUPPRESS_MANUAL, "2"},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct box b;

		print_message("%s\n", row[i].name);
		box_make(&b);
		add(&b, entry(row[i].first, "a@x.test", "1"));
		add(&b, entry(row[i].second, "a@x.test", "2"));
		assert_string_equal(why(&b, "a@x.test", BOX_NOW), row[i].holds);
		box_remove(&b);
	}
}

static void
the_same_again_changes_nothing(void **state)
{
	struct box b;

	(void)state;
	box_make(&b);
	assert_int_equal(add(&b, entry(SUPPRESS_IMPORT, "a@x.test", "1")), 1);
	assert_int_equal(add(&b, entry(SUPPRESS_IMPORT, "A@x.test", "1")), 0);
	box_remove(&b);
}

static void
until_its_time_is_over(void **state)
{
	struct suppress_entry e = entry(SUPPRESS_MANUAL, "a@x.test", "m");
	struct suppress_old old = {.n = 0};
	struct box b;

	(void)state;
	box_make(&b);
	e.until_us = (uint64_t)(BOX_NOW + DAY);
	add(&b, e);
	add(&b, entry(SUPPRESS_MANUAL, "b@x.test", "for good"));
	assert_string_equal(why(&b, "a@x.test", BOX_NOW + DAY - 1), "m");
	assert_string_equal(why(&b, "a@x.test", BOX_NOW + DAY), "");
	assert_string_equal(why(&b, "b@x.test", INT64_MAX), "for good");
	box_begin(&b);
	yes(&b, suppress_look(&old, b.t, BOX_NOW + DAY - 1, &b.e));
	assert_int_equal(old.n, 0);
	yes(&b, suppress_look(&old, b.t, BOX_NOW + DAY, &b.e));
	assert_int_equal(old.n, 1);
	yes(&b, suppress_forget(&old, b.t, BOX_NOW + DAY, &b.e));
	box_commit(&b);
	assert_int_equal(box_verify(&b).suppressed, 1);
	box_remove(&b);
}

/* More rows than one look has: all that are old go, the others stay. */
static void
old_rows_go_round_by_round(void **state)
{
	enum { ROWS = 3 * SUPPRESS_LOOK };
	struct suppress_old old = {.n = 0};
	struct bytes batch = {0};
	struct box b;
	uint32_t changed;

	(void)state;
	box_make(&b);
	box_begin(&b);
	for (int i = 0; i < ROWS; i++) {
		char address[40];
		struct suppress_entry e;

		snprintf(address, sizeof address, "u%04d@x.test", i);
		e = entry(SUPPRESS_MANUAL, address, "m");
		e.until_us = i % 3 == 0 ? 0 : (uint64_t)(BOX_NOW + DAY);
		yes(&b, suppress_add(b.t, batch_of(&batch, &e, 1), "x", BOX_NOW,
				     &changed, &b.e));
	}
	box_commit(&b);
	for (int i = 0; i < 6; i++) {
		box_begin(&b);
		yes(&b, suppress_look(&old, b.t, BOX_NOW + DAY, &b.e));
		yes(&b, suppress_forget(&old, b.t, BOX_NOW + DAY, &b.e));
		box_commit(&b);
	}
	assert_int_equal(box_verify(&b).suppressed, ROWS / 3);
	bytes_free(&batch);
	box_remove(&b);
}

/* Replies, and whether they say that the mailbox is not there. */
static void
what_a_hard_bounce_is(void **state)
{
	static const struct {
		const char *name;
		struct verdict v;
		bool hard;
	} row[] = {
	    {"no such user",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 550, "5.1.1",
	      "550 5.1.1 no such user", "", CATEGORY_NONE},
	     true},
	    {"no such domain",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_LOOKUP, 0, "5.1.2",
	      "the domain does not exist", "", CATEGORY_NONE},
	     true},
	    {"Exchange Online",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 550, "5.1.10",
	      "550 5.1.10 RESOLVER.ADR.RecipientNotFound", "", CATEGORY_NONE},
	     true},
	    {"disabled",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 550, "5.2.1",
	      "550 5.2.1 mailbox disabled", "", CATEGORY_NONE},
	     true},
	    {"not yet",
	     {VERDICT_DEFER, BLAME_RECIPIENT, STAGE_RCPT, 450, "4.1.1",
	      "450 4.1.1 unknown", "", CATEGORY_NONE},
	     false},
	    {"its time ran out",
	     {VERDICT_FAIL, BLAME_NOBODY, STAGE_RCPT, 0, "4.4.7", "x", "",
	      CATEGORY_NONE},
	     false},
	    {"full",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 552, "5.2.2",
	      "552 5.2.2 full", "", CATEGORY_NONE},
	     false},
	    {"policy",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 550, "5.7.1",
	      "550 5.7.1 no", "", CATEGORY_NONE},
	     false},
	    {"policy that calls itself 5.1.1",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 550, "5.1.1",
	      "550 5.1.1 Blocked by our SPAM filter", "", CATEGORY_NONE},
	     false},
	    {"a block `reply` calls it a policy",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 550, "5.1.1",
	      "550 5.1.1 no such user", "", CATEGORY_POLICY},
	     false},
	    {"it is judged, too",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 550, "5.1.1",
	      "550 5.1.1 no such user", "", CATEGORY_BAD_ADDRESS},
	     true},
	    {"the relay's own refusal",
	     {VERDICT_FAIL, BLAME_RELAY, STAGE_RCPT, 550, "5.1.1", "550 5.1.1",
	      "", CATEGORY_NONE},
	     false},
	    {"a status it did not give",
	     {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT, 550, "5.0.0",
	      "550 no such user", "", CATEGORY_NONE},
	     false},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		print_message("%s\n", row[i].name);
		assert_int_equal(suppress_is_hard(&row[i].v), row[i].hard);
	}
}

static bool
bounce(struct box *b, const struct settings *s, const char *address,
       int64_t now_us)
{
	const struct verdict v = {VERDICT_FAIL, BLAME_RECIPIENT, STAGE_RCPT,
				  550,          "5.1.1",         "550 5.1.1 no",
				  "",           CATEGORY_NONE};
	bool added;

	box_begin(b);
	yes(b, suppress_bounced(b->t, s, text_of(address), &v, now_us, &added,
				&b->e));
	box_commit(b);
	return added;
}

static void
bounces_are_counted(void **state)
{
	struct settings s = {.suppress = {.hard_bounce_after = 3,
					  .hard_bounce_ttl_us = 10 * DAY}};
	struct box b;

	(void)state;
	box_make(&b);
	assert_false(bounce(&b, &s, "A@x.test", BOX_NOW));
	assert_false(bounce(&b, &s, "a@x.test", BOX_NOW + DAY));
	assert_string_equal(why(&b, "a@x.test", BOX_NOW + DAY), "");
	assert_true(bounce(&b, &s, "a@x.test", BOX_NOW + 2 * DAY));
	assert_string_equal(why(&b, "a@x.test", BOX_NOW + 2 * DAY),
			    "hard bounce");
	/* It lasts from the last one on, and what was forgotten counts anew. */
	assert_false(bounce(&b, &s, "a@x.test", BOX_NOW + 5 * DAY));
	assert_string_equal(why(&b, "a@x.test", BOX_NOW + 15 * DAY - 1),
			    "hard bounce");
	assert_string_equal(why(&b, "a@x.test", BOX_NOW + 15 * DAY), "");
	assert_false(bounce(&b, &s, "a@x.test", BOX_NOW + 16 * DAY));
	assert_string_equal(why(&b, "a@x.test", BOX_NOW + 16 * DAY), "");
	/* 0: nothing is learned. */
	s.suppress.hard_bounce_after = 0;
	assert_false(bounce(&b, &s, "n@x.test", BOX_NOW));
	/* What a person said for good is not shortened by a bounce. */
	s.suppress.hard_bounce_after = 1;
	add(&b, entry(SUPPRESS_MANUAL, "p@x.test", "person"));
	assert_false(bounce(&b, &s, "p@x.test", BOX_NOW));
	assert_string_equal(why(&b, "p@x.test", BOX_NOW + 99 * DAY), "person");
	box_remove(&b);
}

static void
batches_that_are_none(void **state)
{
	static const struct {
		const char *name, *octets;
		size_t n;
	} row[] = {
	    {"nothing", "", 0},
	    {"a short length", "\1\0", 2},
	    {"a length that lies", "\377\377\377\177abc", 7},
	    {"an entry cut short", "\3\0\0\0\0\0\0", 7},
	};
	struct suppress_entry e[2] = {entry(SUPPRESS_MANUAL, "a@x.test", "m"),
				      entry(SUPPRESS_MANUAL, "nobody", "m")};
	struct bytes b = {0};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		print_message("%s\n", row[i].name);
		assert_false(suppress_batch_valid(
		    (struct text){row[i].octets, row[i].n}));
	}
	assert_true(suppress_batch_valid(batch_of(&b, e, 1)));
	assert_false(suppress_batch_valid(batch_of(&b, e, 2)));
	b.n = 0;
	for (int i = 0; i < SUPPRESS_BATCH; i++)
		suppress_entry_add(&b, &e[0]);
	assert_true(suppress_batch_valid((struct text){(char *)b.data, b.n}));
	suppress_entry_add(&b, &e[0]);
	assert_false(suppress_batch_valid((struct text){(char *)b.data, b.n}));
	bytes_free(&b);
}

/* Evidence is a remote's text: what is kept can't hurt a terminal. */
static void
evidence_is_cleaned(void **state)
{
	struct suppress_entry e =
	    entry(SUPPRESS_IMPORT, "a@x.test", "m\033[2J");
	struct suppress_record r;
	struct box b;
	bool found;

	(void)state;
	e.evidence = text_of("550 \033]0;x\007\r\nFrom: y \xff");
	box_make(&b);
	add(&b, e);
	box_read(&b);
	yes(&b, suppress_find(b.t, e.address, BOX_NOW, &found, &r, &b.e));
	assert_true(found);
	for (size_t i = 0; i < r.evidence.n; i++)
		assert_in_range((unsigned char)r.evidence.p[i], ' ', '~');
	assert_null(memchr(r.reason.p, 033, r.reason.n));
	box_end(&b);
	box_remove(&b);
}

static bool
complain(struct box *b, const struct suppress_settings *s, const char *address,
	 int64_t now_us)
{
	const struct verdict v = {.kind = VERDICT_FAIL, .reply = "abuse"};
	bool added;

	box_begin(b);
	yes(b, suppress_complained(b->t, s, text_of(address), &v, now_us,
				   &added, &b->e));
	box_commit(b);
	return added;
}

static void
who_complains_gets_no_more(void **state)
{
	struct suppress_settings s = {.complaint = true,
				      .complaint_ttl_us = 100 * DAY};
	struct settings bounces = {
	    .suppress = {.hard_bounce_after = 1, .hard_bounce_ttl_us = DAY}};
	struct suppress_entry short_import =
	    entry(SUPPRESS_IMPORT, "i@x.test", "import");
	struct box b;

	(void)state;
	box_make(&b);
	assert_true(complain(&b, &s, "A@x.test", BOX_NOW));
	assert_string_equal(why(&b, "a@x.test", BOX_NOW), "complaint");
	/* Again: it lasts from the last one on, and is no news. */
	assert_false(complain(&b, &s, "a@x.test", BOX_NOW + 9 * DAY));
	assert_string_equal(why(&b, "a@x.test", BOX_NOW + 109 * DAY - 1),
			    "complaint");
	assert_string_equal(why(&b, "a@x.test", BOX_NOW + 109 * DAY), "");
	/* It outranks a bounce, which does not shorten it. */
	assert_true(bounce(&b, &bounces, "b@x.test", BOX_NOW));
	assert_false(complain(&b, &s, "b@x.test", BOX_NOW));
	assert_string_equal(why(&b, "b@x.test", BOX_NOW), "complaint");
	assert_false(bounce(&b, &bounces, "b@x.test", BOX_NOW));
	assert_string_equal(why(&b, "b@x.test", BOX_NOW + 2 * DAY),
			    "complaint");
	/* An import stays if it lasts as long, a person's word always. */
	add(&b, entry(SUPPRESS_IMPORT, "l@x.test", "import"));
	assert_false(complain(&b, &s, "l@x.test", BOX_NOW));
	assert_string_equal(why(&b, "l@x.test", BOX_NOW), "import");
	short_import.until_us = (uint64_t)(BOX_NOW + DAY);
	add(&b, short_import);
	assert_false(complain(&b, &s, "i@x.test", BOX_NOW));
	assert_string_equal(why(&b, "i@x.test", BOX_NOW + 2 * DAY),
			    "complaint");
	add(&b, entry(SUPPRESS_MANUAL, "p@x.test", "person"));
	assert_false(complain(&b, &s, "p@x.test", BOX_NOW));
	assert_string_equal(why(&b, "p@x.test", BOX_NOW), "person");
	/* complaint = no: nothing is learned. */
	s.complaint = false;
	assert_false(complain(&b, &s, "n@x.test", BOX_NOW));
	assert_string_equal(why(&b, "n@x.test", BOX_NOW), "");
	box_remove(&b);
}

static void
verify_sees_lies(void **state)
{
	static const struct {
		const char *name, *key, *value;
		size_t n;
	} row[] = {
	    {"no record", "x.test@a", "", 0},
	    {"another version", "x.test@a", "\7aaaaaaaa", 9},
	    {"a wrong checksum", "x.test@a", "\2aaaaaaaa", 9},
	    {"a key that is no address", "x.test", NULL, 0},
	    {"a key with capitals", "x.test@A", NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		struct suppress_record r = {.reason = text_of("x")};
		struct verify_report report;
		struct bytes b = {0};
		struct box box;

		print_message("%s\n", row[i].name);
		box_make(&box);
		suppress_seal(&b, &r);
		box_begin(&box);
		yes(&box,
		    txn_put(box.t, STORE_SUPPRESS, row[i].key,
			    strlen(row[i].key),
			    row[i].value != NULL ? (const void *)row[i].value
						 : b.data,
			    row[i].value != NULL ? row[i].n : b.n, &box.e));
		box_commit(&box);
		assert_false(
		    verify_store(box.store, &report, NULL, NULL, &box.e));
		assert_int_equal(box.e.kind, ERR_DAMAGED);
		bytes_free(&b);
		box_remove(&box);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(keys),
	    cmocka_unit_test(longest_address),
	    cmocka_unit_test(found_and_not),
	    cmocka_unit_test(who_outranks_whom),
	    cmocka_unit_test(the_same_again_changes_nothing),
	    cmocka_unit_test(until_its_time_is_over),
	    cmocka_unit_test(old_rows_go_round_by_round),
	    cmocka_unit_test(what_a_hard_bounce_is),
	    cmocka_unit_test(bounces_are_counted),
	    cmocka_unit_test(batches_that_are_none),
	    cmocka_unit_test(evidence_is_cleaned),
	    cmocka_unit_test(who_complains_gets_no_more),
	    cmocka_unit_test(verify_sees_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
