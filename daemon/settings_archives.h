/*
 * settings_archives - what must be true of archives.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_ARCHIVES_H
#define MTQ_SETTINGS_ARCHIVES_H

#include "daemon/settings_table.h"

void settings_archives_check(const struct settings *s, const char *name,
			     struct report *r);

#endif
