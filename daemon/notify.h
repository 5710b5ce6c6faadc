/*
 * notify - tells the service manager how we are (sd_notify(3), protocol only:
 * one datagram to $NOTIFY_SOCKET).  Without a service manager it does nothing.
 *
 * Errors   none: nobody could do anything about one.
 */
#ifndef MTQ_NOTIFY_H
#define MTQ_NOTIFY_H

#include "daemon/base.h"

/* For example "READY=1\nSTATUS=serving". */
void notify_send(const char *state);
/* How often the manager wants WATCHDOG=1, in ms; 0: not at all. */
uint64_t notify_watchdog_ms(void);

#endif
