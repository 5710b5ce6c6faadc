/*
 * sim - the real scheduler in a world made of a seed: real store, ledger, plan,
 * retry and dispatch; a clock that jumps from event to event; workers, relay,
 * administrators and crashes that the seed decides.
 *
 *	sim SEEDS [FIRST]
 *
 * After every step the invariants hold; a broken one prints the seed, which
 * repeats the run.  One run is some days of a small relay.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/log.h"
#include "queue/dispatch.h"
#include "queue/verify.h"

enum {
	MESSAGES_MOST = 3000,
	RCPTS_MOST = 4,
	WORKERS = 3,
	JOBS_MOST = 200,
	STEPS = 6000,
	VERIFY_EVERY = 500,
};
#define LIFETIME_US (2 * DAY_US)

static const char CONF[] =
    "instance = sim\nhostname = sim.example.com\nstate_dir = /nowhere\n"
    "no_match = out\n"
    "bounce { enabled = no\n keep_failed = 365d }\n"
    "listen \"in\" { address = \"127.0.0.1:2525\" }\n"
    "source \"l\" { from_ip = 127.0.0.0/8 }\n"
    "relay \"out\" { host = 127.0.0.1\n connections = %u\n"
    " recipients_per_message = 3\n breaker_open_for = 10min }\n"
    "retry \"normal\" { intervals = [1min, 10min, 1h]\n jitter = 10%%\n"
    " lifetime = 2d }\n";

/* What must be true of one recipient. */
struct person {
	bool in_flight;
	bool held;
	bool over;       /* delivered and settled, or dropped */
	bool doubt;      /* one more copy is allowed: a crash after the dot */
	unsigned copies; /* that the relay has taken */
	unsigned allowed;
	int64_t not_before_us; /* the next attempt, by the schedule */
};
struct letter {
	uint64_t id;
	int64_t arrival_us;
	uint32_t n;
	struct person to[RCPTS_MOST];
};
struct task {
	bool used;
	unsigned worker;
	bool dot;
	struct job job;
	uint32_t rcpt[RCPTS_MOST];
	uint32_t n;
};

static struct world {
	uint64_t seed, state;
	char dir[64];
	struct store *store;
	struct settings *settings;
	struct dispatch *dispatch;
	int64_t now_us, steady_us;
	uint64_t last_id;
	struct letter letter[MESSAGES_MOST];
	size_t nletters;
	struct task task[JOBS_MOST];
	bool up[WORKERS];
	uint32_t share[WORKERS];
	uint32_t connections;
	bool relay_down;
	bool draining;
	bool disk_fails;
	uint64_t events, sent, crashes, failures;
} w;

#define CHECK(x, ...)                                                          \
	do {                                                                   \
		if (!(x)) {                                                    \
			printf("sim: seed %" PRIu64 ", event %" PRIu64 ": ",   \
			       w.seed, w.events);                              \
			printf(__VA_ARGS__);                                   \
			printf("\nsim: repeat with: sim 1 %" PRIu64 "\n",      \
			       w.seed);                                        \
			exit(1);                                               \
		}                                                              \
	} while (0)

static uint64_t
chance(uint64_t below)
{
	uint64_t x = w.state += UINT64_C(0x9e3779b97f4a7c15);

	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (x ^ (x >> 31)) % below;
}

static struct letter *
letter_of(uint64_t id)
{
	size_t a = 0, b = w.nletters;

	while (a < b) {
		size_t m = (a + b) / 2;

		if (w.letter[m].id < id)
			a = m + 1;
		else
			b = m;
	}
	CHECK(a < w.nletters && w.letter[a].id == id, "a job for no message");
	return &w.letter[a];
}

static uint32_t
jobs_of(unsigned worker)
{
	uint32_t n = 0;

	for (size_t i = 0; i < JOBS_MOST; i++)
		n += w.task[i].used && w.task[i].worker == worker;
	return n;
}

