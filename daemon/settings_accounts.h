/*
 * settings_accounts - what must be true of accounts, of the mechanisms that a
 * listener offers, and of the budgets of block guard.
 *
 * Errors   lines in the report.
 */
#ifndef MTQ_SETTINGS_ACCOUNTS_H
#define MTQ_SETTINGS_ACCOUNTS_H

#include "daemon/settings_table.h"

void settings_accounts_check(const struct settings *s, struct report *r);
/* What is allowed, and hardly meant. */
void settings_accounts_doubts(const struct settings *s, struct report *r);

#endif
