/*
 * relay_test_auth - the credential, used once.
 */
#ifndef MTQ_RELAY_TEST_AUTH_H
#define MTQ_RELAY_TEST_AUTH_H

#include "admin/relay_test_offer.h"

/* The step; `how` gets what was done, for the verdict: "AUTH PLAIN as crm", or
 * "" when no credential is used. */
enum relay_test_end relay_test_auth(struct relay_test *t,
				    struct relay_test_wire *w,
				    const struct target *g,
				    const struct relay_test_offer *offer,
				    char how[128]) MUST_USE;

#endif
