/*
 * The book against a naive one (book_naive.h).  A seed makes charges,
 * settlements, turns, clock jumps both ways, other settings, aborts, reopens;
 * after each step both must say the same, and the audit nothing.
 */
#include "tests/queue/book_naive.h"

enum {
	SEEDS = 50,
	STEPS = 200,
	LATER = 24, /* moments before an opening that are looked at */
};

#define BACK_US (4 * DAY_US)

static void
check_use(void)
{
	for (unsigned i = 0; i < QUOTAS; i++) {
		const struct quota_use *u;
		struct span win;

		if (!w.plan.quota[i].there)
			continue;
		u = book_use(w.book, QUOTA(i));
		win = window_at(&w.plan.quota[i], w.now_us);
		assert_int_equal(book_window(w.book, QUOTA(i)).from_us,
				 win.from_us);
		assert_int_equal(book_window(w.book, QUOTA(i)).to_us,
				 win.to_us);
		assert_int_equal(quota_total(u), used_at(i, TYPES, w.now_us) +
						     in_flight(i, TYPES));
		if (w.forward)
			assert_true(quota_total(u) <= w.plan.quota[i].limit);
		for (unsigned k = 0; k < TYPES; k++) {
			if (!w.plan.type[k])
				continue;
			assert_int_equal(u->used[TYPE(k)],
					 used_at(i, k, w.now_us));
			assert_int_equal(u->in_flight[TYPE(k)],
					 in_flight(i, k));
			assert_int_equal(
			    quota_room(book_terms(w.book, QUOTA(i)), u, &win,
				       TYPE(k), w.now_us),
			    room_at(i, k, w.now_us));
		}
	}
}

/* Before a spent relay opens there is no room, then there is. */
static void
check_opening(unsigned relay, unsigned type)
{
	size_t quota = SIZE_MAX;
	int64_t at_us, last_us;

	if (relay_room(relay, type, 1, 1, w.now_us) > 0)
		return;
	at_us =
	    book_opens_us(w.book, RELAY(relay), TYPE(type), w.now_us, &quota);
	assert_true(quota < book_quotas(w.book));
	assert_true(at_us > w.now_us);
	last_us = at_us == INT64_MAX ? w.now_us + 40 * DAY_US : at_us - 1;
	for (unsigned i = 0; i < LATER; i++) {
		int64_t t_us =
		    w.now_us + (last_us - w.now_us) / LATER * (i + 1);

		if (i + 1 == LATER)
			t_us = last_us;
		if (relay_room(relay, type, 1, 1, t_us) > 0)
			fail_msg(
			    "r%u t%u has room %" PRId64 " s before %" PRId64,
			    relay, type, (at_us - t_us) / SECOND_US, at_us);
	}
	if (at_us != INT64_MAX && relay_room(relay, type, 1, 1, at_us) == 0)
		assert_true(w.plan.n[relay] > 1 || is_edge(relay, at_us));
}

static void
check_gates(void)
{
	for (unsigned r = 0; r < RELAYS; r++)
		if (w.plan.relay[r])
			assert_memory_equal(book_gate(w.book, RELAY(r)),
					    &w.m.gate[r], sizeof w.m.gate[r]);
}

static void
check(void)
{
	check_use();
	check_gates();
	for (unsigned r = 0; r < RELAYS; r++)
		for (unsigned k = 0; k < TYPES; k++)
			if (w.plan.relay[r] && w.plan.type[k] && roll(4) == 0)
				check_opening(r, k);
}

static void
check_audit(void)
{
	struct bytes report = {0};
	uint64_t n;

	box_read(&w.box);
	yes(&w.box, book_audit(w.box.t, NULL, 0, &report, &n, &w.box.e));
	box_end(&w.box);
	/* There are no recipients behind these jobs: one line for each. */
	if (n != w.m.njobs)
		fail_msg("%zu jobs, and\n%.*s", w.m.njobs, (int)report.n,
			 (char *)report.data);
	bytes_free(&report);
}

/* --- what happens --------------------------------------------------------- */

