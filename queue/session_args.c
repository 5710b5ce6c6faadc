#include "queue/session_args.h"

#include <string.h>
#include <strings.h>

bool
session_args_is(struct text t, const char *word)
{
	return t.n == strlen(word) && strncasecmp(t.p, word, t.n) == 0;
}

/* The value of a capital hexadecimal digit, else 16. */
static unsigned
hex(char c)
{
	static const char digits[] = "0123456789ABCDEF";
	unsigned v = 0;

	while (v < 16 && digits[v] != c)
		v++;
	return v;
}

/* xtext (RFC 3461 4): printable ASCII but "+" and "=", or "+" and two capital
 * hexadecimal digits.  What they stand for must be printable ASCII too: a line
 * end there would be one in a bounce (CVE-2020-28026). */
bool
session_args_xtext(struct text t)
{
	for (size_t i = 0; i < t.n; i++) {
		unsigned c = (unsigned char)t.p[i];

		if (c == '=' || c < 33 || c > 126)
			return false;
		if (c != '+')
			continue;
		if (t.n - i < 3 || hex(t.p[i + 1]) > 15 || hex(t.p[i + 2]) > 15)
			return false;
		c = hex(t.p[i + 1]) * 16 + hex(t.p[i + 2]);
		if (c < 32 || c > 126)
			return false;
		i += 2;
	}
	return t.n > 0;
}

/* "FROM:<path>" or "TO:<path>": the path without its brackets; what follows
 * goes to *rest. */
bool
session_args_path(const char *p, size_t n, const char *word, struct text *out,
		  struct text *rest)
{
	size_t k = strlen(word), i;
	bool quoted = false;

	if (n < k || strncasecmp(p, word, k) != 0)
		return false;
	p += k;
	n -= k;
	while (n > 0 && *p == ' ') { /* many clients write "FROM: <" */
		p++;
		n--;
	}
	if (n < 2 || *p != '<')
		return false;
	for (i = 1; i < n && (quoted || p[i] != '>'); i++) {
		if (p[i] == '"')
			quoted = !quoted;
		else if (p[i] == '\\' && quoted)
			i++;
	}
	if (i >= n || (i + 1 < n && p[i + 1] != ' '))
		return false;
	*out = (struct text){p + 1, i - 1};
	*rest = (struct text){p + i + 1, n - i - 1};
	return true;
}

/* The next "KEY" or "KEY=VALUE" of *rest; false at the end. */
bool
session_args_next(struct text *rest, struct session_arg *a)
{
	const char *p = rest->p, *end = rest->p + rest->n, *eq;

	while (p < end && *p == ' ')
		p++;
	if (p == end)
		return false;
	rest->p = p;
	while (p < end && *p != ' ')
		p++;
	eq = memchr(rest->p, '=', (size_t)(p - rest->p));
	a->key.p = rest->p;
	a->key.n = (size_t)((eq != NULL ? eq : p) - rest->p);
	a->value.p = eq != NULL ? eq + 1 : p;
	a->value.n = (size_t)(p - a->value.p);
	rest->n = (size_t)(end - p);
	rest->p = p;
	return true;
}

/* NOTIFY=NEVER or a list of the others (RFC 3461 4.1). */
bool
session_args_notify(struct text v, uint8_t *out)
{
	static const struct {
		const char *word;
		uint8_t bit;
	} row[] = {{"SUCCESS", NOTIFY_SUCCESS},
		   {"FAILURE", NOTIFY_FAILURE},
		   {"DELAY", NOTIFY_DELAY}};

	*out = NOTIFY_NEVER;
	if (session_args_is(v, "NEVER"))
		return true;
	*out = 0;
	while (v.n > 0) {
		const char *comma = memchr(v.p, ',', v.n);
		size_t k = comma != NULL ? (size_t)(comma - v.p) : v.n, i;

		for (i = 0; i < countof(row); i++)
			if (session_args_is((struct text){v.p, k}, row[i].word))
				break;
		if (i == countof(row))
			return false;
		*out |= row[i].bit;
		v.p += k + (comma != NULL);
		v.n -= k + (comma != NULL);
		if (comma != NULL && v.n == 0)
			return false;
	}
	return *out != 0;
}

/* addr-type ";" xtext (RFC 3461 4.2) */
bool
session_args_orcpt(struct text v)
{
	const char *semi = memchr(v.p, ';', v.n);
	size_t k = semi != NULL ? (size_t)(semi - v.p) : 0;

	for (size_t i = 0; i < k; i++)
		if (strchr("abcdefghijklmnopqrstuvwxyz"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-",
			   v.p[i]) == NULL)
			return false;
	return k > 0 && v.n <= SESSION_ARGS_ORCPT &&
	       session_args_xtext((struct text){semi + 1, v.n - k - 1});
}
