/* years_work - see tests/sim/years.h. */
#include "tests/sim/years.h"

#include <strings.h>

static size_t
letter_of(uint64_t id)
{
	size_t a = 0, b = y.nletters;

	while (a < b) {
		size_t m = (a + b) / 2;

		if (y.letter[m].id < id)
			a = m + 1;
		else
			b = m;
	}
	CHECK(a < y.nletters && y.letter[a].id == id, "a job for no message");
	return a;
}

size_t
years_tasks(size_t relay)
{
	size_t n = 0;

	for (size_t i = 0; i < y.ntasks; i++)
		n += y.task[i].state != TASK_FREE &&
		     (relay == RELAYS || y.task[i].relay == relay);
	return n;
}

bool
years_paused(const struct exit_ *r)
{
	return r->paused &&
	       (r->paused_until_us == 0 || y.now_us < r->paused_until_us);
}

/* The relay must be one that the letter's route names. */
static void
check_way(const struct letter *l, size_t relay)
{
	const struct path *p = &y.path[l->path];
	const struct exit_ *r = &y.relay[relay];
	bool named = false;
	size_t n = 0;

	CHECK(r->there, "a job for relay r%zu, which is not there", relay);
	for (size_t i = 0; i < p->nvia[l->type]; i++) {
		named |= p->via[l->type][i] == relay;
		n += y.relay[p->via[l->type][i]].there;
	}
	if (relay == 0)
		named |= n == 0 || p->exhausted == TO_CRM ||
			 p->unreachable == TO_CRM;
	CHECK(named, "relay r%zu is not on the route", relay);
	CHECK(y.lax || !years_paused(r), "a job for a paused relay");
	CHECK(y.lax || y.now_us >= r->closed_until_us,
	      "a job for r%zu, closed until %s", relay,
	      years_time(r->closed_until_us));
}

/* Through deliver = mx all of a job's recipients are of its domain. */
static void
check_domain(const struct job *j, struct text address)
{
	const char *at = memrchr(address.p, '@', address.n);

	CHECK(at != NULL &&
		  (size_t)(address.p + address.n - at) ==
		      j->destination.n + 1 &&
		  strncasecmp(at + 1, j->destination.p, j->destination.n) == 0,
	      "%.*s in a job for %.*s", (int)address.n, address.p,
	      (int)j->destination.n, j->destination.p);
}

static void
take_recipients(struct task *t, const struct job *j)
{
	struct reader in = reader_of(j->recipients.p, j->recipients.n);
	struct letter *l = &y.letter[t->letter];
	struct job_recipient r;

	while (job_recipient_take(&in, &r)) {
		CHECK(t->n < y.relay[t->relay].rcpts,
		      "more recipients than the relay takes");
		CHECK(r.rcpt < l->n && !l->to[r.rcpt].in_flight &&
			  !l->to[r.rcpt].over,
		      "recipient %u claimed twice, or after its end", r.rcpt);
		if (t->mx)
			check_domain(j, r.address);
		l->to[r.rcpt].in_flight = true;
		t->rcpt[t->n++] = r.rcpt;
	}
	CHECK(in.ok && t->n == j->nrecipients && t->n > 0, "recipients");
}

