/*
 * compose - the octets that somebody gives to sendmail as a message of SMTP:
 * line ends, the fields it lacks, and its recipients where the header names
 * them (-t).
 *
 *	LF, CR and CRLF end a line; a NUL becomes a blank; a line of more than 998
 *	octets is broken (at a blank if there is one), in the header folded.
 *	A first line that is no header field: there is no header.
 *
 * Pure.
 * Source   RFC 5322 2.1.1, 2.2, 3.6; RFC 6409 8 (what may be added)
 */
#ifndef MTQ_COMPOSE_H
#define MTQ_COMPOSE_H

#include "daemon/bytes.h"

enum { COMPOSE_LINE = 998, COMPOSE_RECIPIENTS = 10000 };

struct compose_ask {
	const unsigned char *p;
	size_t n;
	bool dot_ends;          /* a line of one dot is the end (no -i) */
	bool take_recipients;   /* -t: To, Cc, Bcc; Bcc goes */
	const char *from;       /* for a missing From */
	const char *full_name;  /* "" none */
	const char *domain;     /* for addresses without one */
	const char *date;       /* for a missing Date */
	const char *message_id; /* for a missing Message-ID, with its <> */
};
struct composed {
	struct bytes message;
	struct bytes recipients; /* texts with their NULs */
	size_t nrecipients;
	bool eightbit;
	char why[160]; /* when it is false */
};

/* False: a field that names recipients can't be read (why). */
bool compose(const struct compose_ask *a, struct composed *out) MUST_USE;
void composed_free(struct composed *c);

#endif
