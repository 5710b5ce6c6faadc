/*
 * give_up - `mtq queue bounce`: a person ends mail, its sender is told.
 *
 * Runs inside the dispatcher's transaction, as settle.h says.
 */
#ifndef MTQ_GIVE_UP_H
#define MTQ_GIVE_UP_H

#include "queue/settle.h"

/* All recipients of a message that wait or are held, or one (rcpt !=
 * UINT32_MAX).  why: for the sender, too; "" for none.  *changed: how many. */
bool give_up_mail(struct txn *t, const struct settle_world *w, uint64_t id,
		  uint32_t rcpt, const char *who, const char *why,
		  int64_t now_us, enum ledger_answer *answer, uint32_t *changed,
		  struct err *e) MUST_USE;

#endif
