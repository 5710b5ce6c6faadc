#include "queue/bounce.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "queue/classify.h"
#include "queue/dsn.h"
#include "queue/lane.h"
#include "queue/later.h"

/* One report in the making.  Texts of the original are copied: what the ledger
 * returns is gone with the next write. */
struct notice {
	struct bytes memory;
	struct message_record m; /* the original, texts in `memory` */
	uint64_t about, id;
	struct dsn dsn;
	struct dsn_recipient *rcpt;
	struct bytes texts;
	struct bytes copied; /* of the original */
	struct bytes body;
	char original_id[ID_TEXT + 1], own_id[ID_TEXT + 1];
	char from[ADDRESS_MOST + 1], message_id[ID_TEXT + 258];
};

void
bounces_add(struct bounces *b, uint64_t message, uint32_t rcpt, int64_t last_us,
	    const struct verdict *v)
{
	if (b->n == b->room) {
		b->room = b->room * 2 + 16;
		b->failure =
		    must_realloc(b->failure, b->room * sizeof b->failure[0]);
	}
	b->failure[b->n++] = (struct failure){message, rcpt, last_us, *v};
}

void
bounces_forget(struct bounces *b)
{
	b->n = 0;
}

void
bounces_free(struct bounces *b)
{
	free(b->failure);
	*b = (struct bounces){.n = 0};
}

