#include "daemon/pattern.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum {
	CODE = 3,        /* digits of a reply code */
	PIECE_MOST = 64, /* parts of a pattern between its stars */
};

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* piece[0..n) in text: where it ends, NULL if it isn't there.  A number is not
 * found in the middle of a longer one: 5.7.1 is not in 5.7.133. */
static const char *
find(const char *text, const char *piece, size_t n)
{
	char first = lower(piece[0]);
	bool number = is_digit(first), open = is_digit(piece[n - 1]);

	for (; *text != '\0'; text++) {
		if (lower(*text) == first && strncasecmp(text, piece, n) == 0 &&
		    !(open && is_digit(text[n])))
			return text + n;
		if (number && is_digit(*text))
			while (is_digit(text[1]))
				text++;
	}
	return NULL;
}

bool
pattern_has(const char *text, const char *words)
{
	for (unsigned i = 0; i < PIECE_MOST && text != NULL; i++) {
		size_t n;

		words += strspn(words, "* ");
		n = strcspn(words, "*");
		if (n == 0)
			return true;
		while (words[n - 1] == ' ')
			n--;
		text = find(text, words, n);
		words += n;
	}
	return false;
}

bool
pattern_is(const char *s)
{
	unsigned stars = 0;

	for (const char *p = s; *p != '\0'; p++)
		stars += *p == '*';
	return (s[0] == '4' || s[0] == '5') && is_digit(s[1]) &&
	       is_digit(s[2]) && s[CODE] == ' ' && s[CODE + 1] != '\0' &&
	       stars < PIECE_MOST;
}

bool
pattern_matches(const char *pattern, unsigned code, const char *text)
{
	char digits[CODE + 1];

	if (!pattern_is(pattern) || code < 400 || code > 599)
		return false;
	snprintf(digits, sizeof digits, "%u", code);
	return strncmp(pattern, digits, CODE) == 0 &&
	       pattern_has(text, pattern + CODE);
}

void
pattern_unfold(const char *reply, unsigned code, const char *status, char *out)
{
	char digits[12];
	const char *p = reply, *end = strstr(p, " (in reply to ");
	size_t nstatus = strlen(status), n = 0;
	bool first = true;

	snprintf(digits, sizeof digits, "%03u", code);
	if (end == NULL)
		end = p + strlen(p);
	while (p < end) {
		bool starts = p == reply || p[-1] == ' ';

		if (starts && strncmp(p, digits, CODE) == 0 &&
		    (p[CODE] == '-' || p[CODE] == ' ')) {
			p += CODE + 1;
			if (!first && nstatus > 0 && is_digit(*p) &&
			    strncasecmp(p + 1, status + 1, nstatus - 1) == 0 &&
			    (p[nstatus] == ' ' || p[nstatus] == '\0'))
				p += nstatus;
			first = false;
			continue;
		}
		if (*p != ' ' || (n > 0 && out[n - 1] != ' '))
			out[n++] = *p;
		p++;
	}
	out[n] = '\0';
}
