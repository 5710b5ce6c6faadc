#include "queue/claim.h"

#include <stdlib.h>
#include <string.h>

void
claim_free(struct claim *c)
{
	free(c->rcpt);
	bytes_free(&c->frame);
	*c = (struct claim){.job = 0};
}

/* One recipient: into the JOB, then claimed.  In this order: what is read
 * points into the map only until the first write. */
static bool
take(struct txn *t, uint64_t lane, const struct ledger_due *due, int64_t now_us,
     struct claim *c, struct bytes *blob, struct err *e)
{
	struct recipient_record r;
	struct job_recipient j;

	if (!ledger_recipient(t, due->id, due->rcpt, &r, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "a due row has no recipient");
		return false;
	}
	j = (struct job_recipient){.rcpt = due->rcpt,
				   .notify = r.notify,
				   .address = r.address,
				   .orcpt = r.orcpt};
	job_recipient_add(blob, &j);
	c->rcpt[c->nrcpt++] = due->rcpt;
	return ledger_claim(t, lane, due, now_us, e);
}

static bool
write_frame(struct txn *t, const struct relay_settings *relay, struct claim *c,
	    const struct bytes *blob, struct err *e)
{
	struct message_record m;
	struct job j;

	if (!ledger_message(t, c->message, &m, e)) {
		if (e->kind == ERR_NONE)
			err_set(e, ERR_DAMAGED, "recipients without a message");
		return false;
	}
	c->arrival_us = (int64_t)m.arrival_us;
	j = (struct job){
	    .job = c->job,
	    .message = c->message,
	    .relay = text_of(relay->title),
	    .sender = m.sender,
	    .envid = m.envid,
	    .flags = m.flags,
	    .size_bytes = m.size_bytes,
	    .chunks = m.chunks,
	    .arrival_us = m.arrival_us,
	    .nrecipients = c->nrcpt,
	    .recipients = {.p = (const char *)blob->data, .n = blob->n}};
	job_encode(&c->frame, &j);
	return true;
}

bool
claim_next(struct txn *t, const struct relay_settings *relay, uint64_t lane,
	   int64_t now_us, struct claim *c, int64_t *next_due_us, struct err *e)
{
	struct ledger_due from = {.due_us = INT64_MIN}, due;
	uint32_t most = (uint32_t)min_of(relay->recipients_per_message,
					 (uint64_t)JOB_RECIPIENTS_MOST);
	struct bytes blob = {0};
	bool ok = false;

	*next_due_us = INT64_MAX;
	if (!ledger_first(t, lane, &from, &due, e))
		return false;
	*next_due_us = due.due_us;
	if (due.due_us > now_us) {
		e->kind = ERR_NONE;
		return false;
	}
	c->message = due.id;
	c->rcpt = must_alloc(most * sizeof c->rcpt[0]);
	do {
		if (!take(t, lane, &due, now_us, c, &blob, e))
			goto out;
		from = due;
		if (c->nrcpt == most)
			break;
		if (!ledger_first(t, lane, &from, &due, e)) {
			if (e->kind != ERR_NONE)
				goto out;
			break;
		}
	} while (due.id == c->message && due.due_us <= now_us);
	ok = write_frame(t, relay, c, &blob, e);
out:
	bytes_free(&blob);
	return ok;
}
