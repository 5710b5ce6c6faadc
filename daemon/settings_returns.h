/*
 * settings_returns - what must be true of return paths, of mail that comes
 * back, of reports and of the history.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_RETURNS_H
#define MTQ_SETTINGS_RETURNS_H

#include "daemon/settings_table.h"

void settings_returns_check(const struct settings *s, struct report *r);
/* What is allowed, and hardly meant. */
void settings_returns_doubts(const struct settings *s, struct report *r);

#endif
