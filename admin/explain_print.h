/*
 * explain_print - what `mtq explain` shows: a card for people, one line of JSON
 * for programs, for each group of recipients.
 *
 * Owner    borrows everything until the call returns.
 */
#ifndef MTQ_EXPLAIN_PRINT_H
#define MTQ_EXPLAIN_PRINT_H

#include "admin/command.h"
#include "admin/explain.h"
#include "admin/explain_way.h"

struct explain_group {
	struct explain_mail mail;
	bool assumed; /* nobody said who sends it: mail.ask.sender is ours */
	const struct text *to;
	size_t nto;
	const char *rule;                      /* which gave the type */
	const struct explain_way_found *found; /* NULL: DNS was not asked */
	struct sentence suppressed;            /* "": none of them is */
};
void explain_print(const struct command *c, const struct explain_group *g,
		   const struct explained *x);

#endif