/* The dispatcher hands a job to a worker. */
static void
on_job(void *arg, unsigned worker, const struct bytes *frame)
{
	struct job_recipient r;
	struct reader in;
	struct task *t = NULL;
	struct letter *l;
	struct job j;

	(void)arg;
	CHECK(!w.disk_fails, "a job left without its commit");
	CHECK(job_decode(&j, frame->data, frame->n),
	      "a job that does not decode");
	CHECK(worker < WORKERS && w.up[worker], "a job for a dead worker");
	for (size_t i = 0; i < JOBS_MOST && t == NULL; i++)
		if (!w.task[i].used)
			t = &w.task[i];
	CHECK(t != NULL, "more jobs than connections allow");
	*t = (struct task){.used = true, .worker = worker, .job = j};
	CHECK(jobs_of(worker) <= w.share[worker] * PLAN_AHEAD,
	      "worker %u has more jobs than its share", worker);
	l = letter_of(j.message);
	in = reader_of(j.recipients.p, j.recipients.n);
	while (job_recipient_take(&in, &r)) {
		struct person *p = &l->to[r.rcpt];

		CHECK(t->n < 3, "more recipients than the relay takes");
		CHECK(r.rcpt < l->n && !p->in_flight && !p->over && !p->held,
		      "recipient %u claimed twice, or after its end", r.rcpt);
		CHECK(w.now_us >= p->not_before_us,
		      "tried %" PRId64 " s before its time",
		      (p->not_before_us - w.now_us) / SECOND_US);
		p->in_flight = true;
		t->rcpt[t->n++] = r.rcpt;
	}
	CHECK(in.ok && t->n == j.nrecipients, "recipients that don't decode");
}

static void
on_share(void *arg, unsigned worker, const struct job_share *s)
{
	(void)arg;
	w.share[worker] = s->connections;
}

static void
on_answer(void *arg, uint64_t client, const struct control_answer *a)
{
	(void)arg;
	(void)client;
	CHECK(!w.disk_fails || a->changed == 0, "an answer without its commit");
}

static const struct dispatch_ops ops = {
    .job = on_job, .share = on_share, .answer = on_answer};

static void
configure(uint32_t connections)
{
	struct settings *old = w.settings;
	struct bytes report = {0};
	char text[sizeof CONF + 32];
	int n = snprintf(text, sizeof text, CONF, connections);
	struct err e;

	w.settings = settings_parse("sim.conf", text, (size_t)n, &report);
	CHECK(w.settings != NULL, "%.*s", (int)report.n, (char *)report.data);
	w.connections = connections;
	CHECK(w.dispatch == NULL ||
		  dispatch_configure(w.dispatch, w.settings, w.now_us, &e),
	      "%s", e.text);
	settings_free(old);
	bytes_free(&report);
}

/* No page can be written: what is under way must neither leave nor get lost. */
static void
failing_step(void)
{
	size_t outcomes = dispatch_outcomes(w.dispatch);
	struct rlimit old, none;
	uint64_t wake_ms;
	struct err e;

	CHECK(getrlimit(RLIMIT_FSIZE, &old) == 0, "getrlimit");
	none = old;
	none.rlim_cur = 4096;
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0, "setrlimit");
	w.disk_fails = true;
	if (!dispatch_step(w.dispatch, w.now_us, w.steady_us, &wake_ms, &e)) {
		w.failures++;
		CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0, "setrlimit");
		CHECK(e.kind == ERR_FULL, "%s", e.text);
	}
	CHECK(setrlimit(RLIMIT_FSIZE, &old) == 0, "setrlimit");
	w.disk_fails = false;
	CHECK(dispatch_outcomes(w.dispatch) == outcomes,
	      "outcomes were forgotten");
	w.now_us += 2 * SECOND_US; /* it is tried again after one */
	w.steady_us += 2 * SECOND_US;
}

static void
step(void)
{
	uint64_t wake_ms;
	struct err e;

	CHECK(dispatch_step(w.dispatch, w.now_us, w.steady_us, &wake_ms, &e),
	      "%s", e.text);
	w.steady_us += 1000;
	w.now_us += 1000;
}

