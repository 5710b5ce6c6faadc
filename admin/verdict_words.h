/*
 * verdict_words - the line of a verdict ("ip=ok dkim=fail(no key)",
 * queue/door_check.h) taken apart, for people.
 *
 * Owner    texts are borrowed from the line.
 */
#ifndef MTQ_VERDICT_WORDS_H
#define MTQ_VERDICT_WORDS_H

#include <stdio.h>

#include "daemon/bytes.h"

struct verdict_word {
	struct text check;  /* "dkim" */
	struct text result; /* "fail" */
	struct text detail; /* "no key"; "" without one */
};
/* The first check of *rest, which then begins behind it; false at the end. */
bool verdict_word_next(struct text *rest, struct verdict_word *out) MUST_USE;
/* A table of CHECK, RESULT and why. */
void verdict_words_print(FILE *out, struct text verdict, int64_t now_us);

#endif
