/* Signatures are made once, for all who wait, with the keys of the moment; who
 * can't be signed waits, who need not be does not. */
#include "tests/delivery/place.h"

#include "daemon/zone.h"
#include "delivery/signer.h"
#include "tests/queue/dkim_keys.h"

#define MAIL  "From: a@a.test\r\nSubject: x\r\n\r\nHello\r\n"
#define OTHER "From: a@b.test\r\nSubject: x\r\n\r\nHello\r\n"
#define BASE                                                                   \
	"instance = a\nhostname = a.example\n"                                 \
	"listen in { address = 127.0.0.1:25 }\n"                               \
	"source crm { from_ip = 192.0.2.0/24 }\n"                              \
	"relay out { host = mail.example }\n"
#define KEY(s, more)                                                           \
	"dkim k { domain = a.test selector = " s " key = \"file:/k\" " more    \
	"}\n"

enum { TASKS_MOST = 4 };

struct world {
	struct place place;
	struct signer *signer;
	struct settings *settings;
	struct secrets *secrets;
	size_t done, failed, wanted;
	char said[TASKS_MOST][400]; /* of each that came, in their order */
	struct verdict verdict;
};

static struct signer *kept; /* it lives as long as a worker does */

static void
on_done(void *arg, struct task *t, bool failed)
{
	struct world *w = arg;

	assert_true(w->done < TASKS_MOST);
	snprintf(w->said[w->done++], sizeof w->said[0], "%.*s",
		 (int)t->fields.n,
		 t->fields.n > 0 ? (const char *)t->fields.data : "");
	w->failed += failed;
	if (failed)
		w->verdict = t->verdict[0];
	task_free(t);
	w->place.over = w->done == w->wanted;
}

static void
configure(struct world *w, const char *blocks, const char *pem)
{
	struct settings *old = w->settings;
	struct secrets *before = w->secrets;
	char *text = must_printf(BASE "%s", blocks);
	struct bytes report = {0};

	w->settings = settings_parse("f", text, strlen(text), &report);
	assert_non_null(w->settings);
	w->secrets = secrets_open();
	secrets_put(w->secrets, "k", "dkim_key", pem, strlen(pem));
	signer_configure(w->signer, w->settings, w->secrets);
	settings_free(old);
	secrets_free(before);
	bytes_free(&report);
	free(text);
}

static uint64_t
accept_mail(struct world *w, const char *body)
{
	struct box *b = &w->place.box;
	struct ledger_recipient r = {.address = text_of("b@to.test"),
				     .lane = LANE_DEFAULT};
	struct message_record m = box_message(body, strlen(body), 1);
	uint64_t id = id_next(b->last, BOX_NOW, 0);

	b->last = id;
	box_begin(b);
	yes(b, ledger_chunk(b->t, id, 0, body, strlen(body), false, BOX_NOW,
			    &b->e));
	yes(b, ledger_accept(b->t, id, &m, &r, 1, false, &b->e));
	box_commit(b);
	return id;
}

static void
ask(struct world *w, uint64_t id, size_t size, bool rewritten, int64_t now_us)
{
	struct bytes blob = {0}, frame = {0};
	struct job_recipient r = {.rcpt = 0, .address = text_of("b@to.test")};
	struct job j = {.job = 7,
			.message = id,
			.relay = text_of("out"),
			.size_bytes = size,
			.chunks = 1,
			.nrecipients = 1};

	job_recipient_add(&blob, &r);
	j.recipients = (struct text){(const char *)blob.data, blob.n};
	job_encode(&frame, &j);
	signer_sign(w->signer, task_open(frame.data, frame.n, 0), rewritten,
		    now_us);
	bytes_free(&blob);
	bytes_free(&frame);
}

static void
run(struct world *w, size_t wanted)
{
	w->wanted = wanted;
	w->place.over = w->done == wanted;
	if (!w->place.over)
		place_run(&w->place);
	assert_int_equal(w->done, wanted);
	assert_int_equal(signer_busy(w->signer), 0);
}

static void
begin(struct world *w, const char *blocks, const char *pem)
{
	static const struct signer_ops ops = {.done = on_done};

	memset(w, 0, sizeof *w);
	w->wanted = TASKS_MOST + 1;
	place_open(&w->place, NO_PERMIT, 1);
	w->signer = kept =
	    signer_open(w->place.loop, w->place.box.store, &ops, w);
	configure(w, blocks, pem);
}

static void
end(struct world *w)
{
	settings_free(w->settings);
	secrets_free(w->secrets);
	place_close(&w->place);
}

