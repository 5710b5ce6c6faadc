/*
 * settings_quotas - what must be true of quotas and of their calendars.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_QUOTAS_H
#define MTQ_SETTINGS_QUOTAS_H

#include "daemon/settings_table.h"

void settings_quotas_check(const struct settings *s, const char *name,
			   struct report *r);
/* Zones and dates.  Looks at the files of tzdata and sets TZ for a moment, so
 * it is for whoever reads the configuration file; the roles get a text that
 * passed, and may not open these files. */
void settings_quotas_zones(const struct settings *s, struct report *r);

#endif
