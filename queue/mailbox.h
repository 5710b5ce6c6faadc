/*
 * mailbox - whose mail it is: the first address of a header field From.
 *
 * Display names, comments, encoded words, groups, source routes and blanks
 * around dots are read as RFC 5322 has them and left out.  What is not of that
 * form has no address: a guess could put mail on somebody else's route.
 *
 *	"Doe, J." <j.doe@example.com> (x), b@c	j.doe@example.com
 *	news: a@example.com, b@example.com;	a@example.com
 *	a@example.com <b@example.com>		none: which of them?
 *
 * Pure.
 * Source   RFC 5322 3.2.2, 3.4, 3.6.2, 4.4; RFC 6532 3.2; RFC 6854 2.1.
 */
#ifndef MTQ_MAILBOX_H
#define MTQ_MAILBOX_H

#include "queue/address.h"

enum { MAILBOX_FIELD = 4096 }; /* octets of the field that are looked at */

/* `field` is what follows "From:", unfolded.  The address goes to `out` as
 * address_parse takes it, a local part quoted only if it must be; "" if there
 * is none.  `whole`: nothing was cut off behind it. */
void mailbox_first(struct text field, bool whole, char out[ADDRESS_MOST + 1]);
/* All of its addresses, in their order, up to the first that `see` says false
 * to; how many there were.  0: none, or the field is not in all its parts of
 * that form, whatever was seen of it before. */
size_t mailbox_all(struct text field, bool whole,
		   bool (*see)(void *arg, const char *address), void *arg);

#endif
