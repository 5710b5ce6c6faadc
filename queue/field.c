#include "queue/field.h"

#include <stdio.h>
#include <string.h>

#include "daemon/log.h"
#include "queue/address.h"

enum {
	ENCODED_WORD_MOST = 75, /* octets (RFC 2047 2) */
	ESCAPE_MOST = 10        /* octets of "\x{10FFFF}" */
};
#define OURS "=?UTF-8?Q?"

static struct text
text_in(const char *p)
{
	return (struct text){p, strlen(p)};
}

static bool
continues(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

/* log_safe leaves valid UTF-8, so what is beyond ASCII is a first octet and
 * those that continue it: one '?' for all of them. */
static void
to_ascii(char *room)
{
	char *to = room;

	for (const char *p = room; *p != '\0'; p++)
		if ((unsigned char)*p < 0x80)
			*to++ = *p;
		else if (!continues(*p))
			*to++ = '?';
	*to = '\0';
}

struct text
field_token(struct text t, bool utf8, char room[FIELD_ROOM])
{
	log_safe(t.p, t.n, room, FIELD_ROOM);
	if (!utf8)
		to_ascii(room);
	return text_in(room);
}

/* From the right, so that "==?" leaves no "=?" either. */
static void
undo_encoded_words(char *p, size_t n)
{
	for (size_t i = n; i-- > 1;)
		if (p[i] == '?' && p[i - 1] == '=')
			p[i - 1] = '?';
}

struct text
field_words(struct text t, bool utf8, char room[FIELD_ROOM])
{
	char *to = room;

	undo_encoded_words(room, field_token(t, utf8, room).n);
	for (const char *p = room; *p != '\0'; p++) {
		if (*p == ' ' && (to == room || to[-1] == ' '))
			continue;
		*to++ = *p;
	}
	if (to > room && to[-1] == ' ')
		to--;
	*to = '\0';
	return text_in(room);
}

/* The value of a hexadecimal digit, else 16. */
static unsigned
hex(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'A' && c <= 'F')
		return (unsigned)(c - 'A') + 10;
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a') + 10;
	return 16;
}

/* The octet that two hexadecimal digits behind p[0] stand for; -1 if they are
 * none. */
static int
hex_octet(const char *p, const char *end)
{
	if (end - p < 3 || hex(p[1]) > 15 || hex(p[2]) > 15)
		return -1;
	return (int)(hex(p[1]) * 16 + hex(p[2]));
}

struct text
field_xtext(struct text t, bool utf8, char room[FIELD_ROOM])
{
	char plain[FIELD_VALUE_MOST];
	size_t n = 0;

	room[0] = '\0';
	if (t.n > sizeof plain)
		return text_in(room);
	for (size_t i = 0; i < t.n; i++) {
		int c = (unsigned char)t.p[i];

		if (c < 33 || c > 126 || c == '=')
			return text_in(room);
		if (c == '+') {
			c = hex_octet(t.p + i, t.p + t.n);
			if (c < 0)
				return text_in(room);
			i += 2;
		}
		plain[n++] = (char)c;
	}
	return field_token((struct text){plain, n}, utf8, room);
}

static bool
is_ascii(struct text t)
{
	for (size_t i = 0; i < t.n; i++)
		if ((unsigned char)t.p[i] >= 0x80)
			return false;
	return true;
}

/* The number of the character at p, which is well-formed, and its octets. */
static unsigned long
character(const char *p, size_t *n)
{
	unsigned char first = (unsigned char)*p;
	unsigned long c;

	*n = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	c = *n == 1 ? first : first & (0x7fUL >> *n);
	for (size_t i = 1; i < *n; i++)
		c = c << 6 | ((unsigned char)p[i] & 0x3fUL);
	return c;
}

/* utf-8-addr-xtext (RFC 6533 3) of an address that is well-formed.  The longest
 * that there is, with a sign that needs an escape at every place, is cut. */
static void
escape(struct text t, char *to, size_t size)
{
	size_t at = 0, k;

	for (size_t i = 0; i < t.n && at + ESCAPE_MOST < size; i += k) {
		unsigned long c = character(t.p + i, &k);

		if (c > ' ' && c < 0x7f && strchr("+=\\", (int)c) == NULL)
			to[at++] = (char)c;
		else
			at +=
			    (size_t)snprintf(to + at, size - at, "\\x{%lX}", c);
	}
	to[at] = '\0';
}

struct text
field_address(struct text t, bool utf8, char room[FIELD_ROOM])
{
	char shown[FIELD_ROOM];
	struct address parsed;
	const char *why;
	struct text s;

	s = field_token(t, true, shown);
	if (is_ascii(t) || !address_parse(t.p, t.n, true, &parsed, &why))
		snprintf(room, FIELD_ROOM, "rfc822; %.*s", FIELD_VALUE_MOST - 8,
			 field_token(t, false, shown).p);
	else if (utf8 && s.n == t.n && memcmp(s.p, t.p, t.n) == 0)
		snprintf(room, FIELD_ROOM, "utf-8; %.*s", ADDRESS_MOST, shown);
	else {
		memcpy(room, "utf-8; ", 7);
		escape(t, room + 7, FIELD_ROOM - 7);
	}
	return text_in(room);
}

void
field_fold(struct bytes *out, size_t column, const char *indent,
	   struct text words)
{
	const char *p = words.p, *end = words.p + words.n;
	bool first = true;

