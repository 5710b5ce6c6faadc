/*
 * settings_routes - what must be true of routes.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_ROUTES_H
#define MTQ_SETTINGS_ROUTES_H

#include "daemon/settings_table.h"

void settings_routes_check(const struct settings *s, const char *name,
			   struct report *r);
/* Does a route name this relay, in a list or as a trigger? */
bool settings_routes_use(const struct settings *s,
			 const struct relay_settings *relay) MUST_USE;

#endif
