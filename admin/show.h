/*
 * show - one list of fields, shown as a table, as a card, or as JSON.
 *
 * A table (libsmartcols) is for people: times are relative, texts are cleaned
 * and cut to the terminal.  A card is one row, a line for each field.  JSON
 * (jansson) is for programs: one object a line, times in RFC 3339 UTC, texts
 * exact but for malformed UTF-8, which is repaired.  No text reaches a terminal
 * with a control in it.
 *
 * Owner    values borrow texts and rows until the call returns.
 * Errors   running out of memory ends the process; a failed write is seen by
 *          main() at the end (ferror).
 */
#ifndef MTQ_SHOW_H
#define MTQ_SHOW_H

#include <stdio.h>

#include "daemon/wire.h"

enum show_kind {
	SHOW_TEXT,
	SHOW_COUNT,
	SHOW_SIZE, /* octets */
	SHOW_TIME, /* microseconds since 1970 */
	SHOW_MS,   /* a span of microseconds, told in milliseconds: 3.1 */
	SHOW_FLAG,
	SHOW_WORDS, /* list of texts; not in tables */
	SHOW_ROWS,  /* list of objects; not in tables */
	SHOW_MAP,   /* the same rows as an object, by their first field */
};

struct show_field {
	const char *name;    /* JSON; NULL: not there */
	const char *heading; /* table and card; NULL: not there */
	enum show_kind kind;
	bool cut; /* a table cuts it to the terminal's width */
};

struct show_value {
	bool given; /* false: null, or an empty cell */
	bool flag;
	uint64_t count;
	int64_t time_us;
	struct text text;
	const struct text *words;
	const struct show_rows *rows;
	size_t nwords;
};
struct show_rows {
	const struct show_field *field;
	size_t nfields;
	const struct show_value *value; /* nrows times nfields */
	size_t nrows;
};

struct show_value show_text(struct text t);
struct show_value show_word(const char *s); /* NULL: nothing */
struct show_value show_count(uint64_t n);
struct show_value show_time(int64_t us);
struct show_value show_ms(int64_t us);
struct show_value show_flag(bool f);
struct show_value show_words(const struct text *words, size_t n);
struct show_value show_rows(const struct show_rows *rows);
struct show_value show_none(void);

/* One object, one line. */
void show_json(FILE *out, const struct show_field *field, size_t n,
	       const struct show_value *value);
/* "Heading   value" for what is given. */
void show_card(FILE *out, const struct show_field *field, size_t n,
	       const struct show_value *value, int64_t now_us);

/* Rows come as JSON lines at once, or as a table at show_close; a long table
 * is printed in parts. */
enum { SHOW_TABLE_ROWS = 1000 };
struct show;
struct show *show_open(FILE *out, bool json, const struct show_field *field,
		       size_t n, int64_t now_us) MUST_USE;
void show_row(struct show *s, const struct show_value *value);
void show_close(struct show *s);

#endif
