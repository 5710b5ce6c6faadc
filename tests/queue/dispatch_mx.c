/* deliver = mx: one domain a job, one worker a domain, and no domain's trouble
 * is another's: the dispatcher over a real store. */
#include "tests/queue/dispatcher.h"

#define FRONT                                                                  \
	"instance=test hostname=a.b zone=Etc/UTC\n"                            \
	"bounce {enabled=no keep_failed=365d}\n"                               \
	"listen l {address=127.0.0.1:1}\n"                                     \
	"source s {from_ip=192.0.2.0/24}\n"                                    \
	"retry normal {intervals=[1min, 10min] jitter=0% lifetime=1h}\n"
#define MX(more)                                                               \
	"relay mx {deliver=mx recipients_per_message=3 breaker_open_for=8s "   \
	"dane=no " more "}\n"

enum { PUT_MOST = 64 };

/* One message for each of these addresses, a blank between two. */
static uint64_t
put_to(struct world *w, const char *addresses)
{
	struct ledger_recipient r[PUT_MOST];
	struct message_record m;
	unsigned char body[100];
	uint64_t id = id_next(w->box.last, BOX_NOW, 0);
	uint32_t n = 0;

	for (const char *p = addresses; *p != '\0'; n++) {
		size_t len = strcspn(p, " ");

		assert_true(n < PUT_MOST);
		r[n] = (struct ledger_recipient){.address = {p, len},
						 .lane = w->box.lane};
		p += len + strspn(p + len, " ");
	}
	w->box.last = id;
	box_begin(&w->box);
	box_body(id, body, sizeof body);
	m = box_message(body, sizeof body, n);
	yes(&w->box, ledger_chunk(w->box.t, id, 0, body, sizeof body, false,
				  BOX_NOW, &w->box.e));
	yes(&w->box, ledger_accept(w->box.t, id, &m, r, n, false, &w->box.e));
	box_commit(&w->box);
	dispatch_bell(w->d);
	return id;
}

static unsigned
held_for(const struct world *w, const char *domain)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->nheld; i++)
		n += strcmp(w->held[i].destination, domain) == 0;
	return n;
}

/* The oldest job for a domain; how all of its recipients ended. */
static void
answer_for(struct world *w, const char *domain, enum status how,
	   enum stage stage, unsigned code)
{
	struct verdict v = verdict_of(how, stage, NULL);
	size_t i = 0;

	while (i < w->nheld && strcmp(w->held[i].destination, domain) != 0)
		i++;
	assert_true(i < w->nheld);
	for (uint32_t k = 0; k < w->held[i].job.nrecipients; k++) {
		struct job_outcome o =
		    outcome(w, i, w->held[i].rcpt[k], v.kind);

		o.blame = (uint8_t)v.blame;
		o.stage = (uint8_t)stage;
		o.code = (uint16_t)code;
		o.status = text_of(v.status);
		o.reply = text_of(v.reply);
		assert_true(dispatch_outcome(w->d, w->held[i].worker, &o));
	}
	w->nheld--;
	memmove(w->held + i, w->held + i + 1,
		(w->nheld - i) * sizeof w->held[0]);
}

static void
a_job_carries_one_domain(void **state)
{
	struct world w;

	(void)state;
	begin(&w, FRONT MX("connections=100"), 2);
	put_to(&w, "a@one.example b@two.example c@ONE.example "
		   "d@[192.0.2.1] e@two.example f@one.example g@one.example");
	step(&w);
	step(&w);
	/* four for one.example: three and one, by recipients_per_message */
	assert_int_equal(held_for(&w, "one.example"), 2);
	assert_int_equal(held_for(&w, "two.example"), 1);
	assert_int_equal(held_for(&w, "[192.0.2.1]"), 1);
	assert_int_equal(w.nheld, 4);
	for (size_t i = 0; i < w.nheld; i++) {
		static const char one[] = "one.example";
		bool first = strcmp(w.held[i].destination, one) == 0;

		if (first && w.held[i].job.nrecipients == 3) {
			assert_int_equal(w.held[i].rcpt[0], 0);
			assert_int_equal(w.held[i].rcpt[1], 2);
			assert_int_equal(w.held[i].rcpt[2], 5);
		}
	}
	books(&w, 0, 7, 0, 0);
	while (w.nheld > 0)
		answer(&w, VERDICT_SENT);
	step(&w);
	books(&w, 0, 0, 0, 0);
	end(&w);
}

