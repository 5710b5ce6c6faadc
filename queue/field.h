/*
 * field - values from outside as parts of a header field: made safe, cut,
 * folded.  Pure.
 *
 * Whatever the octets are, the result has no control, no line end and no
 * character that turns other text around; beyond ASCII there is something only
 * where the caller says so, and then it is UTF-8.  What can't be shown is a
 * '?'.
 *
 * Owner    results point into the caller's room.
 * Source   RFC 5322 2.1.1, 2.2.3; RFC 2047 2, 4, 5; RFC 3461 4; RFC 6533 3.
 */
#ifndef MTQ_FIELD_H
#define MTQ_FIELD_H

#include "daemon/bytes.h"

enum {
	/* With a name of at most 90 octets before it even a value without a
	 * blank is a line of at most 998 (RFC 5322 2.1.1). */
	FIELD_VALUE_MOST = 900,
	FIELD_ROOM = FIELD_VALUE_MOST + 1,
	FIELD_WIDTH = 76,        /* columns that folding aims at */
	FIELD_SUBJECT_MOST = 300 /* octets of somebody's subject we read */
};

/* A token means every octet of it: only what is not safe changes. */
struct text field_token(struct text t, bool utf8, char room[FIELD_ROOM]);
/* Words are for reading: runs of blanks become one blank, those at the ends
 * go, and nothing in them is an encoded word (RFC 2047). */
struct text field_words(struct text t, bool utf8, char room[FIELD_ROOM]);
/* xtext (RFC 3461 4) as what it stands for, then as field_token; empty if it
 * is malformed. */
struct text field_xtext(struct text t, bool utf8, char room[FIELD_ROOM]);
/* An address with its type: "rfc822; a@b", or "utf-8; ..." (RFC 6533 3), in
 * ASCII as "\x{F6}" when it must be or when it could not be shown. */
struct text field_address(struct text t, bool utf8, char room[FIELD_ROOM]);

/* Appends words at `column`, folded before blanks: a new line begins with
 * `indent`.  No line end behind them. */
void field_fold(struct bytes *out, size_t column, const char *indent,
		struct text words);
/* "Name: value" with its line end: words folded, a token on one line. */
void field_put_words(struct bytes *out, const char *name, struct text words);
void field_put_token(struct bytes *out, const char *name, struct text token);

/* "Subject: words: theirs".  Of their subject, encoded words stay as they are
 * if they are well-formed and hide no line end, else they go; what is beyond
 * ASCII is encoded, or stays as it is when utf8. */
void field_put_subject(struct bytes *out, const char *words, struct text raw,
		       bool utf8);

#endif
