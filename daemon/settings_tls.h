/*
 * settings_tls - what must be true of a relay's tls and dane keys.
 *
 * Source   facts: R04, R07-R12; RFC 7672.
 */
#ifndef MTQ_SETTINGS_TLS_H
#define MTQ_SETTINGS_TLS_H

#include "daemon/report.h"
#include "daemon/settings.h"

void settings_tls_check(const struct settings *s,
			const struct relay_settings *r, struct report *rep);
/* Are the certificates there?  Looks at files, so it is for whoever reads the
 * configuration file. */
void settings_tls_files(const struct settings *s, struct report *rep);

#endif
