/*
 * explain_way - how mail is protected on its way to a relay: by the settings
 * alone, or by what DNS says of the relay's hosts right now.
 *
 * Owner    plain values; texts are cleaned for a terminal.
 */
#ifndef MTQ_EXPLAIN_WAY_H
#define MTQ_EXPLAIN_WAY_H

#include "admin/sentence.h"
#include "daemon/settings.h"
#include "delivery/dane.h"

/* "TLS required-verify, for mail.example.com; DANE where DNSSEC proves TLSA
 * records; AUTH as crm". */
void explain_way(const struct relay_settings *r, struct sentence *out);
/* What a host with these TLSA records must prove: "TLS is a must, a TLSA record
 * must match".  False: workers would not use it, and that is why. */
bool explain_way_policy(const struct relay_settings *r, enum tlsa_state tlsa,
			struct sentence *out) MUST_USE;

enum { WAY_HOSTS_MOST = 10 };
struct explain_way_found {
	struct sentence trouble; /* nothing was found: why */
	struct explain_way_host {
		char name[340]; /* "host [address]" */
		bool secure, used;
		enum tlsa_state tlsa;
		char tlsa_why[128];
		struct sentence policy;
	} host[WAY_HOSTS_MOST];
	size_t n, left_out;
};
/* The lookup a worker would make; takes its time.  `recipient` matters for
 * deliver = mx. */
void explain_way_look(const struct settings *s, const struct relay_settings *r,
		      struct text recipient, struct explain_way_found *out);

#endif
