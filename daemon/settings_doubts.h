/*
 * settings_doubts - what is right in itself and still looks like a mistake.
 *
 * For settings without errors, after routing_make.
 *
 * Errors   warnings in the report.
 */
#ifndef MTQ_SETTINGS_DOUBTS_H
#define MTQ_SETTINGS_DOUBTS_H

#include "daemon/settings_table.h"

/* `name` is the main file: what is missing as a whole is told about it. */
void settings_doubts_tell(const struct settings *s, const char *name,
			  struct report *r);

#endif
