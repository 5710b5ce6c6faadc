/*
 * profile - what is known of CRMs: the value of keys that a source with
 * `profile = NAME` leaves out, and what to look at twice.
 *
 * Owner    values live in the settings' arena.
 * Source   docs/salesforce.md, docs/zoho.md; facts: R06, F07, A01 to A16.
 */
#ifndef MTQ_PROFILE_H
#define MTQ_PROFILE_H

#include "daemon/settings_table.h"

/* Fills the source's keys that the file did not give; sets of networks only
 * when files may be read. */
void profile_apply(struct settings *s, struct source_settings *source,
		   bool files, struct report *r);
/* "profile salesforce": where the value of this key came from, or the sets in
 * it; NULL: from the file, or a default. */
const char *profile_origin(const struct settings *s, enum block_kind kind,
			   const void *block, const struct key_row *k);
/* Warnings about sources with a profile; for settings without errors. */
void profile_doubts(const struct settings *s, struct report *r);

#endif
