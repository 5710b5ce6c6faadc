/* Who is told that mail has failed, when, and that it happens exactly once. */
#include "tests/queue/told.h"

static const struct row {
	const char *name;
	const char *conf;
	struct mail mail;
	const char *to; /* NULL: nobody is told */
	const char *with, *without;
} rows[] = {
    {"a sender is told",
     TOLD(""),
     {"a@from.test", 0, 0, 0, 1, NULL},
     "a@from.test",
     "the words",
     "\r\n.\r\n"},
    {"the null sender is nobody",
     TOLD(""),
     {"", 0, 0, 0, 1, NULL},
     NULL,
     "",
     ""},
    {"NOTIFY=NEVER",
     TOLD(""),
     {"a@from.test", NOTIFY_NEVER, 0, 0, 1, NULL},
     NULL,
     "",
     ""},
    {"NOTIFY=SUCCESS only",
     TOLD(""),
     {"a@from.test", NOTIFY_SUCCESS, 0, 0, 1, NULL},
     NULL,
     "",
     ""},
    {"NOTIFY=FAILURE",
     TOLD(""),
     {"a@from.test", NOTIFY_FAILURE, 0, 0, 1, NULL},
     "a@from.test",
     "reader@example.net",
     "\r\n.\r\n"},
    {"RET=HDRS",
     TOLD(""),
     {"a@from.test", 0, MESSAGE_RET_HDRS, 0, 1, NULL},
     "a@from.test",
     "X-A: b\r\n",
     "the words"},
    {"a large one comes back as its header",
     TOLD("bounce {max_original=1kb}\n"),
     {"a@from.test", 0, 0, 5000, 1, NULL},
     "a@from.test",
     "X-A: b\r\n",
     "the words"},
    {"also with RET=FULL",
     TOLD("bounce {max_original=1kb}\n"),
     {"a@from.test", 0, MESSAGE_RET_FULL, 3 * CHUNK_MOST, 1, NULL},
     "a@from.test",
     "X-A: b\r\n",
     "the words"},
    {"a whole one of several chunks",
     TOLD("bounce {max_original=1mb}\n"),
     {"a@from.test", 0, MESSAGE_RET_FULL, 3 * CHUNK_MOST, 1, NULL},
     "a@from.test",
     "the words\r\nxxxx",
     "\r\n.\r\n"},
    {"switched off",
     TOLD("bounce {enabled=no}\n"),
     {"a@from.test", 0, 0, 0, 1, NULL},
     NULL,
     "",
     ""},
    {"not for this type",
     "instance=test hostname=mtq.example\nlisten l {address=127.0.0.1:1}\n"
     "source crm {from_ip=192.0.2.0/24}\ntype mass {dsn=no}\n"
     "relay r {host=c.d}\n",
     {"a@from.test", 0, 0, 0, 1, NULL},
     NULL,
     "",
     ""},
    {"the CRM does it itself",
     "instance=test hostname=mtq.example\nlisten l {address=127.0.0.1:1}\n"
     "source crm {from_ip=192.0.2.0/24 bounce_authority=crm}\ntype mass {}\n"
     "relay r {host=c.d}\n",
     {"a@from.test", 0, 0, 0, 1, NULL},
     NULL,
     "",
     ""},
    {"a report that fails goes to postmaster",
     TOLD("bounce {postmaster=pm@from.test}\n"),
     {"", NOTIFY_NEVER, 0, 0, 1, NULL},
     "pm@from.test",
     "reader@example.net",
     "\r\n.\r\n"},
    {"that postmaster can't be reached is told nobody",
     TOLD("bounce {postmaster=pm@from.test}\n"),
     {"", NOTIFY_NEVER, 0, 0, 1, "PM@from.test"},
     NULL,
     "",
     ""},
};

static void
who_is_told(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct row *r = &rows[i];
		struct world w;
		char to[256], *text;

		begin(&w, r->conf, 1);
		accept_mail(&w, &r->mail);
		refuse(&w);
		text = only_report(&w, to);
		if ((text != NULL) != (r->to != NULL))
			fail_msg("%s: %s", r->name,
				 text != NULL ? "a report" : "no report");
		if (text != NULL &&
		    (strcmp(to, r->to) != 0 || !strstr(text, r->with) ||
		     strstr(text, r->without)))
			fail_msg("%s: to %s: %s", r->name, to, text);
		free(text);
		end(&w);
	}
}

/* One report has all that failed in one commit; its own failure makes none. */
static void
one_report(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 3, NULL};
	struct world w;
	char to[256], *text;
	const char *at;
	int n = 0;

	(void)state;
	begin(&w, TOLD(""), 1);
	accept_mail(&w, &mail);
	refuse(&w);
	text = only_report(&w, to);
	assert_non_null(text);
	for (at = text; (at = strstr(at, "\r\nFinal-Recipient:")); at++)
		n++;
	assert_int_equal(n, 3);
	assert_int_equal(w.nheld, 0);
	books(&w, 1, 0, 0, 3);
	refuse(&w); /* the report */
	after(&w, 2 * SECOND_US);
	books(&w, 0, 0, 0, 4);
	free(text);
	end(&w);
}

/* What gives up without an attempt is told like any failure. */
static void
expired(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	struct world w;
	char to[256], *text;

	(void)state;
	begin(&w, TOLD(""), 0); /* no worker: it waits */
	accept_mail(&w, &mail);
	step(&w);
	after(&w, 2 * HOUR_US);
	dispatch_worker_up(w.d, 0);
	step(&w);
	if (w.nheld > 0)
		answer(&w, VERDICT_DEFER);
	after(&w, 2 * SECOND_US);
	text = only_report(&w, to);
	assert_non_null(text);
	assert_non_null(strstr(text, "4.4.7"));
	free(text);
	end(&w);
}

/* A commit that fails leaves neither the failure nor the report; the next one
 * has both, once. */
static void
a_failed_commit(void **state)
{
	const struct mail mail = {"a@from.test", 0, 0, 0, 1, NULL};
	struct world w;
	char to[256], *text;
	bool ok;

	(void)state;
	begin(&w, TOLD(""), 1);
	accept_mail(&w, &mail);
	step(&w);
	answer(&w, VERDICT_FAIL);
	no_writes(true);
	w.broken = true;
	w.now_us += 1000;
	ok = dispatch_step(w.d, w.now_us, w.now_us - BOX_NOW, &w.wake_ms,
			   &w.box.e);
	no_writes(false);
	assert_false(ok);
	w.broken = false;
	books(&w, 0, 1, 0, 0);
	after(&w, 2 * SECOND_US);
	step(&w);              /* one after a failure goes carefully */
	books(&w, 0, 1, 0, 1); /* the report is with the worker */
	text = only_report(&w, to);
	assert_non_null(text);
	free(text);
	end(&w);
}

/* What failed is kept to be looked at, and then it goes. */
static void
kept_for_a_while(void **state)
{
	const struct mail mail = {"", 0, 0, 0, 2, NULL};
	struct world w;

	(void)state;
	begin(&w, TOLD("bounce {keep_failed=1h}\n"), 1);
	accept_mail(&w, &mail);
	refuse(&w);
	books(&w, 0, 0, 0, 2);
	after(&w, HOUR_US - MINUTE_US);
	after(&w, 2 * SECOND_US);
	books(&w, 0, 0, 0, 2);
	after(&w, MINUTE_US);
	after(&w, 2 * SECOND_US);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(who_is_told),
	    cmocka_unit_test(one_report),
	    cmocka_unit_test(expired),
	    cmocka_unit_test(a_failed_commit),
	    cmocka_unit_test(kept_for_a_while),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