static int
by_message(const void *a, const void *b)
{
	const struct failure *x = a, *y = b;

	if (x->message != y->message)
		return x->message < y->message ? -1 : 1;
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

/* Empty: nobody. */
static struct text
whom(const struct settings *s, const struct message_record *m)
{
	const struct source_settings *source = source_of(s, m->source);

	if (!s->bounce.enabled || !s->types[routing_type(s, m->type)].dsn ||
	    (source != NULL && source->bounce_authority == AUTHORITY_CRM))
		return text_of("");
	return m->sender.n > 0 ? m->sender : text_of(s->bounce.postmaster);
}

/* RFC 3461 4.1: NEVER, or without FAILURE, means what it says.  That postmaster
 * can't be reached is not told to postmaster. */
static bool
wants(const struct recipient_record *r, const struct message_record *m,
      struct text to)
{
	if (m->sender.n == 0)
		return r->address.n != to.n ||
		       strncasecmp(r->address.p, to.p, to.n) != 0;
	return r->notify == 0 || (r->notify & NOTIFY_FAILURE);
}

/* --- the text ---------------------------------------------------------------
 */

static struct text
keep(struct bytes *b, struct text t)
{
	size_t at = b->n;

	bytes_add(b, t.p, t.n);
	return (struct text){(const char *)at, t.n}; /* see settle_texts */
}

static void
settle_text(const struct bytes *b, struct text *t)
{
	t->p = (const char *)b->data + (uintptr_t)t->p;
}

static bool
take_recipient(struct notice *p, struct txn *t, const struct failure *f,
	       struct text to, struct err *e)
{
	struct recipient_record r;
	struct dsn_recipient *x = &p->rcpt[p->dsn.n];

	if (!ledger_recipient(t, f->message, f->rcpt, &r, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "what failed is not there");
		return false;
	}
	if (!wants(&r, &p->m, to))
		return true;
	*x = (struct dsn_recipient){
	    .address = keep(&p->texts, r.address),
	    .orcpt = keep(&p->texts, r.orcpt),
	    .status = keep(&p->texts, text_of(f->verdict.status)),
	    .reply = keep(&p->texts, text_of(f->verdict.reply)),
	    .remote = keep(&p->texts, text_of(f->verdict.remote)),
	    .code = f->verdict.code,
	    .last_us = f->last_us};
	p->dsn.n++;
	return true;
}

static void
settle_texts(struct notice *p)
{
	for (size_t i = 0; i < p->dsn.n; i++) {
		settle_text(&p->texts, &p->rcpt[i].address);
		settle_text(&p->texts, &p->rcpt[i].orcpt);
		settle_text(&p->texts, &p->rcpt[i].status);
		settle_text(&p->texts, &p->rcpt[i].reply);
		settle_text(&p->texts, &p->rcpt[i].remote);
	}
}

/* The whole original where it was asked for, or nothing was said and it is
 * small; never above the limit. */
static bool
is_full(const struct settings *s, const struct message_record *m)
{
	return m->size_bytes <= s->bounce.max_original_bytes &&
	       !(m->flags & MESSAGE_RET_HDRS);
}

/* Into p->copied: all of it, or its header. */
static bool
copy_original(struct notice *p, struct txn *t, const struct settings *s,
	      struct err *e)
{
	size_t most = (size_t)s->bounce.max_original_bytes, all;

	for (uint32_t i = 0; i < p->m.chunks; i++) {
		const unsigned char *octets;
		size_t n;

		if (!ledger_body(t, p->about, i, &octets, &n, e))
			return false;
		bytes_add(&p->copied, octets, n);
		if (p->dsn.full)
			continue;
		all = dsn_header_octets(p->copied.data, p->copied.n);
		if (all < p->copied.n || p->copied.n >= most) {
			p->copied.n = min_of(all, most);
			break;
		}
	}
	return true;
}

static bool
beyond_ascii(const void *p, size_t n)
{
	const unsigned char *octets = p;

	for (size_t i = 0; i < n; i++)
		if (octets[i] >= 0x80)
			return true;
	return false;
}

/* Only what the report really holds asks for 8BITMIME or SMTPUTF8: a next hop
 * may have neither. */
static void
set_needs(struct notice *p)
{
	struct dsn *d = &p->dsn;
	size_t header = d->full ? dsn_header_octets(p->copied.data, p->copied.n)
				: p->copied.n;

	d->eightbit = beyond_ascii(p->copied.data, p->copied.n);
	d->utf8 = beyond_ascii(d->to.p, d->to.n);
	for (size_t i = 0; i < d->n; i++)
		d->utf8 |=
		    beyond_ascii(p->rcpt[i].address.p, p->rcpt[i].address.n);
	d->utf8 |= (p->m.flags & MESSAGE_SMTPUTF8) != 0 &&
		   beyond_ascii(p->copied.data, header);
}

static bool
write_report(struct notice *p, struct txn *t, const struct settings *s,
	     struct text to, int64_t now_us, struct err *e)
{
	struct dsn *d = &p->dsn;

	id_text(p->about, p->original_id);
	id_text(p->id, p->own_id);
	d->action = DSN_FAILED;
	d->hostname = text_of(s->hostname);
	d->id = text_of(p->own_id);
	d->original = text_of(p->original_id);
	d->to = to;
	d->envid = p->m.envid;
	d->subject = p->m.subject;
	d->client = p->m.helo;
	d->now_us = now_us;
	d->arrival_us = (int64_t)p->m.arrival_us;
	d->full = is_full(s, &p->m);
	d->recipient = p->rcpt;
	if (!copy_original(p, t, s, e))
		return false;
	set_needs(p);
	dsn_head(d, &p->body);
	bytes_add(&p->body, p->copied.data, p->copied.n);
	dsn_tail(d, &p->body);
	return true;
}

/* --- into the queue ---------------------------------------------------------
 */

static struct message_record
record_of(struct notice *p, const struct settings *s, int64_t now_us)
{
	struct message_record m = {
	    .arrival_us = (uint64_t)now_us,
	    .size_bytes = p->body.n,
	    .chunks = (uint32_t)((p->body.n - 1) / CHUNK_MOST + 1),
	    .body_crc = crc32c(0, p->body.data, p->body.n),
	    .recipients = 1};

	if (p->dsn.eightbit || p->dsn.utf8)
		m.flags |= MESSAGE_8BIT | MESSAGE_HAS_8BIT;
	if (p->dsn.utf8)
		m.flags |= MESSAGE_SMTPUTF8;
	snprintf(p->from, sizeof p->from, "MAILER-DAEMON@%.230s", s->hostname);
	snprintf(p->message_id, sizeof p->message_id, "<%s@%.230s>", p->own_id,
		 s->hostname);
	m.author = text_of(p->from);
	m.message_id = text_of(p->message_id);
	m.subject = text_of("Undelivered mail");
	return m;
}

static bool
enter(struct notice *p, struct txn *t, const struct settings *s, struct text to,
      int64_t now_us, struct err *e)
{
	struct message_record m = record_of(p, s, now_us);
	struct classify_ask ask = {
	    .author = m.author, .sender = m.sender, .size_bytes = m.size_bytes};
	struct ledger_recipient rcpt = {.address = to, .notify = NOTIFY_NEVER};
	struct classify_answer a;
	struct lane lane;

	classify(s, &ask, &a);
	m.type = text_of(s->types[a.type].title);
	lane = lane_of(s, &(struct routing_ask){.author = m.author,
						.recipient = to,
						.type = a.type});
	rcpt.lane = lane_pack(&lane);
	for (uint32_t i = 0; i < m.chunks; i++) {
		size_t at = (size_t)i * CHUNK_MOST;

		if (!ledger_chunk(t, p->id, i, p->body.data + at,
				  min_of(p->body.n - at, (size_t)CHUNK_MOST),
				  false, now_us, e))
			return false;
	}
	return ledger_accept(t, p->id, &m, &rcpt, 1, false, e);
}

static void
tell(const struct notice *p, struct text to, struct later *log)
{
	char safe[ADDRESS_MOST * 3 + 1];

	later_add(log, EVENT_REPORTED, p->about,
		  "sender non-delivery notification: %s to=<%s>, nrcpt=%zu",
		  p->own_id, log_safe(to.p, to.n, safe, sizeof safe), p->dsn.n);
	later_add(log, EVENT_QUEUED, p->id,
		  "from=<>, size=%zu, nrcpt=1 (queue active)", p->body.n);
}

/* The message's record with texts of our own. */
static bool
remember(struct notice *p, struct txn *t, struct err *e)
{
	struct message_record m;
	struct text *of[] = {&m.sender, &m.type,    &m.source,
			     &m.envid,  &m.subject, &m.helo};

	if (!ledger_message(t, p->about, &m, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "recipients without a message");
		return false;
	}
	for (size_t i = 0; i < countof(of); i++)
		*of[i] = keep(&p->memory, *of[i]);
	bytes_u8(&p->memory, 0); /* there is some, also when all are empty */
	for (size_t i = 0; i < countof(of); i++)
		settle_text(&p->memory, of[i]);
	p->m = m;
	return true;
}

/* All failures of one message. */
static bool
report_on(struct bounces *b, const struct failure *f, size_t n, struct txn *t,
	  const struct settings *s, struct later *log, int64_t now_us,
	  struct err *e)
{
	struct notice p = {.about = f->message};
	struct text to;
	bool ok = remember(&p, t, e);

	if (!ok)
		goto out;
	to = whom(s, &p.m);
	if (to.n == 0)
		goto out;
	p.rcpt = must_alloc(n * sizeof p.rcpt[0]);
	for (size_t i = 0; ok && i < n; i++)
		ok = take_recipient(&p, t, &f[i], to, e);
	if (!ok || p.dsn.n == 0)
		goto out;
	settle_texts(&p);
	b->last_id = max_of(b->last_id, txn_state(t)->last_id);
	p.id = b->last_id = id_next(b->last_id, now_us, 1);
	ok = write_report(&p, t, s, to, now_us, e) &&
	     enter(&p, t, s, to, now_us, e);
	if (ok)
		tell(&p, to, log);
out:
	free(p.rcpt);
	bytes_free(&p.memory);
	bytes_free(&p.texts);
	bytes_free(&p.copied);
	bytes_free(&p.body);
	return ok;
}

bool
bounces_enter(struct bounces *b, struct txn *t, const struct settings *s,
	      struct later *log, int64_t now_us, struct err *e)
{
	size_t i = 0, k;

	if (b->n == 0)
		return true;
	qsort(b->failure, b->n, sizeof b->failure[0], by_message);
	for (; i < b->n; i = k) {
		for (k = i + 1; k < b->n && k - i < DSN_RECIPIENTS_MOST &&
				b->failure[k].message == b->failure[i].message;)
			k++;
		if (!report_on(b, &b->failure[i], k - i, t, s, log, now_us, e))
			return false;
	}
	b->n = 0;
	return true;
}
