/*
 * settings_near - which name may have been meant by a wrong one.
 *
 * Pure.
 */
#ifndef MTQ_SETTINGS_NEAR_H
#define MTQ_SETTINGS_NEAR_H

#include "daemon/settings_table.h"

/* A key of this block, outside of blocks also the name of a block, at most two
 * letters off; NULL: none is near. */
const char *settings_near(enum block_kind kind, const char *name);
/* The same among n words, whatever the letter case. */
const char *settings_near_word(const char *const *word, size_t n,
			       const char *name);

#endif
