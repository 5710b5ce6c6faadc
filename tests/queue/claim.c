/* Which envelope sender a job leaves with, and how many recipients share it. */
#include "tests/queue/desk.h"

#include "queue/claim.h"
#include "queue/return_path.h"

enum { NRCPT = 3, MOST = 2 };

static const struct {
	const char *name, *relay, *sender, *author;
	uint32_t flags;
	uint32_t nrcpt; /* of the first job */
	const char *out;
	bool kept; /* and somebody is told */
} row[] = {
    {"keep", "", "crm@b.example", "a@c.example", 0, MOST, "crm@b.example",
     false},
    {"from", "return_path = from", "crm@b.example", "a@c.example", 0, MOST,
     "a@c.example", false},
    {"from, but there is none", "return_path = from", "crm@b.example", "", 0,
     MOST, "crm@b.example", true},
    {"from beyond ASCII without SMTPUTF8", "return_path = from",
     "crm@b.example", "\xc3\xa4@c.example", 0, MOST, "crm@b.example", true},
    {"from beyond ASCII", "return_path = from", "crm@b.example",
     "\xc3\xa4@c.example", MESSAGE_SMTPUTF8, MOST, "\xc3\xa4@c.example", false},
    {"an address", "return_path = \"b@d.example\"", "crm@b.example", "", 0,
     MOST, "b@d.example", false},
    {"verp", "return_path = verp", "crm@b.example", "a@c.example", 0, 1, NULL,
     false},
    {"a report through verp", "return_path = verp", "", "", 0, MOST, "", false},
    {"a report through from", "return_path = from", "", "a@c.example", 0, MOST,
     "", false},
};

static uint64_t
put(struct desk *d, size_t i)
{
	static unsigned char body[100];
	struct ledger_recipient r[NRCPT];
	struct message_record m;
	uint64_t id = id_next(d->box.last, d->now_us, 0);

	d->box.last = id;
	m = box_message(body, sizeof body, NRCPT);
	m.sender = text_of(row[i].sender);
	m.author = text_of(row[i].author);
	m.flags = row[i].flags;
	for (uint32_t k = 0; k < NRCPT; k++)
		r[k] = (struct ledger_recipient){
		    .address = text_of("reader@example.net"),
		    .lane = LANE_DEFAULT};
	yes(&d->box, ledger_chunk(d->box.t, id, 0, body, sizeof body, false,
				  d->now_us, &d->box.e));
	yes(&d->box,
	    ledger_accept(d->box.t, id, &m, r, NRCPT, false, &d->box.e));
	return id;
}

static void
claim_one(struct desk *d, uint64_t number, struct claim *c)
{
	int64_t next_us;

	*c = (struct claim){.job = number,
			    .lane = LANE_DEFAULT,
			    .relay = RELAY_OUT,
			    .type = MASS,
			    .lifetime_us = DAY_US,
			    .from = {.due_us = INT64_MIN}};
	assert_int_equal(claim_next(d->box.t, d->b, d->s, MOST, d->now_us, c,
				    &next_us, &d->box.e),
			 CLAIM_DONE);
}

/* An address of ours, of this message and this recipient. */
static void
expect_ours(struct desk *d, struct text sender, uint64_t id, uint32_t rcpt)
{
	struct return_key key;
	struct return_path who;
	struct address a;
	const char *why;

	assert_true(address_parse(sender.p, sender.n, false, &a, &why));
	assert_int_equal(a.domain.n, strlen("r.example"));
	yes(&d->box, return_key_read(d->box.t, &key, &d->box.e));
	assert_int_equal(
	    return_path_parse(a.local, &key, DAY_US, d->now_us, &who),
	    RETURN_PATH_OURS);
	assert_true(who.message == id);
	assert_int_equal(who.rcpt, rcpt);
}

