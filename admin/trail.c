#include "admin/trail.h"

#include <stdlib.h>

#include "queue/ledger.h"

/* --- reading -------------------------------------------------------------- */

static void
keep(struct arena *a, struct text *t)
{
	t->p = arena_text(a, t->p, t->n);
}

/* Only what trail_end gives out. */
static bool
read_queued(struct txn *t, struct trail *x, uint64_t *last, struct err *e)
{
	struct recipient_record *r = &x->record;
	struct message_record *m = &x->mail;

	if (!ledger_recipient(t, x->message, x->rcpt, r, e) ||
	    !ledger_message(t, x->message, m, e))
		return false;
	keep(&x->memory, &r->address);
	keep(&x->memory, &r->relay);
	keep(&x->memory, &r->status);
	keep(&x->memory, &r->reason);
	keep(&x->memory, &m->sender);
	keep(&x->memory, &m->message_id);
	keep(&x->memory, &m->type);
	keep(&x->memory, &m->source);
	x->queued = true;
	*last = r->entry;
	return true;
}

/* From the last entry back to the first; each points to an older one, so this
 * ends. */
static bool
read_chain(struct txn *t, struct trail *x, uint64_t last, struct err *e)
{
	struct entry *all = must_alloc(TRAIL_ENTRIES * sizeof *all);
	size_t n = 0;

	e->kind = ERR_NONE;
	while (last != 0 && n < TRAIL_ENTRIES) {
		struct entry *at = &all[n];

		if (!journal_get(t, last, &at->x, e))
			break;
		at->number = last;
		entry_keep(&x->memory, &at->x);
		n++;
		last = at->x.previous < last ? at->x.previous : 0;
	}
	x->cut = last != 0;
	x->n = n;
	x->entry = arena_alloc(&x->memory, (n + 1) * sizeof *x->entry);
	for (size_t i = 0; i < n; i++)
		x->entry[i] = all[n - 1 - i];
	free(all);
	return e->kind == ERR_NONE;
}

bool
trail_read(struct store *s, uint64_t message, uint32_t rcpt, struct trail *out,
	   struct err *e)
{
	struct txn *t = store_begin(s, false, e);
	uint64_t last = 0;
	bool ok;

	*out = (struct trail){.message = message, .rcpt = rcpt};
	if (t == NULL)
		return false;
	e->kind = ERR_NONE;
	ok = read_queued(t, out, &last, e) ||
	     (e->kind == ERR_NONE &&
	      journal_history(t, message, rcpt, &last, e));
	if (ok)
		ok = read_chain(t, out, last, e);
	store_abort(t);
	if (ok && !out->queued && out->n == 0) {
		e->kind = ERR_NONE; /* a row whose entries have gone */
		ok = false;
	}
	if (!ok)
		trail_free(out);
	return ok;
}

void
trail_free(struct trail *t)
{
	arena_free(&t->memory);
	*t = (struct trail){.message = 0};
}

/* The first recipient in the queue at or after *rcpt. */
static bool
next_queued(struct txn *t, uint64_t message, uint32_t *rcpt, struct err *e)
{
	unsigned char k[KEY_RECIPIENT];
	const void *key, *val;
	size_t nkey, nval;

	key_recipient(k, message, *rcpt);
	if (!txn_seek(t, STORE_RECIPIENT, k, sizeof k, &key, &nkey, &val, &nval,
		      e))
		return false;
	e->kind = ERR_NONE;
	if (nkey != KEY_RECIPIENT || get_be64(key) != message)
		return false;
	*rcpt = get_be32((const unsigned char *)key + 8);
	return true;
}

bool
trail_next(struct store *s, uint64_t message, uint32_t *rcpt, struct err *e)
{
	struct txn *t = store_begin(s, false, e);
	uint32_t queued = *rcpt, ended = *rcpt;
	uint64_t last;
	bool here, gone = false;

	if (t == NULL)
		return false;
	e->kind = ERR_NONE;
	here = next_queued(t, message, &queued, e);
	if (e->kind == ERR_NONE)
		gone = journal_history_next(t, message, &ended, &last, e);
	store_abort(t);
	if (!here && !gone)
		return false;
	*rcpt = !gone || (here && queued < ended) ? queued : ended;
	return true;
}

/* --- what became of it ---------------------------------------------------- */

/* Does it say what became of the recipient, or only what was told? */
static bool
is_outcome(enum journal_kind k)
{
	switch (k) {
	case JOURNAL_ACCEPTED:
	case JOURNAL_DELIVERED:
	case JOURNAL_DEFERRED:
	case JOURNAL_BOUNCED:
	case JOURNAL_EXPIRED:
	case JOURNAL_IN_DOUBT:
	case JOURNAL_HELD:
	case JOURNAL_RELEASED:
	case JOURNAL_DROPPED:
	case JOURNAL_RETURNED:
	case JOURNAL_COMPLAINT:
		return true;
	case JOURNAL_DELAYED:
	case JOURNAL_REPORTED:
	case JOURNAL_WITHHELD:
	case JOURNAL_SUPPRESSED:
	case JOURNAL_UNSUPPRESSED:
	case JOURNAL_QUOTA:
	case JOURNAL_RELAY:
	case JOURNAL_KIND_COUNT:
		break;
	}
	return false;
}

static void
prefer(struct text *out, struct text t)
{
	if (out->n == 0)
		*out = t;
}

static void
learn(struct trail_end *o, const struct journal_entry *x)
{
	prefer(&o->sender, x->sender);
	if (x->kind != JOURNAL_ACCEPTED)
		prefer(&o->address, x->address);
	prefer(&o->message_id, x->message_id);
	prefer(&o->type, x->type);
	prefer(&o->source, x->source);
	if (o->arrival_us == 0)
		o->arrival_us = (int64_t)x->arrival_us;
	if (o->size_bytes == 0)
		o->size_bytes = x->size_bytes;
	o->tries = max_of(o->tries, x->attempts);
}

void
trail_end(const struct trail *t, struct trail_end *out)
{
	*out = (struct trail_end){.outcome = "unknown"};
	if (t->queued) {
		out->sender = t->mail.sender;
		out->address = t->record.address;
		out->message_id = t->mail.message_id;
		out->type = t->mail.type;
		out->source = t->mail.source;
		out->arrival_us = (int64_t)t->mail.arrival_us;
		out->size_bytes = t->mail.size_bytes;
		out->tries = t->record.attempts;
		out->at_us = (int64_t)t->record.changed_us;
	}
	for (size_t i = t->n; i-- > 0;) {
		const struct entry *x = &t->entry[i];

		learn(out, &x->x);
		if (out->entry != NULL ||
		    !is_outcome((enum journal_kind)x->x.kind))
			continue;
		out->entry = x;
		out->at_us = (int64_t)x->x.at_us;
		out->outcome = journal_word((enum journal_kind)x->x.kind);
	}
	/* What failed and is kept has its reason in the journal. */
	if (t->queued &&
	    (t->record.state != RECIPIENT_FAILED || out->entry == NULL))
		out->outcome =
		    recipient_state_word((enum recipient_state)t->record.state);
	if (t->queued && t->record.state == RECIPIENT_WAITING)
		out->next_us = (int64_t)t->record.due_us;
}
