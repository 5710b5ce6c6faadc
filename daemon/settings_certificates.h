/*
 * settings_certificates - blocks `tls` and the TLS keys of listeners: what must
 * be true of them, and which certificates a listener shows.
 *
 * Source   facts: A03, A07; docs/security.md "Clients".
 */
#ifndef MTQ_SETTINGS_CERTIFICATES_H
#define MTQ_SETTINGS_CERTIFICATES_H

#include "daemon/report.h"
#include "daemon/settings.h"

enum { CERTIFICATES_MOST = 64 }; /* blocks `tls` */

void settings_certificates_check(const struct settings *s, struct report *rep);
/* The i-th certificate of a listener, the default one first; NULL after the
 * last, and for a listener without TLS. */
const struct tls_settings *settings_certificate(const struct settings *s,
						const struct listen_settings *l,
						size_t i) MUST_USE;
/* Does any listener show it? */
bool settings_certificate_used(const struct settings *s,
			       const struct tls_settings *t) MUST_USE;

#endif
