/*
 * scan - words, texts and marks of one configuration file.
 *
 * A text comes back in memory of the arena and holds printable ASCII only.
 *
 * Errors   go to the report, once each; the caller then calls scan_resync.
 */
#ifndef MTQ_SCAN_H
#define MTQ_SCAN_H

#include "daemon/arena.h"
#include "daemon/report.h"

enum {
	SCAN_WORD = 1024, /* octets of a key, title or value */
};

struct scan {
	struct arena *arena;
	struct report *report;
	const char *file;
	const char *p;
	const char *end;
	unsigned line;
};

/* True if c may stand in a word without quotes. */
bool scan_is_word(unsigned char c) MUST_USE;
/* Refuses what is no text file; false after an error. */
bool scan_check(struct scan *s) MUST_USE;
/* Skips blanks and comments and gives the next octet, 0 at the end.  Line
 * ends are skipped too with scan_next; scan_peek stops there. */
int scan_peek(struct scan *s) MUST_USE;
int scan_next(struct scan *s) MUST_USE;
/* A word or a quoted text on this line; NULL after an error. */
char *scan_text(struct scan *s, const char *what) MUST_USE;
/* After a value: a blank, a line end, ';' or '}' must follow. */
bool scan_value_ends(struct scan *s) MUST_USE;
/* To the end of the line, or before the next '}'. */
void scan_resync(struct scan *s);
/* The same from inside a list: behind its ']' if that is still to come. */
void scan_resync_list(struct scan *s);

#endif
