/* years_events - see tests/sim/years.h. */
#include <sys/resource.h>

#include "tests/sim/years.h"

enum {
	AUDIT_EVERY = 100,
	VERIFY_EVERY = 1000,
	LOOK_EVERY = 150,
	AT_ONCE = 40 /* steps, while the next is wanted at once */
};
#define MARGIN_US (5 * DAY_US) /* how far the clock may be wrong */

void
years_pass(int64_t us)
{
	y.now_us += us;
	y.steady_us += us;
	y.latest_us = max_of(y.latest_us, y.now_us);
}

void
years_step(void)
{
	uint64_t wake_ms;
	struct err e;

	years_end_changes();
	for (int i = 0; i < AT_ONCE; i++) {
		CHECK(dispatch_step(y.dispatch, y.now_us, y.steady_us, &wake_ms,
				    &e),
		      "%s", e.text);
		if (dispatch_outcomes(y.dispatch) == 0)
			years_settle_told();
		if (!dispatch_busy(y.dispatch) && wake_ms > 1)
			break;
	}
	y.lax = false;
	/* When no place moved, the turning windows are what can go wrong. */
	if (!dispatch_busy(y.dispatch) && (y.moved > 0 || y.idle++ % 4 == 0))
		years_compare();
}

/* No page can be written: nothing may leave, nothing may be forgotten. */
static void
failing_step(void)
{
	struct rlimit old, none;
	uint64_t wake_ms;
	size_t outcomes;
	struct err e;

	for (uint64_t n = chance(6); n > 0; n--)
		years_some_job();
	outcomes = dispatch_outcomes(y.dispatch);
	CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0, "getrlimit");
	none = old;
	none.rlim_cur = 4096;
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0, "setrlimit");
	y.disk_fails = true;
	if (!dispatch_step(y.dispatch, y.now_us, y.steady_us, &wake_ms, &e)) {
		CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0, "setrlimit");
		CHECK(e.kind == ERR_FULL, "%s", e.text);
	}
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0, "setrlimit");
	y.disk_fails = false;
	CHECK(dispatch_outcomes(y.dispatch) == outcomes, "outcomes are gone");
	years_pass(2 * SECOND_US); /* it is tried again after one */
}

static uint64_t
lane_now(const struct letter *l, const char *author, const char *recipient)
{
	struct routing_ask ask = {.author = text_of(author),
				  .sender = text_of("bounce@crm.example"),
				  .recipient = text_of(recipient),
				  .source = text_of("s")};
	struct lane lane;

	while (strcmp(y.settings->types[ask.type].title, years_type[l->type]) !=
	       0)
		ask.type++;
	lane = lane_of(y.settings, &ask);
	if (chance(20) == 0) /* the receiver has older settings */
		lane.epoch ^= 1 + (uint32_t)chance(3);
	return lane_pack(&lane);
}

static void
accept_one(void)
{
	static char body[BODY_MOST];
	struct letter *l = &y.letter[y.nletters];
	struct ledger_recipient r[RCPTS_MOST];
	char address[RCPTS_MOST][32], author[48];
	struct message_record m;
	struct txn *t;
	struct err e;

	if (y.nletters == LETTERS)
		return;
	*l = (struct letter){.arrival_us = y.now_us,
			     .type = (unsigned)chance(TYPES),
			     .path = (unsigned)chance(ROUTES),
			     .n = (uint32_t)chance(RCPTS_MOST) + 1,
			     .size = 100 + (uint32_t)chance(BODY_MOST - 100)};
	l->id = y.last_id = id_next(y.last_id, y.now_us, 0);
	snprintf(author, sizeof author, "u%" PRIu64 "@d%u.example", chance(9),
		 l->path);
	for (uint32_t i = 0; i < l->n; i++) {
		snprintf(address[i], sizeof address[i], "r%u@%c.example", i,
			 "abcA"[chance(4)]);
		r[i] = (struct ledger_recipient){
		    .address = text_of(address[i]),
		    .lane = lane_now(l, author, address[i])};
	}
	memset(body, 'x', l->size);
	m = (struct message_record){.arrival_us = (uint64_t)y.now_us,
				    .chunks = 1,
				    .size_bytes = l->size,
				    .body_crc = crc32c(0, body, l->size),
				    .recipients = l->n,
				    .sender = text_of("bounce@crm.example"),
				    .author = text_of(author),
				    .source = text_of("s"),
				    .type = text_of(years_type[l->type])};
	t = store_begin(y.store, true, &e);
	CHECK(
	    t != NULL &&
		ledger_chunk(t, l->id, 0, body, l->size, false, y.now_us, &e) &&
		ledger_accept(t, l->id, &m, r, l->n, false, &e) &&
		store_commit(t, &e),
	    "accept: %s", e.text);
	y.nletters++;
	dispatch_bell(y.dispatch);
}

