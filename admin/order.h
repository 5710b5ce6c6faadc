/*
 * order - asks the running mtqd to change the queue, over its control socket,
 * and waits for the answers.
 *
 * Blocking, with a limit on every wait.  Up to ORDER_AHEAD orders are under
 * way at a time: what arrives together is one transaction.
 *
 * Owner    order_open/order_close.
 * Errors   *code is what mtq ends with: EXIT_NO_DAEMON when nobody listens,
 *          EXIT_NOPERM when we may not, EXIT_AGAIN when no answer came in
 *          ORDER_WAIT_S.  What was not answered may have been done.
 */
#ifndef MTQ_ORDER_H
#define MTQ_ORDER_H

#include "queue/control.h"

enum {
	ORDER_AHEAD = 128,
	ORDER_WAIT_S = 20,
};

struct order;

struct order *order_open(const char *path, int *code, struct err *e) MUST_USE;
void order_close(struct order *o); /* takes NULL */

/* Sends one; answers that are due go to `answered`, in the order of the
 * orders. */
bool order_send(struct order *o, const struct control_order *what, int *code,
		struct err *e) MUST_USE;
bool order_send_change(struct order *o, const struct control_change *what,
		       int *code, struct err *e) MUST_USE;
/* Waits for all answers that are still to come. */
bool order_finish(struct order *o, int *code, struct err *e) MUST_USE;
void order_listen(struct order *o,
		  void (*answered)(void *arg, const struct control_answer *a),
		  void *arg);

#endif
