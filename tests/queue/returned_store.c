/* What came back, in the queue. */
#include "tests/queue/box.h"

#include "daemon/settings.h"
#include "queue/committer.h"
#include "queue/journal.h"

static const char conf[] = "instance=test hostname=mtq.example\n"
			   "listen l {address=127.0.0.1:1}\n"
			   "source s {from_ip=127.0.0.1}\n"
			   "relay corp {host=a.b}\nno_match=corp\n"
			   "reply r {priority=1 match=\"550 5.1.1 *moved*\" "
			   "category=policy then=retry}\n";

static struct settings *
settings(void)
{
	struct bytes report = {0};
	struct settings *s = settings_parse("t", conf, strlen(conf), &report);

	if (s == NULL)
		fail_msg("%.*s", (int)report.n, (char *)report.data);
	bytes_free(&report);
	return s;
}

/* Where the recipient is when its report comes; ANSWERED: it is SENT, and what
 * comes has a sender, as people have. */
enum where { WAITS, WITH_A_WORKER, SENT, ANSWERED, FAILED, FORGOTTEN };

static uint64_t
message(struct box *b, enum where where)
{
	uint64_t id;
	bool gone;

	box_begin(b);
	id = box_accept(b, 10, 2, false);
	if (where == WITH_A_WORKER || where == SENT || where == ANSWERED ||
	    where == FAILED)
		box_claim(b, id, 1);
	if (where == SENT || where == ANSWERED)
		(void)box_settle(b, id, 1, VERDICT_SENT, &gone);
	if (where == FAILED)
		(void)box_settle(b, id, 1, VERDICT_FAIL, &gone);
	box_commit(b);
	return where == FORGOTTEN ? id + 400 : id;
}

/* As the receiver does it: looked at, judged, committed. */
static void
comes_back(struct box *b, const struct settings *s, uint64_t id,
	   const struct returned *report, bool null_sender,
	   struct returned_job *job)
{
	const struct return_path who = {
	    .message = id, .rcpt = 1, .arrival_us = BOX_NOW};
	struct commit i = {.kind = COMMIT_RETURNED,
			   .returned = job,
			   .nreturned = 1,
			   .now_us = BOX_NOW + HOUR_US};

	box_read(b);
	yes(b, returned_look(b->t, s, &who, report, null_sender, job, &b->e));
	box_end(b);
	committer_write(b->store, &i);
	assert_int_equal(i.err.kind, ERR_NONE);
	(void)box_verify(b);
}

/* "returned suppressed": all entries about the recipient behind the first two of
 * its message, in the order of the journal. */
static void
entries(struct box *b, uint64_t id, char *out, size_t size)
{
	struct journal_entry x;
	uint64_t number, from = 0, last = 0;
	size_t n = 0;

	out[0] = '\0';
	box_read(b);
	while (journal_next(b->t, from, &number, &x, &b->e)) {
		from = number + 1;
		if (x.message != id || x.rcpt != 1 ||
		    (x.kind != JOURNAL_RETURNED &&
		     x.kind != JOURNAL_COMPLAINT &&
		     x.kind != JOURNAL_SUPPRESSED))
			continue;
		assert_true(n == 0 || x.previous == last || x.previous == 0);
		last = number;
		n += (size_t)snprintf(out + n, size - n, "%s%s",
				      n > 0 ? " " : "",
				      journal_word((enum journal_kind)x.kind));
	}
	box_end(b);
}

static bool
is_suppressed(struct box *b, const char *address)
{
	struct suppress_record r;
	bool found;

	box_read(b);
	yes(b, suppress_find(b->t, text_of(address), BOX_NOW + HOUR_US, &found,
			     &r, &b->e));
	box_end(b);
	return found;
}

#define BOB(k, s, w)                                                           \
	.nrcpt = 1, .rcpt[0] = {.kind = RETURNED_##k,                          \
				.final = "Reader@example.net",                 \
				.status = (s),                                 \
				.code = 550,                                   \
				.reply = (w)}
