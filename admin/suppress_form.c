#include "admin/suppress_form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "daemon/log.h"

/* What a column means. */
enum meaning {
	IS_ADDRESS,
	IS_REASON,
	IS_EVIDENCE, /* joined in the order they come */
	IS_SINCE,
	IS_UNTIL,
	IS_ORIGIN,
	IS_NOTHING, /* known, and not for us */
};

static const struct column {
	enum suppress_form form;
	const char *name;
	enum meaning means;
} columns[] = {
    {SUPPRESS_FORM_csv, "address", IS_ADDRESS},
    {SUPPRESS_FORM_csv, "reason", IS_REASON},
    {SUPPRESS_FORM_csv, "origin", IS_ORIGIN},
    {SUPPRESS_FORM_csv, "since", IS_SINCE},
    {SUPPRESS_FORM_csv, "until", IS_UNTIL},
    {SUPPRESS_FORM_csv, "who", IS_NOTHING},
    {SUPPRESS_FORM_csv, "evidence", IS_EVIDENCE},
    {SUPPRESS_FORM_ses, "EmailAddress", IS_ADDRESS},
    {SUPPRESS_FORM_ses, "Reason", IS_REASON},
    {SUPPRESS_FORM_ses, "LastUpdateTime", IS_SINCE},
    {SUPPRESS_FORM_sendgrid, "email", IS_ADDRESS},
    {SUPPRESS_FORM_sendgrid, "status", IS_EVIDENCE},
    {SUPPRESS_FORM_sendgrid, "reason", IS_EVIDENCE},
    {SUPPRESS_FORM_sendgrid, "created", IS_SINCE},
    {SUPPRESS_FORM_sendgrid, "ip", IS_NOTHING},
    {SUPPRESS_FORM_mailgun, "address", IS_ADDRESS},
    {SUPPRESS_FORM_mailgun, "code", IS_EVIDENCE},
    {SUPPRESS_FORM_mailgun, "error", IS_EVIDENCE},
    {SUPPRESS_FORM_mailgun, "created_at", IS_SINCE},
    {SUPPRESS_FORM_mailgun, "tag", IS_NOTHING},
    {SUPPRESS_FORM_mailgun, "tags", IS_NOTHING},
    {SUPPRESS_FORM_mailgun, "MessageHash", IS_NOTHING},
    {SUPPRESS_FORM_postmark, "EmailAddress", IS_ADDRESS},
    {SUPPRESS_FORM_postmark, "SuppressionReason", IS_REASON},
    {SUPPRESS_FORM_postmark, "Origin", IS_NOTHING},
    {SUPPRESS_FORM_postmark, "CreatedAt", IS_SINCE},
};

/* The services' words, and ours. */
static const struct {
	const char *theirs, *ours;
} reasons[] = {
    {"BOUNCE", "hard bounce"},
    {"COMPLAINT", "complaint"},
    {"HardBounce", "hard bounce"},
    {"SpamComplaint", "complaint"},
    {"ManualSuppression", "unsubscribe"},
};

static const char *const names[SUPPRESS_FORM_COUNT] = {
#define F(name) #name,
    SUPPRESS_FORMS(F)
#undef F
};

enum suppress_form
suppress_form(const char *name)
{
	int i = 0;

	while (i < SUPPRESS_FORM_COUNT && strcmp(names[i], name) != 0)
		i++;
	return (enum suppress_form)i;
}

static const struct column *
column_of(enum suppress_form form, struct text name)
{
	if (form == SUPPRESS_FORM_json) /* the same names */
		form = SUPPRESS_FORM_csv;
	for (size_t i = 0; i < countof(columns); i++)
		if (columns[i].form == form && text_is(name, columns[i].name))
			return &columns[i];
	return NULL;
}

bool
suppress_form_formula(struct text cell, bool address)
{
	size_t i = 0;

	while (i < cell.n && cell.p[i] == '\'')
		i++;
	return i < cell.n && (strchr("=+-\t", cell.p[i]) != NULL ||
			      (cell.p[i] == '@' && !address));
}

/* A cell as it was before export wrote a ' before it. */
static struct text
unquoted(const struct fields *f, enum meaning means, struct text cell)
{
	const struct text rest = {cell.p + 1, cell.n - 1};

	if (!f->json && cell.n > 1 && cell.p[0] == '\'' &&
	    suppress_form_formula(rest, means == IS_ADDRESS))
		return rest;
	return cell;
}

static bool
bad(const struct fields *f, const char *what, struct text t, struct err *e)
{
	char shown[80];

	err_set(e, ERR_CONFIG, "line %lu: %s '%s'", f->line, what,
		log_safe(t.p, t.n, shown, sizeof shown));
	return false;
}

