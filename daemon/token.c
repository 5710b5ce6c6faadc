#include "daemon/token.h"

#include <stdio.h>
#include <string.h>

enum { DEPTH_MOST = 32 };

/* RFC 6750 2.1, and a little more: no blank, no control. */
static bool
is_token(const unsigned char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] <= ' ' || p[i] > '~')
			return false;
	return n > 0;
}

static bool
wrong(char why[160], const char *text)
{
	snprintf(why, 160, "%s", text);
	return false;
}

/* --- JSON, as much of it as an answer of a token endpoint needs ------------- */

struct scan {
	unsigned char *p, *end;
};

static void
blanks(struct scan *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' ||
				 *s->p == '\r' || *s->p == '\n'))
		s->p++;
}

static bool
take(struct scan *s, char c)
{
	blanks(s);
	if (s->p == s->end || *s->p != (unsigned char)c)
		return false;
	s->p++;
	return true;
}

static int
hex(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* What is behind a backslash, as one octet; what is not ASCII becomes DEL,
 * which no token holds.  -1: malformed. */
static int
escape(struct scan *s)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	int v = 0;

	if (s->p == s->end)
		return -1;
	if (*s->p != 'u') {
		at = *s->p ? strchr(from, *s->p) : NULL;
		s->p++;
		return at != NULL ? to[at - from] : -1;
	}
	if (s->end - s->p < 5)
		return -1;
	for (int i = 1; i <= 4; i++) {
		int h = hex(s->p[i]);

		if (h < 0)
			return -1;
		v = v * 16 + h;
	}
	s->p += 5;
	return v > 0 && v < 0x7f ? v : 0x7f;
}

/* A string, unescaped where it stands. */
static bool
take_string(struct scan *s, struct text *out)
{
	unsigned char *to;

	if (!take(s, '"'))
		return false;
	to = s->p;
	out->p = (const char *)to;
	while (s->p < s->end && *s->p != '"') {
		int c = *s->p++;

		if (c < ' ')
			return false;
		if (c == '\\' && (c = escape(s)) < 0)
			return false;
		*to++ = (unsigned char)c;
	}
	out->n = (size_t)(to - (unsigned char *)(uintptr_t)out->p);
	return take(s, '"');
}

/* A number, true, false or null: its letters. */
static bool
take_word(struct scan *s, struct text *out)
{
	blanks(s);
	out->p = (const char *)s->p;
	while (s->p < s->end &&
	       ((*s->p >= '0' && *s->p <= '9') ||
		(*s->p >= 'a' && *s->p <= 'z') || *s->p == 'E' ||
		*s->p == '-' || *s->p == '+' || *s->p == '.'))
		s->p++;
	out->n = (size_t)((const char *)s->p - out->p);
	return out->n > 0;
}

/* Any value that is of no interest, with what is inside of it. */
static bool
skip(struct scan *s)
{
	char open[DEPTH_MOST];
	struct text t;
	size_t depth = 0;

	do {
		blanks(s);
		if (s->p == s->end)
			return false;
		switch (*s->p) {
		case '{':
		case '[':
			if (depth == DEPTH_MOST)
				return false;
			open[depth++] = *s->p++ == '{' ? '}' : ']';
			break;
		case '}':
		case ']':
			if (depth == 0 ||
			    *s->p++ != (unsigned char)open[--depth])
				return false;
			break;
		case ',':
		case ':':
			if (depth == 0)
				return false;
			s->p++;
			break;
		case '"':
			if (!take_string(s, &t))
				return false;
			break;
		default:
			if (!take_word(s, &t))
				return false;
			break;
		}
	} while (depth > 0);
	return true;
}

/* Whole seconds, as a number or (some servers) as a string of digits. */
static bool
take_seconds(struct scan *s, int64_t *out)
{
	struct text t;

	blanks(s);
	if (s->p < s->end && *s->p == '"' ? !take_string(s, &t)
					  : !take_word(s, &t))
		return false;
	*out = 0;
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] < '0' || t.p[i] > '9')
			return false;
		*out = min_of(*out * 10 + (t.p[i] - '0'), INT64_C(1) << 40);
	}
	return t.n > 0;
}

