#include "queue/room.h"

#include "tests/queue/told.h"

#define FILE_WITH(more)                                                        \
	"instance=test hostname=mtq.example\nlisten l {address=127.0.0.1:1}\n" \
	"source crm {from_ip=192.0.2.0/24}\ntype mass {}\n"                    \
	"relay r {host=c.d recipients_per_message=3 connections=64}\n"         \
	"retry normal {intervals=[1min] jitter=0% lifetime=5d}\n" more

enum { MB = 1 << 20, STEPS_MOST = 60000 };

/* What high_water leaves is shared out, of what the file can grow to. */
static void
pressure(void **state)
{
	static const struct {
		const char *name;
		uint64_t high_water, map, used, file, disk;
		enum bounces_room want;
	} row[] = {
	    {"empty", 85, 1000, 0, 1, 9999, BOUNCES_ROOM},
	    {"at the mark", 85, 1000, 850, 900, 9999, BOUNCES_ROOM},
	    {"half of the rest", 85, 1000, 920, 950, 9999, BOUNCES_ROOM},
	    {"more", 85, 1000, 930, 950, 9999, BOUNCES_TIGHT},
	    {"three quarters", 85, 1000, 960, 1000, 9999, BOUNCES_TIGHT},
	    {"nearly all", 85, 1000, 965, 1000, 9999, BOUNCES_NONE},
	    {"another mark", 40, 1000, 690, 700, 9999, BOUNCES_ROOM},
	    {"and above it", 40, 1000, 710, 720, 9999, BOUNCES_TIGHT},
	    {"the disk ends before", 85, 1000, 395, 400, 20, BOUNCES_TIGHT},
	    {"the disk is full", 85, 1000, 398, 400, 0, BOUNCES_NONE},
	    {"full, but most of it is free", 85, 1000, 9, 400, 0, BOUNCES_ROOM},
	};
	struct settings *s = talker_settings(FILE_WITH(""));

	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		const struct store_room r = {.map_bytes = row[i].map * MB,
					     .used_bytes = row[i].used * MB,
					     .file_bytes = row[i].file * MB,
					     .disk_free_bytes =
						 row[i].disk * MB};

		s->queue.high_water_percent = row[i].high_water;
		if (room_pressure(s, &r) != row[i].want)
			fail_msg("%s", row[i].name);
	}
	settings_free(s);
}

static struct state_record
books_of(struct world *w)
{
	struct state_record r;

	box_read(&w->box);
	r = *txn_state(w->box.t);
	box_end(&w->box);
	return r;
}

static unsigned
fill(struct world *w, unsigned percent)
{
	const struct mail mail = {"a@from.test", 0, 0, 4000, 1, NULL};
	struct store_room room = {0};
	unsigned n = 0;

	for (; room.used_bytes <= room.map_bytes / 100 * percent; n++) {
		accept_mail(w, &mail);
		yes(&w->box, store_room(w->box.store, &room, &w->box.e));
	}
	return n;
}

/* A step that may fail: there is no room for it now. */
static void
try(struct world *w)
{
	w->now_us += SECOND_US;
	if (!dispatch_step(w->d, w->now_us, w->now_us - BOX_NOW, &w->wake_ms,
			   &w->box.e))
		assert_int_equal(w->box.e.kind, ERR_FULL);
}

/* Until nothing waits; the mail gets this answer, reports are taken. */
static void
drain(struct world *w, enum verdict_kind kind)
{
	struct state_record r = books_of(w);

	for (unsigned i = 0; r.waiting + r.claimed > 0; i++) {
		if (i == STEPS_MOST)
			fail_msg("%u wait, %u are with workers",
				 (unsigned)r.waiting, (unsigned)r.claimed);
		try(w);
		while (w->nheld > 0)
			answer(w, w->held[0].job.message % ID_WRITERS == 1
				      ? VERDICT_SENT
				      : kind);
		r = books_of(w);
	}
}

/* Each failure was told of, or it is known that it was not. */
static void
check_told(struct world *w, uint64_t failures, bool all)
{
	uint64_t told = 0, withheld = 0, number, from = 0;
	struct journal_entry x;

	box_read(&w->box);
	while (journal_next(w->box.t, from, &number, &x, &w->box.e)) {
		from = number + 1;
		told += x.kind == JOURNAL_REPORTED;
		withheld += x.kind == JOURNAL_WITHHELD;
	}
	box_end(&w->box);
	assert_int_equal(told + withheld, failures);
	assert_true(told > 0);
	if (all)
		assert_int_equal(withheld, 0);
}

/* A relay refuses a whole queue: each failure keeps its mail and makes a report,
 * which waits behind the rest. */
static void
all_is_refused(void **state)
{
	static const unsigned percent[] = {20, 40, 60, 84};

	(void)state;
	for (size_t i = 0; i < countof(percent); i++) {
		struct world w;
		unsigned n;

		begin(&w, FILE_WITH("history {max_size=1gb}\n"), 2);
		n = fill(&w, percent[i]);
		drain(&w, VERDICT_FAIL);
		if (percent[i] == 20)
			check_told(&w, n, true);
		w.now_us += 6 * DAY_US; /* keep_failed is over */
		for (unsigned k = 0; k < 600 && books_of(&w).messages > 0; k++)
			try(&w);
		assert_int_equal(books_of(&w).messages, 0);
		end(&w);
	}
}

/* Its lifetime ends while the relay is paused: all at once.  What a person asks
 * for then is done. */
static void
all_expires(void **state)
{
	const struct control_change pause = {.change = CHANGE_RELAY_PAUSE,
					     .name = text_of("r")};
	const struct control_change resume = {.change = CHANGE_RELAY_RESUME,
					      .name = text_of("r")};
	static const unsigned percent[] = {40, 84};

	(void)state;
	for (size_t i = 0; i < countof(percent); i++) {
		struct world w;
		size_t answers;

		begin(&w, FILE_WITH("bounce {delay_after=0s}\n"), 2);
		dispatch_change(w.d, 1, "me", &pause);
		step(&w);
		fill(&w, percent[i]);
		w.now_us += 5 * DAY_US;
		for (unsigned k = 0; k < 2000; k++)
			try(&w);
		answers = w.nanswers;
		dispatch_change(w.d, 1, "me", &resume);
		for (unsigned k = 0; k < 20; k++)
			try(&w);
		assert_int_equal(w.nanswers, answers + 1);
		drain(&w, VERDICT_SENT);
		end(&w);
	}
}

/* And a start in the middle of it. */
static void
starts_when_full(void **state)
{
	struct world w;
	uint64_t n;

	(void)state;
	begin(&w, FILE_WITH(""), 2);
	fill(&w, 84);
	for (unsigned i = 0; i < 500; i++) {
		try(&w);
		if (i % 2 == 0) /* every other claim stays open */
			while (w.nheld > 8)
				answer(&w, VERDICT_FAIL);
	}
	dispatch_close(w.d);
	w.d = dispatch_open(w.box.store, w.settings, &ops, &w, w.now_us,
			    &w.box.e);
	assert_non_null(w.d);
	yes(&w.box,
	    dispatch_recover(w.d, w.now_us, w.now_us - BOX_NOW, &n, &w.box.e));
	assert_true(n > 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(pressure),
	    cmocka_unit_test(all_is_refused),
	    cmocka_unit_test(all_expires),
	    cmocka_unit_test(starts_when_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