static void
act_charge(void)
{
	unsigned relay = (unsigned)roll(RELAYS), type = (unsigned)roll(TYPES);
	uint32_t most = 1 + (uint32_t)roll(5);
	uint64_t size = roll(4) ? 1 + roll(2000) : roll(40000);
	struct open_job *j;
	uint32_t n;

	if (!w.plan.relay[relay] || !w.plan.type[type] || w.m.njobs == JOBS)
		return;
	n = book_room(w.book, RELAY(relay), TYPE(type), size, most, w.now_us);
	assert_int_equal(n, relay_room(relay, type, size, most, w.now_us));
	if (n == 0)
		return;
	yes(&w.box, book_charge(w.book, w.box.t, ++w.next_job, RELAY(relay),
				TYPE(type), n, size, w.now_us, &w.box.e));
	if (w.plan.n[relay] == 0)
		return;
	j = &w.m.job[w.m.njobs++];
	*j = (struct open_job){.job = w.next_job,
			       .type = type,
			       .n = w.plan.n[relay],
			       .size = size,
			       .open = n};
	for (unsigned i = 0; i < j->n; i++) {
		j->quota[i] = w.plan.on[relay][i];
		j->unit[i] = w.plan.quota[j->quota[i]].unit;
	}
}

static void
book(unsigned quota, unsigned type, uint64_t n)
{
	assert_true(w.m.n < BOOKINGS);
	if (n > 0)
		w.m.booking[w.m.n++] = (struct booking){
		    quota, type, w.now_us - w.now_us % MINUTE_US, n};
}

static void
act_settle(void)
{
	enum book_end end = roll(3) ? BOOK_TAKEN : BOOK_BACK;
	struct open_job *j;

	if (w.m.njobs == 0)
		return;
	j = &w.m.job[roll(w.m.njobs)];
	yes(&w.box,
	    book_settle(w.book, w.box.t, j->job, end, w.now_us, &w.box.e));
	j->taken += end == BOOK_TAKEN;
	for (unsigned i = 0; i < j->n; i++)
		if (j->unit[i] == UNIT_RECIPIENTS)
			book(j->quota[i], j->type, end == BOOK_TAKEN);
		else if (j->open == 1 && j->taken > 0)
			book(j->quota[i], j->type, places(j, j->unit[i]));
	if (--j->open == 0)
		*j = w.m.job[--w.m.njobs];
}

static void
act_override(void)
{
	unsigned q = (unsigned)roll(QUOTAS), what = (unsigned)roll(TYPES + 1);
	struct amended *a = &w.m.amend[q][what];
	char quota[4], type[4] = "";
	bool known =
	    w.plan.quota[q].there && (what == TYPES || w.plan.type[what]);

	if (w.forward)
		return;
	snprintf(quota, sizeof quota, "q%u", q);
	if (what < TYPES)
		snprintf(type, sizeof type, "t%u", what);
	if (roll(3) == 0) {
		bool there = amended_at(q, what, w.now_us) != NULL;

		assert_int_equal(
		    book_unset(w.book, w.box.t, quota, type, &w.box.e), there);
		a->set = there ? false : a->set;
		return;
	}
	if (known)
		*a = (struct amended){
		    true, roll(100),
		    roll(2) ? 0 : w.now_us + (int64_t)roll(DAY_US)};
	assert_int_equal(book_override(w.book, w.box.t, quota, type, a->value,
				       a->until_us, "root", "a\nreason",
				       w.now_us, &w.box.e),
			 known);
	assert_int_equal(w.box.e.kind, ERR_NONE);
}

static void
act_gate(void)
{
	unsigned r = (unsigned)roll(RELAYS);
	struct gate *g = &w.m.gate[r];

	if (!w.plan.relay[r])
		return;
	memset(g, 0, sizeof *g);
	g->paused = roll(2);
	g->closed_until_us = (int64_t)roll(1000);
	snprintf(g->last_error, sizeof g->last_error, "%" PRIu64, roll(99));
	book_set_gate(w.book, RELAY(r), g);
}

