/*
 * relay_test - `mtq relay test NAME`: the way to a relay, walked step by step
 * in this process, each step told as it ends.
 *
 * It asks the same modules as the workers do (resolve, policy, tls, sasl), so
 * that what it says is what they would do.  mtqd may be stopped.  A credential
 * is used once and never tried again.
 */
#ifndef MTQ_RELAY_TEST_H
#define MTQ_RELAY_TEST_H

#include "admin/command.h"

/* c->argv[0] is "test". */
int relay_test(struct command *c);

#endif
