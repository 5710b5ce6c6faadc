/*
 * account_password - a new password: typed, read, or made.
 *
 * It is never an argument of a command: those are seen by everybody (ps).
 *
 * Errors   false, and a sentence in `e`.
 */
#ifndef MTQ_ACCOUNT_PASSWORD_H
#define MTQ_ACCOUNT_PASSWORD_H

#include "daemon/bytes.h"
#include "daemon/err.h"

enum { ACCOUNT_PASSWORD_LEAST = 12 }; /* octets */

struct account_password_from {
	const char *file; /* its first line; NULL: no */
	bool generate;
};
/* Neither: the terminal is asked twice, or stdin's first line is taken.  NUL-
 * terminated; the caller wipes it. */
bool account_password_get(const struct account_password_from *from,
			  struct bytes *out, struct err *e) MUST_USE;

#endif
