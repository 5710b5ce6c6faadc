/* Fields of a report, read one after the other; the first that is not as it was
 * to be is told. */
#ifndef MTQ_TESTS_REPORT_READER_H
#define MTQ_TESTS_REPORT_READER_H

#include "daemon/now.h"
#include "tests/queue/report_text.h"

struct report_reader {
	const char *p, *end;
	const char *wrong;       /* NULL: nothing so far */
	char name[128];          /* of the field read last */
	char value[REPORT_TEXT]; /* unfolded */
	char plan[REPORT_TEXT];  /* what it was to be */
};

static inline bool
report_fail(struct report_reader *r, const char *what)
{
	if (r->wrong == NULL)
		r->wrong = what;
	return false;
}

/* Everything up to `mark`, which is behind it then. */
static inline struct text
report_until(struct report_reader *r, const char *mark)
{
	struct text t = {r->p, 0};
	const char *at =
	    memmem(r->p, (size_t)(r->end - r->p), mark, strlen(mark));

	if (at == NULL) {
		report_fail(r, "a part does not end");
		return t;
	}
	t.n = (size_t)(at - r->p);
	r->p = at + strlen(mark);
	return t;
}

/* The next field; false at an empty line or the end, which is eaten. */
static inline bool
report_field(struct report_reader *r)
{
	const char *colon, *eol;
	size_t n = 0;

	if (r->wrong != NULL || r->p == r->end)
		return false;
	if (r->end - r->p >= 2 && memcmp(r->p, "\r\n", 2) == 0) {
		r->p += 2;
		return false;
	}
	eol = memmem(r->p, (size_t)(r->end - r->p), "\r\n", 2);
	colon = memchr(r->p, ':', (size_t)(r->end - r->p));
	if (eol == NULL || colon == NULL || colon > eol || colon[1] != ' ')
		return report_fail(r, "a line that is no field");
	snprintf(r->name, sizeof r->name, "%.*s", (int)(colon - r->p), r->p);
	if (strspn(r->name, "abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != strlen(r->name))
		return report_fail(r, "a name of other signs");
	for (r->p = colon + 2; r->p < r->end; r->p++) {
		if (*r->p == '\r' && r->p + 1 < r->end && r->p[1] == '\n') {
			r->p += 2;
			if (r->p == r->end || *r->p != ' ')
				break;
		}
		if (n + 1 == sizeof r->value)
			return report_fail(r, "a long field");
		r->value[n++] = *r->p;
	}
	r->value[n] = '\0';
	return true;
}

static inline bool
report_expect(struct report_reader *r, const char *name, const char *value)
{
	if (!report_field(r))
		return report_fail(r, "a field is missing");
	if (strcmp(r->name, name) != 0)
		return report_fail(r, "another field");
	snprintf(r->plan, sizeof r->plan, "%s", value);
	return strcmp(r->value, value) == 0 || report_fail(r, "another value");
}

static inline void
report_expect_date(struct report_reader *r, const char *name, int64_t us)
{
	char date[NOW_RFC5322_SIZE];

	if (us <= 0)
		return;
	now_rfc5322(us, date);
	report_expect(r, name, date);
}

static inline void
report_expect_none(struct report_reader *r)
{
	if (report_field(r))
		report_fail(r, "a field too many");
}

#endif
