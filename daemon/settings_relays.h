/*
 * settings_relays - what must be true of the ways out: relays, which of them
 * is taken when nothing else decides, and when to try again.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_RELAYS_H
#define MTQ_SETTINGS_RELAYS_H

#include "daemon/settings_table.h"

/* `name` is the main file: what is missing as a whole is told about it. */
void settings_relays_check(const struct settings *s, const char *name,
			   struct report *r);

#endif
