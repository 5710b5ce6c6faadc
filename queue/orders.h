/*
 * orders - what mtq asked for and no commit has done yet.
 *
 * Owner    one list, in the order it came; orders_clear frees it.
 * Bounded  by who adds: the scheduler takes ORDERS_AHEAD of a client.  One
 *          commit does ORDERS_MOST orders, and stops behind the one with which
 *          ORDERS_CHANGES recipients have changed.
 */
#ifndef MTQ_ORDERS_H
#define MTQ_ORDERS_H

#include "queue/control.h"
#include "queue/settle.h"

enum {
	ORDERS_AHEAD = 1024, /* of one client, without an answer */
	ORDERS_MOST = 256,
	ORDERS_CHANGES = 4096,
};

struct orders {
	struct order *item;
	size_t n, room;
};

/* `client` comes back with the answer; `who` names the person. */
void orders_add(struct orders *o, uint64_t client, const char *who,
		const struct control_order *what);
void orders_add_change(struct orders *o, uint64_t client, const char *who,
		       const struct control_change *what);
/* Does the first ones, at most `most` of them: *n, their answers in `out`.  They stay in the
 * list until orders_done. */
bool orders_carry_out(struct orders *o, struct txn *t,
		      const struct settle_world *w, size_t most, int64_t now_us,
		      struct control_answer *out, size_t *n,
		      struct err *e) MUST_USE;
uint64_t orders_client(const struct orders *o, size_t i);
void orders_done(struct orders *o, size_t n);
void orders_clear(struct orders *o);

#endif
