/*
 * dispatcher - a dispatcher over a small queue, and the workers and the clock
 * around it, for the tests of dispatch.
 */
#ifndef MTQ_TESTS_DISPATCHER_H
#define MTQ_TESTS_DISPATCHER_H

#include "tests/queue/box.h"

#include <signal.h>
#include <sys/resource.h>

#include "queue/dispatch.h"
#include "queue/lane.h"
#include "tests/queue/talker.h"

enum { HELD_MOST = 512, ANSWERS_MOST = 300 };

#define CONF(connections)                                                      \
	"instance=test hostname=a.b\nlisten l {address=127.0.0.1:1}\n"         \
	"source s {from_ip=192.0.2.0/24}\n"                                    \
	"bounce {enabled=no keep_failed=365d}\n"                               \
	"relay r {host=c.d connections=" connections                           \
	" recipients_per_message=3 breaker_open_for=8s}\n"                     \
	"retry normal {intervals=[1min, 10min] jitter=0% lifetime=1h}\n"

/* A dispatcher, and what it has given away. */
struct world {
	struct box box;
	struct settings *settings;
	struct dispatch *d;
	int64_t now_us;
	uint64_t wake_ms;
	struct {
		struct job job; /* its texts are gone */
		unsigned worker;
		uint32_t rcpt[3];
		char relay[65];
		char destination[256];
	} held[HELD_MOST];
	size_t nheld;
	uint32_t share[PLAN_WORKERS_MOST];
	struct control_answer answer[ANSWERS_MOST];
	uint64_t client[ANSWERS_MOST];
	size_t nanswers;
	uint64_t permit[HELD_MOST];
	size_t npermits;
	bool broken;      /* no commit can succeed now */
	unsigned dies_at; /* the worker is gone when it gets this job */
};

static inline void
on_job(void *arg, unsigned worker, const struct bytes *frame)
{
	struct world *w = arg;
	struct job_recipient r;
	struct reader in;
	struct job *j;

	assert_false(w->broken);
	assert_true(w->nheld < HELD_MOST);
	j = &w->held[w->nheld].job;
	assert_true(job_decode(j, frame->data, frame->n));
	assert_in_range(j->nrecipients, 1, 3);
	in = reader_of(j->recipients.p, j->recipients.n);
	for (uint32_t i = 0; i < j->nrecipients; i++) {
		assert_true(job_recipient_take(&in, &r));
		w->held[w->nheld].rcpt[i] = r.rcpt;
	}
	assert_true(in.p == in.end);
	text_copy(j->relay, w->held[w->nheld].relay, sizeof w->held[0].relay);
	text_copy(j->destination, w->held[w->nheld].destination,
		  sizeof w->held[0].destination);
	w->held[w->nheld++].worker = worker;
	if (w->dies_at != 0 && w->nheld == w->dies_at)
		dispatch_worker_gone(w->d, worker);
}

static inline void
on_share(void *arg, unsigned worker, const struct job_share *s)
{
	struct world *w = arg;

	w->share[worker] = s->connections;
}

static inline void
on_answer(void *arg, uint64_t client, const struct control_answer *a)
{
	struct world *w = arg;

	assert_false(w->broken);
	assert_true(w->nanswers < ANSWERS_MOST);
	w->client[w->nanswers] = client;
	w->answer[w->nanswers++] = *a;
}

static inline void
on_permit(void *arg, unsigned worker, uint64_t job)
{
	struct world *w = arg;

	(void)worker;
	assert_true(w->npermits < HELD_MOST);
	w->permit[w->npermits++] = job;
}

static const struct dispatch_ops ops = {
    .job = on_job, .permit = on_permit, .share = on_share, .answer = on_answer};

/* Where the receiver would put box_accept's mail. */
static inline uint64_t
lane_in(const struct settings *s)
{
	struct routing_ask ask = {.sender = text_of("sender@example.com"),
				  .recipient = text_of("reader@example.net"),
				  .source = text_of("s")};
	struct lane lane = lane_of(s, &ask);

	return lane_pack(&lane);
}

static inline void
begin(struct world *w, const char *conf, unsigned workers)
{
	*w = (struct world){.now_us = BOX_NOW};
	box_make(&w->box);
	w->settings = talker_settings(conf);
	w->box.lane = lane_in(w->settings);
	w->d = dispatch_open(w->box.store, w->settings, &ops, w, w->now_us,
			     &w->box.e);
	assert_non_null(w->d);
	for (unsigned i = 0; i < workers; i++)
		dispatch_worker_up(w->d, i);
}

