/*
 * returned_private - what the files of the parser share; nobody else's.
 *
 *	returned_words.c	addresses, codes, words in octets
 *	returned_fields.c	the parts that programs write for programs
 *	returned_prose.c	the parts they write for people
 *	returned.c		which of them count
 */
#ifndef MTQ_RETURNED_PRIVATE_H
#define MTQ_RETURNED_PRIVATE_H

#include "queue/mime.h"
#include "queue/returned.h"

/* --- returned_words.c ------------------------------------------------------
 */

/* "5.1.1" anywhere in the text, but not in "10.5.1.1"; false: none. */
bool returned_status(struct text t, char out[12]);
/* "550" as a word of its own, 400 to 599 only; 0: none. */
uint16_t returned_code(struct text t);
/* The address at the front of the text, in brackets or quotes or neither; what
 * follows it goes to *rest. */
bool returned_address(struct text t, char out[RETURNED_TEXT + 1],
		      struct text *rest);
bool returned_has(struct text t, const char *const *word, size_t n);
/* A recipient of this address, new or known; NULL: there are too many. */
struct returned_rcpt *returned_rcpt(struct returned *r, const char *address);

/* --- returned_fields.c -----------------------------------------------------
 */

/* message/delivery-status; false: it names no recipient. */
bool returned_fields(struct text t, struct returned *out);
/* message/feedback-report; false: it is no complaint. */
bool returned_feedback(struct text t, struct returned *out);
/* The header of the message that comes back. */
void returned_original(struct text t, struct returned *out);

/* --- returned_prose.c ------------------------------------------------------
 */

struct returned_prose {
	bool report;  /* it says itself that it is one */
	bool delayed; /* it will be tried again */
	bool reply;   /* an SMTP reply stands in it */
};
void returned_prose(struct text t, struct returned *out,
		    struct returned_prose *found);

#endif
