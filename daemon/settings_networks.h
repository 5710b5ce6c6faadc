/*
 * settings_networks - from_ip with the names of sets in it (daemon/netset.h).
 *
 * The roles get the networks themselves: what settings_print writes names no
 * set, so nobody but settings_load reads a set's file.
 *
 * Owner    networks and words live in the settings' arena.
 * Errors   lines in the report, at the place that names the set.
 */
#ifndef MTQ_SETTINGS_NETWORKS_H
#define MTQ_SETTINGS_NETWORKS_H

#include "daemon/settings_table.h"

/* Is one of them the name of a set? */
bool settings_networks_named(char *const *item, size_t n) MUST_USE;
/* Networks and names of sets into from_ip, merged; false: told.  `by` stands
 * in front of what is noted for settings_networks_origin. */
bool settings_networks_read(struct settings *s, struct source_settings *source,
			    char *const *item, size_t n, const char *by,
			    struct settings_place at,
			    struct report *r) MUST_USE;
/* "@zoho-eu of 2026-11-21 (/etc/mtq/networks/zoho-eu.conf)"; NULL: no set. */
const char *settings_networks_origin(const struct settings *s,
				     const struct source_settings *source);

#endif
