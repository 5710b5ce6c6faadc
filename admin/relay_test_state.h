/*
 * relay_test_state - what the queue says of the relay: a way that is good is of
 * no use while the relay is paused or closed.
 */
#ifndef MTQ_RELAY_TEST_STATE_H
#define MTQ_RELAY_TEST_STATE_H

#include "admin/command.h"

/* The step "state", if there is a queue and the relay takes no mail now.  It
 * changes nothing about the verdict: that is about the way. */
void relay_test_state(struct command *c, const struct relay_settings *r);

#endif
