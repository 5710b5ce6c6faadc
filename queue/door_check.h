/*
 * door_check - does a message hold what its source asks for?  Pure; every check
 * has a result, also behind the first that fails.
 *
 *	ip auth cert tls	what the client is (door.h)
 *	header			it can be read in one way only (door_header.h)
 *	NAME			a field of require_header
 *	sender from		allow_from: the envelope, each author
 *	dkim type sandbox	the keys of these names
 *
 * Null sender  it has no domain, so it fits each allow_from; header From, which
 *              people see, is checked all the same (docs/decisions/0015).
 * Reply    of the first check that fails; what is for good comes before what
 *          is for now.  It never tells values that would have been right.
 * Source   facts: A01 to A16, B01 to B04, O07; RFC 7372 3.
 */
#ifndef MTQ_DOOR_CHECK_H
#define MTQ_DOOR_CHECK_H

#include "queue/dkim.h"
#include "queue/door.h"
#include "queue/door_header.h"

struct door_ask {
	const struct source_settings *source;
	const struct door_client *client;
	const struct door_header *header;
	struct text sender; /* envelope */
	const char *type;
	const struct dkim_result *dkim; /* NULL: nobody has looked */
};
struct door_verdict {
	bool sandbox;                 /* MESSAGE_SANDBOX */
	char reply[DOOR_REPLY];       /* "": it may come in */
	char words[DOOR_VERDICT + 1]; /* "ip=ok from=ok dkim=none" */
};

void door_check(const struct door_ask *a, struct door_verdict *out);
/* At MAIL already: may it send with this envelope sender? */
bool door_sender(const struct source_settings *source,
		 struct text sender) MUST_USE;
/* Does the source ask for anything in the message? */
bool door_reads(const struct source_settings *source) MUST_USE;

#endif
