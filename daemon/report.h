/*
 * report - what is wrong with a file, all of it, one line each.
 *
 * "FILE:LINE: text" or "FILE:LINE: warning: text"; without ":LINE" when a
 * message is about the file as a whole.
 *
 * Owner    `out` is the caller's.
 * Errors   after REPORT_MOST lines the rest is only counted.
 */
#ifndef MTQ_REPORT_H
#define MTQ_REPORT_H

#include "daemon/bytes.h"

enum {
	REPORT_MOST = 50,  /* lines; then "and N more" */
	REPORT_LINE = 1024 /* octets of one message; more is cut */
};

struct report {
	struct bytes *out;
	unsigned errors;
	unsigned warnings;
	unsigned left_out;
};

/* Line 0: the file as a whole.  What is not printable becomes '?'. */
void report_error(struct report *r, const char *file, unsigned line,
		  const char *fmt, ...) PRINTF(4, 5);
void report_warning(struct report *r, const char *file, unsigned line,
		    const char *fmt, ...) PRINTF(4, 5);
/* Says how many messages had no room. */
void report_end(struct report *r);

#endif
