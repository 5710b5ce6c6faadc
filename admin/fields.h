/*
 * fields - records of named values out of a file, one at a time: CSV with a
 * header (RFC 4180), or the JSON (RFC 8259) that services give out.
 *
 * Of JSON each object is a record that has no object inside; what is around them
 * (lists, pages) is passed over, and so is the object "paging".  Lists of plain
 * values are left out.  Nothing is kept but one record.
 *
 * Bounded  FIELDS_MOST fields, FIELDS_OCTETS octets of a record, FIELDS_DEEP
 *          objects and lists inside each other.
 * Owner    fields_open/fields_close; texts are valid until the next record.
 * Errors   false with "line 12: ..."; ERR_NONE: the end of the file.
 */
#ifndef MTQ_FIELDS_H
#define MTQ_FIELDS_H

#include <stdio.h>

#include "daemon/bytes.h"
#include "daemon/err.h"

enum { FIELDS_MOST = 64, FIELDS_OCTETS = 64 * 1024, FIELDS_DEEP = 16 };

struct fields {
	size_t n;
	struct text name[FIELDS_MOST];
	struct text value[FIELDS_MOST];
	unsigned long line; /* where the record begins */
	bool json;
};

struct fields_file;
/* It is JSON if it begins with { or [.  The file stays the caller's. */
struct fields_file *fields_open(FILE *in);
void fields_close(struct fields_file *f);
/* The names of CSV's columns, before the first record; JSON and an empty file
 * have none. */
bool fields_heading(struct fields_file *f, struct fields *out,
		    struct err *e) MUST_USE;
bool fields_next(struct fields_file *f, struct fields *out,
		 struct err *e) MUST_USE;

#endif
