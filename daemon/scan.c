#include "daemon/scan.h"

#include <string.h>

#define error(s, line, ...)                                                    \
	report_error((s)->report, (s)->file, line, __VA_ARGS__)

/* Letters, digits, and what stands in addresses, paths, patterns and units.
 * isalnum would ask the locale. */
bool
scan_is_word(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z'))
		return true;
	return c != '\0' && strchr("_-.:/@*+%!~&$^?|<>()\\", c) != NULL;
}

bool
scan_check(struct scan *s)
{
	size_t n = (size_t)(s->end - s->p);

	if (n == 0)
		return true;
	if (memchr(s->p, '\0', n) != NULL) {
		error(s, 0, "there is a NUL octet: not a text file");
		return false;
	}
	if (n >= 3 && memcmp(s->p, "\xef\xbb\xbf", 3) == 0) {
		error(s, 1, "byte order mark: save the file without it");
		s->p += 3;
	}
	return true;
}

static int
skip(struct scan *s, bool lines)
{
	for (; s->p < s->end; s->p++) {
		if (*s->p == '#') {
			s->p = memchr(s->p, '\n', (size_t)(s->end - s->p));
			if (s->p == NULL)
				s->p = s->end;
			if (s->p == s->end)
				break;
		}
		if (*s->p == '\n') {
			if (!lines)
				return '\n';
			s->line++;
		} else if (strchr(" \t\r", *s->p) == NULL) {
			return (unsigned char)*s->p;
		}
	}
	return 0;
}

int
scan_peek(struct scan *s)
{
	return skip(s, false);
}

int
scan_next(struct scan *s)
{
	return skip(s, true);
}

/* Says which octet is in the way. */
static void
unexpected(struct scan *s, const char *what, int c)
{
	if (c == 0 || c == '\n')
		error(s, s->line, "%s expected before the end of the line",
		      what);
	else if (c >= ' ' && c <= '~')
		error(s, s->line, "%s expected, not '%c'", what, c);
	else
		error(s, s->line,
		      "octet 0x%02x: outside of comments the file is ASCII",
		      (unsigned)c);
}

/* One octet of a quoted text, after its escape; -1 after an error. */
static int
quoted_octet(struct scan *s, char quote)
{
	unsigned char c = (unsigned char)*s->p++;

	if (c < ' ' || c > '~') {
		error(s, s->line, "octet 0x%02x in a text in quotes",
		      (unsigned)c);
		return -1;
	}
	if (quote != '"' || c != '\\')
		return c;
	if (s->p == s->end || (*s->p != '"' && *s->p != '\\')) {
		error(s, s->line,
		      "in a \"text\" \\ stands only before \" or \\; or use "
		      "'text'");
		return -1;
	}
	return (unsigned char)*s->p++;
}

static char *
quoted(struct scan *s)
{
	char word[SCAN_WORD], quote = *s->p++;
	size_t n = 0;

	while (s->p < s->end && *s->p != quote && *s->p != '\n') {
		int c = quoted_octet(s, quote);

		if (c < 0)
			return NULL;
		if (n == sizeof word) {
			error(s, s->line, "text over %d octets", SCAN_WORD);
			return NULL;
		}
		word[n++] = (char)c;
	}
	if (s->p == s->end || *s->p != quote) {
		error(s, s->line, "no closing %c on the same line", quote);
		return NULL;
	}
	s->p++;
	return arena_text(s->arena, word, n);
}

char *
scan_text(struct scan *s, const char *what)
{
	int c = scan_peek(s);
	const char *word = s->p;
	size_t n;

	if (c == '"' || c == '\'')
		return quoted(s);
	while (s->p < s->end && scan_is_word((unsigned char)*s->p))
		s->p++;
	n = (size_t)(s->p - word);
	if (n == 0) {
		unexpected(s, what, c);
		return NULL;
	}
	if (n > SCAN_WORD) {
		error(s, s->line, "text over %d octets", SCAN_WORD);
		return NULL;
	}
	if (s->p < s->end && strchr("#\"'", *s->p) != NULL) {
		error(s, s->line, "'%.*s%c...' must stand in quotes", (int)n,
		      word, *s->p);
		return NULL;
	}
	return arena_text(s->arena, word, n);
}

bool
scan_value_ends(struct scan *s)
{
	unsigned char c = s->p < s->end ? (unsigned char)*s->p : '\n';

	if (strchr(" \t\r\n;}", c) != NULL && c != '\0') {
		if (scan_peek(s) != ',')
			return true;
		c = ',';
	}
	if (c == ',')
		error(s, s->line, "several values stand in [ ]");
	else if (c == ':')
		error(s, s->line,
		      "an address in brackets stands in quotes, as "
		      "\"[::1]:25\"");
	else
		unexpected(s, "a blank or a new line", c);
	return false;
}

void
scan_resync(struct scan *s)
{
	while (s->p < s->end && *s->p != '\n' && *s->p != '}')
		s->p++;
}

void
scan_resync_list(struct scan *s)
{
	const char *p = s->p;
	unsigned lines = 0;

	while (p < s->end && strchr("]={}", *p) == NULL)
		lines += *p++ == '\n';
	if (p == s->end || *p != ']') {
		scan_resync(s);
		return;
	}
	s->p = p + 1;
	s->line += lines;
}
