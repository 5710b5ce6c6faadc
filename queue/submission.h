/*
 * submission - one message handed to a receiver over a connected socket: the
 * client's side of SMTP at its shortest, for `mtq send` and for mail that was
 * left in the maildrop.
 *
 * Blocks; never in a loop's thread.  Each reply has SUBMISSION_WAIT_S.
 *
 * Source   RFC 5321 4; RFC 3461 4 (NOTIFY, RET, ENVID)
 */
#ifndef MTQ_SUBMISSION_H
#define MTQ_SUBMISSION_H

#include "daemon/bytes.h"

enum { SUBMISSION_WAIT_S = 300, SUBMISSION_WORDS = 512 };

struct submission {
	const char *sender; /* "" is the null sender */
	const char *const *rcpt;
	size_t nrcpt;
	const char *mail_arguments;   /* " BODY=8BITMIME RET=HDRS", or "" */
	const char *rcpt_arguments;   /* " NOTIFY=NEVER", or "" */
	const unsigned char *message; /* lines with CRLF, the last one too */
	size_t n;
};

enum submission_answer {
	SUBMISSION_DONE,    /* it is durable; words: "queued as ..." */
	SUBMISSION_LATER,   /* 4xx, or the connection broke: perhaps twice */
	SUBMISSION_REFUSED, /* 5xx; nothing was taken, for no recipient */
};

/* `words`: the reply that decided.  One recipient that is refused refuses the
 * message: nobody would be told of the others. */
enum submission_answer submission_talk(int fd, const char *helo,
				       const struct submission *m,
				       char words[SUBMISSION_WORDS]);

#endif
