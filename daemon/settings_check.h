/*
 * settings_check - what must be true between keys and between blocks.
 *
 * Each rule looks only at values that are right in themselves, so that one
 * mistake is told once.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_CHECK_H
#define MTQ_SETTINGS_CHECK_H

#include "daemon/settings_table.h"

/* `name` is the main file: what is missing as a whole is told about it. */
void settings_check(const struct settings *s, const char *name,
		    struct report *r);
/* What only the files of this machine can tell: zones, certificates.  For
 * whoever reads the configuration file; the roles get a text that passed. */
void settings_look(const struct settings *s, struct report *r);
/* True for instance names and titles: 1 to 64 of A-Z a-z 0-9 . _ - */
bool settings_is_name(const char *s) MUST_USE;

#endif