static void
on_job(void *arg, unsigned worker, const struct bytes *frame)
{
	struct task *t = NULL;
	char relay[65];
	struct job j;

	(void)arg;
	CHECK(!y.disk_fails, "a job left without its commit");
	if (dispatch_outcomes(y.dispatch) == 0)
		years_settle_told(); /* they were in the same commit */
	CHECK(job_decode(&j, frame->data, frame->n), "a job of no form");
	CHECK(worker < WORKERS && y.up[worker], "a job for a dead worker");
	for (size_t i = 0; i < TASKS && t == NULL; i++)
		if (y.task[i].state == TASK_FREE)
			t = &y.task[i];
	CHECK(t != NULL, "more jobs than all connections allow");
	y.ntasks = max_of(y.ntasks, (size_t)(t - y.task) + 1);
	*t = (struct task){.state = TASK_HELD,
			   .permit = j.permit != 0,
			   .mx = j.destination.n > 0,
			   .worker = worker,
			   .job = j.job,
			   .letter = letter_of(j.message)};
	t->relay = (size_t)atoi(text_copy(j.relay, relay, sizeof relay) + 1);
	check_way(&y.letter[t->letter], t->relay);
	take_recipients(t, &j);
	CHECK(y.lax || t->permit == (y.relay[t->relay].rate != 0),
	      "a job of a relay %s rate", t->permit ? "without" : "with");
	CHECK(y.lax || t->mx == y.relay[t->relay].mx, "a job %s a destination",
	      t->mx ? "with" : "without");
	t->nquotas = y.relay[t->relay].nquotas;
	memcpy(t->quota, y.relay[t->relay].quota, sizeof t->quota);
	years_claimed(t);
	y.jobs++;
	y.moved++;
}

/* No stretch of the rate's window has more starts than it allows. */
static void
on_permit(void *arg, unsigned worker, uint64_t job)
{
	struct task *t = NULL;
	struct exit_ *r;
	uint64_t n;

	(void)arg;
	for (size_t i = 0; i < TASKS && t == NULL; i++)
		if (y.task[i].state == TASK_DOT && y.task[i].job == job)
			t = &y.task[i];
	CHECK(t != NULL && t->worker == worker && t->permit,
	      "a permit for a job that asked for none");
	t->state = TASK_ALLOWED;
	r = &y.relay[t->relay];
	n = t->n;
	r->start[r->nstarts++ % STARTS] = (struct start){y.steady_us, t->n};
	for (size_t i = 2; i <= r->nstarts && i <= STARTS; i++) {
		const struct start *s = &r->start[(r->nstarts - i) % STARTS];

		if (s->steady_us <= y.steady_us - r->rate_window_us)
			break;
		n += s->n;
	}
	CHECK(r->rate == 0 || n <= r->rate,
	      "r%zu: %" PRIu64 " starts in %" PRId64 " s, %u are allowed",
	      t->relay, n, r->rate_window_us / SECOND_US, r->rate);
	y.permits++;
}

static void
on_share(void *arg, unsigned worker, const struct job_share *s)
{
	char relay[65];

	(void)arg;
	y.share[worker][atoi(text_copy(s->relay, relay, sizeof relay) + 1)] =
	    s->connections;
}

static void
on_answer(void *arg, uint64_t client, const struct control_answer *a)
{
	(void)arg;
	(void)client;
	(void)a;
	CHECK(!y.disk_fails, "an answer without its commit");
}

const struct dispatch_ops years_ops = {
    .job = on_job, .share = on_share, .answer = on_answer, .permit = on_permit};

/* The recipient at `place` of the task ended so; the outcome leaves. */
static void
tell(struct task *t, uint32_t place, enum verdict_kind kind, bool dot,
     uint16_t code, const char *reply)
{
	struct job_outcome o = {.job = t->job,
				.message = y.letter[t->letter].id,
				.rcpt = t->rcpt[place],
				.kind = (uint8_t)kind,
				.dot_sent = dot,
				.code = code,
				.status = text_of(code == 0    ? "4.4.2"
						  : code < 300 ? "2.0.0"
						  : code < 500 ? "4.3.0"
							       : "5.7.0"),
				.reply = text_of(reply),
				.remote = text_of("relay")};

	o.last = true;
	for (uint32_t i = 0; i < t->n; i++)
		o.last &= i == place || t->end[i].told;
	o.stage = dot ? STAGE_DOT : code == 0 ? STAGE_CONNECT : STAGE_RCPT;
	o.blame = kind == VERDICT_SENT ? BLAME_NOBODY
		  : code == 0          ? BLAME_HOST
				       : BLAME_RECIPIENT;
	CHECK(dispatch_outcome(y.dispatch, t->worker, &o),
	      "an outcome was refused");
	t->end[place].told = true;
	/* What a relay's words mean its block says: without one nobody is
	 * refused. */
	t->end[place].kind = kind == VERDICT_FAIL && !y.relay[t->relay].there
				 ? VERDICT_DEFER
				 : kind;
	t->end[place].used = kind == VERDICT_SENT || (dot && code == 0);
}

