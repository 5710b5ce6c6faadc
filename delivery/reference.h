/*
 * reference - whom the certificate of a host may be for: the names that a
 * worker, and `mtq relay test`, hold it to.  Pure.
 *
 * Owner    names are borrowed from the settings and the target.
 * Source   RFC 6125 6.2; RFC 7672 3.2.2; docs/security.md.
 */
#ifndef MTQ_REFERENCE_H
#define MTQ_REFERENCE_H

#include "delivery/certificate.h"
#include "delivery/policy.h"
#include "delivery/resolve.h"

/* domain: of the recipients, for deliver = mx; else not looked at.  DANE: the
 * TLSA base name first, and where we came from only if the way from it to the
 * host is proved. */
struct certificate_names reference_names(const struct relay_settings *r,
					 const struct target *t,
					 const char *domain,
					 enum policy_check check);

#endif
