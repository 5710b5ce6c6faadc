/*
 * drop_file - one message in the maildrop: its envelope, then its octets.
 *
 *	mtq-drop 1
 *	F sender
 *	T recipient		one line each
 *	M arguments of MAIL	as " RET=HDRS"; left out when there are none
 *	R arguments of RCPT
 *				an empty line
 *	the message, lines with CRLF
 *
 * Written by whoever has mail, read by the receiver: every octet of it is from
 * outside.  It is written under a name that begins with "tmp-" and then gets one
 * that begins with "drop-", so what has such a name is whole.
 *
 * Errors   false and a sentence in e.
 */
#ifndef MTQ_DROP_FILE_H
#define MTQ_DROP_FILE_H

#include "daemon/err.h"
#include "queue/submission.h"

enum {
	DROP_ENVELOPE = 1 << 20, /* octets in front of the message */
	DROP_RECIPIENTS = 10000,
};
#define DROP_WHOLE     "drop-"
#define DROP_UNDER_WAY "tmp-"

/* Durable when it returns true. */
bool drop_file_write(const char *folder, const struct submission *m,
		     struct err *e) MUST_USE;
/* `p` is changed (NULs at the ends of its lines) and lent to *m; the list of
 * recipients is the caller's to free. */
bool drop_file_parse(char *p, size_t n, struct submission *m,
		     struct err *e) MUST_USE;

#endif
