/*
 * mime - a message as its parts, in one walk over its octets: no recursion, no
 * tree, no copy.
 *
 * A part is a header and a body; a multipart's own body is its preamble.  What
 * is malformed is read as far as it makes sense: a boundary that never comes
 * leaves the rest to the part at hand, a header without an end is all header.
 *
 * Pure, linear in the octets.
 * Bounded  MIME_DEPTH multiparts inside each other (a deeper one is a body),
 *          MIME_PARTS parts.
 * Owner    texts point into the message.
 * Source   RFC 5322 2.2, RFC 2045 5 and 6, RFC 2046 5.1.
 */
#ifndef MTQ_MIME_H
#define MTQ_MIME_H

#include "daemon/bytes.h"

enum {
	MIME_DEPTH = 8,
	MIME_PARTS = 64,
	MIME_TYPE = 63,     /* octets of "message/delivery-status" */
	MIME_BOUNDARY = 70, /* RFC 2046 5.1.1 */
	MIME_VALUE = 1024,  /* of a field's value that we look at */
};

enum mime_encoding { MIME_PLAIN, MIME_QUOTED, MIME_BASE64 };

struct mime_part {
	struct text header;
	struct text body;
	char type[MIME_TYPE + 1]; /* in lower case; "text/plain" if none */
	enum mime_encoding encoding;
	char report_type[MIME_TYPE + 1]; /* of multipart/report */
};

struct mime_walk {
	struct text rest;
	struct {
		char text[MIME_BOUNDARY + 1];
		size_t n;
	} boundary[MIME_DEPTH];
	unsigned depth;
	unsigned parts;
};

void mime_begin(struct mime_walk *w, struct text message);
/* The next part; the first is the message itself. */
bool mime_next(struct mime_walk *w, struct mime_part *out) MUST_USE;
/* A part's body without its transfer encoding, at the end of `out`. */
void mime_body(const struct mime_part *part, struct bytes *out);

/* Takes a line off *rest, without its end (CRLF or LF); false: nothing left. */
bool mime_line(struct text *rest, struct text *line) MUST_USE;
/* Takes a field, its folded lines with it; `name` in front of the colon.  False
 * at the end of the header, an empty line or the octets' end; that line is
 * taken too.  A line that is no field is passed over. */
bool mime_field(struct text *rest, struct text *name,
		struct text *value) MUST_USE;
/* A field's value on one line, trimmed and made safe (log_safe), cut to size. */
void mime_value(struct text value, char *out, size_t size);

bool mime_is(struct text t, const char *word); /* without its case */
struct text mime_trim(struct text t);          /* blanks at both ends */

#endif
