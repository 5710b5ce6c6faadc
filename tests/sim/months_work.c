/* months_work - see tests/sim/months.h. */
#include "tests/sim/months.h"

static void
take_recipient(struct task *t, struct letter *l, const struct job_recipient *r)
{
	struct person *p = &l->to[r->rcpt];

	CHECK(t->n < ON_A_JOB, "more recipients than the relay takes");
	CHECK(r->rcpt < l->n && !p->in_flight && !p->gone &&
		  p->state == RECIPIENT_WAITING,
	      "recipient %u claimed twice, held, or after its end", r->rcpt);
	CHECK(!months_is_listed(p->address, m.step_us),
	      "an attempt for an address on the suppression list");
	p->in_flight = true;
	p->state = RECIPIENT_CLAIMED;
	t->rcpt[t->n++] = r->rcpt;
}

/* The dispatcher hands a job to a worker: its commit is done. */
static void
on_job(void *arg, unsigned worker, const struct bytes *frame)
{
	struct job_recipient r;
	struct task *t = NULL;
	struct letter *l;
	struct reader in;
	struct job j;

	(void)arg;
	CHECK(!m.disk_fails, "a job left without its commit");
	CHECK(m.paused_us == 0, "a job for a paused relay");
	months_catch_up();
	CHECK(job_decode(&j, frame->data, frame->n), "a job of no form");
	CHECK(worker < WORKERS && m.up[worker], "a job for a dead worker");
	for (size_t i = 0; i < JOBS_MOST && t == NULL; i++)
		if (!m.task[i].used)
			t = &m.task[i];
	CHECK(t != NULL, "more jobs than connections allow");
	l = months_letter(j.message);
	CHECK(l != NULL, "a job for no message");
	*t = (struct task){.used = true,
			   .worker = worker,
			   .job = j,
			   .letter = (size_t)(l - m.letter)};
	in = reader_of(j.recipients.p, j.recipients.n);
	while (job_recipient_take(&in, &r))
		take_recipient(t, l, &r);
	CHECK(in.ok && t->n == j.nrecipients && t->n > 0, "recipients");
}

static void
on_share(void *arg, unsigned worker, const struct job_share *s)
{
	(void)arg;
	(void)worker;
	(void)s;
}

static void
on_answer(void *arg, uint64_t client, const struct control_answer *a)
{
	(void)arg;
	(void)client;
	CHECK(!m.disk_fails || a->changed == 0, "an answer without its commit");
}

const struct dispatch_ops months_ops = {
    .job = on_job, .share = on_share, .answer = on_answer};

/* It has the mail, or may have it. */
static void
copy(struct person *p)
{
	p->copies++;
	CHECK(p->copies <= p->allowed, "delivered twice without a doubt");
}

static struct job_outcome
outcome_of(const struct task *t, const struct person *p)
{
	struct job_outcome o = {.job = t->job.job,
				.message = t->job.message,
				.dsn_passed = p->passed,
				.stage = STAGE_RCPT,
				.remote = text_of("mx.example[192.0.2.9]:25")};

	switch (p->fact) {
	case FACT_SENT:
		o.kind = VERDICT_SENT;
		o.stage = STAGE_DOT;
		o.dot_sent = 1;
		o.code = 250;
		o.status = text_of("2.0.0");
		o.reply = text_of("ok");
		return o;
	case FACT_REFUSED:
		o.kind = VERDICT_FAIL;
		o.blame = BLAME_RECIPIENT;
		o.code = 550;
		o.status =
		    text_of(months_is_dead(p->address) ? "5.1.1" : "5.7.1");
		o.reply = text_of("550 not this one");
		return o;
	case FACT_DOUBT:
		o.kind = VERDICT_DEFER;
		o.blame = BLAME_HOST;
		o.stage = STAGE_DOT;
		o.dot_sent = 1;
		o.status = text_of("4.4.2");
		o.reply = text_of("connection lost");
		return o;
	case FACT_DEFERRED:
	case FACT_NONE:
	case FACT_DIED:
	case FACT_CRASH:
		break;
	}
	o.kind = VERDICT_DEFER;
	o.blame = m.relay_down ? BLAME_HOST : BLAME_RECIPIENT;
	o.stage = m.relay_down ? STAGE_CONNECT : STAGE_RCPT;
	o.code = m.relay_down ? 0 : 450;
	o.status = text_of("4.2.0");
	o.reply = text_of("450 later");
	return o;
}