/* The wall clock alone; the steady one knows the truth. */
static void
jump(void)
{
	int64_t off_us = y.now_us - (y.begun_us + y.steady_us);
	int64_t by_us = ((int64_t)chance(6 * 24 * 60) - 3 * 24 * 60) *
			MINUTE_US / (chance(3) == 0 ? 60 : 1);

	if (off_us + by_us > MARGIN_US || off_us + by_us < -MARGIN_US)
		by_us = -off_us;
	y.now_us += by_us;
	y.latest_us = max_of(y.latest_us, y.now_us);
	y.jumps++;
	y.lax = true; /* what closed or paused a relay may be over */
	if (by_us < 0)
		years_clock_went_back();
	years_pass(SECOND_US + 1); /* after which it is seen at latest */
	years_step();
}

/* To a moment at which some window turns, or just before. */
static void
to_a_turn(void)
{
	struct cap *q = &y.cap[chance(QUOTAS)];
	int64_t to_us, off_us = (int64_t)chance(3) - 1;

	if (q->window == WINDOW_ROLLING)
		return;
	to_us = years_window(q, y.now_us).to_us + off_us * SECOND_US;
	if (to_us <= y.now_us || to_us - y.now_us > DAY_US)
		return;
	years_pass(to_us - y.now_us);
	y.turns++;
}

static void
some_event(void)
{
	uint64_t c = chance(1000);

	if (c < 350) {
		for (uint64_t n = chance(6) + 1; n > 0; n--)
			accept_one();
	} else if (c < 800) {
		for (uint64_t n = chance(20) + 1; n > 0; n--) {
			years_some_job();
			if (chance(3) == 0)
				years_step();
		}
	} else if (c < 820) {
		years_change_quota();
	} else if (c < 830) {
		years_change_relay();
	} else if (c < 850) {
		years_worker_comes();
	} else if (c < 860) {
		years_worker_dies();
	} else if (c < 870) {
		years_crash();
		/* What comes back must not come back all at once. */
		for (uint64_t n = chance(60); n > 0; n--) {
			years_some_job();
			years_pass(SECOND_US / 8);
			years_step();
		}
	} else if (c < 890) {
		y.relay[chance(RELAYS)].down ^= true;
	} else if (c < 905) {
		y.relay[chance(RELAYS)].wall ^= true;
	} else if (c < 915) {
		years_redesign();
	} else if (c < 920) {
		jump();
	} else if (c < 940) {
		failing_step();
	} else if (c < 955) {
		to_a_turn();
	}
}

void
years_event(void)
{
	some_event();
	years_step();
	if (chance(3) == 0)
		years_pass((int64_t)chance(90 * 60 * 1000) * 1000);
	else
		years_pass((int64_t)chance(20 * 60 * 1000) * 1000);
	years_step();
	y.events++;
	if (y.events % LOOK_EVERY == 0)
		years_look();
	if (y.events % AUDIT_EVERY == 0)
		years_audit(y.events % VERIFY_EVERY == 0);
}

/* Quiet: all that can go goes, the rest expires, nothing is lost. */
void
years_drain(void)
{
	int64_t end_us = max_of(y.latest_us, y.now_us) + LIFETIME_US + DAY_US;

	for (size_t i = 0; i < RELAYS; i++) {
		y.relay[i].rate = 0; /* so that no backlog waits for it */
		if (y.relay[i].there)
			years_resume(i);
	}
	y.lax = true; /* what was claimed waits for a permit */
	years_configure();
	years_step();
	while (y.now_us < end_us) {
		years_look();
		years_pass(2 * HOUR_US);
		years_step();
	}
	for (size_t i = 0; i < y.nletters; i++)
		for (uint32_t k = 0; k < y.letter[i].n; k++)
			years_must_be_over(&y.letter[i], k);
	CHECK(years_tasks(RELAYS) == 0, "jobs are left");
	years_audit(true);
}