static void
tell_all(struct task *t, enum verdict_kind kind, bool dot, uint16_t code,
	 const char *reply)
{
	for (uint32_t i = 0; i < t->n; i++)
		if (!t->end[i].told)
			tell(t, i, kind, dot, code, reply);
}

/* Recipients whose outcome is still to be told. */
static uint32_t
untold(const struct task *t)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < t->n; i++)
		n += !t->end[i].told;
	return n;
}

/* "Limit reached", before the dot or as the reply to it, 4xx or 5xx. */
static void
hit_wall(struct task *t, bool dot)
{
	bool hard = chance(2) == 0;

	tell_all(t, hard ? VERDICT_FAIL : VERDICT_DEFER, dot, hard ? 554 : 454,
		 "5.7.0 your daily cap is reached");
	for (uint32_t i = 0; i < t->n && y.relay[t->relay].there; i++)
		if (t->end[i].kind == VERDICT_FAIL)
			t->end[i].kind = VERDICT_DEFER;
	if (!t->mx) /* else it is one host's limit, not the relay's */
		y.relay[t->relay].hit = true;
	y.walls++;
}

static void
go_on_held(struct task *t)
{
	struct exit_ *r = &y.relay[t->relay];
	uint64_t c = chance(20);

	if (r->down) {
		tell_all(t, VERDICT_DEFER, false, 0, "connection failed");
	} else if (r->wall && c < 10) {
		hit_wall(t, false);
	} else if (!y.calm && untold(t) > 1 && c < 3) {
		uint32_t place = (uint32_t)chance(t->n);

		while (t->end[place].told)
			place = (place + 1) % t->n;
		if (c == 0)
			tell(t, place, VERDICT_FAIL, false, 550, "nobody");
		else
			tell(t, place, VERDICT_DEFER, false, 450, "later");
	} else if (!y.calm && c < 5) {
		tell_all(t, c == 3 ? VERDICT_FAIL : VERDICT_DEFER, false,
			 c == 3 ? 550 : 450, "not this one");
	} else if (!y.calm && c == 5) {
		tell_all(t, VERDICT_DEFER, false, 0, "connection lost");
	} else {
		CHECK(dispatch_dot(y.dispatch, t->worker, t->job),
		      "a dot was refused");
		t->state = t->permit ? TASK_DOT : TASK_ALLOWED;
	}
}

static void
go_on_allowed(struct task *t)
{
	struct exit_ *r = &y.relay[t->relay];
	uint64_t c = chance(20);

	if (r->wall && c < 10) {
		hit_wall(t, true);
	} else if (y.calm || c < 15) {
		years_taken(t);
		t->state = TASK_TAKEN;
	} else if (c < 17) { /* the reply is lost: who knows? */
		if (c == 15)
			years_taken(t);
		tell_all(t, VERDICT_DEFER, true, 0, "connection lost");
		y.doubts++;
	} else {
		tell_all(t, c == 17 ? VERDICT_FAIL : VERDICT_DEFER, true,
			 c == 17 ? 554 : 451, "not now");
	}
}

/* One job goes one step further. */
void
years_some_job(void)
{
	size_t at = y.ntasks > 0 ? chance(y.ntasks) : 0;

	for (size_t i = 0; i < y.ntasks; i++) {
		struct task *t = &y.task[(at + i) % y.ntasks];

		if (t->state != TASK_FREE && untold(t) == 0)
			continue;
		switch (t->state) {
		case TASK_FREE:
		case TASK_DOT:
			continue;
		case TASK_HELD:
			go_on_held(t);
			break;
		case TASK_ALLOWED:
			go_on_allowed(t);
			break;
		case TASK_TAKEN:
			tell_all(t, VERDICT_SENT, true, 250, "ok");
			break;
		}
		return;
	}
}