static void
accept_one(void)
{
	struct ledger_recipient r[RCPTS_MOST];
	struct message_record m = {.arrival_us = (uint64_t)w.now_us,
				   .chunks = 1,
				   .sender = text_of("crm@example.com"),
				   .type = text_of("mail")};
	static const char body[] = "Subject: sim\r\n\r\nx\r\n";
	struct letter *l = &w.letter[w.nletters];
	char address[RCPTS_MOST][32];
	struct txn *t;
	struct err e;

	if (w.nletters == MESSAGES_MOST)
		return;
	*l = (struct letter){.arrival_us = w.now_us,
			     .n = (uint32_t)chance(RCPTS_MOST) + 1};
	l->id = w.last_id = id_next(w.last_id, w.now_us, 0);
	for (uint32_t i = 0; i < l->n; i++) {
		snprintf(address[i], sizeof address[i], "r%u@example.net", i);
		r[i] = (struct ledger_recipient){.address = text_of(address[i]),
						 .lane = LANE_DEFAULT};
		l->to[i].allowed = 1;
	}
	m.recipients = l->n;
	m.size_bytes = sizeof body - 1;
	m.body_crc = crc32c(0, body, sizeof body - 1);
	t = store_begin(w.store, true, &e);
	CHECK(t != NULL &&
		  ledger_chunk(t, l->id, 0, body, sizeof body - 1, false,
			       w.now_us, &e) &&
		  ledger_accept(t, l->id, &m, r, l->n, false, &e) &&
		  store_commit(t, &e),
	      "accept: %s", e.text);
	w.nletters++;
	dispatch_bell(w.dispatch);
}

/* The schedule's earliest next try after `attempts` failures, jitter taken. */
static void
put_off(struct person *p, uint32_t attempts)
{
	static const int64_t minutes[] = {1, 10, 60};
	int64_t wait = minutes[min_of(attempts, 3U) - 1] * MINUTE_US / 100 * 90;

	p->not_before_us = w.now_us + wait;
}

static struct recipient_record
record_of(const struct letter *l, uint32_t rcpt, bool *there)
{
	struct txn *t;
	struct recipient_record r = {.state = 0};
	struct err e;

	t = store_begin(w.store, false, &e);
	CHECK(t != NULL, "%s", e.text);
	*there = ledger_recipient(t, l->id, rcpt, &r, &e);
	CHECK(*there || e.kind == ERR_NONE, "%s", e.text);
	r.address = r.orcpt = r.relay = r.reason = text_of("");
	store_abort(t);
	return r;
}

/* After its outcome was committed: is the recipient where it belongs? */
static void
settled(struct letter *l, uint32_t rcpt, enum verdict_kind kind)
{
	struct person *p = &l->to[rcpt];
	bool there;
	struct recipient_record r = record_of(l, rcpt, &there);
	int64_t age = w.now_us - l->arrival_us;

	p->in_flight = false;
	switch (kind) {
	case VERDICT_SENT:
		CHECK(!there, "delivered, yet still in the queue");
		p->over = true;
		w.sent++;
		return;
	case VERDICT_FAIL:
		CHECK(there && r.state == RECIPIENT_FAILED,
		      "refused, not failed");
		return;
	case VERDICT_DEFER:
		CHECK(there, "deferred and gone");
		if (r.state == RECIPIENT_FAILED) {
			CHECK(age >= LIFETIME_US - MINUTE_US,
			      "given up after %" PRId64 " min",
			      age / MINUTE_US);
			return;
		}
		CHECK(r.state == RECIPIENT_WAITING, "deferred, not waiting");
		CHECK(age < LIFETIME_US + MINUTE_US, "older than its lifetime");
		put_off(p, r.attempts);
		/* The last try comes at the end of the lifetime at latest. */
		p->not_before_us =
		    min_of(p->not_before_us, l->arrival_us + LIFETIME_US);
		return;
	case VERDICT_COUNT:
		return;
	}
}

