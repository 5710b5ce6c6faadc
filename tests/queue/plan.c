#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "queue/plan.h"
#include "tests/queue/talker.h"

#define FRONT                                                                  \
	"instance=a hostname=a.b\nlisten l {address=127.0.0.1:1}\n"            \
	"source s {from_ip=192.0.2.0/24}\n"
static const char two[] =
    FRONT "relay r {host=c.d connections=7 breaker_open_for=5s}\n"
	  "relay q {host=e.f connections=2}\nno_match=r\n";
static const char one[] = FRONT "relay q {host=e.f connections=3}\n";

static struct plan *
plan_of(const char *text, unsigned workers)
{
	struct settings *s = talker_settings(text);
	struct plan *p = must_alloc(sizeof *p);

	plan_configure(p, s);
	settings_free(s);
	for (unsigned w = 0; w < workers; w++)
		plan_worker_up(p, w);
	return p;
}

static uint32_t
sum(const struct plan_relay *r)
{
	uint32_t n = 0;

	for (unsigned w = 0; w < PLAN_WORKERS_MOST; w++)
		n += r->share[w];
	return n;
}

static void
shares(void **state)
{
	(void)state;
	for (unsigned workers = 1; workers <= 5; workers++) {
		struct plan *p = plan_of(two, workers);

		for (size_t i = 0; i < p->nrelays; i++) {
			struct plan_relay *r = &p->relay[i];
			uint32_t low = r->connections / workers;

			assert_int_equal(sum(r), r->connections);
			for (unsigned w = 0; w < workers; w++)
				assert_in_range(r->share[w], low, low + 1);
		}
		plan_worker_gone(p, 0);
		assert_int_equal(sum(&p->relay[0]), workers > 1 ? 7 : 0);
		assert_int_equal(p->relay[0].share[0], 0);
		free(p);
	}
}

/* Jobs go to the least loaded, up to PLAN_AHEAD for each connection. */
static void
picks(void **state)
{
	struct plan *p = plan_of(two, 3);
	size_t r = plan_relay(p, "r");
	unsigned given = 0;
	int w;

	(void)state;
	assert_int_equal(plan_relay(p, "none"), p->nrelays);
	while ((w = plan_pick(p, r, 0)) >= 0) {
		plan_began(p, r, (unsigned)w);
		must(++given < 100);
	}
	assert_int_equal(given, 7 * PLAN_AHEAD);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(p->relay[r].in_flight[i],
				 p->relay[r].share[i] * PLAN_AHEAD);
	plan_ended(p, r, 1);
	assert_int_equal(plan_pick(p, r, 0), 1);
	plan_began(p, r, 1);
	plan_worker_gone(p, 1); /* its jobs are settled, the others get more */
	w = plan_pick(p, r, 0);
	assert_true(w == 0 || w == 2);
	assert_int_equal(plan_pick(p, plan_relay(p, "none"), 0), -1);
	free(p);
}

/* 1 s, 2 s, 4 s, then breaker_open_for (5 s); one job finds out each time. */
static void
closing(void **state)
{
	static const int64_t wait[] = {SECOND_US, 2 * SECOND_US, 4 * SECOND_US,
				       5 * SECOND_US, 5 * SECOND_US};
	struct plan *p = plan_of(two, 2);
	size_t r = plan_relay(p, "r");
	int64_t now = 10 * SECOND_US;

	(void)state;
	assert_true(plan_wake_us(p, now) == INT64_MAX);
	for (size_t i = 0; i < countof(wait); i++) {
		int w;

		assert_int_equal(plan_unreachable(p, r, 1, now), i == 0);
		assert_false(
		    plan_unreachable(p, r, 1, now + 1)); /* a late one */
		assert_true(plan_wake_us(p, now) == now + wait[i]);
		assert_int_equal(plan_pick(p, r, now + wait[i] - 1), -1);
		now += wait[i];
		assert_true(plan_wake_us(p, now) == INT64_MAX);
		w = plan_pick(p, r, now);
		assert_true(w >= 0);
		plan_began(p, r, (unsigned)w);
		assert_int_equal(plan_pick(p, r, now), -1); /* a probe is out */
		plan_ended(p, r, (unsigned)w);
	}
	for (int i = 0; i < 200; i++) { /* no shift past the type's width */
		(void)plan_unreachable(p, r, 1, now);
		now += 5 * SECOND_US;
	}
	assert_true(plan_reached(p, r));
	assert_false(plan_reached(p, r));
	assert_true(plan_pick(p, r, now) >= 0);
	free(p);
}