/* Also a relay that speaks to one host has no domain in its jobs. */
static void
a_relay_takes_all_domains_together(void **state)
{
	struct world w;

	(void)state;
	begin(&w, CONF("4"), 1);
	put_to(&w, "a@one.example b@two.example c@three.example");
	step(&w);
	assert_int_equal(w.nheld, 1);
	assert_int_equal(w.held[0].job.nrecipients, 3);
	assert_string_equal(w.held[0].destination, "");
	answer(&w, VERDICT_SENT);
	step(&w);
	end(&w);
}

static void
name_of(unsigned i, char out[40])
{
	snprintf(out, 40, "a@d%u.example", i);
}

/* Sixty domains over four workers: each stays with its own while it lives, and
 * only a dead one's move. */
static void
a_domain_stays_with_its_worker(void **state)
{
	unsigned worker[60], of[4] = {0}, moved = 0;
	struct world w;
	char name[40];

	(void)state;
	begin(&w, FRONT MX("connections=400"), 4);
	for (int round = 0; round < 3; round++) {
		if (round == 2)
			dispatch_worker_gone(w.d, 2);
		for (unsigned i = 0; i < countof(worker); i++) {
			name_of(i, name);
			put_to(&w, name);
		}
		step(&w);
		step(&w);
		assert_int_equal(w.nheld, countof(worker));
		for (unsigned i = 0; i < countof(worker); i++) {
			unsigned k = 0, is = w.held[i].worker;

			assert_int_equal(
			    sscanf(w.held[i].destination, "d%u.example", &k),
			    1);
			if (round == 0)
				of[is]++, worker[k] = is;
			else if (round == 1 || worker[k] != 2)
				assert_int_equal(is, worker[k]);
			else
				moved++;
		}
		while (w.nheld > 0)
			answer(&w, VERDICT_SENT);
		step(&w);
	}
	for (unsigned i = 0; i < countof(of); i++)
		assert_in_range(of[i], 5, 30);
	assert_int_equal(moved, of[2]);
	end(&w);
}

/* A domain has at most half of what its worker may hold; others pass it, also
 * when more of its mail stands before them than one look goes past. */
static void
a_busy_domain_holds_up_no_other(void **state)
{
	struct world w;

	(void)state;
	begin(&w, FRONT MX("connections=4"), 1);
	for (int i = 0; i < 2000; i++)
		put_to(&w, "a@busy.example");
	step(&w);
	assert_int_equal(w.nheld, 4);
	put_to(&w, "a@late.example");
	put_to(&w, "b@late.example");
	for (int i = 0; i < 60 && w.nheld < 6; i++)
		step(&w);
	assert_int_equal(held_for(&w, "busy.example"), 4);
	assert_int_equal(held_for(&w, "late.example"), 2);
	/* Nobody looks again and again when the look was through. */
	for (int i = 0; i < 60; i++)
		step(&w);
	assert_true(w.wake_ms > 100);
	/* The head has its turn meanwhile. */
	answer_for(&w, "busy.example", STATUS_DELIVERED, STAGE_DOT, 250);
	step(&w);
	step(&w);
	assert_int_equal(held_for(&w, "busy.example"), 4);
	while (w.nheld > 0) {
		answer(&w, VERDICT_SENT);
		step(&w);
	}
	books(&w, 0, 0, 0, 0);
	end(&w);
}

