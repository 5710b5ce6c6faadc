/* Mail that waits without an attempt: given up when its time is over, and its
 * sender is told before. */
#include "daemon/now.h"
#include "tests/queue/told.h"

/* Looks go on as in life, one a second. */
static void
live(struct world *w, int64_t us)
{
	for (int64_t at = 0; at < us; at += SECOND_US)
		after(w, SECOND_US);
}

static const char WAITING[] =
    "instance=test hostname=mtq.example\nlisten l {address=127.0.0.1:1}\n"
    "source crm {from_ip=192.0.2.0/24}\ntype mass {}\n"
    "bounce {delay_after=10min delays_per_sender=\"\"}\n"
    "relay r {host=c.d recipients_per_message=3}\n"
    "retry normal {intervals=[1min] jitter=0% lifetime=1h}\n";

/* A pause by a person; the relay's title is in the words. */
static void
pause_relay(struct world *w, int64_t until_us)
{
	const struct control_change pause = {.change = CHANGE_RELAY_PAUSE,
					     .name = text_of("r"),
					     .until_us = (uint64_t)until_us};

	dispatch_change(w->d, 1, "me", &pause);
	step(w);
}

static void
has(const char *text, const char *what)
{
	if (text == NULL || strstr(text, what) == NULL)
		fail_msg("\"%s\" is not in: %s", what,
			 text != NULL ? text : "(nothing)");
}

static void
a_closed_relay(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 3, NULL};
	struct recipient_record r;
	char to[256], *text;
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, WAITING, 1);
	pause_relay(&w, 0);
	id = accept_mail(&w, &mail);
	live(&w, 9 * MINUTE_US);
	assert_null(only_report(&w, to));
	live(&w, 2 * MINUTE_US);
	text = only_report(&w, to);
	has(text, "\r\nAction: delayed\r\nStatus: 4.4.5\r\n");
	has(text, "We found: it waits for a relay, r: paused by an");
	has(text, "\r\nWill-Retry-Until: ");
	assert_null(strstr(text, "Last-Attempt-Date"));
	free(text);
	books(&w, 4, 0, 0, 0); /* the report waits, too, and is not told of */
	box_read(&w.box);
	for (uint32_t i = 0; i < 3; i++) {
		yes(&w.box, ledger_recipient(w.box.t, id, i, &r, &w.box.e));
		assert_int_equal(r.told, 1);
	}
	box_end(&w.box);
	live(&w, 40 * MINUTE_US);
	books(&w, 4, 0, 0, 0);
	live(&w, 10 * MINUTE_US); /* its time is over: one report more */
	books(&w, 2, 0, 0, 3);
	end(&w);
}

/* What was tried before has the remote's words, too, and when the relay opens. */
static void
tried_before(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	char to[256], *text;
	const int64_t opens_us = BOX_NOW + 25 * HOUR_US + 7 * SECOND_US;
	char date[NOW_RFC5322_SIZE];
	struct world w;

	(void)state;
	begin(&w, WAITING, 1);
	accept_mail(&w, &mail);
	step(&w);
	answer(&w, VERDICT_DEFER);
	step(&w);
	pause_relay(&w, opens_us);
	live(&w, 11 * MINUTE_US);
	text = only_report(&w, to);
	has(text, "at the last attempt");
	has(text, "\r\nLast-Attempt-Date: ");
	now_rfc5322(opens_us, date);
	has(text, strrchr(date, ':') - 5); /* folded where there is a blank */
	free(text);
	end(&w);
}

/* A lane that flows: nobody is told while its mail comes to its turn, and after
 * a sleep of ours the relay gets its chance first. */
static void
a_relay_with_too_much(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	char to[256], *text;
	struct world w;

	(void)state;
	begin(&w, WAITING, 0); /* no worker */
	accept_mail(&w, &mail);
	live(&w, 9 * MINUTE_US);
	after(&w, 5 * MINUTE_US);
	live(&w, 9 * MINUTE_US);
	assert_null(only_report(&w, to));
	live(&w, 2 * MINUTE_US);
	text = only_report(&w, to);
	has(text, "more mail waits than relay r takes");
	free(text);
	end(&w);
}

/* More than one look takes: everybody is told once. */
static void
many(void **state)
{
	enum { MANY = 700 };
	struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	uint64_t *id = must_alloc(MANY * sizeof id[0]);
	struct recipient_record r;
	struct world w;

	(void)state;
	begin(&w, WAITING, 1);
	pause_relay(&w, 0);
	for (size_t i = 0; i < MANY; i++)
		id[i] = accept_mail(&w, &mail);
	live(&w, 15 * MINUTE_US);
	books(&w, 2 * MANY, 0, 0, 0);
	box_read(&w.box);
	for (size_t i = 0; i < MANY; i++) {
		yes(&w.box, ledger_recipient(w.box.t, id[i], 0, &r, &w.box.e));
		assert_int_equal(r.told, 1);
	}
	box_end(&w.box);
	free(id);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_closed_relay),
	    cmocka_unit_test(tried_before),
	    cmocka_unit_test(a_relay_with_too_much),
	    cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
