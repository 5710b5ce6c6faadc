/*
 * explain_dkim - the keys of a message's signatures, asked for and waited for.
 *
 * Owner    none; the loop stays until the process ends (libunbound's thread
 *          has its pipe).
 */
#ifndef MTQ_EXPLAIN_DKIM_H
#define MTQ_EXPLAIN_DKIM_H

#include "queue/dkim.h"

enum { EXPLAIN_DKIM_MS = 10 * 1000 }; /* as long as the receiver waits */

/* `arg`: a const struct dns_settings *.  What has not answered in time has no
 * answer. */
void explain_dkim(void *arg, struct dkim *d);

#endif
