/*
 * ledger_entry - entries of the journal about one recipient, and the chain that
 * they make.  Only the queue/ledger*.c use it.
 *
 * Owner    entry_about holds copies, so that writes may follow; entry_done.
 */
#ifndef MTQ_LEDGER_ENTRY_H
#define MTQ_LEDGER_ENTRY_H

#include "queue/journal.h"

/* Both records as they were, before anything was written. */
struct entry_about {
	uint64_t id;
	uint32_t rcpt;
	struct message_record message;
	struct recipient_record recipient; /* .entry: the chain's last one */
	struct bytes memory;
};

/* False with ERR_NONE: there is no such recipient. */
bool entry_about(struct txn *t, uint64_t id, uint32_t rcpt,
		 struct entry_about *out, struct err *e) MUST_USE;
void entry_done(struct entry_about *a);
/* Writes x, with all that the records know filled in, and makes it the last of
 * the chain.  The caller writes the recipient's record. */
bool entry_add(struct txn *t, struct entry_about *a,
	       const struct journal_entry *x, struct err *e) MUST_USE;
/* Of a message that is just being made: *number. */
bool entry_accepted(struct txn *t, uint64_t id, const struct message_record *m,
		    uint64_t *number, struct err *e) MUST_USE;

#endif
