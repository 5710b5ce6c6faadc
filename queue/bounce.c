#include "queue/bounce.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "daemon/routing.h"
#include "queue/later.h"
#include "queue/notice.h"

enum {
	NEWS_KEPT = 4096,       /* room that stays between two steps */
	REPORT_BYTES = 8 << 10, /* of a report without the original's body */
};

bool
bounces_full(const struct bounces *b)
{
	return b->most_bytes > 0 && b->bytes >= b->most_bytes;
}

static struct news *
add(struct bounces *b)
{
	if (b->n == b->room) {
		b->room = b->room * 2 + 16;
		b->news = must_realloc(b->news, b->room * sizeof b->news[0]);
	}
	b->bytes += REPORT_BYTES;
	return &b->news[b->n++];
}

void
bounces_add(struct bounces *b, enum dsn_action action, uint64_t message,
	    uint32_t rcpt, int64_t last_us, int64_t until_us,
	    const struct verdict *v)
{
	must(action == DSN_FAILED || action == DSN_DELAYED);
	if (action == DSN_FAILED)
		b->bytes += b->original_bytes;
	*add(b) = (struct news){.action = action,
				.message = message,
				.rcpt = rcpt,
				.last_us = last_us,
				.until_us = until_us,
				.verdict = *v};
}

static void
free_originals(struct bounces *b)
{
	struct original *o;

	while ((o = b->originals) != NULL) {
		b->originals = o->next;
		original_free(o);
	}
}

static void
clear(struct bounces *b)
{
	b->n = 0;
	b->bytes = 0;
	if (b->room > NEWS_KEPT) {
		free(b->news);
		b->news = NULL;
		b->room = 0;
	}
	free_originals(b);
}

void
bounces_committed(struct bounces *b)
{
	allowance_keep(&b->allowance);
	allowance_keep(&b->delays);
}

void
bounces_forget(struct bounces *b)
{
	clear(b);
	allowance_drop(&b->allowance);
	allowance_drop(&b->delays);
}

void
bounces_free(struct bounces *b)
{
	free_originals(b);
	allowance_free(&b->allowance);
	allowance_free(&b->delays);
	free(b->news);
	*b = (struct bounces){.n = 0};
}

static int
by_message(const void *a, const void *b)
{
	const struct news *x = a, *y = b;

	if (x->message != y->message)
		return x->message < y->message ? -1 : 1;
	if (x->action != y->action)
		return x->action < y->action ? -1 : 1;
	return x->rcpt < y->rcpt ? -1 : x->rcpt > y->rcpt;
}

/* --- who is told ------------------------------------------------------------
 */

static const struct source_settings *
source_of(const struct settings *s, struct text name)
{
	for (size_t i = 0; i < s->nsources; i++)
		if (text_is(name, s->sources[i].title))
			return &s->sources[i];
	return NULL;
}

/* Empty: nobody.  Of mail with the null sender postmaster is told, when it has
 * failed. */
static struct text
whom(const struct settings *s, enum dsn_action action,
     const struct message_record *m)
{
	const struct source_settings *source = source_of(s, m->source);

	if (!s->bounce.enabled || !s->types[routing_type(s, m->type)].dsn ||
	    (source != NULL && source->bounce_authority == AUTHORITY_CRM))
		return text_of("");
	if (m->sender.n > 0)
		return m->sender;
	return text_of(action == DSN_FAILED ? s->bounce.postmaster : "");
}

/* RFC 3461 4.1: NEVER, or without the word for it, means what it says.  That
 * postmaster can't be reached is not told to postmaster. */
static bool
wants(enum dsn_action action, const struct recipient_record *r,
      const struct message_record *m, struct text to)
{
	if (m->sender.n == 0)
		return r->address.n != to.n ||
		       strncasecmp(r->address.p, to.p, to.n) != 0;
	switch (action) {
	case DSN_FAILED:
		return r->notify == 0 || (r->notify & NOTIFY_FAILURE);
	case DSN_DELAYED:
		return r->notify == 0 || (r->notify & NOTIFY_DELAY);
	case DSN_DELIVERED:
	case DSN_RELAYED:
		break;
	}
	return (r->notify & NOTIFY_SUCCESS) != 0;
}

