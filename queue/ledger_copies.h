/*
 * ledger_copies - PARKED -> WAITING: an archive's copy goes when no other
 * recipient of its message can change any more.
 *
 * Called with the end of each recipient, in the same transaction.
 */
#ifndef MTQ_LEDGER_COPIES_H
#define MTQ_LEDGER_COPIES_H

#include "queue/store.h"

/* `ended` is the recipient whose end it is; m its message. */
bool copies_release(struct txn *t, uint64_t id, uint32_t ended,
		    const struct message_record *m, int64_t now_us,
		    struct err *e) MUST_USE;

#endif
