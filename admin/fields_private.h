/*
 * fields_private - what the two readers of fields share: the file, one octet
 * after the other, and the record that is being read.  Only for fields*.c.
 */
#ifndef MTQ_FIELDS_PRIVATE_H
#define MTQ_FIELDS_PRIVATE_H

#include "admin/fields.h"

enum { END = -1 };

/* A text in `octets`. */
struct span {
	size_t at, n;
};

struct fields_file {
	FILE *in;
	bool json;
	unsigned long line;
	unsigned long began; /* where the record does */
	struct bytes octets; /* of the record */
	struct span name[FIELDS_MOST], value[FIELDS_MOST];
	size_t n;
	/* CSV */
	struct bytes heading;
	struct span title[FIELDS_MOST];
	size_t ntitles;
	/* JSON: what we are in, outermost first */
	size_t depth;
	bool list[FIELDS_DEEP];
	bool nested[FIELDS_DEEP]; /* an object with an object inside */
	bool paging[FIELDS_DEEP];
	struct span key;
};

/* err_set with the line; false. */
bool fields_bad(const struct fields_file *f, struct err *e, const char *what);
/* The next octet, or END. */
int fields_get(struct fields_file *f);
/* The next octet that is no blank; it is not taken. */
int fields_peek(struct fields_file *f);
/* One octet more of the record, within its limit. */
bool fields_put(struct fields_file *f, struct bytes *b, int c,
		struct err *e) MUST_USE;

/* fields_json.c: the next object that has none inside. */
bool fields_next_object(struct fields_file *f, struct err *e) MUST_USE;

#endif
