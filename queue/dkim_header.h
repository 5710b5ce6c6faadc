/*
 * dkim_header - the fields of a message's header, and which of them a
 * signature is about.  Pure.
 *
 * Owner    fields point into the block, which the caller keeps.
 * Source   RFC 6376 3.7, 5.4.2 (instances are taken from the bottom), 8.15
 *          (fields that were added and are not signed)
 */
#ifndef MTQ_DKIM_HEADER_H
#define MTQ_DKIM_HEADER_H

#include "queue/dkim_field.h"

enum { DKIM_FIELDS_MOST = 1024 }; /* more: nothing is verified */

struct dkim_header {
	size_t n;
	struct dkim_line {
		struct text all;  /* with its folds and its last CRLF */
		struct text name; /* without the blanks in front of the colon */
		struct text value;
		uint32_t hash; /* of the name in lower case */
	} * line;
};

/* Where the empty line behind a header ends, if it does at `from` or behind it;
 * 0: not yet. */
size_t dkim_header_end(const struct bytes *b, size_t from);
/* False: too many fields, or a line that is none. */
bool dkim_header_read(struct text block, struct dkim_header *out) MUST_USE;
void dkim_header_free(struct dkim_header *h);
/* The hash that signature `own` is of.  False: a field that may be there once
 * only is there once more than it is signed; `name` is its name. */
bool dkim_header_hash(const struct dkim_header *h, size_t own,
		      const struct dkim_field *f, unsigned char out[DKIM_HASH],
		      const char **name) MUST_USE;

#endif