/* Every recipient leaves, each with the sender that its relay asks for. */
static void
senders(void **state)
{
	(void)state;
	for (size_t i = 0; i < countof(row); i++) {
		char conf[1024];
		struct desk d;
		uint32_t gone = 0;
		uint64_t id;

		snprintf(conf, sizeof conf,
			 HEAD TYPES QUOTAS
			 "returns { domain = r.example }\n"
			 "relay out { host = mail.example quota = [r, m, b] "
			 "%s }\n",
			 row[i].relay);
		desk_open(&d, conf);
		begin(&d);
		id = put(&d, i);
		for (uint64_t number = 1; gone < NRCPT; number++) {
			struct claim c;
			struct job j;

			claim_one(&d, number, &c);
			assert_true(job_decode(&j, c.frame.data, c.frame.n));
			if (number == 1 && c.nrcpt != row[i].nrcpt)
				fail_msg("%s: %u", row[i].name, c.nrcpt);
			if ((c.kept != NULL) != row[i].kept)
				fail_msg("%s: %s", row[i].name, c.kept);
			if (row[i].out == NULL)
				expect_ours(&d, j.sender, id, c.rcpt[0]);
			else if (!text_is(j.sender, row[i].out))
				fail_msg("%s: %.*s", row[i].name,
					 (int)j.sender.n, j.sender.p);
			gone += c.nrcpt;
			claim_free(&c);
		}
		commit(&d);
		desk_close(&d);
	}
}

static int
any_worker(void *arg, size_t relay, const char *domain)
{
	(void)arg;
	(void)relay;
	assert_string_equal(domain, "example.net");
	return 0;
}

/* Through deliver = mx as well: one recipient a job, none left out. */
static void
one_by_one_to_a_domain(void **state)
{
	const struct claim_ops mx = {any_worker, NULL};
	struct ledger_due from = {.due_us = INT64_MIN};
	struct desk d;
	uint64_t id;

	(void)state;
	desk_open(&d, HEAD TYPES QUOTAS
		  "returns { domain = r.example }\n"
		  "relay out { deliver = mx dane = no return_path = verp }\n");
	begin(&d);
	id = put(&d, 0);
	for (uint32_t rcpt = 0; rcpt < NRCPT; rcpt++) {
		struct claim c = {.job = rcpt + 1,
				  .lane = LANE_DEFAULT,
				  .lifetime_us = DAY_US,
				  .mx = &mx,
				  .from = from};
		int64_t next_us;
		struct job j;

		assert_int_equal(claim_next(d.box.t, d.b, d.s, MOST, d.now_us,
					    &c, &next_us, &d.box.e),
				 CLAIM_DONE);
		assert_int_equal(c.nrcpt, 1);
		assert_int_equal(c.rcpt[0], rcpt);
		assert_true((next_us <= d.now_us) == (rcpt + 1 < NRCPT));
		assert_true(job_decode(&j, c.frame.data, c.frame.n));
		expect_ours(&d, j.sender, id, rcpt);
		from = c.from;
		claim_free(&c);
	}
	commit(&d);
	desk_close(&d);
}

/* A queue whose key is gone sends nothing that can't come back. */
static void
without_its_key(void **state)
{
	struct claim c = {.job = 1,
			  .lane = LANE_DEFAULT,
			  .lifetime_us = DAY_US,
			  .from = {.due_us = INT64_MIN}};
	struct desk d;
	int64_t next_us;

	(void)state;
	desk_open(&d, HEAD TYPES QUOTAS
		  "returns { domain = r.example }\n"
		  "relay out { host = mail.example return_path = verp }\n");
	begin(&d);
	put(&d, 0);
	yes(&d.box, txn_del(d.box.t, STORE_STATE, "returns", 7, &d.box.e));
	assert_int_equal(claim_next(d.box.t, d.b, d.s, MOST, d.now_us, &c,
				    &next_us, &d.box.e),
			 CLAIM_FAILED);
	assert_int_equal(d.box.e.kind, ERR_DAMAGED);
	claim_free(&c);
	box_end(&d.box);
	desk_close(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(senders),
	    cmocka_unit_test(one_by_one_to_a_domain),
	    cmocka_unit_test(without_its_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
