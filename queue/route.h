/*
 * route - which relay carries a message.  Pure; asked when the message is about
 * to go, so that a new configuration moves mail that waits.
 *
 * Errors   NULL: no relay will have it ("no route").
 */
#ifndef MTQ_ROUTE_H
#define MTQ_ROUTE_H

#include "daemon/settings.h"

const struct relay_settings *route_relay(const struct settings *s);

#endif
