/*
 * explain_message - `mtq explain ID`: each group of recipients that are alike
 * in state, lane and route, once.
 */
#ifndef MTQ_EXPLAIN_MESSAGE_H
#define MTQ_EXPLAIN_MESSAGE_H

#include "admin/change.h"
#include "admin/explain.h"

/* The exit code; why is on stderr. */
int explain_message(struct command *c, const struct explain_world *w,
		    const struct ledger_view *view, const char *id);

#endif
