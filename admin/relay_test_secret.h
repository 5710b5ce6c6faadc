/*
 * relay_test_secret - what a relay's block refers to: secrets, CA and client
 * certificate; which are there.  No value is ever shown, nor its length.
 */
#ifndef MTQ_RELAY_TEST_SECRET_H
#define MTQ_RELAY_TEST_SECRET_H

#include "admin/relay_test_private.h"

/* Fills t->secrets, trust, setup, and tells of each.  False: mail would not go,
 * t->why says why; what follows can still be looked at if t->setup is there. */
bool relay_test_secrets(struct relay_test *t) MUST_USE;
void relay_test_forget(struct relay_test *t); /* wipes */

#endif
