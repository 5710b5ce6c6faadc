/*
 * archive - copies of what was sent: which messages get one, and what stands in
 * front of it.
 *
 * A copy is one more recipient of its message, PARKED until all others have
 * ended (queue/ledger_copies.h), so nothing is stored twice and no crash can
 * lose it.  It is the message octet for octet, behind fields that say what it
 * was and what became of each recipient:
 *
 *	X-MTQ-Archive: id=2TZQ...; arrived=...; type=mass; source=crm; ...
 *	X-MTQ-Sender: <news@example.com>
 *	X-MTQ-Recipient: <a@example.net>; delivered; status=2.0.0; at=...; ...
 *
 * Bounded  ARCHIVE_RECIPIENTS of them are told of; how many there were always
 *          is.
 * Source   docs/archive.md
 */
#ifndef MTQ_ARCHIVE_H
#define MTQ_ARCHIVE_H

#include "daemon/settings.h"
#include "queue/ledger.h"

enum {
	ARCHIVE_RECIPIENTS = 1000,
	ARCHIVE_REPLY = 256, /* octets of a reply that are shown */
};

/* The recipient that stands for archive `at` of the settings; false: it wants no
 * copy of such mail.  `memory` is for its texts, ARCHIVE_TEXT octets. */
enum { ARCHIVE_TEXT = 512 };
bool archive_recipient(const struct settings *s, size_t at, struct text type,
		       struct text source, char memory[ARCHIVE_TEXT],
		       struct ledger_recipient *out) MUST_USE;
/* The fields in front of a copy.  False: the store failed; ERR_NONE: the message
 * is gone. */
bool archive_front(struct txn *t, uint64_t id, struct bytes *out,
		   struct err *e) MUST_USE;

#endif