static void
finish(struct task *slot)
{
	struct task copy = *slot, *t = &copy; /* the slot is free for others */
	struct letter *l = letter_of(t->job.message);
	enum verdict_kind kind[RCPTS_MOST];
	uint32_t n = t->n;
	bool down = w.relay_down && !t->dot;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t c = chance(w.draining ? 6 : 10);
		struct job_outcome o = {.job = t->job.job,
					.message = t->job.message,
					.rcpt = t->rcpt[i],
					.last = i + 1 == n,
					.stage = STAGE_DOT,
					.code = 250,
					.status = text_of("2.0.0"),
					.reply = text_of("ok"),
					.remote = text_of("relay")};

		kind[i] = down    ? VERDICT_DEFER
			  : c < 6 ? VERDICT_SENT
			  : c < 9 ? VERDICT_DEFER
				  : VERDICT_FAIL;
		o.kind = (uint8_t)kind[i];
		if (kind[i] != VERDICT_SENT) {
			o.code = down ? 0 : 450;
			o.blame = down ? BLAME_HOST : BLAME_RECIPIENT;
			o.stage = down ? STAGE_CONNECT : STAGE_RCPT;
		} else {
			l->to[t->rcpt[i]].copies++;
			CHECK(l->to[t->rcpt[i]].copies <=
				  l->to[t->rcpt[i]].allowed,
			      "delivered twice without a crash");
		}
		CHECK(dispatch_outcome(w.dispatch, t->worker, &o),
		      "an outcome was refused");
		CHECK(!dispatch_outcome(w.dispatch, t->worker, &o),
		      "the same outcome was taken twice");
	}
	slot->used = false;
	if (chance(30) == 0)
		failing_step();
	for (int i = 0; i < 10 && dispatch_busy(w.dispatch); i++) {
		/* Settle alone first, so that the books can be read. */
		struct err e;
		uint64_t wake;

		CHECK(
		    dispatch_step(w.dispatch, w.now_us, w.steady_us, &wake, &e),
		    "%s", e.text);
	}
	for (uint32_t i = 0; i < n; i++)
		if (!l->to[t->rcpt[i]].over)
			settled(l, t->rcpt[i], kind[i]);
}

static void
some_job(void)
{
	size_t at = chance(JOBS_MOST);

	for (size_t i = 0; i < JOBS_MOST; i++) {
		struct task *t = &w.task[(at + i) % JOBS_MOST];

		if (!t->used)
			continue;
		if (!t->dot && !w.relay_down && chance(2) == 0) {
			CHECK(dispatch_dot(w.dispatch, t->worker, t->job.job),
			      "a dot was refused");
			t->dot = true;
		} else {
			finish(t);
		}
		return;
	}
}

/* What a job leaves when its worker or the scheduler dies. */
static void
forget(struct task *t, bool known_dot)
{
	struct letter *l = letter_of(t->job.message);

	for (uint32_t i = 0; i < t->n; i++) {
		struct person *p = &l->to[t->rcpt[i]];

		p->in_flight = false;
		p->not_before_us = 0;
		/* The relay may have taken it in the last moment. */
		if ((known_dot ? t->dot : true) && chance(2) == 0) {
			p->copies++;
			p->allowed = p->copies + 1;
		}
	}
	t->used = false;
}

static void
worker_dies(void)
{
	unsigned worker = (unsigned)chance(WORKERS);

	if (!w.up[worker])
		return;
	w.up[worker] = false;
	w.share[worker] = 0;
	for (size_t i = 0; i < JOBS_MOST; i++)
		if (w.task[i].used && w.task[i].worker == worker)
			forget(&w.task[i], true);
	dispatch_worker_gone(w.dispatch, worker);
	w.crashes++;
}

static void
worker_comes(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		if (!w.up[i]) {
			w.up[i] = true;
			dispatch_worker_up(w.dispatch, i);
			return;
		}
}

