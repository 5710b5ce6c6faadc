/*
 * mailq - the queue in the shape that Postfix's mailq has, for people and
 * scripts that know it; and a try of all that waits, now.
 */
#ifndef MTQ_MAILQ_H
#define MTQ_MAILQ_H

#include "admin/command.h"

int mailq(struct command *c);
int mailq_flush(struct command *c);

#endif