/* What a host can't do is its own affair: the relay stays in service. */
static void
a_dead_domain_trips_no_breaker(void **state)
{
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, FRONT MX("connections=20 breaker_failures=1"), 1);
	id = put_to(&w, "a@dead.example");
	for (int i = 0; i < 5; i++)
		put_to(&w, "a@dead.example");
	step(&w);
	assert_int_equal(held_for(&w, "dead.example"), 6);
	while (held_for(&w, "dead.example") > 0)
		answer_for(&w, "dead.example", STATUS_NO_CONNECT, STAGE_CONNECT,
			   0);
	step(&w);
	expect_record(&w, id, RECIPIENT_WAITING, 1, "4.4.1", "connection");
	for (int i = 0; i < 8; i++)
		put_to(&w, "a@alive.example");
	step(&w);
	assert_int_equal(held_for(&w, "alive.example"), 8);
	/* By its schedule; one at a time until it answers. */
	after(&w, MINUTE_US);
	step(&w);
	assert_int_equal(held_for(&w, "dead.example"), 1);
	assert_int_equal(w.held[8].job.retried, 1);
	assert_int_equal(w.held[0].job.retried, 0);
	answer_for(&w, "dead.example", STATUS_DNS_FAILED, STAGE_LOOKUP, 0);
	step(&w);
	step(&w);
	assert_int_equal(held_for(&w, "dead.example"), 1);
	answer_for(&w, "dead.example", STATUS_DELIVERED, STAGE_DOT, 250);
	step(&w);
	step(&w);
	assert_int_equal(held_for(&w, "dead.example"), 4);
	while (w.nheld > 0)
		answer(&w, VERDICT_SENT);
	step(&w);
	end(&w);
}

/* Each of our own words that ends the matter for its recipient. */
static void
what_is_final_fails(void **state)
{
	static const struct {
		const char *what;
		enum status status;
		const char *code, *words;
	} row[] = {
	    {"we are its exchanger", STATUS_OWN_MX, "5.4.6", "back to us"},
	    {"private addresses only", STATUS_PRIVATE, "5.4.4", "private"},
	    {"it takes no mail", STATUS_NULL_MX, "5.1.10", "no mail"},
	};
	struct world w;

	(void)state;
	begin(&w, FRONT MX("connections=20"), 1);
	for (size_t i = 0; i < countof(row); i++) {
		uint64_t id = put_to(&w, "a@x.example");

		print_message("%s\n", row[i].what);
		step(&w);
		assert_int_equal(w.nheld, 1);
		answer_for(&w, "x.example", row[i].status, STAGE_LOOKUP, 0);
		step(&w);
		expect_record(&w, id, RECIPIENT_FAILED, 1, row[i].code,
			      row[i].words);
	}
	books(&w, 0, 0, 0, 3);
	end(&w);
}

/* A host that names a limit closes nobody's relay; its mail waits. */
static void
a_hosts_limit_is_its_own(void **state)
{
	struct world w;
	uint64_t id;
	struct recipient_record r;
	struct job_outcome o;

	(void)state;
	begin(&w,
	      FRONT MX("connections=20 quota_replies=\"550 *daily limit*\""),
	      1);
	id = put_to(&w, "a@x.example");
	put_to(&w, "a@y.example");
	step(&w);
	assert_int_equal(w.nheld, 2);
	o = outcome(&w, 0, 0, VERDICT_FAIL);
	o.code = 550;
	o.status = text_of("5.4.5");
	o.reply = text_of("550 5.4.5 daily limit exceeded");
	assert_true(dispatch_outcome(w.d, 0, &o));
	w.held[0] = w.held[--w.nheld];
	step(&w);
	expect_record(&w, id, RECIPIENT_WAITING, 1, "5.4.5", "daily limit");
	box_read(&w.box);
	yes(&w.box, ledger_recipient(w.box.t, id, 0, &r, &w.box.e));
	assert_int_equal(r.category, CATEGORY_QUOTA);
	box_end(&w.box);
	put_to(&w, "a@z.example");
	step(&w);
	assert_int_equal(held_for(&w, "z.example"), 1);
	while (w.nheld > 0)
		answer(&w, VERDICT_SENT);
	step(&w);
	end(&w);
}

