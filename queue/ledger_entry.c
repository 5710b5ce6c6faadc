#include "queue/ledger_entry.h"
#include "queue/ledger_row.h"

bool
entry_about(struct txn *t, uint64_t id, uint32_t rcpt, struct entry_about *out,
	    struct err *e)
{
	unsigned char kr[KEY_RECIPIENT], km[KEY_MESSAGE];
	const void *r, *m;
	size_t nr, nm;

	*out = (struct entry_about){.id = id, .rcpt = rcpt};
	key_recipient(kr, id, rcpt);
	key_message(km, id);
	if (!txn_get(t, STORE_RECIPIENT, kr, sizeof kr, &r, &nr, e))
		return false;
	if (!txn_get(t, STORE_MESSAGE, km, sizeof km, &m, &nm, e))
		return row_missing(e, id, "recipients without a message");
	bytes_reserve(&out->memory, nr + nm); /* pointers into it must hold */
	bytes_add(&out->memory, r, nr);
	bytes_add(&out->memory, m, nm);
	if (recipient_open(out->memory.data, nr, &out->recipient, e) &&
	    message_open(out->memory.data + nr, nm, &out->message, e))
		return true;
	entry_done(out);
	return false;
}

void
entry_done(struct entry_about *a)
{
	bytes_free(&a->memory);
}

static void
of_message(struct journal_entry *x, uint64_t id, const struct message_record *m)
{
	x->message = id;
	x->arrival_us = m->arrival_us;
	x->size_bytes = m->size_bytes;
	x->sender = m->sender;
	x->message_id = m->message_id;
	x->type = m->type;
	x->source = m->source;
}

bool
entry_add(struct txn *t, struct entry_about *a, const struct journal_entry *x,
	  struct err *e)
{
	struct journal_entry full = *x;

	of_message(&full, a->id, &a->message);
	full.rcpt = a->rcpt;
	full.address = a->recipient.address;
	full.previous = a->recipient.entry;
	return journal_add(t, &full, &a->recipient.entry, e);
}

bool
entry_accepted(struct txn *t, uint64_t id, const struct message_record *m,
	       uint64_t *number, struct err *e)
{
	struct journal_entry x = {.kind = JOURNAL_ACCEPTED,
				  .at_us = m->arrival_us,
				  .rcpt = m->recipients - m->copies};

	of_message(&x, id, m);
	return journal_add(t, &x, number, e);
}