static enum fact
decide(const struct task *t, struct person *p)
{
	uint64_t c = chance(m.calm ? 12 : 20);

	if (m.relay_down && !t->dot)
		return FACT_DEFERRED;
	if (months_is_dead(p->address))
		return FACT_REFUSED;
	if (c < 12) {
		copy(p);
		p->passed = chance(2) == 0;
		return FACT_SENT;
	}
	return c < 19 ? FACT_DEFERRED : FACT_REFUSED;
}

/* The reply to the final dot is lost: for all of the job. */
static void
lose_reply(struct task *t)
{
	struct letter *l = &m.letter[t->letter];
	bool taken = chance(2) == 0;

	for (uint32_t i = 0; i < t->n; i++) {
		struct person *p = &l->to[t->rcpt[i]];

		p->fact = FACT_DOUBT;
		if (taken)
			copy(p);
		p->allowed = p->copies + 1;
		m.doubts++;
	}
}

static void
finish(struct task *t)
{
	struct letter *l = &m.letter[t->letter];
	bool lost = t->dot && !m.calm && chance(12) == 0;

	if (lost)
		lose_reply(t);
	for (uint32_t i = 0; i < t->n; i++) {
		struct person *p = &l->to[t->rcpt[i]];
		struct job_outcome o;

		if (!lost)
			p->fact = decide(t, p);
		o = outcome_of(t, p);
		o.rcpt = t->rcpt[i];
		o.last = i + 1 == t->n;
		CHECK(dispatch_outcome(m.dispatch, t->worker, &o),
		      "an outcome was refused");
		p->in_flight = false;
		p->died = false;
	}
	months_touch(l);
	t->used = false;
}

void
months_some_job(void)
{
	size_t at = chance(JOBS_MOST);

	for (size_t i = 0; i < JOBS_MOST; i++) {
		struct task *t = &m.task[(at + i) % JOBS_MOST];

		if (!t->used)
			continue;
		if (m.letter[t->letter].poison && !m.calm) {
			months_worker_dies(t->worker);
		} else if (!t->dot && !m.relay_down && chance(2) == 0) {
			CHECK(dispatch_dot(m.dispatch, t->worker, t->job.job),
			      "a dot was refused");
			t->dot = true;
		} else {
			finish(t);
		}
		return;
	}
}

/* What was told and not committed is as if it had not been. */
static void
lose_facts(void)
{
	for (size_t i = 0; i < m.ntouched; i++) {
		struct letter *l = &m.letter[m.touched[i]];

		for (uint32_t k = 0; k < l->n; k++)
			if (l->to[k].fact != FACT_NONE) {
				l->to[k].fact = FACT_CRASH;
				l->to[k].allowed = l->to[k].copies + 1;
			}
	}
}

/* What a job leaves when its worker or all of us die. */
static void
forget(struct task *t, bool all)
{
	struct letter *l = &m.letter[t->letter];
	bool taken = (all || t->dot) && chance(2) == 0;

	for (uint32_t i = 0; i < t->n; i++) {
		struct person *p = &l->to[t->rcpt[i]];

		p->in_flight = false;
		p->fact = all ? FACT_CRASH : t->dot ? FACT_DOUBT : FACT_DIED;
		if (taken)
			p->copies++;
		p->allowed = p->copies + 1;
		CHECK(p->copies <= p->allowed, "copies");
		p->died = true;
		m.doubts += p->fact == FACT_DOUBT;
	}
	months_touch(l);
	t->used = false;
}

void
months_worker_dies(unsigned worker)
{
	if (!m.up[worker])
		return;
	m.up[worker] = false;
	for (size_t i = 0; i < JOBS_MOST; i++)
		if (m.task[i].used && m.task[i].worker == worker)
			forget(&m.task[i], false);
	dispatch_worker_gone(m.dispatch, worker);
	m.crashes++;
}

void
months_worker_comes(void)
{
	for (unsigned i = 0; i < WORKERS; i++)
		if (!m.up[i]) {
			m.up[i] = true;
			dispatch_worker_up(m.dispatch, i);
			return;
		}
}

void
months_crash(void)
{
	for (size_t i = 0; i < JOBS_MOST; i++)
		if (m.task[i].used)
			forget(&m.task[i], true);
	lose_facts();
	memset(m.reported_us, 0, sizeof m.reported_us); /* kept in memory */
	for (unsigned i = 0; i < WORKERS; i++)
		m.up[i] = false;
	m.crashes++;
}
