/*
 * settle_private - what settle.c and settle_judge.c share; nobody else's.
 */
#ifndef MTQ_SETTLE_PRIVATE_H
#define MTQ_SETTLE_PRIVATE_H

#include "queue/settle.h"

/* What becomes of a recipient after an outcome, before anything is written. */
struct judged {
	struct verdict verdict; /* what is recorded */
	struct ledger_again again;
	bool assumed;     /* in doubt, and taken as delivered */
	bool poison;      /* held: too many workers died with it */
	bool copy_held;   /* a copy for an archive was refused */
	bool delayed;     /* its sender is to be told that it waits ... */
	int64_t until_us; /* ... and is given up then */
};
void settle_judge(const struct settle *s, const struct settle_world *w,
		  unsigned type, const struct recipient_record *before,
		  struct judged *out);

#endif
