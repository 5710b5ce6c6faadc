#include "delivery/reply.h"

#include <string.h>

#include "daemon/log.h"

enum {
	CODE = 3,         /* digits */
	STATUS_DIGITS = 3 /* of subject and detail, RFC 3463 2 */
};

void
reply_begin(struct reply *r)
{
	r->code = 0;
	r->status[0] = '\0';
	r->text[0] = '\0';
	r->ntext = 0;
	r->line = "";
	r->nline = 0;
	r->why = NULL;
	r->npart = 0;
	r->lines = 0;
	r->octets = 0;
}

bool
reply_begun(const struct reply *r)
{
	return r->octets > 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at p, at most STATUS_DIGITS; 0 if there is none or one too many. */
static size_t
digits(const char *p, size_t n)
{
	size_t i = 0;

	while (i < n && is_digit(p[i]))
		i++;
	return i <= STATUS_DIGITS ? i : 0;
}

bool
reply_status(const char *p, size_t n, char class, char out[REPLY_STATUS_SIZE])
{
	size_t subject, detail, all;

	if (n < 5 || p[0] != class || p[1] != '.')
		return false;
	subject = digits(p + 2, n - 2);
	if (subject == 0 || 2 + subject >= n || p[2 + subject] != '.')
		return false;
	all = 3 + subject;
	detail = digits(p + all, n - all);
	all += detail;
	if (detail == 0 || (all < n && p[all] != ' '))
		return false;
	memcpy(out, p, all);
	out[all] = '\0';
	return true;
}

static enum reply_step
bad(struct reply *r, const char *why)
{
	r->why = why;
	return REPLY_BAD;
}

static void
keep_text(struct reply *r, const char *p, size_t n)
{
	if (r->ntext + 1 >= sizeof r->text)
		return;
	if (r->ntext > 0)
		r->text[r->ntext++] = ' ';
	log_safe(p, n, r->text + r->ntext, sizeof r->text - r->ntext);
	r->ntext += strlen(r->text + r->ntext);
}

/* RFC 5321 4.2: the first digit 2 to 5, the second 0 to 5. */
static bool
take_code(struct reply *r, const char *p, size_t n)
{
	unsigned code;

	if (n < CODE || p[0] < '2' || p[0] > '5' || p[1] < '0' || p[1] > '5' ||
	    !is_digit(p[2]))
		return false;
	code = (unsigned)(p[0] - '0') * 100 + (unsigned)(p[1] - '0') * 10 +
	       (unsigned)(p[2] - '0');
	if (r->lines > 0 && code != r->code)
		return false;
	r->code = (uint16_t)code;
	return true;
}

/* A whole line without its end. */
static enum reply_step
take_line(struct reply *r, const char *p, size_t n)
{
	bool last;

	if (!take_code(r, p, n))
		return bad(r, r->lines > 0 ? "the code changes between lines"
					   : "no reply code");
	if (n > CODE && p[CODE] != ' ' && p[CODE] != '-')
		return bad(r, "no reply code");
	if (++r->lines > REPLY_LINES_MOST)
		return bad(r, "too many lines");
	last = n == CODE || p[CODE] == ' ';
	r->line = n > CODE ? p + CODE + 1 : p + n;
	r->nline = n > CODE ? n - CODE - 1 : 0;
	if (r->status[0] == '\0' &&
	    !reply_status(r->line, r->nline, p[0], r->status))
		r->status[0] = '\0';
	keep_text(r, p, n);
	return last ? REPLY_WHOLE : REPLY_LINE;
}

enum reply_step
reply_feed(struct reply *r, const unsigned char *p, size_t *n)
{
	const unsigned char *lf = memchr(p, '\n', *n);
	size_t all = lf != NULL ? (size_t)(lf - p) + 1 : *n;
	const char *line = (const char *)p;
	size_t nline = all;

	*n = all;
	r->octets += all;
	if (r->npart + all >
	    (r->long_lines ? (size_t)REPLY_LONG_MOST : (size_t)REPLY_LINE_MOST))
		return bad(r, "a line is too long");
	if (r->octets > REPLY_MOST)
		return bad(r, "too long");
	if (lf == NULL || r->npart > 0) {
		if (all > 0)
			memcpy(r->part + r->npart, p, all);
		r->npart += all;
		line = r->part;
		nline = r->npart;
	}
	if (lf == NULL)
		return REPLY_MORE;
	r->npart = 0;
	nline--;
	if (nline > 0 && line[nline - 1] == '\r')
		nline--;
	return take_line(r, line, nline);
}
