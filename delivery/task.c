#include "delivery/task.h"

#include <stdlib.h>
#include <string.h>

static bool
beyond_ascii(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] >= 0x80)
			return true;
	return false;
}

static bool
read_recipients(struct task *t)
{
	struct reader r = reader_of(t->job.recipients.p, t->job.recipients.n);

	while (t->n < t->job.nrecipients &&
	       job_recipient_take(&r, &t->rcpt[t->n])) {
		t->utf8_needed |= beyond_ascii(t->rcpt[t->n].address);
		t->n++;
	}
	return r.ok && r.p == r.end && t->n == t->job.nrecipients && t->n > 0;
}

struct task *
task_open(const void *p, size_t n, int64_t steady_us)
{
	struct task *t = must_alloc(sizeof *t);

	bytes_add(&t->frame, p, n);
	t->came_us = t->begun_us = t->open_us = steady_us;
	if (!job_decode(&t->job, t->frame.data, t->frame.n))
		goto fail;
	t->rcpt = must_alloc(t->job.nrecipients * sizeof t->rcpt[0]);
	t->verdict = must_alloc(t->job.nrecipients * sizeof t->verdict[0]);
	t->judged = must_alloc(t->job.nrecipients * sizeof t->judged[0]);
	if (!read_recipients(t))
		goto fail;
	t->utf8_needed |= beyond_ascii(t->job.sender);
	return t;
fail:
	task_free(t);
	return NULL;
}

void
task_free(struct task *t)
{
	if (t == NULL)
		return;
	bytes_free(&t->frame);
	bytes_free(&t->fields);
	free(t->rcpt);
	free(t->verdict);
	free(t->judged);
	free(t);
}

uint64_t
task_bytes(const struct task *t)
{
	return t->job.size_bytes + t->fields.n;
}

void
task_judge(struct task *t, uint32_t i, const struct verdict *v)
{
	must(i < t->n);
	if (t->judged[i])
		return;
	t->judged[i] = true;
	t->verdict[i] = *v;
}

void
task_judge_rest(struct task *t, const struct verdict *v)
{
	for (uint32_t i = 0; i < t->n; i++)
		task_judge(t, i, v);
}

static uint32_t
span(int64_t from_us, int64_t to_us)
{
	int64_t n = to_us - from_us;

	return n <= 0 ? 0 : (uint32_t)min_of(n, (int64_t)UINT32_MAX);
}

void
task_report(const struct task *t, int64_t steady_us,
	    void (*send)(void *arg, const struct bytes *outcome), void *arg)
{
	struct bytes b = {0};

	for (uint32_t i = 0; i < t->n; i++) {
		const struct verdict *v = &t->verdict[i];
		struct job_outcome o = {
		    .job = t->job.job,
		    .message = t->job.message,
		    .rcpt = t->rcpt[i].rcpt,
		    .last = i + 1 == t->n,
		    .kind = (uint8_t)v->kind,
		    .blame = (uint8_t)v->blame,
		    .stage = (uint8_t)v->stage,
		    .dot_sent = t->dot_sent,
		    .code = v->code,
		    .status = text_of(v->status),
		    .reply = text_of(v->reply),
		    .remote = text_of(v->remote),
		    .in_worker_us = span(t->came_us, t->begun_us),
		    .connect_us = span(t->begun_us, t->open_us),
		    .transmit_us = span(t->open_us, steady_us),
		    .security = text_of(t->security),
		    .dsn_passed = v->kind == VERDICT_SENT && t->dsn_passed};

		must(t->judged[i]);
		b.n = 0;
		job_outcome_encode(&b, &o);
		send(arg, &b);
	}
	bytes_free(&b);
}