static void
act(void)
{
	uint64_t n = roll(12);

	for (uint64_t i = 0; i < n; i++) {
		uint64_t what = roll(20);

		if (what < 9)
			act_charge();
		else if (what < 17)
			act_settle();
		else if (what < 18)
			act_override();
		else if (what < 19)
			act_gate();
		else
			yes(&w.box,
			    book_prune(w.book, w.box.t, 3, w.now_us, &w.box.e));
	}
}

/* --- the world ------------------------------------------------------------ */

static void
clock_on(void)
{
	uint64_t what = roll(20);

	if (what < 8)
		w.now_us += (int64_t)roll(MINUTE_US);
	else if (what < 15)
		w.now_us += (int64_t)roll(90 * MINUTE_US);
	else if (what < 17)
		w.now_us += (int64_t)roll(2 * DAY_US);
	else if (what < 18)
		w.now_us = book_next_us(w.book, w.now_us);
	else if (!w.forward)
		w.now_us -= (int64_t)roll(3 * DAY_US);
	if (w.now_us > BOX_NOW * 2) /* nothing will ever turn */
		w.now_us = w.latest_us;
	/* Rows are kept for a clock that is wrong by days, not by months. */
	w.latest_us = max_of(w.latest_us, w.now_us);
	w.now_us = max_of(w.now_us, w.latest_us - BACK_US);
	/* An override that is over stays so when the clock goes back. */
	for (unsigned i = 0; i < QUOTAS; i++)
		for (unsigned k = 0; k <= TYPES; k++)
			if (w.m.amend[i][k].until_us != 0 &&
			    w.m.amend[i][k].until_us <= w.now_us)
				w.m.amend[i][k].set = false;
}

static void
reopen(void)
{
	box_read(&w.box);
	book_close(w.book);
	w.book = book_open(w.box.t, w.settings, w.now_us, &w.box.e);
	if (w.book == NULL)
		fail_msg("%s", w.box.e.text);
	box_end(&w.box);
}

static void
configure(void)
{
	struct settings *old = w.settings;

	plan_make(&w.plan, &w.plan);
	w.settings = plan_settings(&w.plan);
	box_read(&w.box);
	yes(&w.box,
	    book_configure(w.book, w.box.t, w.settings, w.now_us, &w.box.e));
	box_end(&w.box);
	settings_free(old);
}

static void
step(void)
{
	bool changed;

	clock_on();
	box_begin(&w.box);
	yes(&w.box, book_turn(w.book, w.box.t, w.now_us, &changed, &w.box.e));
	check();
	w.kept = w.m;
	act();
	check();
	yes(&w.box, book_flush(w.book, w.box.t, w.now_us, &w.box.e));
	if (roll(8) == 0) {
		box_end(&w.box);
		book_undo(w.book);
		w.m = w.kept;
		box_begin(&w.box);
		yes(&w.box,
		    book_turn(w.book, w.box.t, w.now_us, &changed, &w.box.e));
		box_end(&w.box);
	} else {
		box_commit(&w.box);
		book_committed(w.book);
	}
	check();
	check_audit();
	if (roll(12) == 0)
		reopen();
	if (roll(20) == 0)
		configure();
}

static void
run(uint64_t seed, bool forward)
{
	static const struct plan none;

	w.m.n = w.m.njobs = 0;
	memset(w.m.amend, 0, sizeof w.m.amend);
	memset(w.m.gate, 0, sizeof w.m.gate);
	w.seed = seed * 2654435761U + 88172645463325252ULL;
	w.forward = false;
	plan_make(&w.plan, &none);
	w.forward = forward;
	w.settings = plan_settings(&w.plan);
	w.now_us = w.latest_us = BOX_NOW;
	box_make(&w.box);
	w.book = NULL;
	reopen();
	for (unsigned i = 0; i < STEPS; i++)
		step();
	book_close(w.book);
	settings_free(w.settings);
	box_remove(&w.box);
}

static void
any_clock(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		run(seed, false);
	}
}

static void
never_over_the_limit(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		run(seed, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(any_clock),
	    cmocka_unit_test(never_over_the_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