/* How the last attempt's connection was secured stays with the recipient until
 * the next attempt; whatever a worker sends, it is one clean line. */
static void
the_record_names_tls(void **state)
{
	static const char *const sent[] = {
	    "tls=TLS1.3 cipher=AES-256-GCM verify=dane auth=PLAIN", "",
	    "tls=\nTLS1.3"};
	static const char *const kept[] = {
	    "tls=TLS1.3 cipher=AES-256-GCM verify=dane auth=PLAIN", "",
	    "tls=?TLS1.3"};
	struct recipient_record r;
	struct world w;
	uint64_t id;

	(void)state;
	begin(&w, FRONT MX("connections=2"), 1);
	id = put_to(&w, "a@x.example");
	for (size_t i = 0; i < countof(sent); i++) {
		struct job_outcome o;

		step(&w);
		assert_int_equal(w.nheld, 1);
		o = outcome(&w, 0, 0, VERDICT_DEFER);
		o.security = text_of(sent[i]);
		assert_true(dispatch_outcome(w.d, 0, &o));
		w.nheld = 0;
		step(&w);
		box_read(&w.box);
		yes(&w.box, ledger_recipient(w.box.t, id, 0, &r, &w.box.e));
		assert_true(text_is(r.security, kept[i]));
		box_end(&w.box);
		after(&w, 11 * MINUTE_US);
	}
	end(&w);
}

/* A commit that failed, a worker that died: every place comes back. */
static void
places_come_back(void **state)
{
	struct world w;

	(void)state;
	begin(&w, FRONT MX("connections=2"), 1);
	for (int i = 0; i < 9; i++)
		put_to(&w, "a@x.example b@y.example");
	for (int i = 0; i < 6; i++) {
		step(&w);
		step(&w);
		assert_int_equal(held_for(&w, "x.example"), 2);
		assert_int_equal(held_for(&w, "y.example"), 2);
		if (i % 2 == 0) {
			dispatch_worker_gone(w.d, 0);
			w.nheld = 0;
			dispatch_worker_up(w.d, 0);
			after(&w, 10 * MINUTE_US);
		} else {
			while (w.nheld > 0)
				answer(&w, VERDICT_SENT);
		}
	}
	end(&w);
}

/* One job, then a pause of its size; another domain does not wait for it, and
 * the wait is neither a look too many nor one too late. */
static void
a_domain_has_its_pace(void **state)
{
	struct world w;

	(void)state;
	begin(&w, FRONT MX("rate_per_domain=2/s"), 1);
	put_to(&w, "a@x.example b@x.example");
	put_to(&w, "c@x.example");
	put_to(&w, "d@y.example");
	step(&w);
	step(&w);
	assert_int_equal(held_for(&w, "x.example"), 1);
	assert_int_equal(held_for(&w, "y.example"), 1);
	while (w.nheld > 0)
		answer(&w, VERDICT_SENT);
	step(&w);
	assert_int_equal(w.nheld, 0);
	assert_in_range(w.wake_ms, 900, 1001); /* two recipients, 2/s */
	after(&w, 900 * 1000);
	assert_int_equal(w.nheld, 0);
	assert_in_range(w.wake_ms, 50, 101);
	after(&w, 100 * 1000);
	assert_int_equal(held_for(&w, "x.example"), 1);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_domain_has_its_pace),
	    cmocka_unit_test(a_job_carries_one_domain),
	    cmocka_unit_test(a_relay_takes_all_domains_together),
	    cmocka_unit_test(a_domain_stays_with_its_worker),
	    cmocka_unit_test(a_busy_domain_holds_up_no_other),
	    cmocka_unit_test(a_dead_domain_trips_no_breaker),
	    cmocka_unit_test(what_is_final_fails),
	    cmocka_unit_test(a_hosts_limit_is_its_own),
	    cmocka_unit_test(the_record_names_tls),
	    cmocka_unit_test(places_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
