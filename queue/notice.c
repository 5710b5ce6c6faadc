#include "queue/notice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/classify.h"
#include "queue/lane.h"

/* --- texts ------------------------------------------------------------------
 */

static struct text
keep(struct bytes *b, struct text t)
{
	size_t at = b->n;

	bytes_add(b, t.p, t.n);
	return (struct text){(const char *)at, t.n}; /* see settle_text */
}

/* When all are kept and the memory stays where it is. */
static void
settle_text(const struct bytes *b, struct text *t)
{
	t->p = (const char *)b->data + (uintptr_t)t->p;
}

bool
original_record(struct txn *t, uint64_t message, struct message_record *m,
		struct bytes *memory, struct err *e)
{
	struct text *of[] = {
	    &m->sender, &m->author,     &m->type,    &m->source,   &m->envid,
	    &m->helo,   &m->message_id, &m->subject, &m->listener, &m->client};

	e->kind = ERR_NONE;
	if (!ledger_message(t, message, m, e))
		return false;
	for (size_t i = 0; i < countof(of); i++)
		*of[i] = keep(memory, *of[i]);
	bytes_u8(memory, 0); /* there is some, also when all are empty */
	for (size_t i = 0; i < countof(of); i++)
		settle_text(memory, of[i]);
	return true;
}

/* --- the original -----------------------------------------------------------
 */

/* All of it, or its header, at most `most` octets of that.  Nothing, if it can't
 * be read any more: that may be why the mail has failed, and its sender is told
 * all the same. */
static bool
copy_original(struct txn *t, uint64_t message, uint32_t chunks, bool full,
	      size_t most, struct bytes *out, struct err *e)
{
	size_t all;

	for (uint32_t i = 0; i < chunks; i++) {
		const unsigned char *octets;
		size_t n;

		if (!ledger_body(t, message, i, &octets, &n, e)) {
			out->n = 0;
			return e->kind == ERR_DAMAGED;
		}
		bytes_add(out, octets, n);
		if (full)
			continue;
		all = dsn_header_octets(out->data, out->n);
		if (all < out->n || out->n >= most) {
			out->n = min_of(all, most);
			break;
		}
	}
	return true;
}

struct original *
original_keep(struct txn *t, uint64_t message, const struct settings *s,
	      struct err *e)
{
	struct original *o = must_alloc(sizeof *o);
	size_t most = min_of((size_t)s->bounce.max_original_bytes,
			     (size_t)ORIGINAL_HEADER_MOST);

	*o = (struct original){.message = message};
	if (original_record(t, message, &o->m, &o->memory, e) &&
	    copy_original(t, message, o->m.chunks, false, most, &o->header, e))
		return o;
	if (e->kind == ERR_NONE)
		err_set(e, ERR_DAMAGED, "recipients without a message");
	original_free(o);
	return NULL;
}

void
original_free(struct original *o)
{
	if (o == NULL)
		return;
	bytes_free(&o->memory);
	bytes_free(&o->header);
	bytes_free(&o->texts);
	free(o);
}

/* --- the report -------------------------------------------------------------
 */

bool
notice_begin(struct notice *p, struct txn *t, uint64_t about,
	     const struct original *original, size_t most, struct err *e)
{
	*p = (struct notice){.about = about, .original = original};
	if (original != NULL)
		p->m = original->m;
	else if (!original_record(t, about, &p->m, &p->memory, e))
		return false;
	p->rcpt = must_alloc(most * sizeof p->rcpt[0]);
	p->number = must_alloc(most * sizeof p->number[0]);
	return true;
}

void
notice_done(struct notice *p)
{
	free(p->rcpt);
	free(p->number);
	bytes_free(&p->memory);
	bytes_free(&p->texts);
	bytes_free(&p->copied);
	bytes_free(&p->body);
}