bool
bounces_wanted(const struct settings *s, enum dsn_action action,
	       const struct message_record *m, const struct recipient_record *r)
{
	struct text to = whom(s, action, m);

	return to.n > 0 && wants(action, r, m, to);
}

/* --- what was delivered -----------------------------------------------------
 */

static struct original *
original_of(struct bounces *b, struct txn *t, uint64_t message,
	    const struct settings *s, struct err *e)
{
	struct original *o;

	for (o = b->originals; o != NULL; o = o->next)
		if (o->message == message)
			return o;
	o = original_keep(t, message, s, e);
	if (o != NULL) {
		o->next = b->originals;
		b->originals = o;
	}
	return o;
}

static size_t
put_text(struct bytes *b, struct text t)
{
	size_t at = b->n;

	bytes_text(b, t.p, t.n);
	return at;
}

static struct text
text_at(const struct bytes *b, size_t at)
{
	struct reader r = reader_of(b->data + at, b->n - at);
	struct text t;

	t.p = read_text(&r, b->n, &t.n);
	must(r.ok);
	return t;
}

bool
bounces_delivered(struct bounces *b, struct txn *t, const struct settings *s,
		  uint64_t message, uint32_t rcpt,
		  const struct recipient_record *r, bool relayed,
		  const struct verdict *v, int64_t now_us, struct err *e)
{
	enum dsn_action action = relayed ? DSN_RELAYED : DSN_DELIVERED;
	struct original *o;
	struct news *x;

	if (!(r->notify & NOTIFY_SUCCESS))
		return true;
	o = original_of(b, t, message, s, e);
	if (o == NULL)
		return false;
	if (!bounces_wanted(s, action, &o->m, r))
		return true;
	x = add(b);
	*x = (struct news){.action = action,
			   .message = message,
			   .rcpt = rcpt,
			   .last_us = now_us,
			   .verdict = *v,
			   .original = o};
	x->address = put_text(&o->texts, r->address);
	x->orcpt = put_text(&o->texts, r->orcpt);
	return true;
}

/* --- one report -------------------------------------------------------------
 */

/* What a person has removed or tried again meanwhile, and a delay that has
 * become a failure, is told to nobody. */
static bool
take(struct notice *p, struct txn *t, const struct news *x, struct text to,
     struct err *e)
{
	struct recipient_record r = {.notify = NOTIFY_SUCCESS};

	if (x->original != NULL) {
		r.address = text_at(&x->original->texts, x->address);
		r.orcpt = text_at(&x->original->texts, x->orcpt);
	} else if (!ledger_recipient(t, x->message, x->rcpt, &r, e)) {
		return e->kind == ERR_NONE;
	} else if ((x->action == DSN_FAILED) != (r.state == RECIPIENT_FAILED)) {
		return true;
	}
	if (wants(x->action, &r, &p->m, to))
		notice_add(p, x->rcpt, r.address, r.orcpt, &x->verdict,
			   x->last_us, x->until_us);
	return true;
}

static const char *
notification(enum dsn_action action)
{
	switch (action) { /* as Postfix calls them */
	case DSN_FAILED:
		return "non-delivery";
	case DSN_DELAYED:
		return "delay";
	case DSN_DELIVERED:
	case DSN_RELAYED:
		break;
	}
	return "delivery status";
}

static void
tell(const struct notice *p, struct text to, struct later *log)
{
	char safe[ADDRESS_MOST * 3 + 1];

	later_add(log, EVENT_REPORTED, p->about,
		  "sender %s notification: %s to=<%s>, nrcpt=%zu",
		  notification(p->dsn.action), p->own_id,
		  log_safe(to.p, to.n, safe, sizeof safe), p->dsn.n);
	later_add(log, EVENT_QUEUED, p->id,
		  "from=<>, size=%zu, nrcpt=1 (queue active)", p->body.n);
}

/* --- what the journal says of it --------------------------------------------
 */

static bool
note(const struct notice *p, enum journal_kind kind, struct txn *t,
     int64_t now_us, struct err *e)
{
	bool ok = true;

	for (size_t i = 0; ok && i < p->dsn.n; i++) {
		struct journal_entry x = {.kind = (uint8_t)kind,
					  .at_us = (uint64_t)now_us,
					  .status = p->rcpt[i].status,
					  .next_us =
					      (uint64_t)p->rcpt[i].until_us,
					  .detail = text_of(p->own_id)};

		ok = ledger_note(t, p->about, p->number[i], &x, e) ||
		     e->kind == ERR_NONE;
	}
	return ok;
}