/* "Z", "+02:00", "-0500", "UTC", "GMT" or nothing, which is UTC: seconds east. */
static bool
read_offset(const char *s, int64_t *east_s)
{
	int hours, minutes, n = 0;

	s += strspn(s, " ");
	*east_s = 0;
	if (*s == '\0' || strcmp(s, "Z") == 0 || strcmp(s, "UTC") == 0 ||
	    strcmp(s, "GMT") == 0)
		return true;
	if (sscanf(s + 1, "%2d:%2d%n", &hours, &minutes, &n) != 2 &&
	    sscanf(s + 1, "%2d%2d%n", &hours, &minutes, &n) != 2)
		return false;
	*east_s = (hours * 60 + minutes) * 60;
	if (*s == '-')
		*east_s = -*east_s;
	return (*s == '+' || *s == '-') && n > 0 && s[1 + n] == '\0';
}

/* Seconds since 1970, RFC 3339 with T or a blank, RFC 5322. */
static bool
read_time(struct text t, uint64_t *out)
{
	char s[64], *end;
	struct tm tm = {0};
	int64_t at_s, east_s = 0;
	double number;

	if (t.n == 0 || t.n >= sizeof s)
		return t.n == 0;
	text_copy(t, s, sizeof s);
	number = strtod(s, &end);
	if (*end == '\0' && number >= 1e8 && number < 1e11) {
		*out = (uint64_t)number * (uint64_t)SECOND_US;
		return true;
	}
	if ((end = strptime(s, "%Y-%m-%dT%H:%M:%S", &tm)) == NULL &&
	    (end = strptime(s, "%Y-%m-%d %H:%M:%S", &tm)) == NULL &&
	    (end = strptime(s, "%a, %d %b %Y %H:%M:%S", &tm)) == NULL)
		return false;
	if (*end == '.') /* a fraction */
		end += 1 + strspn(end + 1, "0123456789");
	if (!read_offset(end, &east_s))
		return false;
	at_s = timegm(&tm) - east_s;
	if (at_s < 0)
		return false;
	*out = (uint64_t)at_s * (uint64_t)SECOND_US;
	return true;
}

static struct text
our_reason(struct text theirs)
{
	for (size_t i = 0; i < countof(reasons); i++)
		if (text_is(theirs, reasons[i].theirs))
			return text_of(reasons[i].ours);
	theirs.n = min_of(theirs.n, (size_t)SUPPRESS_REASON);
	return theirs;
}

static void
join(char *evidence, struct text more)
{
	size_t n = strlen(evidence);

	if (more.n > 0 && n > 0 && n + 1 < SUPPRESS_FORM_TEXT)
		evidence[n++] = ' ';
	text_copy(more, evidence + n, SUPPRESS_FORM_TEXT - n);
}

static bool
read_origin(struct text t, uint8_t *out)
{
	for (int i = 0; i < SUPPRESS_ORIGIN_COUNT; i++)
		if (text_is(t, suppress_origin_word((enum suppress_origin)i))) {
			*out = (uint8_t)i;
			return true;
		}
	return t.n == 0;
}

static bool
take(enum meaning means, struct text v, struct suppress_entry *s,
     char *evidence)
{
	switch (means) {
	case IS_ADDRESS:
		s->address = v;
		return true;
	case IS_REASON:
		s->reason = our_reason(v);
		return true;
	case IS_EVIDENCE:
		join(evidence, v);
		return true;
	case IS_SINCE:
		return read_time(v, &s->since_us);
	case IS_UNTIL:
		return read_time(v, &s->until_us);
	case IS_ORIGIN:
		return read_origin(v, &s->origin);
	case IS_NOTHING:
		return true;
	}
	must_failed("a column's meaning", __FILE__, __LINE__);
}

bool
suppress_form_heading(enum suppress_form form, const struct fields *f,
		      struct err *e)
{
	const struct column *c;
	bool address = false;

	for (size_t i = 0; i < f->n; i++) {
		c = column_of(form, f->name[i]);
		if (c == NULL)
			return bad(f,
				   "the first line must name the columns, and "
				   "this format has none called",
				   f->name[i], e);
		address = address || c->means == IS_ADDRESS;
	}
	if (address || f->n == 0)
		return true;
	err_set(e, ERR_CONFIG, "line %lu: no column has the address", f->line);
	return false;
}

bool
suppress_form_read(enum suppress_form form, const struct fields *f,
		   struct suppress_entry *s, char evidence[SUPPRESS_FORM_TEXT],
		   struct err *e)
{
	const bool ours =
	    form == SUPPRESS_FORM_csv || form == SUPPRESS_FORM_json;
	unsigned char key[SUPPRESS_KEY];

	*s = (struct suppress_entry){.origin = SUPPRESS_IMPORT,
				     .address = text_of(""),
				     .reason = text_of(names[form])};
	evidence[0] = '\0';
	for (size_t i = 0; i < f->n; i++) {
		const struct column *c = column_of(form, f->name[i]);
		struct text value;

		if (c == NULL)
			return bad(f, "a column this format doesn't have,",
				   f->name[i], e);
		value = f->value[i];
		if (ours)
			value = unquoted(f, c->means, value);
		if (!take(c->means, value, s, evidence))
			return bad(f, c->name, f->value[i], e);
	}
	s->evidence = text_of(evidence);
	if (suppress_key(s->address, key) == 0)
		return bad(f, "no address,", s->address, e);
	return true;
}
