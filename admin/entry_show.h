/*
 * entry_show - an entry of the journal as programs and people see it.
 *
 * An event is one JSON object; which members it has depends on its kind alone,
 * so that a program can rely on them: what is unknown is null.
 */
#ifndef MTQ_ENTRY_SHOW_H
#define MTQ_ENTRY_SHOW_H

#include "admin/entries.h"
#include "admin/show.h"

void entry_show_event(FILE *out, const struct entry *e);

/* The same as one of the attempts of a recipient: rows of show_rows.  Every
 * member is there. */
enum { ENTRY_VALUES = 32 }; /* no entry has more members */
extern const struct show_field entry_fields[];
extern const size_t entry_nfields;
/* `ids`: room for the texts of its numbers. */
struct entry_ids {
	char event[ID_TEXT + 1];
	char previous[ID_TEXT + 1];
	char queue[ID_TEXT + 1];
};
void entry_show_fill(const struct entry *e, struct entry_ids *ids,
		     struct show_value *v);

/* Postfix's a/b/c/d: before the claim, in the worker, connecting, sending.  ""
 * when it was no attempt. */
enum { ENTRY_DELAYS = 64 };
const char *entry_delays(const struct journal_entry *x, char out[ENTRY_DELAYS]);
/* The words that say most: the reply, or the detail, or who did it. */
struct text entry_words(const struct journal_entry *x);
struct show_value entry_category(unsigned category);

#endif
