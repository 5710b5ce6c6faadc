/*
 * explain_after - what else befalls mail: with which envelope sender it leaves,
 * what follows when a delivery is in doubt, and whether an address gets any.
 *
 * Owner    plain values; texts are cleaned for a terminal.
 */
#ifndef MTQ_EXPLAIN_AFTER_H
#define MTQ_EXPLAIN_AFTER_H

#include "admin/sentence.h"
#include "daemon/routing.h"
#include "queue/txn.h"

struct explain_after {
	/* "<a@example.com>, as the client gave it (return_path = keep)"; ""
	 * without a relay */
	struct sentence sender;
	/* "sent again, perhaps twice (in_doubt = resend)" */
	struct sentence doubt;
};
/* relay NULL: none takes it.  assumed: the sender was not given. */
void explain_after(const struct settings *s, const struct relay_settings *relay,
		   const struct routing_ask *ask, bool assumed,
		   struct explain_after *out);

/* Empty when none of them is on the suppression list. */
bool explain_suppressed(struct txn *t, const struct text *to, size_t nto,
			int64_t now_us, struct sentence *out,
			struct err *e) MUST_USE;

#endif
