/*
 * journal_row - how a row of the journal lies in its table; for queue/journal*.c
 * only.
 *
 * Owner    texts of an entry point into the map.
 * Errors   ERR_DAMAGED: the row is not what journal_add wrote.
 */
#ifndef MTQ_JOURNAL_ROW_H
#define MTQ_JOURNAL_ROW_H

#include "queue/journal.h"

enum {
	KEY_ENTRY = 8,
	HISTORY_ROW = RECORD_SEAL + 8, /* they have all this size */
};

bool journal_row(const void *key, size_t nkey, const void *val, size_t nval,
		 uint64_t *number, struct journal_entry *out,
		 struct err *e) MUST_USE;

#endif
