/*
 * relay_test_box - a Maildir instead of a host: can a message be written there?
 */
#ifndef MTQ_RELAY_TEST_BOX_H
#define MTQ_RELAY_TEST_BOX_H

#include "admin/relay_test_private.h"

/* The step "maildir": a file in tmp/, written, synced and removed again.  A
 * folder that is not there is not made: a worker makes it when it starts. */
enum relay_test_end relay_test_box(struct relay_test *t) MUST_USE;

#endif
