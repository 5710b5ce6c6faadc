/*
 * settings_dkim - what must be true of `dkim` blocks, as far as the file tells:
 * the keys themselves are looked at when mtqd reads them.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_DKIM_H
#define MTQ_SETTINGS_DKIM_H

#include "daemon/settings_table.h"

enum { SETTINGS_DKIMS = 1000 /* each message looks at all of them */ };

void settings_dkim_check(const struct settings *s, const char *name,
			 struct report *r);
/* d= of a block. */
const char *settings_dkim_domain(const struct dkim_settings *d);

#endif