static void
once_for_all(void **state)
{
	static struct world w;
	uint64_t id;

	(void)state;
	begin(&w, KEY("s1", ""), dkim_ed25519);
	id = accept_mail(&w, MAIL);
	for (int i = 0; i < 3; i++)
		ask(&w, id, strlen(MAIL), false, BOX_NOW + i * SECOND_US);
	assert_int_equal(w.done, 0);
	assert_int_equal(signer_busy(w.signer), 3);
	run(&w, 3);
	ask(&w, id, strlen(MAIL), false, BOX_NOW + MINUTE_US);
	assert_int_equal(w.done, 4); /* at once */
	assert_non_null(strstr(w.said[0], "s=s1;"));
	for (int i = 1; i < 4; i++)
		assert_string_equal(w.said[0], w.said[i]);
	end(&w);
}

static void
other_keys(void **state)
{
	static struct world w;
	uint64_t id;

	(void)state;
	begin(&w, KEY("s1", ""), dkim_ed25519);
	id = accept_mail(&w, MAIL);
	ask(&w, id, strlen(MAIL), false, BOX_NOW);
	configure(&w, KEY("s2", ""), dkim_rsa_2048);
	ask(&w, id, strlen(MAIL), false, BOX_NOW);
	run(&w, 2);
	ask(&w, id, strlen(MAIL), false, BOX_NOW);
	run(&w, 3);
	/* The first began with the old key, whoever was through first. */
	assert_true((strstr(w.said[0], "s=s1;") != NULL) !=
		    (strstr(w.said[1], "s=s1;") != NULL));
	assert_non_null(strstr(w.said[2], "s=s2;"));
	end(&w);
}

static void
another_day(void **state)
{
	static struct world w;
	int64_t day_us;
	uint64_t id;

	(void)state;
	assert_true(zone_date("UTC0", "2031-05-06", &day_us));
	begin(&w, KEY("s1", "until = 2031-05-06"), dkim_ed25519);
	id = accept_mail(&w, MAIL);
	ask(&w, id, strlen(MAIL), false, day_us - 1);
	run(&w, 1);
	ask(&w, id, strlen(MAIL), false, day_us);
	run(&w, 2);
	assert_non_null(strstr(w.said[0], "s=s1;"));
	assert_string_equal(w.said[1], "");
	end(&w);
}

static void
its_own_date(void **state)
{
	static struct world w;
	static const char mail[] = "Date: x\r\nMessage-ID: y\r\n" MAIL;
	uint64_t id;

	(void)state;
	begin(&w, KEY("s1", ""), dkim_ed25519);
	id = accept_mail(&w, mail);
	ask(&w, id, strlen(mail), false, BOX_NOW);
	run(&w, 1);
	ask(&w, id, strlen(mail), true, BOX_NOW);
	run(&w, 2);
	assert_non_null(strstr(w.said[0], ":Date:Date:Message-ID:"));
	assert_null(strstr(w.said[1], "Date"));
	assert_null(strstr(w.said[1], "Message-ID"));
	end(&w);
}

static void
nothing_to_do(void **state)
{
	static struct world w;

	(void)state;
	begin(&w, KEY("s1", ""), dkim_ed25519);
	ask(&w, accept_mail(&w, OTHER), strlen(OTHER), false, BOX_NOW);
	assert_int_equal(w.done, 1); /* without a thread */
	configure(&w, "", dkim_ed25519);
	ask(&w, accept_mail(&w, MAIL), strlen(MAIL), false, BOX_NOW);
	assert_int_equal(w.done, 2);
	assert_string_equal(w.said[0], "");
	assert_string_equal(w.said[1], "");
	assert_int_equal(w.failed, 0);
	end(&w);
}

static void
it_waits(void **state)
{
	static struct world w;
	uint64_t id;

	(void)state;
	begin(&w, KEY("s1", ""), "no key");
	id = accept_mail(&w, MAIL);
	ask(&w, id, strlen(MAIL), false, BOX_NOW);
	run(&w, 1);
	assert_int_equal(w.failed, 1);
	assert_int_equal(w.verdict.kind, VERDICT_DEFER);
	assert_int_equal(w.verdict.blame, BLAME_US);
	assert_string_equal(w.verdict.status, "4.7.5");
	/* The key is there again: nothing bad was kept. */
	configure(&w, KEY("s1", ""), dkim_ed25519);
	ask(&w, id, strlen(MAIL), false, BOX_NOW);
	run(&w, 2);
	assert_non_null(strstr(w.said[1], "s=s1;"));
	/* What is damaged is not signed. */
	ask(&w, accept_mail(&w, MAIL), strlen(MAIL) - 1, false, BOX_NOW);
	run(&w, 3);
	assert_int_equal(w.failed, 2);
	assert_string_equal(w.verdict.status, "4.3.0");
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(once_for_all),  cmocka_unit_test(other_keys),
	    cmocka_unit_test(another_day),   cmocka_unit_test(its_own_date),
	    cmocka_unit_test(nothing_to_do), cmocka_unit_test(it_waits)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
