/*
 * account_look - what `mtq check` says of the accounts file.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_ACCOUNT_LOOK_H
#define MTQ_ACCOUNT_LOOK_H

#include "daemon/report.h"
#include "daemon/settings.h"

void account_look(const struct settings *s, struct report *r);

#endif