static void
scheduler_starts(void)
{
	struct err e;
	uint64_t n;

	w.store = store_open(w.dir, STORE_WRITE, 64 << 20, "sim", &e);
	CHECK(w.store != NULL, "%s", e.text);
	w.dispatch =
	    dispatch_open(w.store, w.settings, &ops, NULL, w.now_us, &e);
	CHECK(w.dispatch != NULL, "%s", e.text);
	CHECK(dispatch_recover(w.dispatch, w.now_us, w.steady_us, &n, &e), "%s",
	      e.text);
	for (unsigned i = 0; i < WORKERS; i++) {
		w.up[i] = false;
		w.share[i] = 0;
	}
	worker_comes();
}

static void
scheduler_dies(void)
{
	/* What was not committed is gone: outcomes too. */
	for (size_t i = 0; i < JOBS_MOST; i++)
		if (w.task[i].used)
			forget(&w.task[i], false);
	dispatch_close(w.dispatch);
	store_close(w.store);
	w.now_us += SECOND_US;
	w.steady_us += SECOND_US;
	scheduler_starts();
	w.crashes++;
}

static void
order(void)
{
	struct letter *l;
	struct control_order o = {.rcpt = UINT32_MAX,
				  .reason = text_of("because")};

	if (w.nletters == 0)
		return;
	l = &w.letter[chance(w.nletters)];
	o.message = l->id;
	o.order = (uint8_t)chance(4);
	if (o.order == LEDGER_DROP && chance(4) != 0)
		return;
	dispatch_order(w.dispatch, 1, "sim", &o);
	if (chance(10) == 0)
		failing_step();
	/* By hand it may go at any time from now on. */
	if (o.order == LEDGER_RETRY || o.order == LEDGER_RELEASE)
		for (uint32_t i = 0; i < l->n; i++) {
			l->to[i].not_before_us = 0;
			l->to[i].held = false;
		}
	step();
	for (uint32_t i = 0; i < l->n; i++) {
		bool there;
		struct recipient_record r = record_of(l, i, &there);

		if (l->to[i].in_flight)
			continue;
		CHECK(there || l->to[i].over || o.order == LEDGER_DROP,
		      "an order lost a recipient");
		l->to[i].over = !there;
		l->to[i].held = there && r.state == RECIPIENT_HELD;
	}
}

static void
check_books(bool all)
{
	uint64_t living = 0, in_flight = 0, shares = 0;
	struct verify_report report;
	const struct state_record *s;
	struct txn *t;
	struct err e;

	for (size_t i = 0; i < w.nletters; i++)
		for (uint32_t k = 0; k < w.letter[i].n; k++) {
			living += !w.letter[i].to[k].over;
			in_flight += w.letter[i].to[k].in_flight;
		}
	t = store_begin(w.store, false, &e);
	CHECK(t != NULL, "%s", e.text);
	s = txn_state(t);
	if (!dispatch_busy(w.dispatch)) {
		CHECK(s->waiting + s->claimed + s->held + s->failed == living,
		      "the queue has %" PRIu64 " recipients, %" PRIu64
		      " are owed",
		      s->waiting + s->claimed + s->held + s->failed, living);
		CHECK(s->claimed == in_flight,
		      "claimed %" PRIu64 ", in flight %" PRIu64, s->claimed,
		      in_flight);
	}
	store_abort(t);
	for (unsigned i = 0; i < WORKERS; i++)
		shares += w.share[i];
	CHECK(shares <= w.connections, "shares above `connections`");
	if (all)
		CHECK(verify_store(w.store, &report, NULL, NULL, &e), "%s",
		      e.text);
}

static void
event(void)
{
	uint64_t c = chance(1000);
	int64_t jump = 0;

	if (c < 200)
		accept_one();
	else if (c < 700)
		some_job();
	else if (c < 850)
		jump = (int64_t)chance(5 * 60) * SECOND_US;
	else if (c < 880)
		jump = (int64_t)chance(3 * 60) * MINUTE_US;
	else if (c < 920)
		order();
	else if (c < 950)
		worker_comes();
	else if (c < 965)
		worker_dies();
	else if (c < 970)
		scheduler_dies();
	else if (c < 985)
		w.relay_down = !w.relay_down;
	else if (c < 990)
		configure((uint32_t)chance(20) + 1);
	w.now_us += jump;
	w.steady_us += jump;
	if (c >= 990)
		failing_step();
	step();
	w.events++;
	check_books(w.events % VERIFY_EVERY == 0);
}

