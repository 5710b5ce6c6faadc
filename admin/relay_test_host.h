/*
 * relay_test_host - one address of a relay, from the connection to QUIT.
 *
 * Owner    relay_test_host keeps nothing.
 */
#ifndef MTQ_RELAY_TEST_HOST_H
#define MTQ_RELAY_TEST_HOST_H

#include "admin/relay_test_private.h"
#include "delivery/resolve.h"

/* `domain`: of the recipient, for deliver = mx.  t->why says how mail would go,
 * or why not. */
enum relay_test_end relay_test_host(struct relay_test *t,
				    const struct target *g,
				    const char *domain) MUST_USE;

#endif
