/*
 * pattern - "550 5.7.1 *spam*": a reply code and words, `*` for anything.
 *
 * Pure.  Letter case does not count.  Words stand anywhere in a reply, their
 * parts one after the other.
 */
#ifndef MTQ_PATTERN_H
#define MTQ_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/base.h"

/* A code from 400 to 599, a blank, words. */
bool pattern_is(const char *s) MUST_USE;
/* text: of pattern_unfold. */
bool pattern_matches(const char *pattern, unsigned code,
		     const char *text) MUST_USE;
/* The words alone; empty ones are in each text. */
bool pattern_has(const char *text, const char *words) MUST_USE;
/* A reply in one line: the code that starts each of its lines goes, and the
 * status that comes with it stays only the first time; no blanks twice; without
 * what we add ourselves.  out has room for the reply. */
void pattern_unfold(const char *reply, unsigned code, const char *status,
		    char *out);

#endif
