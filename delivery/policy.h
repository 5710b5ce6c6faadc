/*
 * policy - what the way to one host must prove before it gets mail.  Pure.
 *
 * The CRM's five modes, exactly (facts/crm-and-providers.md 4), and DANE above
 * them where TLSA records count: docs/security.md has the table.
 *
 * Source   RFC 3207, RFC 7672 2.2, RFC 8314 3.
 */
#ifndef MTQ_POLICY_H
#define MTQ_POLICY_H

#include "daemon/settings.h"
#include "delivery/dane.h"
#include "queue/status.h"

enum policy_check {
	CHECK_NOTHING, /* any certificate */
	CHECK_NAME,    /* a known CA and the host's name */
	CHECK_DANE,    /* a TLSA record */
};

struct policy {
	bool tls;      /* use it when it is offered */
	bool must;     /* no mail without it */
	bool implicit; /* TLS before the greeting */
	/* A handshake that fails may be followed, for mail that was put off
	 * once, by a connection without TLS. */
	bool may_clear;
	enum policy_check check;
	bool insecure_auth;
};

/* STATUS_COUNT: `out` is the policy.  Else the host can't be used: TLSA_FAILED,
 * NO_TLSA. */
enum status policy_for(const struct relay_settings *r, enum tlsa_state tlsa,
		       struct policy *out) MUST_USE;
/* May a credential be used on a connection that is encrypted or not, and whose
 * check has passed (verified) or not? */
bool policy_may_auth(const struct policy *p, bool tls, bool verified) MUST_USE;
const char *policy_check_word(enum policy_check c);

#endif
