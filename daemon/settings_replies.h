/*
 * settings_replies - what must be true of `reply` blocks.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_REPLIES_H
#define MTQ_SETTINGS_REPLIES_H

#include "daemon/settings_table.h"

void settings_replies_check(const struct settings *s, const char *name,
			    struct report *r);

#endif
