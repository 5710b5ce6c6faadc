/*
 * preset - what is known of well-known relays: the value of keys that a relay
 * with `provider = NAME` leaves out.
 *
 * Owner    values live in the settings' arena.
 * Source   docs/providers.md
 */
#ifndef MTQ_PRESET_H
#define MTQ_PRESET_H

#include "daemon/settings_table.h"

/* Fills the relay's keys that the file did not give. */
void preset_apply(struct settings *s, struct relay_settings *r);
/* "provider m365": where the value of this key came from; NULL: not from a
 * preset.  Also for auth where the preset chose the mechanisms. */
const char *preset_origin(const struct settings *s, enum block_kind kind,
			  const void *block, const struct key_row *k);
/* What `host` of this provider looks like; NULL if there is nothing to say. */
const char *preset_host_hint(enum provider_kind p);

#endif
