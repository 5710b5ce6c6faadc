/*
 * log - one event, one line, from the table of daemon/event.h.
 *
 * A line is "mtq/ROLE[pid]: text"; with $JOURNAL_STREAM on stderr it begins
 * with "<6>" (sd-daemon(3)), else with an RFC 3339 time.  Texts of mail events
 * have Postfix's shape and key order, so that pflogsumm and fail2ban read them.
 * Everything that came from outside goes through log_safe().
 *
 * Lines are collected and written by log_flush (the loop's after-hook); a full
 * pipe never blocks mail: lines are dropped and counted, and the count is
 * logged when there is room again.
 */
#ifndef MTQ_LOG_H
#define MTQ_LOG_H

#include "daemon/event.h"
#include "daemon/now.h"

/* `ident` is the role's name: "smtpd" for the receiver, "qmgr" for the
 * scheduler, "smtp" for a worker, "mtqd": Postfix's words, which log readers
 * know (facts/libraries.md 16). */
void log_open(const char *ident);
/* Writes one line for the event; `id` is a queue id or NULL. */
void log_event(enum event ev, const char *id, const char *fmt, ...)
    PRINTF(3, 4);
void log_flush(void);

/* Remote text made harmless: printable ASCII and valid UTF-8 stay (no bidi
 * controls), the rest becomes '?'; cut to size - 1.  Returns out. */
const char *log_safe(const char *p, size_t n, char *out, size_t size);

#endif
