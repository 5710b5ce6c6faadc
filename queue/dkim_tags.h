/*
 * dkim_tags - lists of tag=value, as a DKIM-Signature and a key record are.
 * Pure; texts point into the list.
 *
 * Source   RFC 6376 3.2: a tag that comes twice makes the whole list invalid.
 */
#ifndef MTQ_DKIM_TAGS_H
#define MTQ_DKIM_TAGS_H

#include "daemon/bytes.h"

enum {
	DKIM_TAGS_MOST = 32,
	DKIM_OCTETS_MOST = 2048, /* of a signature, a key, a hash */
};

struct dkim_tags {
	size_t n;
	struct dkim_tag {
		struct text name, value; /* without the blanks around them */
	} tag[DKIM_TAGS_MOST];
};

/* False: malformed, a tag comes twice, or too many. */
bool dkim_tags_read(struct text list, struct dkim_tags *out) MUST_USE;
/* NULL: it is not there.  Case matters in names. */
const struct text *dkim_tag(const struct dkim_tags *t, const char *name);

/* The next item of a list with this mark between items, without blanks around
 * it; false: no more.  An empty list has one empty item; `at` begins at 0. */
bool dkim_item(struct text list, char mark, size_t *at, struct text *out);
/* Is the word in the list, whatever its case? */
bool dkim_listed(struct text list, char mark, const char *word);
/* The same word, whatever its case. */
bool dkim_same(struct text t, const char *word);
/* A decimal of 12 digits at most (RFC 6376 3.5, t= and x=). */
bool dkim_number(struct text t, int64_t *out) MUST_USE;
/* Base64 with folding blanks in it, padded (RFC 6376 2.10); false: it is none,
 * or longer than `most` octets. */
bool dkim_octets(struct text t, unsigned char *out, size_t most,
		 size_t *n) MUST_USE;
/* Labels of letters, digits, hyphens and underscores with dots between, 1 to 63
 * octets each, `labels` at least; at most 253 octets. */
bool dkim_name(struct text t, unsigned labels) MUST_USE;

#endif
