/* Which relay takes the mail now, and what happens when none does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "queue/choose.h"
#include "queue/lane.h"

/* Relays 0, 1, 2 are the list's; these are the triggers'. */
enum { CRM = 3, OTHER_CRM = 4, RELAYS = 5 };
#define NEVER INT64_MAX

/* What each relay says; opens_us is 0 where nobody knows. */
struct world {
	struct relay_now now[RELAYS];
	unsigned asked; /* bit of each relay that was looked at */
	unsigned type;
};

static struct relay_now
say(void *arg, size_t relay, unsigned type)
{
	struct world *w = arg;
	struct relay_now now = w->now[relay];

	assert_true(relay < RELAYS);
	w->asked |= 1U << relay;
	w->type = type;
	if (now.opens_us == 0)
		now.opens_us = NEVER;
	return now;
}

static void
reasons_have_words(void **state)
{
	(void)state;
	for (int i = 0; i < SHUT_COUNT; i++) {
		assert_true(relay_shut_word((enum relay_shut)i)[0] != '\0');
		assert_true(relay_shut_text((enum relay_shut)i)[0] != '\0');
	}
	assert_string_equal(relay_shut_word(SHUT_SPENT), "spent");
}

static void
a_bit_for_each_place(void **state)
{
	const struct way way = {.n = 3, .relay = {7, 2, 9}};

	(void)state;
	assert_int_equal(choose_bit(&way, 7), 1);
	assert_int_equal(choose_bit(&way, 2), 2);
	assert_int_equal(choose_bit(&way, 9), 4);
	assert_int_equal(choose_bit(&way, 5), LANE_TRIED_CRM);
}

struct row {
	const char *name;
	struct relay_now list[3], crm;
	enum trigger exhausted, unreachable;
	unsigned tried;
	/* expected */
	enum choice choice;
	size_t relay; /* of CHOICE_GO */
	int64_t opens_us;
	const char *looked; /* a letter for each step: "abcX" */
};

#define OPEN                                                                   \
	{                                                                      \
		SHUT_NOT, 0                                                    \
	}
#define GO(relay)   CHOICE_GO, relay, 0
#define WAIT(until) CHOICE_WAIT, 0, until
#define BOUNCE      CHOICE_BOUNCE, 0, 0
#define TO_CRM      TRIGGER_RELAY

/* clang-format off */
static const struct row rows[] = {
    {"the first that is open",
     {OPEN, OPEN, OPEN}, OPEN, TO_CRM, TO_CRM, 0, GO(0), "a"},
    {"spent: the next",
     {{SHUT_SPENT, 50}, OPEN, OPEN}, OPEN, TO_CRM, TO_CRM, 0, GO(1), "ab"},
    {"closed and paused: the third",
     {{SHUT_CLOSED, 50}, {SHUT_PAUSED, 0}, OPEN}, OPEN, TO_CRM, TO_CRM, 0,
     GO(2), "abc"},
    {"tried: the next",
     {OPEN, OPEN, OPEN}, OPEN, TO_CRM, TO_CRM, 1, GO(1), "ab"},
    {"all spent: the CRM relay",
     {{SHUT_SPENT, 50}, {SHUT_SPENT, 60}, {SHUT_SPENT, 70}}, OPEN, TO_CRM,
     TRIGGER_NEXT, 0, GO(CRM), "abcX"},
    {"all spent, the CRM relay too: the first that opens",
     {{SHUT_SPENT, 50}, {SHUT_SPENT, 40}, {SHUT_CLOSED, 70}},
     {SHUT_SPENT, 60}, TO_CRM, TRIGGER_NEXT, 0, WAIT(40), "abcX"},
    {"the CRM relay opens first",
     {{SHUT_SPENT, 50}, {SHUT_SPENT, 40}, {SHUT_CLOSED, 70}},
     {SHUT_PAUSED, 30}, TO_CRM, TRIGGER_NEXT, 0, WAIT(30), "abcX"},
    {"the CRM relay was tried",
     {{SHUT_SPENT, 50}, {SHUT_SPENT, 40}, {SHUT_CLOSED, 70}}, OPEN, TO_CRM,
     TRIGGER_NEXT, LANE_TRIED_CRM, WAIT(40), "abcX"},
    {"all spent: wait",
     {{SHUT_SPENT, 50}, {SHUT_SPENT, 40}, {SHUT_CLOSED, 70}}, OPEN,
     TRIGGER_WAIT, TRIGGER_NEXT, 0, WAIT(40), "abc"},
    {"all spent: bounce",
     {{SHUT_SPENT, 50}, {SHUT_SPENT, 40}, {SHUT_CLOSED, 70}}, OPEN,
     TRIGGER_BOUNCE, TRIGGER_NEXT, 0, BOUNCE, "abc"},
    {"one paused for good, two tried: the list is exhausted",
     {{SHUT_PAUSED, 0}, OPEN, OPEN}, OPEN, TO_CRM, TRIGGER_NEXT, 6, GO(CRM),
     "abcX"},
    {"disabled counts as exhausted",
     {{SHUT_DISABLED, 0}, {SHUT_DISABLED, 0}, {SHUT_DISABLED, 0}}, OPEN,
     TO_CRM, TRIGGER_NEXT, 0, GO(CRM), "abcX"},
    {"all tried: no trigger, the round is over",
     {OPEN, OPEN, OPEN}, OPEN, TO_CRM, TO_CRM, 7, WAIT(NEVER), "abc"},
    {"all tried: no bounce either",
     {OPEN, OPEN, OPEN}, OPEN, TRIGGER_BOUNCE, TRIGGER_BOUNCE, 7,
     WAIT(NEVER), "abc"},
    {"unreachable: the list goes on",
     {{SHUT_UNREACHABLE, 5}, OPEN, OPEN}, OPEN, TO_CRM, TRIGGER_NEXT, 0,
     GO(1), "ab"},
    {"unreachable: this relay is waited for, others or not",
     {{SHUT_UNREACHABLE, 5}, OPEN, OPEN}, OPEN, TO_CRM, TRIGGER_WAIT, 0,
     WAIT(5), "a"},
    {"unreachable: bounce",
     {{SHUT_UNREACHABLE, 5}, OPEN, OPEN}, OPEN, TO_CRM, TRIGGER_BOUNCE, 0,
     BOUNCE, "a"},
    {"unreachable: the CRM relay",
     {{SHUT_UNREACHABLE, 5}, OPEN, OPEN}, OPEN, TRIGGER_WAIT, TO_CRM, 0,
     GO(OTHER_CRM), "aY"},
    {"unreachable, and the CRM relay was tried: wait",
     {{SHUT_UNREACHABLE, 5}, OPEN, OPEN}, OPEN, TRIGGER_WAIT, TO_CRM,
     LANE_TRIED_CRM, WAIT(5), "aY"},
    {"spent, then unreachable: that trigger, not the other",
     {{SHUT_SPENT, 3}, {SHUT_UNREACHABLE, 5}, OPEN}, OPEN, TRIGGER_BOUNCE,
     TRIGGER_WAIT, 0, WAIT(3), "ab"},
    {"all unreachable, next: nothing is exhausted, wait",
     {{SHUT_UNREACHABLE, 9}, {SHUT_UNREACHABLE, 5}, {SHUT_UNREACHABLE, 7}},
     OPEN, TRIGGER_BOUNCE, TRIGGER_NEXT, 0, WAIT(5), "abc"},
    {"unreachable and spent, next: exhausted",
     {{SHUT_UNREACHABLE, 9}, {SHUT_SPENT, 5}, {SHUT_UNREACHABLE, 7}}, OPEN,
     TO_CRM, TRIGGER_NEXT, 0, GO(CRM), "abcX"},
    {"tried and unreachable: it is not asked about again",
     {{SHUT_UNREACHABLE, 9}, OPEN, OPEN}, OPEN, TO_CRM, TRIGGER_WAIT, 1,
     GO(1), "ab"},
    {"nobody knows when",
     {{SHUT_PAUSED, 0}, {SHUT_DISABLED, 0}, {SHUT_SPENT, 0}}, OPEN,
     TRIGGER_WAIT, TRIGGER_NEXT, 0, WAIT(NEVER), "abc"},
};
/* clang-format on */