/* The relay takes everything: all that is not kept back must go. */
static void
drain(void)
{
	w.relay_down = false;
	w.draining = true;
	for (unsigned i = 0; i < WORKERS; i++)
		worker_comes();
	for (int i = 0; i < 400000; i++) {
		const struct state_record *s;
		struct txn *t;
		struct err e;
		bool done;

		for (int k = 0; k < 8; k++)
			some_job();
		w.now_us += MINUTE_US;
		w.steady_us += MINUTE_US;
		step();
		t = store_begin(w.store, false, &e);
		CHECK(t != NULL, "%s", e.text);
		s = txn_state(t);
		done = s->waiting == 0 && s->claimed == 0;
		store_abort(t);
		if (done) {
			check_books(true);
			return;
		}
	}
	CHECK(false, "the queue does not drain");
}

/* The relay is gone for good: when the lifetime of the last message is over,
 * all that is not kept back has failed, tried again or not. */
static void
outage(void)
{
	int64_t end_us = w.now_us + LIFETIME_US + HOUR_US;

	w.relay_down = true;
	for (unsigned i = 0; i < WORKERS; i++)
		worker_comes();
	while (w.now_us < end_us) {
		for (int k = 0; k < 8; k++)
			some_job();
		w.now_us += MINUTE_US;
		w.steady_us += MINUTE_US;
		step();
	}
	for (int k = 0; k < JOBS_MOST; k++)
		some_job();
	check_books(true);
	for (size_t i = 0; i < w.nletters; i++)
		for (uint32_t k = 0; k < w.letter[i].n; k++) {
			bool there;
			struct recipient_record r =
			    record_of(&w.letter[i], k, &there);

			CHECK(!there || r.state == RECIPIENT_FAILED ||
				  r.state == RECIPIENT_HELD,
			      "%s after its lifetime",
			      recipient_state_word(
				  (enum recipient_state)r.state));
		}
}

static void
run(uint64_t seed)
{
	int64_t begun_us = INT64_C(1795000000) * SECOND_US;
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	char *path;
	struct err e;

	w = (struct world){.seed = seed,
			   .state = seed,
			   .now_us = begun_us,
			   .steady_us = SECOND_US};
	snprintf(w.dir, sizeof w.dir, "%s/mtq-sim-XXXXXX", base);
	CHECK(mkdtemp(w.dir) != NULL, "mkdtemp");
	configure(4);
	CHECK(store_create(w.dir, 64 << 20, "sim", w.now_us, &e), "%s", e.text);
	scheduler_starts();
	for (int i = 0; i < STEPS; i++)
		event();
	if (seed % 4 == 0)
		outage();
	else
		drain();
	printf("sim: seed %" PRIu64 ": %zu messages, %" PRIu64
	       " deliveries, %" PRIu64 " crashes, %" PRIu64
	       " failed commits, %" PRId64 " days\n",
	       seed, w.nletters, w.sent, w.crashes, w.failures,
	       (w.now_us - begun_us) / DAY_US);
	dispatch_close(w.dispatch);
	store_close(w.store);
	settings_free(w.settings);
	for (int i = 0; i < 2; i++) {
		path = must_printf("%s/queue.mdb%s", w.dir, i ? "-lock" : "");
		unlink(path);
		free(path);
	}
	rmdir(w.dir);
}

int
main(int argc, char **argv)
{
	uint64_t seeds = argc > 1 ? strtoull(argv[1], NULL, 10) : 20;
	uint64_t first = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;

	signal(SIGXFSZ, SIG_IGN); /* as jail_begin does */
	/* The log of a thousand deliveries is not what we look at. */
	if (freopen("/dev/null", "w", stderr) == NULL)
		return 2;
	for (uint64_t i = 0; i < seeds; i++)
		run(first + i);
	printf("sim: %" PRIu64 " seeds, every invariant after every step\n",
	       seeds);
	return 0;
}
