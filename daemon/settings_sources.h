/*
 * settings_sources - what must be true of blocks `source`: who may hand us mail,
 * and what must also hold.
 *
 * No configuration makes an open relay: a source says who its clients are by
 * network, account or certificate, and networks alone can't be a large part of
 * the internet.  Which source a client belongs to never hangs on their order.
 *
 * Errors   lines in the report.
 * Source   facts: A03, A04, A06, A07, A10; docs/decisions/0015-sources.md
 */
#ifndef MTQ_SETTINGS_SOURCES_H
#define MTQ_SETTINGS_SOURCES_H

#include "daemon/settings_table.h"

void settings_sources_check(const struct settings *s, const char *name,
			    struct report *r);

#endif
