/*
 * explain_door_print - what `mtq explain --client` shows of the door: cards and
 * tables for people, one line of JSON for programs.
 *
 * Owner    borrows everything until the call returns.
 */
#ifndef MTQ_EXPLAIN_DOOR_PRINT_H
#define MTQ_EXPLAIN_DOOR_PRINT_H

#include "admin/command.h"
#include "admin/explain_door.h"

/* `rule` gave the type; NULL: there is none. */
void explain_door_print(const struct command *c,
			const struct explain_door_ask *a,
			const struct explain_door *d, const char *rule);

#endif