/* --- one report -------------------------------------------------------------
 */

static bool
is_within(struct allowance *a, const struct rate *rate, const char *key,
	  const struct notice *p, struct text to, struct later *log,
	  int64_t now_us)
{
	char safe[ADDRESS_MOST * 3 + 1];

	switch (allowance_take(a, rate, to, now_us)) {
	case ALLOWANCE_YES:
		return true;
	case ALLOWANCE_FIRST_NO:
		later_add(log, EVENT_WITHHELD, p->about,
			  "%s is reached: no more of these reports to=<%s> for "
			  "a while",
			  key, log_safe(to.p, to.n, safe, sizeof safe));
		break;
	case ALLOWANCE_NO:
		break;
	}
	return false;
}

/* A mailing that waits for tomorrow's quota is no news ten thousand times, and
 * each report would take a place of that quota. */
static bool
is_allowed(struct bounces *b, const struct notice *p, enum dsn_action action,
	   struct text to, const struct settings *s, struct later *log,
	   int64_t now_us)
{
	return (action != DSN_DELAYED ||
		is_within(&b->delays, &s->bounce.delays_per_sender,
			  "delays_per_sender", p, to, log, now_us)) &&
	       is_within(&b->allowance, &s->bounce.rate_per_sender,
			 "rate_per_sender", p, to, log, now_us);
}

/* The report is made, or withheld: that is recorded, too. */
static bool
report(struct bounces *b, struct notice *p, enum dsn_action action,
       struct text to, struct txn *t, const struct settings *s,
       struct later *log, int64_t now_us, struct err *e)
{
	if (b->pressure == BOUNCES_NONE) {
		later_add(log, EVENT_WITHHELD, p->about,
			  "the queue is nearly full: no report of it");
		return note(p, JOURNAL_WITHHELD, t, now_us, e);
	}
	if (!is_allowed(b, p, action, to, s, log, now_us))
		return note(p, JOURNAL_WITHHELD, t, now_us, e);
	p->small = b->pressure == BOUNCES_TIGHT;
	b->last_id = max_of(b->last_id, txn_state(t)->last_id);
	b->last_id = id_next(b->last_id, now_us, 1);
	if (!notice_enter(p, t, s, action, to, b->last_id, now_us, e) ||
	    !note(p, action == DSN_DELAYED ? JOURNAL_DELAYED : JOURNAL_REPORTED,
		  t, now_us, e))
		return false;
	tell(p, to, log);
	return true;
}

/* Everything of one message and outcome. */
static bool
report_on(struct bounces *b, const struct news *x, size_t n, struct txn *t,
	  const struct settings *s, struct later *log, int64_t now_us,
	  struct err *e)
{
	struct notice p;
	struct text to;
	bool ok = true;

	if (!notice_begin(&p, t, x->message, x->original, n, e)) {
		notice_done(&p);
		return e->kind == ERR_NONE;
	}
	to = whom(s, x->action, &p.m);
	for (size_t i = 0; ok && to.n > 0 && i < n; i++)
		if (i == 0 || x[i].rcpt != x[i - 1].rcpt)
			ok = take(&p, t, &x[i], to, e);
	notice_settle(&p);
	if (ok && p.dsn.n > 0)
		ok = report(b, &p, x->action, to, t, s, log, now_us, e);
	notice_done(&p);
	return ok;
}

bool
bounces_enter(struct bounces *b, struct txn *t, const struct settings *s,
	      struct later *log, int64_t now_us, struct err *e)
{
	size_t i = 0, k;

	if (b->n > 0)
		qsort(b->news, b->n, sizeof b->news[0], by_message);
	for (; i < b->n; i = k) {
		const struct news *x = &b->news[i];

		for (k = i + 1; k < b->n && k - i < DSN_RECIPIENTS_MOST &&
				b->news[k].message == x->message &&
				b->news[k].action == x->action;)
			k++;
		if (!report_on(b, x, k - i, t, s, log, now_us, e))
			return false;
	}
	clear(b);
	return true;
}