/* True: the object holds a token, *life_s is its lifetime or as before. */
static bool
take_object(struct scan *s, struct text *out, int64_t *life_s, char why[160])
{
	struct text key, other = {NULL, 0};
	bool more = true;

	*out = (struct text){NULL, 0};
	if (!take(s, '{'))
		goto malformed;
	more = !take(s, '}');
	while (more) {
		bool ok;

		if (!take_string(s, &key) || !take(s, ':'))
			goto malformed;
		if (text_is(key, "access_token"))
			ok = take_string(s, out);
		else if (text_is(key, "token"))
			ok = take_string(s, &other);
		else if (text_is(key, "expires_in"))
			ok = take_seconds(s, life_s);
		else
			ok = skip(s);
		if (!ok)
			goto malformed;
		if (take(s, '}'))
			more = false;
		else if (!take(s, ','))
			goto malformed;
	}
	blanks(s);
	if (s->p != s->end)
		goto malformed;
	if (out->p == NULL)
		*out = other;
	return out->p != NULL ||
	       wrong(why, "its JSON has neither access_token nor token");
malformed:
	return wrong(why, "it printed malformed JSON");
}

bool
token_parse(unsigned char *p, size_t n, struct text *out, int64_t *life_s,
	    char why[160])
{
	struct scan s = {p, p + n};

	*life_s = TOKEN_BARE_S;
	while (s.end > s.p && (s.end[-1] == '\n' || s.end[-1] == '\r'))
		s.end--;
	blanks(&s);
	if (s.p == s.end)
		return wrong(why, "it printed nothing");
	if (*s.p == '{') {
		if (!take_object(&s, out, life_s, why))
			return false;
	} else {
		*out = (struct text){(const char *)s.p, (size_t)(s.end - s.p)};
	}
	if (!is_token((const unsigned char *)out->p, out->n))
		return wrong(why, "what it printed is no token: one line of "
				  "printable ASCII without blanks");
	if (*life_s < TOKEN_LEAST_S)
		return wrong(why, "its token ends at once (expires_in)");
	*life_s = min_of(*life_s, (int64_t)TOKEN_MOST_S);
	return true;
}

/* --- when ------------------------------------------------------------------- */

struct token_times
token_begin(int64_t now_us)
{
	return (struct token_times){.due_us = now_us,
				    .expires_us = INT64_MIN,
				    .pause_s = TOKEN_PAUSE_FIRST_S,
				    .refused_us = INT64_MIN};
}

void
token_got(struct token_times *t, int64_t life_s, int64_t now_us)
{
	t->pause_s = TOKEN_PAUSE_FIRST_S;
	if (life_s == 0) {
		t->expires_us = INT64_MAX;
		t->due_us = now_us + TOKEN_LOOK_S * SECOND_US;
		return;
	}
	t->expires_us = now_us + life_s * SECOND_US;
	t->due_us =
	    now_us + max_of(life_s - TOKEN_EARLY_S, life_s / 2) * SECOND_US;
}

void
token_failed(struct token_times *t, int64_t now_us)
{
	t->due_us = now_us + t->pause_s * SECOND_US;
	t->pause_s = min_of(t->pause_s * 2, (int64_t)TOKEN_PAUSE_MOST_S);
}

bool
token_refused(struct token_times *t, int64_t now_us)
{
	if (t->refused_us != INT64_MIN &&
	    now_us - t->refused_us < TOKEN_REFUSED_S * SECOND_US)
		return false;
	t->refused_us = now_us;
	t->due_us = min_of(t->due_us, now_us);
	return true;
}

bool
token_expired(const struct token_times *t, int64_t now_us)
{
	return t->expires_us != INT64_MIN && now_us >= t->expires_us;
}
