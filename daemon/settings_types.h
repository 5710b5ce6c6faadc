/*
 * settings_types - what must be true of mail types and of the rules that give
 * them.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_TYPES_H
#define MTQ_SETTINGS_TYPES_H

#include "daemon/settings_table.h"

void settings_types_check(const struct settings *s, const char *name,
			  struct report *r);
/* Bit i: mail can be of settings->types[i]. */
uint32_t settings_types_given(const struct settings *s) MUST_USE;
/* Tells of a name that no type has. */
void settings_types_known(const struct settings *s, enum block_kind kind,
			  const void *block, const char *key, const char *name,
			  struct report *r);
/* "domain" or "*.domain". */
bool settings_is_domain(const char *s) MUST_USE;

#endif