static inline void
end(struct world *w)
{
	dispatch_close(w->d);
	settings_free(w->settings);
	box_verify(&w->box);
	box_remove(&w->box);
}

static inline uint64_t
put(struct world *w, uint32_t nrcpt)
{
	uint64_t id;

	box_begin(&w->box);
	id = box_accept(&w->box, 100, nrcpt, false);
	box_commit(&w->box);
	dispatch_bell(w->d);
	return id;
}

/* The test's clock is both clocks; it ticks so that nothing happens twice at
 * one time. */
static inline void
step(struct world *w)
{
	w->now_us += 1000;
	yes(&w->box, dispatch_step(w->d, w->now_us, w->now_us - BOX_NOW,
				   &w->wake_ms, &w->box.e));
}

static inline void
after(struct world *w, int64_t us)
{
	w->now_us += us;
	step(w);
}

static inline struct job_outcome
outcome(const struct world *w, size_t i, uint32_t rcpt, enum verdict_kind kind)
{
	return (struct job_outcome){
	    .job = w->held[i].job.job,
	    .message = w->held[i].job.message,
	    .rcpt = rcpt,
	    .kind = (uint8_t)kind,
	    .blame = kind == VERDICT_SENT ? BLAME_NOBODY : BLAME_RECIPIENT,
	    .stage = STAGE_RCPT,
	    .code = kind == VERDICT_SENT ? 250 : 450,
	    .status = text_of(kind == VERDICT_SENT ? "2.0.0" : "4.2.0"),
	    .reply = text_of("words"),
	    .remote = text_of("mx[192.0.2.1]:25")};
}

/* The oldest job that is held, all its recipients alike. */
static inline void
answer(struct world *w, enum verdict_kind kind)
{
	assert_true(w->nheld > 0);
	for (uint32_t i = 0; i < w->held[0].job.nrecipients; i++) {
		struct job_outcome o = outcome(w, 0, w->held[0].rcpt[i], kind);

		assert_true(dispatch_outcome(w->d, w->held[0].worker, &o));
	}
	w->nheld--;
	memmove(w->held, w->held + 1, w->nheld * sizeof w->held[0]);
}

/* The relay was not there. */
static inline void
no_relay(struct world *w)
{
	struct job_outcome o = outcome(w, 0, w->held[0].rcpt[0], VERDICT_DEFER);

	assert_true(w->nheld > 0);
	o.code = 0;
	o.blame = BLAME_HOST;
	o.stage = STAGE_CONNECT;
	o.status = text_of("4.4.1");
	o.reply = text_of("connection refused");
	assert_true(dispatch_outcome(w->d, w->held[0].worker, &o));
	w->nheld--;
	memmove(w->held, w->held + 1, w->nheld * sizeof w->held[0]);
}

/* waiting, claimed, held, failed */
#define books(w, a, b, c, d)                                                   \
	do {                                                                   \
		box_read(&(w)->box);                                           \
		assert_int_equal(txn_state((w)->box.t)->waiting, a);           \
		assert_int_equal(txn_state((w)->box.t)->claimed, b);           \
		assert_int_equal(txn_state((w)->box.t)->held, c);              \
		assert_int_equal(txn_state((w)->box.t)->failed, d);            \
		box_end(&(w)->box);                                            \
	} while (0)

static inline void
expect_record(struct world *w, uint64_t id, enum recipient_state state,
	      uint32_t attempts, const char *status, const char *reason)
{
	struct recipient_record r;
	char text[1100];

	box_read(&w->box);
	yes(&w->box, ledger_recipient(w->box.t, id, 0, &r, &w->box.e));
	assert_int_equal(r.state, state);
	assert_int_equal(r.attempts, attempts);
	assert_string_equal(text_copy(r.status, text, sizeof text), status);
	text_copy(r.reason, text, sizeof text);
	if (strstr(text, reason) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", reason, text);
	box_end(&w->box);
}

static inline void
no_writes(bool on)
{
	static struct rlimit old;
	struct rlimit none;

	if (on) {
		assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
		none = old;
		none.rlim_cur = 4096;
		signal(SIGXFSZ, SIG_IGN); /* as jail_begin does */
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	} else {
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	}
}

#endif
