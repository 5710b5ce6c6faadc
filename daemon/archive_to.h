/*
 * archive_to - where the copies of an archive go.
 *
 * One with to = maildir:/folder has a relay of its own, "archive-NAME".  A file
 * that has no such relay gets it: deliver = maildir, dir = /folder; `mtq config
 * show` and `mtq relay` show it like any other.
 */
#ifndef MTQ_ARCHIVE_TO_H
#define MTQ_ARCHIVE_TO_H

#include "daemon/settings.h"

enum { ARCHIVE_RELAY = 80 };

/* The folder of to = maildir:/folder; NULL: it is an address. */
const char *archive_folder(const struct archive_settings *a);
void archive_relay(const struct archive_settings *a, char out[ARCHIVE_RELAY]);
/* Does this relay carry copies of an archive? */
bool archive_has(const struct settings *s, const char *relay);

#endif
