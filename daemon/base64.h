/*
 * base64 - octets as text and back, in the one form RFC 4648 4 gives them: no
 * blanks, whole padding, no bits behind the end.  Pure.
 */
#ifndef MTQ_BASE64_H
#define MTQ_BASE64_H

#include "daemon/bytes.h"

/* Octets of text that n octets become, without a NUL. */
#define BASE64_SIZE(n) (((n) + 2) / 3 * 4)

/* Appends. */
void base64_add(struct bytes *b, const void *p, size_t n);
/* At most `most` octets into `out`.  False: it is not of that form, or more. */
bool base64_read(struct text t, unsigned char *out, size_t most,
		 size_t *n) MUST_USE;

#endif
