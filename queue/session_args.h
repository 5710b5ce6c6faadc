/*
 * session_args - the pieces that follow MAIL and RCPT: a path, parameters, and
 * what their values may be.
 *
 * Owner    texts point into the input.
 * Errors   false: it is not of this form.
 * Source   RFC 5321 4.1.2; RFC 3461 4.
 */
#ifndef MTQ_SESSION_ARGS_H
#define MTQ_SESSION_ARGS_H

#include "queue/record.h"

enum { SESSION_ARGS_ENVID = 100, SESSION_ARGS_ORCPT = 500 }; /* octets */

struct session_arg {
	struct text key, value;
};

/* The word, in whatever case. */
bool session_args_is(struct text t, const char *word) MUST_USE;
/* `word` ("FROM:") and "<path>": the path without its brackets; what follows
 * goes to *rest. */
bool session_args_path(const char *p, size_t n, const char *word,
		       struct text *out, struct text *rest) MUST_USE;
/* The next "KEY" or "KEY=VALUE" of *rest; false at the end. */
bool session_args_next(struct text *rest, struct session_arg *a) MUST_USE;
bool session_args_xtext(struct text t) MUST_USE;
/* NOTIFY's value as NOTIFY_* flags. */
bool session_args_notify(struct text v, uint8_t *out) MUST_USE;
bool session_args_orcpt(struct text v) MUST_USE;

#endif
