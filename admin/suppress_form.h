/*
 * suppress_form - which column of an export means what, for each service whose
 * suppression lists we read.
 *
 *	csv, json	what `mtq suppress export` writes
 *	ses		aws sesv2 list-suppressed-destinations
 *	sendgrid	GET /v3/suppression/..., or the CSV of its web pages
 *	mailgun		GET /v3/DOMAIN/bounces, complaints, unsubscribes; its CSV
 *	postmark	GET /message-streams/ID/suppressions/dump
 *
 * A column that we don't know is an error that names it: it may be the one that
 * says that an address is not on the list.
 */
#ifndef MTQ_SUPPRESS_FORM_H
#define MTQ_SUPPRESS_FORM_H

#include "admin/fields.h"
#include "queue/suppress.h"

#define SUPPRESS_FORMS(F)                                                      \
	F(csv) F(json) F(ses) F(sendgrid) F(mailgun) F(postmark)
enum suppress_form {
#define F(name) SUPPRESS_FORM_##name,
	SUPPRESS_FORMS(F)
#undef F
	    SUPPRESS_FORM_COUNT
};
/* SUPPRESS_FORM_COUNT: there is no such form. */
enum suppress_form suppress_form(const char *name);

/* Is a CSV file's first line a header of this form? */
bool suppress_form_heading(enum suppress_form form, const struct fields *f,
			   struct err *e) MUST_USE;
/* Would a spreadsheet take this cell of our CSV for a formula?  Export writes a
 * ' before it, and before one that begins with such a ' already; import takes
 * one away.  An address is none because of an @: that is a whole domain. */
bool suppress_form_formula(struct text cell, bool address);
/* Texts of `s` point into `f` and `evidence`. */
enum { SUPPRESS_FORM_TEXT = SUPPRESS_EVIDENCE + 1 };
bool suppress_form_read(enum suppress_form form, const struct fields *f,
			struct suppress_entry *s,
			char evidence[SUPPRESS_FORM_TEXT],
			struct err *e) MUST_USE;

#endif