	while (p < end) {
		const char *blank = memchr(p, ' ', (size_t)(end - p));
		size_t n = (size_t)((blank != NULL ? blank : end) - p);

		if (!first && column + 1 + n > FIELD_WIDTH) {
			bytes_add_text(out, "\r\n");
			bytes_add_text(out, indent);
			column = strlen(indent);
		} else if (!first) {
			bytes_add(out, " ", 1);
			column++;
		}
		bytes_add(out, p, n);
		column += n;
		first = false;
		p += n + (blank != NULL);
	}
}

void
field_put_words(struct bytes *out, const char *name, struct text words)
{
	bytes_printf(out, "%s: ", name);
	field_fold(out, strlen(name) + 2, " ", words);
	bytes_add_text(out, "\r\n");
}

void
field_put_token(struct bytes *out, const char *name, struct text token)
{
	bytes_printf(out, "%s: ", name);
	bytes_add(out, token.p, token.n);
	bytes_add_text(out, "\r\n");
}

/* Octets that a program would take for an end, once it has decoded them. */
static bool
ends_something(int c)
{
	return c == '\0' || c == '\r' || c == '\n';
}

static bool
q_harmless(const char *p, const char *end)
{
	int c;

	for (; p < end; p++) {
		if ((unsigned char)*p >= 0x80)
			return false;
		if (*p != '=')
			continue;
		c = hex_octet(p, end);
		if (c < 0 || ends_something(c))
			return false;
		p += 2;
	}
	return true;
}

static bool
b_harmless(const char *p, const char *end)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, n = 0;

	if ((end - p) % 4 != 0)
		return false;
	while (p < end && end[-1] == '=' && n++ < 2)
		end--;
	for (n = 0; p < end; p++) {
		const char *d = strchr(digits, *p);

		if (d == NULL || *d == '\0')
			return false;
		bits = bits << 6 | (unsigned)(d - digits);
		n += 6;
		if (n < 8)
			continue;
		n -= 8;
		if (ends_something(bits >> n & 0xff))
			return false;
	}
	return true;
}

/* "=?charset?B?text?=" that decodes to harmless octets, and nothing else. */
static bool
encoded_word(struct text t)
{
	const char *end = t.p + t.n - 2, *p = t.p + 2, *charset = p;

	if (t.n > ENCODED_WORD_MOST || t.n < 8 || memcmp(end, "?=", 2) != 0)
		return false;
	while (p < end &&
	       ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
		(*p >= '0' && *p <= '9') || strchr("-_.:*+", *p) != NULL))
		p++;
	if (p == charset || end - p < 4 || p[0] != '?' || p[2] != '?' ||
	    memchr(p + 3, '?', (size_t)(end - p - 3)) != NULL)
		return false;
	if (p[1] == 'Q' || p[1] == 'q')
		return q_harmless(p + 3, end);
	return (p[1] == 'B' || p[1] == 'b') && b_harmless(p + 3, end);
}

/* The word as encoded words of ours.  `blank`: an encoded word stands before
 * it, so that the blank between them counts only when it is inside. */
static void
encode(struct bytes *out, struct text t, bool blank)
{
	size_t used = 0, k;

	for (size_t i = 0; i < t.n; i += k) {
		if (used == 0) {
			bytes_add_text(out, out->n > 0 ? " " OURS : OURS);
			bytes_add_text(out, blank ? "_" : "");
			used = strlen(OURS) + blank;
			blank = false;
		}
		character(t.p + i, &k);
		for (size_t j = 0; j < k; j++)
			bytes_printf(out, "=%02X", (unsigned char)t.p[i + j]);
		used += 3 * k;
		if (used + 3 * 4 + 2 > ENCODED_WORD_MOST || i + k == t.n) {
			bytes_add_text(out, "?=");
			used = 0;
		}
	}
}

/* What was written last. */
enum word { WORD_PLAIN, WORD_OURS, WORD_THEIRS };

static enum word
add_word(struct bytes *out, struct text t, bool utf8, enum word last)
{
	if (t.n >= 2 && memcmp(t.p, "=?", 2) == 0) {
		if (!encoded_word(t))
			return last;
		if (last == WORD_OURS) /* see encode(): a blank alone */
			bytes_add_text(out, " " OURS "_?=");
		bytes_add_text(out, out->n > 0 ? " " : "");
		bytes_add(out, t.p, t.n);
		return WORD_THEIRS;
	}
	if (!utf8 && !is_ascii(t)) {
		encode(out, t, last == WORD_OURS || last == WORD_THEIRS);
		return WORD_OURS;
	}
	bytes_add_text(out, out->n > 0 ? " " : "");
	bytes_add(out, t.p, t.n);
	undo_encoded_words((char *)out->data + out->n - t.n, t.n);
	return WORD_PLAIN;
}

void
field_put_subject(struct bytes *out, const char *words, struct text raw,
		  bool utf8)
{
	char room[FIELD_SUBJECT_MOST + 1];
	struct bytes value = {0};
	enum word last = WORD_PLAIN;
	size_t empty;

	log_safe(raw.p, raw.n, room, sizeof room);
	bytes_printf(&value, "%s:", words);
	empty = value.n;
	for (const char *p = room; *p != '\0';) {
		size_t n = strcspn(p, " ");

		if (n > 0)
			last =
			    add_word(&value, (struct text){p, n}, utf8, last);
		p += n + (p[n] == ' ');
	}
	if (value.n == empty)
		value.n--; /* nothing follows the colon */
	field_put_words(out, "Subject",
			(struct text){(char *)value.data, value.n});
	bytes_free(&value);
}
