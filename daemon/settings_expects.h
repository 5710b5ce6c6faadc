/*
 * settings_expects - what the file says must be true of its own routes.
 *
 * Each expect block is asked of the same functions that the scheduler asks;
 * one that fails refuses the file.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_EXPECTS_H
#define MTQ_SETTINGS_EXPECTS_H

#include "daemon/settings_table.h"

/* What the blocks name is there. */
void settings_expects_check(const struct settings *s, struct report *r);
/* They come true; after routing_make. */
void settings_expects_prove(const struct settings *s, struct report *r);

#endif
