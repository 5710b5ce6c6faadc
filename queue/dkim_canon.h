/*
 * dkim_canon - header fields and bodies as DKIM hashes them.  Pure.
 *
 * Octets come in pieces of any size.  What is stored has CRLF as its only line
 * end; a bare CR or LF, which reception refuses, is an octet like any other.
 *
 * Owner    dkim_body_begin owns a hash until dkim_body_end or dkim_body_drop.
 * Source   RFC 6376 3.4
 */
#ifndef MTQ_DKIM_CANON_H
#define MTQ_DKIM_CANON_H

#include "daemon/bytes.h"
#include "daemon/digest.h"

enum dkim_canon { DKIM_SIMPLE, DKIM_RELAXED };
enum { DKIM_HASH = 32 /* octets of SHA-256 */, DKIM_CANON_RUN = 1024 };

/* One field, its folds in it, with or without its last CRLF.  `end`: CRLF
 * behind it; the DKIM-Signature itself has none (3.7). */
void dkim_canon_header(enum dkim_canon c, const char *field, size_t n, bool end,
		       struct bytes *out);

struct dkim_body {
	enum dkim_canon canon;
	struct digest *hash;
	uint64_t lines; /* line ends that wait: those at the end don't count */
	bool blank;     /* relaxed: blanks that wait */
	bool cr;        /* a CR that may begin a line end */
	bool any;       /* something but line ends was hashed */
	size_t n;
	unsigned char run[DKIM_CANON_RUN]; /* on its way to the hash */
};

void dkim_body_begin(struct dkim_body *b, enum dkim_canon c);
void dkim_body_add(struct dkim_body *b, const unsigned char *p, size_t n);
void dkim_body_end(struct dkim_body *b, unsigned char out[DKIM_HASH]);
void dkim_body_drop(struct dkim_body *b); /* also after its end */

#endif