/* A destination keeps its worker; who comes takes from all, who goes leaves to
 * all; who has no connection to give has none. */
static void
destinations(void **state)
{
	enum { NAMES = 4000 };
	struct plan *p = plan_of(two, 4);
	size_t r = plan_relay(p, "r"), q = plan_relay(p, "q");
	unsigned n[6] = {0}, moved = 0;
	int was[NAMES];

	(void)state;
	for (uint32_t i = 0; i < NAMES; i++) {
		was[i] = plan_worker_for(p, r, i);
		assert_in_range(was[i], 0, 3);
		n[was[i]]++;
	}
	for (unsigned w = 0; w < 4; w++)
		assert_in_range(n[w], NAMES / 5, NAMES / 3);
	plan_worker_up(p, 4);
	for (uint32_t i = 0; i < NAMES; i++) {
		int w = plan_worker_for(p, r, i);

		assert_true(w == was[i] || w == 4);
		moved += w == 4;
	}
	assert_in_range(moved, NAMES / 6, NAMES / 4);
	plan_worker_gone(p, 4);
	for (uint32_t i = 0; i < NAMES; i++)
		assert_int_equal(plan_worker_for(p, r, i), was[i]);
	for (uint32_t i = 0; i < NAMES; i++) /* q: two connections */
		assert_in_range(plan_worker_for(p, q, i), 0, 1);
	assert_true(plan_has_room(p, q, 0));
	assert_false(plan_has_room(p, q, 3));
	for (unsigned w = 0; w < 4; w++)
		plan_worker_gone(p, w);
	assert_int_equal(plan_worker_for(p, r, 1), -1);
	free(p);
}

static void
reload(void **state)
{
	struct plan *p = plan_of(two, 2);
	struct settings *s = talker_settings(one);
	size_t r = plan_relay(p, "r"), q = plan_relay(p, "q");

	(void)state;
	plan_began(p, r, 0);
	plan_began(p, q, 1);
	plan_configure(p, s);
	settings_free(s);
	assert_int_equal(plan_relay(p, "q"), q);
	assert_int_equal(p->relay[q].in_flight[1], 1);
	assert_int_equal(sum(&p->relay[q]), 3);
	assert_int_equal(p->relay[r].in_flight[0], 1); /* gone, not forgotten */
	assert_int_equal(plan_pick(p, r, 0), -1);
	plan_ended(p, r, 0);
	s = talker_settings(two);
	plan_configure(p, s);
	settings_free(s);
	assert_int_equal(plan_relay(p, "r"), r);
	assert_int_equal(sum(&p->relay[r]), 7);
	assert_int_equal(p->nrelays, 2);
	free(p);
}

/* It has its connections until it is gone: nobody else may open them. */
static void
leaving(void **state)
{
	struct plan *p = plan_of(two, 2);
	size_t r = plan_relay(p, "r");
	uint32_t share = p->relay[r].share[0];

	(void)state;
	plan_began(p, r, 0);
	plan_worker_leaves(p, 0);
	assert_int_equal(p->relay[r].share[0], share);
	assert_false(plan_has_room(p, r, 0));
	for (int w = 1; (w = plan_pick(p, r, 0)) >= 0;) {
		assert_int_equal(w, 1);
		plan_began(p, r, 1);
	}
	plan_ended(p, r, 0);
	plan_worker_gone(p, 0);
	plan_worker_up(p, 0);
	assert_int_equal(plan_pick(p, r, 0), 0);
	free(p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(shares),  cmocka_unit_test(picks),
	    cmocka_unit_test(closing), cmocka_unit_test(destinations),
	    cmocka_unit_test(reload),  cmocka_unit_test(leaving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
