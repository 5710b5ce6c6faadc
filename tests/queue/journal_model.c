/* The journal against a list that is too simple to be wrong: random entries,
 * ends, acknowledgements and prunings under a clock that jumps, with commits
 * that do not happen. */
#include "tests/queue/journal_box.h"

enum {
	SEEDS = 30,
	COMMITS = 120,
	OPS = 12,
	MOST = COMMITS * OPS,
	MESSAGES = 6,
	RCPTS = 3,
	NAMES = 18, /* more than may be */
};

struct model {
	struct {
		uint64_t number, bytes;
		int64_t at_us;
		uint64_t message;
		uint32_t rcpt;
	} entry[MOST];
	unsigned first, n; /* first: the oldest that is there */
	uint64_t removed;
	uint64_t last[MESSAGES][RCPTS];  /* of the chain; 0: none yet */
	uint64_t ended[MESSAGES][RCPTS]; /* the row of history */
	uint64_t reader[NAMES];          /* 0: is none */
};

static uint32_t
pick(uint64_t *seed, uint32_t below)
{
	*seed = *seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
	return (uint32_t)(*seed >> 33) % below;
}

static void
model_add(struct box *b, struct model *m, uint64_t *seed, int64_t now_us)
{
	uint32_t message = pick(seed, MESSAGES), rcpt = pick(seed, RCPTS);
	uint64_t *last = &m->last[message][rcpt], bytes;
	struct journal_entry x =
	    entry_of(JOURNAL_DEFERRED, (message + 1) * 4, rcpt);

	bytes = txn_state(b->t)->entry_bytes;
	x.at_us = (uint64_t)now_us;
	x.previous = *last;
	x.reply.n = pick(seed, (uint32_t)x.reply.n);
	*last = add(b, &x);
	m->entry[m->n].number = *last;
	m->entry[m->n].bytes = txn_state(b->t)->entry_bytes - bytes;
	m->entry[m->n].at_us = now_us;
	m->entry[m->n].message = message;
	m->entry[m->n++].rcpt = rcpt;
}

static void
model_end(struct box *b, struct model *m, uint64_t *seed)
{
	uint32_t message = pick(seed, MESSAGES), rcpt = pick(seed, RCPTS);
	uint64_t last = m->last[message][rcpt];

	if (last == 0)
		return;
	yes(b, journal_ended(b->t, (message + 1) * 4, rcpt, last, &b->e));
	if (last > m->removed)
		m->ended[message][rcpt] = last;
}

static const char *
name_of(uint32_t i)
{
	static char name[8];

	snprintf(name, sizeof name, "r%u", i);
	return name;
}

static void
model_ack(struct box *b, struct model *m, uint64_t *seed)
{
	uint32_t who = pick(seed, NAMES), readers = 0;
	uint64_t number = 0, *is = &m->reader[who];
	bool done, want = *is != 0;

	for (uint32_t i = 0; i < NAMES; i++)
		readers += m->reader[i] != 0;
	if (m->n > 0 && pick(seed, 4) != 0) {
		number = m->entry[pick(seed, m->n)].number;
		want = *is != 0 || readers < JOURNAL_READERS_MOST;
	}
	yes(b, journal_ack(b->t, text_of(name_of(who)), number, "w", BOX_NOW,
			   &done, &b->e));
	assert_int_equal(done, want);
	if (done)
		*is = number == 0 ? 0 : max_of(*is, number);
}

static uint64_t
model_bytes(const struct model *m)
{
	uint64_t sum = 0;

	for (unsigned i = m->first; i < m->n; i++)
		sum += m->entry[i].bytes;
	for (unsigned i = 0; i < MESSAGES * RCPTS; i++)
		sum += m->ended[i / RCPTS][i % RCPTS] != 0 ? 12 + 13 : 0;
	return sum;
}

static void
model_prune(struct box *b, struct model *m, uint64_t *seed, int64_t now_us)
{
	int64_t keep_us = (int64_t)pick(seed, 20) * HOUR_US;
	uint64_t most_bytes = pick(seed, 60000), read = UINT64_MAX;
	unsigned most = pick(seed, 20);
	bool more;

	yes(b, journal_prune(b->t, keep_us, most_bytes, now_us, most, &more,
			     &b->e));
	for (uint32_t i = 0; i < NAMES; i++)
		if (m->reader[i] != 0)
			read = min_of(read, m->reader[i]);
	for (unsigned i = 0;; i++) {
		uint64_t *row;
		bool may = m->first < m->n &&
			   (model_bytes(m) > most_bytes ||
			    (m->entry[m->first].at_us <= now_us - keep_us &&
			     m->entry[m->first].number <= read));

		if (!may || i == most) {
			assert_int_equal(more, may);
			return;
		}
		m->removed = m->entry[m->first].number;
		row = &m->ended[m->entry[m->first].message]
			       [m->entry[m->first].rcpt];
		if (*row == m->removed)
			*row = 0;
		m->first++;
	}
}

static void
compare(struct box *b, const struct model *m)
{
	struct reader_record r;
	struct journal_entry x;
	uint64_t number, next = 0, entries;

	yes(b, journal_verify(b->t, &entries, &b->e));
	assert_int_equal(entries, m->n - m->first);
	assert_int_equal(txn_state(b->t)->entry_bytes, model_bytes(m));
	assert_int_equal(txn_state(b->t)->entry_removed, m->removed);
	for (unsigned i = m->first; i < m->n; i++) {
		yes(b, journal_next(b->t, next, &number, &x, &b->e));
		assert_int_equal(number, m->entry[i].number);
		assert_true((int64_t)x.at_us == m->entry[i].at_us);
		assert_true(i == 0 || number > m->entry[i - 1].number);
		next = number + 1;
	}
	assert_false(journal_next(b->t, next, &number, &x, &b->e));
	for (unsigned i = 0; i < MESSAGES * RCPTS; i++) {
		uint64_t want = m->ended[i / RCPTS][i % RCPTS];
		bool is = journal_history(b->t, (i / RCPTS + 1) * 4, i % RCPTS,
					  &number, &b->e);

		assert_int_equal(is, want != 0);
		assert_true(!is || number == want);
	}
	for (uint32_t i = 0; i < NAMES; i++) {
		bool is = journal_reader(b->t, text_of(name_of(i)), &r, &b->e);

		assert_int_equal(is, m->reader[i] != 0);
		assert_true(!is || r.entry == m->reader[i]);
	}
}

static void
one_seed(uint64_t seed)
{
	static struct model m, before;
	int64_t now_us = BOX_NOW;
	struct box b;

	m = (struct model){0};
	box_make(&b);
	for (int c = 0; c < COMMITS; c++) {
		before = m;
		box_begin(&b);
		for (uint32_t i = pick(&seed, OPS); i > 0; i--) {
			now_us += (int64_t)pick(&seed, 3) * MINUTE_US;
			if (pick(&seed, 50) == 0)
				now_us -= 5 * HOUR_US;
			if (pick(&seed, 3) != 0)
				model_add(&b, &m, &seed, now_us);
			else
				model_end(&b, &m, &seed);
		}
		if (pick(&seed, 3) == 0)
			model_ack(&b, &m, &seed);
		if (pick(&seed, 3) == 0)
			model_prune(&b, &m, &seed, now_us);
		if (pick(&seed, 5) == 0) {
			box_end(&b);
			m = before;
		} else {
			box_commit(&b);
		}
		box_read(&b);
		compare(&b, &m);
		box_end(&b);
	}
	box_remove(&b);
}

static void
seeds(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		one_seed(seed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
