/*
 * ehlo - what a server offers in its reply to EHLO.
 *
 * Source   RFC 5321 4.1.1.1; RFC 2920 PIPELINING, RFC 1870 SIZE, RFC 6152
 *          8BITMIME, RFC 6531 SMTPUTF8, RFC 3461 DSN, RFC 2034
 *          ENHANCEDSTATUSCODES, RFC 3030 CHUNKING, RFC 3207 STARTTLS,
 *          RFC 4954 AUTH.
 */
#ifndef MTQ_EHLO_H
#define MTQ_EHLO_H

#include "daemon/base.h"
#include "delivery/sasl.h"

#define EXTENSIONS(X)                                                          \
	X(PIPELINING, "PIPELINING")                                            \
	X(SIZE, "SIZE")                                                        \
	X(8BITMIME, "8BITMIME")                                                \
	X(SMTPUTF8, "SMTPUTF8")                                                \
	X(DSN, "DSN")                                                          \
	X(ENHANCEDSTATUSCODES, "ENHANCEDSTATUSCODES")                          \
	X(CHUNKING, "CHUNKING")                                                \
	X(STARTTLS, "STARTTLS")                                                \
	X(AUTH, "AUTH")

enum extension {
#define X(id, word) EXTENSION_##id,
	EXTENSIONS(X)
#undef X
	    EXTENSION_COUNT
};

struct ehlo {
	bool has[EXTENSION_COUNT];
	uint64_t size_bytes; /* 0: no limit is told */
	struct sasl_offer sasl;
};

/* One line of the reply behind its code; unknown words are passed over. */
void ehlo_line(struct ehlo *e, const char *p, size_t n);

#endif
