/*
 * reply - one reply of an SMTP server, read octet by octet from a hostile peer.
 *
 * The words of all lines are kept in one line, codes included, as Postfix logs
 * them: "550-5.1.1 no such 550 5.1.1 mailbox".  They are cleaned (log_safe).
 *
 * A lone LF ends a line too: some servers send it, and nothing can be smuggled
 * into a client that sends the next command only after the reply.
 *
 * Owner    plain values.
 * Errors   REPLY_BAD: not SMTP, or over a limit; `why` says what.
 * Source   RFC 5321 4.2, 4.5.3.1.5; RFC 2034, RFC 3463; facts D8.
 */
#ifndef MTQ_REPLY_H
#define MTQ_REPLY_H

#include "queue/status.h"

enum {
	REPLY_LINE_MOST = 512,  /* octets with CRLF */
	REPLY_LONG_MOST = 4096, /* of a line in an AUTH exchange */
	REPLY_LINES_MOST = 100,
	REPLY_MOST = 64 * 1024, /* octets of all lines */
	REPLY_STATUS_SIZE = 12,
};

enum reply_step {
	REPLY_MORE,  /* all octets are eaten, the line goes on */
	REPLY_LINE,  /* a line that is not the last is in line[0..nline) */
	REPLY_WHOLE, /* the last line as well: the reply is complete */
	REPLY_BAD,
};

struct reply {
	uint16_t code; /* 200 to 599 */
	/* "5.1.1" when a line has one of the code's class; else "" */
	char status[REPLY_STATUS_SIZE];
	char text[VERDICT_REPLY_MOST];
	size_t ntext;
	/* The line just read, behind the code and its separator. */
	const char *line;
	size_t nline;
	const char *why; /* REPLY_BAD */

	bool long_lines;            /* the caller's: REPLY_LONG_MOST holds */
	char part[REPLY_LONG_MOST]; /* a line that came in pieces */
	size_t npart;
	unsigned lines;
	size_t octets;
};

/* Forgets the last reply. */
void reply_begin(struct reply *r);
/* Eats *n octets at most, up to the end of one line, and puts how many were
 * eaten into *n.  After REPLY_WHOLE or REPLY_BAD: reply_begin. */
enum reply_step reply_feed(struct reply *r, const unsigned char *p, size_t *n);
bool reply_begun(const struct reply *r); /* some octets of it have come */

/* The status of p[0..n) if it starts with one of this class ('2', '4', '5'),
 * followed by a blank or the end.  False if not. */
bool reply_status(const char *p, size_t n, char class,
		  char out[REPLY_STATUS_SIZE]) MUST_USE;

#endif
