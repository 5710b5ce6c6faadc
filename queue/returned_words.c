#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/log.h"
#include "queue/address.h"
#include "queue/returned_private.h"

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Octets of a number of 1 to 3 digits at p; 0: none. */
static size_t
number(const char *p, const char *end)
{
	size_t n = 0;

	while (p + n < end && digit(p[n]))
		n++;
	return n <= 3 ? n : 0;
}

/* Octets of "5.1.1" at p (RFC 3463 2); 0: there is none. */
static size_t
status_at(const char *p, const char *end)
{
	size_t n = 1, k;

	if (*p != '2' && *p != '4' && *p != '5')
		return 0;
	for (int i = 0; i < 2; i++) {
		if (p + n >= end || p[n] != '.')
			return 0;
		k = number(p + n + 1, end);
		if (k == 0)
			return 0;
		n += k + 1;
	}
	/* A fourth number makes it an address. */
	if (p + n < end && (letter(p[n]) || (p[n] == '.' && p + n + 1 < end &&
					     digit(p[n + 1]))))
		return 0;
	return n;
}

bool
returned_status(struct text t, char out[12])
{
	const char *end = t.p + t.n;

	for (const char *p = t.p; p < end; p++) {
		size_t n;

		if (p > t.p && (digit(p[-1]) || letter(p[-1]) || p[-1] == '.'))
			continue;
		n = status_at(p, end);
		if (n == 0)
			continue;
		text_copy((struct text){p, n}, out, 12);
		return true;
	}
	return false;
}

uint16_t
returned_code(struct text t)
{
	for (size_t i = 0; i + 3 <= t.n; i++) {
		const char *p = t.p + i;

		if ((*p != '4' && *p != '5') || p[1] > '5' || !digit(p[1]) ||
		    !digit(p[2]))
			continue;
		if (i > 0 && (digit(p[-1]) || letter(p[-1]) || p[-1] == '.' ||
			      p[-1] == '[' || p[-1] == ':' || p[-1] == '/'))
			continue;
		if (i + 3 < t.n && p[3] != ' ' && p[3] != '-' && p[3] != '\t' &&
		    p[3] != '#' && p[3] != ')' && p[3] != '\'')
			continue;
		return (uint16_t)((p[0] - '0') * 100 + (p[1] - '0') * 10 +
				  (p[2] - '0'));
	}
	return 0;
}

/* Where an address that begins at p would end: a blank, a closing bracket or
 * quote, or the end. */
static size_t
address_length(const char *p, const char *end, char close)
{
	bool quoted = false;
	size_t n;

	for (n = 0; p + n < end; n++) {
		char c = p[n];

		if (quoted && c == '\\' && p + n + 1 < end)
			n++;
		else if (c == '"' && close != '"')
			quoted = !quoted;
		else if (!quoted && (c == close || c == ' ' || c == '\t' ||
				     c == '<' || c == '>' || c == ','))
			break;
	}
	return n;
}

bool
returned_address(struct text t, char out[RETURNED_TEXT + 1], struct text *rest)
{
	const char *end = t.p + t.n, *p, *why;
	char close = '\0';
	struct address a;
	size_t n;

	t = mime_trim(t);
	p = t.p;
	while (p < end && (*p == '<' || *p == '\'' || *p == '"' || *p == '[' ||
			   *p == '(')) {
		close = *p == '<'   ? '>'
			: *p == '[' ? ']'
			: *p == '(' ? ')'
				    : *p;
		p++;
	}
	if (end - p > 7 && strncasecmp(p, "mailto:", 7) == 0)
		p += 7;
	n = address_length(p, end, close);
	while (n > 0 && strchr(":.;!?])'", p[n - 1]) != NULL)
		n--;
	if (n == 0 || n > ADDRESS_MOST ||
	    !address_parse(p, n, true, &a, &why) || a.literal)
		return false;
	log_safe(p, n, out, RETURNED_TEXT + 1);
	p += n;
	while (p < end && close != '\0' && strchr(">])'\"", *p) != NULL)
		p++;
	*rest = (struct text){p, (size_t)(end - p)};
	return true;
}

/* strcasestr over octets without an end, which would be quadratic on long
 * lines: prose is cut into lines of bounded length before. */
bool
returned_has(struct text t, const char *const *word, size_t n)
{
	char line[MIME_VALUE];

	text_copy(t, line, sizeof line);
	for (size_t i = 0; i < n; i++)
		if (strcasestr(line, word[i]) != NULL)
			return true;
	return false;
}

struct returned_rcpt *
returned_rcpt(struct returned *r, const char *address)
{
	struct returned_rcpt *x;

	for (unsigned i = 0; i < r->nrcpt; i++)
		if (strcasecmp(r->rcpt[i].final, address) == 0)
			return &r->rcpt[i];
	if (r->nrcpt == RETURNED_RECIPIENTS)
		return NULL;
	x = &r->rcpt[r->nrcpt++];
	*x = (struct returned_rcpt){.kind = RETURNED_BOUNCE};
	snprintf(x->final, sizeof x->final, "%s", address);
	return x;
}