static const struct {
	const char *name;
	enum where where;
	struct returned report;
	const char *entries;
	bool suppressed;
	enum category_kind category;
} ROWS[] = {
    {"no such user, after it was delivered",
     SENT,
     {.kind = RETURNED_BOUNCE, BOB(BOUNCE, "5.1.1", "550 5.1.1 no such user")},
     "returned suppressed",
     true,
     CATEGORY_BAD_ADDRESS},
    {"the report is faster than the outcome",
     WITH_A_WORKER,
     {.kind = RETURNED_BOUNCE, BOB(BOUNCE, "5.1.1", "550 5.1.1 no such user")},
     "returned suppressed",
     true,
     CATEGORY_BAD_ADDRESS},
    {"it waits for another try, being in doubt",
     WAITS,
     {.kind = RETURNED_BOUNCE, BOB(BOUNCE, "5.1.1", "550 5.1.1 no such user")},
     "returned suppressed",
     true,
     CATEGORY_BAD_ADDRESS},
    {"it failed and is kept to be looked at",
     FAILED,
     {.kind = RETURNED_BOUNCE, BOB(BOUNCE, "5.1.1", "550 5.1.1 no such user")},
     "returned suppressed",
     true,
     CATEGORY_BAD_ADDRESS},
    {"a full mailbox is no reason to suppress",
     SENT,
     {.kind = RETURNED_BOUNCE, BOB(BOUNCE, "5.2.2", "552 5.2.2 mailbox full")},
     "returned",
     false,
     CATEGORY_MAILBOX_FULL},
    {"nobody knows the recipient any more",
     FORGOTTEN,
     {.kind = RETURNED_BOUNCE, BOB(BOUNCE, "5.1.1", "550 5.1.1 no such user")},
     "returned",
     false,
     CATEGORY_BAD_ADDRESS},
    {"the report is about where it was forwarded to",
     SENT,
     {.kind = RETURNED_BOUNCE,
      .nrcpt = 1,
      .rcpt[0] = {.kind = RETURNED_BOUNCE,
		  .final = "other@example.org",
		  .status = "5.1.1"}},
     "returned",
     false,
     CATEGORY_BAD_ADDRESS},
    {"forwarded, but it remembers whom we wrote to",
     SENT,
     {.kind = RETURNED_BOUNCE,
      .nrcpt = 1,
      .rcpt[0] = {.kind = RETURNED_BOUNCE,
		  .final = "other@example.org",
		  .original = "reader@example.net",
		  .status = "5.1.1"}},
     "returned suppressed",
     true,
     CATEGORY_BAD_ADDRESS},
    {"a report that names nobody",
     SENT,
     {.kind = RETURNED_BOUNCE},
     "returned",
     false,
     CATEGORY_OTHER},
    {"ours is delivered, another one is not",
     SENT,
     {.kind = RETURNED_BOUNCE,
      .nrcpt = 2,
      .rcpt = {{.kind = RETURNED_BOUNCE, .final = "a@b.c"},
	       {.kind = RETURNED_DELIVERED, .final = "reader@example.net"}}},
     "",
     false,
     CATEGORY_OTHER},
    {"a block `reply` can only say why",
     SENT,
     {.kind = RETURNED_BOUNCE, BOB(BOUNCE, "5.1.1", "550 5.1.1 he moved")},
     "returned",
     false,
     CATEGORY_POLICY},
    {"a complaint",
     SENT,
     {.kind = RETURNED_COMPLAINT, .feedback = "abuse"},
     "complaint suppressed",
     true,
     CATEGORY_OTHER},
    {"a complaint of nobody we know",
     FORGOTTEN,
     {.kind = RETURNED_COMPLAINT, .feedback = "abuse", BOB(COMPLAINT, "", "")},
     "complaint",
     false,
     CATEGORY_OTHER},
    {"a person answers",
     ANSWERED,
     {.kind = RETURNED_OTHER, .subject = "Re: Offer for you"},
     "",
     false,
     CATEGORY_OTHER},
    {"a report in words that we don't know",
     SENT,
     {.kind = RETURNED_OTHER, .subject = "Non livrable"},
     "returned",
     false,
     CATEGORY_OTHER},
    {"out of office", SENT, {.kind = RETURNED_AUTO}, "", false, CATEGORY_OTHER},
    {"it waits somewhere",
     SENT,
     {.kind = RETURNED_DELAYED, BOB(DELAYED, "4.4.1", "")},
     "",
     false,
     CATEGORY_OTHER},
    {"it was delivered there",
     SENT,
     {.kind = RETURNED_DELIVERED, BOB(DELIVERED, "2.0.0", "")},
     "",
     false,
     CATEGORY_OTHER},
};

static void
what_becomes_of_it(void **state)
{
	struct settings *s = settings();

	(void)state;
	for (size_t i = 0; i < countof(ROWS); i++) {
		struct returned_job job;
		char got[256];
		struct box b;
		uint64_t id;

		print_message("%s\n", ROWS[i].name);
		box_make(&b);
		id = message(&b, ROWS[i].where);
		comes_back(&b, s, id, &ROWS[i].report,
			   ROWS[i].where != ANSWERED, &job);
		entries(&b, id, got, sizeof got);
		assert_string_equal(got, ROWS[i].entries);
		assert_int_equal(is_suppressed(&b, "reader@example.net"),
				 ROWS[i].suppressed);
		assert_int_equal(job.suppressed, ROWS[i].suppressed);
		assert_false(is_suppressed(&b, "other@example.org"));
		assert_int_equal(job.verdict.category, ROWS[i].category);
		box_remove(&b);
	}
	settings_free(s);
}

