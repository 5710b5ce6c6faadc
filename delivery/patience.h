/*
 * patience - which connections are given up when all places of a relay are
 * taken and other mail waits for one.
 *
 * A server may take minutes until it is ready for mail (RFC 5321 4.5.3.2.1: 5
 * for the greeting).  Those that take long keep that time while they hold less
 * than half of the places; beyond that, the ones that have waited longest are
 * given up.  Their mail goes on by its schedule, and one dead or hostile host
 * in a hundred does not stop the relay.
 *
 * Only a set-up is ended so: no message has been spoken of.
 */
#ifndef MTQ_PATIENCE_H
#define MTQ_PATIENCE_H

#include "delivery/egress.h"

enum { PATIENCE_S = 10 }; /* beyond it a set-up counts as slow */

void patience_tick(struct egress *g, int64_t steady_us);

#endif
