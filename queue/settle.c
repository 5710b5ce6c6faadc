#include "queue/settle.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "daemon/log.h"

enum {
	LINE_MOST = 2048,
	DEATHS_AT_ONCE = 2, /* a worker's death is retried at once so often;
			       then by schedule: the message may be the cause */
};

void
later_add(struct later *l, enum event ev, uint64_t id, const char *fmt, ...)
{
	char line[LINE_MOST];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	must(n >= 0);
	bytes_u8(&l->lines, (uint8_t)ev);
	bytes_u64(&l->lines, id);
	bytes_text(&l->lines, line, strlen(line));
}

void
later_log(struct later *l)
{
	struct reader r = reader_of(l->lines.data, l->lines.n);

	while (r.ok && r.p < r.end) {
		enum event ev = (enum event)read_u8(&r);
		uint64_t id = read_u64(&r);
		char text[ID_TEXT + 1] = "";
		size_t n;
		const char *p = read_text(&r, LINE_MOST, &n);

		must(r.ok);
		if (id != 0)
			id_text(id, text);
		log_event(ev, id != 0 ? text : NULL, "%.*s", (int)n, p);
	}
	later_forget(l);
}

void
later_forget(struct later *l)
{
	l->lines.n = 0;
}

void
delay_text(int64_t us, char out[DELAY_TEXT])
{
	if (us <= 0)
		snprintf(out, DELAY_TEXT, "0");
	else if (us < 100 * 1000)
		snprintf(out, DELAY_TEXT, "%.2g",
			 (double)us / (double)SECOND_US);
	else if (us < 10 * SECOND_US)
		snprintf(out, DELAY_TEXT, "%.1f",
			 (double)us / (double)SECOND_US);
	else
		snprintf(out, DELAY_TEXT, "%lld", (long long)(us / SECOND_US));
}

/* Postfix's line, word for word, so that pflogsumm counts it. */
static void
log_attempt(struct later *log, const struct settle *s, const struct verdict *v,
	    struct text address)
{
	char all[DELAY_TEXT], a[DELAY_TEXT], b[DELAY_TEXT], c[DELAY_TEXT],
	    d[DELAY_TEXT], to[ADDRESS_MOST * 3 + 1];
	int64_t held = s->ended_us - s->claimed_us;

	delay_text(s->ended_us - s->arrival_us, all);
	delay_text(s->claimed_us - s->arrival_us, a);
	delay_text(min_of((int64_t)s->in_worker_us, held), b);
	delay_text(s->connect_us, c);
	delay_text(s->transmit_us, d);
	later_add(log, EVENT_ATTEMPT, s->message,
		  "to=<%s>, relay=%s, delay=%s, delays=%s/%s/%s/%s, dsn=%s, "
		  "status=%s (%s)",
		  log_safe(address.p, address.n, to, sizeof to),
		  v->remote[0] != '\0' ? v->remote : "none", all, a, b, c, d,
		  v->status, verdict_word(v->kind), v->reply);
}

/* What is recorded: a deferral whose time is over becomes a failure that keeps
 * the remote's last words. */
static struct verdict
judge(const struct settle *s, const struct retry_settings *r, uint32_t attempts,
      int64_t *again_us)
{
	struct verdict v = s->verdict;
	struct retry_next next;

	*again_us = INT64_MAX;
	if (v.kind != VERDICT_DEFER)
		return v;
	next = retry_after(r, s->arrival_us, s->ended_us, attempts + 1,
			   s->message ^ ((uint64_t)s->rcpt << 40));
	if (next.expired) {
		struct verdict end =
		    verdict_of(STATUS_EXPIRED, v.stage, v.reply);

		memcpy(end.remote, v.remote, sizeof end.remote);
		return end;
	}
	*again_us = s->worker_died && attempts < DEATHS_AT_ONCE ? s->ended_us
								: next.at_us;
	return v;
}

bool
settle_one(struct txn *t, const struct settle *s,
	   const struct retry_settings *r, struct later *log, int64_t *again_us,
	   struct err *e)
{
	struct recipient_record before;
	enum ledger_answer answer;
	struct ledger_settled out;
	struct verdict v;

	*again_us = INT64_MAX;
	if (!ledger_recipient(t, s->message, s->rcpt, &before, e))
		return e->kind == ERR_NONE; /* gone: a doubled outcome */
	v = judge(s, r, before.attempts, again_us);
	if (!ledger_settle(t, s->message, s->rcpt, &v, s->relay, s->ended_us,
			   *again_us, !s->untried, &answer, &out, e))
		return false;
	if (answer == LEDGER_DONE) {
		log_attempt(log, s, &v, out.recipient.address);
		if (s->in_doubt)
			later_add(log, EVENT_IN_DOUBT, s->message,
				  "the worker died after the final dot; sent "
				  "again, possible duplicate");
		if (out.message_gone)
			later_add(log, EVENT_REMOVED, s->message, "removed");
	} else {
		*again_us = INT64_MAX;
	}
	bytes_free(&out.memory);
	return true;
}