/* A server may send a report twice; the second is recorded and changes nothing
 * else. */
static void
twice(void **state)
{
	struct settings *s = settings();
	struct returned_job job;
	char got[256];
	struct box b;
	uint64_t id;

	(void)state;
	box_make(&b);
	id = message(&b, SENT);
	comes_back(&b, s, id, &ROWS[0].report, true, &job);
	comes_back(&b, s, id, &ROWS[0].report, true, &job);
	entries(&b, id, got, sizeof got);
	assert_string_equal(got, "returned suppressed returned");
	box_remove(&b);
	settings_free(s);
}

/* It is one failure, however often it is told. */
static void
twice_is_once(void **state)
{
	struct settings *s = settings();
	struct returned_job job;
	struct box b;
	uint64_t id;

	(void)state;
	s->suppress.hard_bounce_after = 2;
	box_make(&b);
	id = message(&b, SENT);
	for (int i = 0; i < 4; i++)
		comes_back(&b, s, id, &ROWS[0].report, true, &job);
	assert_false(is_suppressed(&b, "reader@example.net"));
	id = message(&b, SENT);
	comes_back(&b, s, id, &ROWS[0].report, true, &job);
	assert_true(is_suppressed(&b, "reader@example.net"));
	box_remove(&b);
	settings_free(s);
}

/* Who has one signed address of ours can return it for ever: that must not drive
 * out what the journal knows of others. */
static void
for_ever(void **state)
{
	static const enum where where[] = {SENT, WAITS, FAILED, FORGOTTEN};
	struct settings *s = settings();

	(void)state;
	for (size_t i = 0; i < countof(where); i++) {
		const uint64_t apart = where[i] == FORGOTTEN ? 0 : 1;
		struct verify_report before, after;
		struct returned_job job;
		struct box b;
		uint64_t id;

		box_make(&b);
		id = message(&b, where[i]);
		for (unsigned k = 0; k < RETURNED_ENTRIES_MOST; k++) {
			comes_back(&b, s, id, &ROWS[k % 2 * 11].report, true,
				   &job);
			assert_false(job.dropped);
		}
		before = box_verify(&b);
		for (unsigned k = 0; k < 5; k++) {
			comes_back(&b, s, id, &ROWS[k % 2 * 11].report, true,
				   &job);
			assert_true(job.dropped && !job.suppressed);
		}
		after = box_verify(&b);
		assert_int_equal(before.entries, after.entries);
		assert_int_equal(is_suppressed(&b, "reader@example.net"),
				 apart);
		/* Others are not concerned. */
		comes_back(&b, s, message(&b, SENT), &ROWS[0].report, true,
			   &job);
		assert_false(job.dropped);
		box_remove(&b);
	}
	settings_free(s);
}

/* The outcome comes behind the report: the chain has both, and the history its
 * last one. */
static void
outcome_behind_the_report(void **state)
{
	struct settings *s = settings();
	struct returned_job job;
	struct journal_entry x;
	struct box b;
	uint64_t id, number;
	bool gone;

	(void)state;
	box_make(&b);
	id = message(&b, WITH_A_WORKER);
	comes_back(&b, s, id, &ROWS[4].report, true, &job);
	box_begin(&b);
	(void)box_settle(&b, id, 1, VERDICT_SENT, &gone);
	box_commit(&b);
	box_read(&b);
	yes(&b, journal_history(b.t, id, 1, &number, &b.e));
	yes(&b, journal_get(b.t, number, &x, &b.e));
	assert_int_equal(x.kind, JOURNAL_DELIVERED);
	yes(&b, journal_get(b.t, x.previous, &x, &b.e));
	assert_int_equal(x.kind, JOURNAL_RETURNED);
	assert_true(text_is(x.address, "reader@example.net"));
	yes(&b, journal_get(b.t, x.previous, &x, &b.e));
	assert_int_equal(x.kind, JOURNAL_ACCEPTED);
	box_end(&b);
	(void)box_verify(&b);
	box_remove(&b);
	settings_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_becomes_of_it),
	    cmocka_unit_test(twice),
	    cmocka_unit_test(twice_is_once),
	    cmocka_unit_test(for_ever),
	    cmocka_unit_test(outcome_behind_the_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
