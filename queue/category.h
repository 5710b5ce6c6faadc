/*
 * category - why mail failed or waits, in one word for people.
 *
 * What a verdict says in codes and the remote's words becomes one of a few
 * categories; a `reply` block of the configuration may say otherwise, and may
 * also change what follows: try again, or give up.
 *
 * Pure.
 * Source   RFC 3463; docs/bounces.md has the table.
 */
#ifndef MTQ_CATEGORY_H
#define MTQ_CATEGORY_H

#include "daemon/settings.h"
#include "queue/status.h"

/* "bad-address", as it stands in records, JSON and the configuration. */
const char *category_word(enum category_kind c);
/* For people: "the mailbox or the domain does not exist". */
const char *category_text(enum category_kind c);
/* The first `reply` block that matches changes v->kind and v->category, and the
 * class of v->status with the kind; else the category comes from stage, status
 * and words.  A verdict of kind SENT has none; what ends at AUTH keeps its kind.
 * relay: its name; mail that no relay had: "".  Walls (queue/wall.h) come first:
 * the caller gives those CATEGORY_QUOTA. */
void category_judge(const struct settings *s, const char *relay,
		    struct verdict *v);

#endif