void
notice_add(struct notice *p, uint32_t rcpt, struct text address,
	   struct text orcpt, const struct verdict *v, int64_t last_us,
	   int64_t until_us)
{
	p->number[p->dsn.n] = rcpt;
	p->rcpt[p->dsn.n++] = (struct dsn_recipient){
	    .address = keep(&p->texts, address),
	    .orcpt = keep(&p->texts, orcpt),
	    .status = keep(&p->texts, text_of(v->status)),
	    .reply = keep(&p->texts, text_of(v->reply)),
	    .remote = keep(&p->texts, text_of(v->remote)),
	    .code = v->code,
	    .last_us = last_us,
	    .until_us = until_us};
}

void
notice_settle(struct notice *p)
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
 * small; never above the limit, and never where nothing has failed (RFC 3461
 * 4.3). */
static bool
is_full(const struct settings *s, enum dsn_action action,
	const struct message_record *m)
{
	return action == DSN_FAILED &&
	       m->size_bytes <= s->bounce.max_original_bytes &&
	       !(m->flags & MESSAGE_RET_HDRS);
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
	     int64_t now_us, struct err *e)
{
	struct dsn *d = &p->dsn;

	id_text(p->about, p->original_id);
	id_text(p->id, p->own_id);
	d->hostname = text_of(s->hostname);
	d->id = text_of(p->own_id);
	d->original = text_of(p->original_id);
	d->envid = p->m.envid;
	d->subject = p->m.subject;
	d->message_id = p->m.message_id;
	d->foreign = p->m.sender.n == 0;
	d->client = p->m.helo;
	d->now_us = now_us;
	d->arrival_us = (int64_t)p->m.arrival_us;
	d->full = !p->small && is_full(s, d->action, &p->m);
	d->recipient = p->rcpt;
	if (p->original != NULL)
		bytes_add(&p->copied, p->original->header.data,
			  p->original->header.n);
	else if (!copy_original(t, p->about, p->m.chunks, d->full,
				(size_t)s->bounce.max_original_bytes,
				&p->copied, e))
		return false;
	if (p->small)
		p->copied.n = min_of(p->copied.n, (size_t)ORIGINAL_SMALL);
	d->full = d->full && p->copied.n > 0;
	set_needs(p);
	dsn_head(d, &p->body);
	bytes_add(&p->body, p->copied.data, p->copied.n);
	dsn_tail(d, &p->body);
	return true;
}

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
	m.subject = text_of(dsn_subject(p->dsn.action));
	/* What is said about a sandbox's mail stays in the sandbox. */
	if (p->m.flags & MESSAGE_SANDBOX) {
		m.flags |= MESSAGE_SANDBOX;
		m.source = p->m.source;
	}
	return m;
}

bool
notice_enter(struct notice *p, struct txn *t, const struct settings *s,
	     enum dsn_action action, struct text to, uint64_t id,
	     int64_t now_us, struct err *e)
{
	struct ledger_recipient rcpt = {.address = to, .notify = NOTIFY_NEVER};
	struct message_record m;
	struct classify_answer a;
	struct classify_ask ask;
	struct routing_ask routes;
	struct lane lane;

	p->id = id;
	p->dsn.action = action;
	p->dsn.to = to;
	if (!write_report(p, t, s, now_us, e))
		return false;
	m = record_of(p, s, now_us);
	ask = (struct classify_ask){
	    .author = m.author, .sender = m.sender, .size_bytes = m.size_bytes};
	classify(s, &ask, &a);
	m.type = text_of(s->types[a.type].title);
	routes = lane_ask(s, &m, &(struct recipient_record){.address = to});
	lane = lane_of(s, &routes);
	rcpt.lane = lane_pack(&lane);
	for (uint32_t i = 0; i < m.chunks; i++) {
		size_t at = (size_t)i * CHUNK_MOST;

		if (!ledger_chunk(t, id, i, p->body.data + at,
				  min_of(p->body.n - at, (size_t)CHUNK_MOST),
				  false, now_us, e))
			return false;
	}
	return ledger_accept(t, id, &m, &rcpt, 1, false, e);
}