static void
steps_text(const struct chosen *c, char *out)
{
	static const char letter[] = "abcXY";

	for (size_t i = 0; i < c->nsteps; i++) {
		out[i] = letter[c->step[i].relay];
		assert_true(c->step[i].by_trigger == (c->step[i].relay >= CRM));
	}
	out[c->nsteps] = '\0';
}

static void
every_rule(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		const struct way way = {.n = 3,
					.relay = {0, 1, 2},
					.exhausted = r->exhausted,
					.unreachable = r->unreachable,
					.exhausted_relay = CRM,
					.unreachable_relay = OTHER_CRM};
		struct world w = {.now = {r->list[0], r->list[1], r->list[2],
					  r->crm, r->crm}};
		const struct choose_ops ops = {say, &w};
		char looked[ROUTING_VIA + 2];
		struct chosen c;

		choose_relay(&way, 4, r->tried, &ops, &c);
		steps_text(&c, looked);
		if (c.choice != r->choice || strcmp(looked, r->looked) != 0 ||
		    (c.choice == CHOICE_GO && c.relay != r->relay) ||
		    (c.choice == CHOICE_WAIT && c.opens_us != r->opens_us))
			fail_msg("%s: choice %d, relay %zu, opens %lld, "
				 "looked at %s",
				 r->name, (int)c.choice, c.relay,
				 (long long)c.opens_us, looked);
		assert_true(w.asked == 0 || w.type == 4);
	}
}

/* A relay that failed in this round is not taken again, by whatever name: also
 * when the trigger's relay stands in the list. */
static void
never_twice_in_a_round(void **state)
{
	static const enum trigger triggers[] = {TRIGGER_WAIT, TRIGGER_BOUNCE,
						TRIGGER_RELAY, TRIGGER_NEXT};
	enum { STATES = SHUT_COUNT * SHUT_COUNT * SHUT_COUNT };

	(void)state;
	for (int i = 0; i < STATES * 16; i++) {
		const struct way way = {.n = 3,
					.relay = {0, CRM, 2},
					.exhausted = triggers[i / STATES % 3],
					.unreachable = triggers[i / STATES / 4],
					.exhausted_relay = CRM,
					.unreachable_relay = CRM};
		struct world w = {
		    .now = {
			[0] = {(enum relay_shut)(i % SHUT_COUNT), 1},
			[CRM] = {(enum relay_shut)(i / SHUT_COUNT % SHUT_COUNT),
				 2},
			[2] = {(enum relay_shut)(i / SHUT_COUNT / SHUT_COUNT %
						 SHUT_COUNT),
			       3}}};
		const struct choose_ops ops = {say, &w};
		unsigned tried = 0, rounds = 0;
		struct chosen c;

		choose_relay(&way, 0, tried, &ops, &c);
		for (; c.choice == CHOICE_GO; rounds++) {
			assert_true((tried & choose_bit(&way, c.relay)) == 0);
			tried |= choose_bit(&way, c.relay);
			choose_relay(&way, 0, tried, &ops, &c);
		}
		assert_true(rounds <= 3);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(reasons_have_words),
	    cmocka_unit_test(a_bit_for_each_place),
	    cmocka_unit_test(every_rule),
	    cmocka_unit_test(never_twice_in_a_round),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
