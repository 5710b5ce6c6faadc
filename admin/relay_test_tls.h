/*
 * relay_test_tls - the handshake, the chain that came with it, and what each
 * mode would make of it: three steps.
 */
#ifndef MTQ_RELAY_TEST_TLS_H
#define MTQ_RELAY_TEST_TLS_H

#include "admin/relay_test_modes.h"
#include "admin/relay_test_private.h"
#include "admin/relay_test_wire.h"

/* The handshake by this policy's check; fills seen's shaken and verdicts.
 * False: there is no connection any more. */
bool relay_test_tls(struct relay_test *t, struct relay_test_wire *w,
		    const struct target *g, const char *domain,
		    enum policy_check check,
		    struct relay_test_seen *seen) MUST_USE;
/* The step "modes". */
void relay_test_tell_modes(const struct relay_test *t,
			   const struct relay_test_seen *seen);

#endif
