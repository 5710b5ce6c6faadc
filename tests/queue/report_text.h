/*
 * What values from outside are to become in a report, and back: the rules of
 * docs/bounces.md, written down a second time.
 */
#ifndef MTQ_TESTS_REPORT_TEXT_H
#define MTQ_TESTS_REPORT_TEXT_H

#include <stdio.h>
#include <string.h>

#include "daemon/bytes.h"
#include "daemon/log.h"

enum { REPORT_TEXT = 2400 }; /* octets of a field, unfolded */

/* Shown characters stay; ASCII: one '?' for each of the others. */
static inline size_t
report_clean(struct text t, bool utf8, char *out, size_t size)
{
	char safe[1024];
	size_t n = 0;

	must(size >= sizeof safe);
	log_safe(t.p, t.n, safe, 901);
	for (size_t i = 0; safe[i] != '\0'; i++) {
		unsigned char c = (unsigned char)safe[i];

		if (c >= 0x80 && c < 0xc0 && !utf8)
			continue;
		out[n++] = c >= 0x80 && !utf8 ? '?' : (char)c;
	}
	out[n] = '\0';
	return n;
}

/* The same with blanks as between words, and no encoded word. */
static inline size_t
report_words(struct text t, bool utf8, char *out, size_t size)
{
	size_t n = report_clean(t, utf8, out, size), at = 0;

	for (char *q; (q = strstr(out, "=?")) != NULL;)
		*q = '?';
	for (size_t i = 0; i < n; i++)
		if (out[i] != ' ' || (at > 0 && out[at - 1] != ' '))
			out[at++] = out[i];
	while (at > 0 && out[at - 1] == ' ')
		at--;
	out[at] = '\0';
	return at;
}

/* What hexadecimal xtext stands for; false if it is malformed. */
static inline bool
report_xtext(struct text t, char *out, size_t *n)
{
	unsigned v;
	char two[3] = "";

	*n = 0;
	if (t.n > 900)
		return false;
	for (size_t i = 0; i < t.n; i++) {
		if (t.p[i] < '!' || t.p[i] > '~' || t.p[i] == '=')
			return false;
		if (t.p[i] != '+') {
			out[(*n)++] = t.p[i];
			continue;
		}
		if (t.n - i < 3)
			return false;
		memcpy(two, t.p + i + 1, 2);
		if (strspn(two, "0123456789abcdefABCDEF") != 2 ||
		    sscanf(two, "%2x", &v) != 1)
			return false;
		out[(*n)++] = (char)v;
		i += 2;
	}
	return true;
}

/* "\x{F6}" (RFC 6533 3) as its octets; returns how many there are then. */
static inline size_t
report_unescape(const char *p, char out[REPORT_TEXT])
{
	size_t n = 0, k;
	unsigned c;

	for (; *p != '\0'; p++) {
		int used = 0;

		if (sscanf(p, "\\x{%6X}%n", &c, &used) != 1 || used == 0) {
			out[n++] = *p;
			continue;
		}
		k = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
		out[n] = (char)(k == 1 ? c : (0xf00U >> k) | c >> 6 * (k - 1));
		for (size_t i = 1; i < k; i++)
			out[n + i] = (char)(0x80 | (c >> 6 * (k - 1 - i) & 63));
		n += k;
		p += used - 1;
	}
	return n;
}

/* Each word that begins like an encoded word is a whole one (RFC 2047 2). */
static inline bool
report_encoded_whole(const char *p)
{
	while (*p != '\0') {
		size_t n = strcspn(p, " ");

		if (strncmp(p, "=?", 2) == 0 &&
		    (n > 75 || n < 8 || memcmp(p + n - 2, "?=", 2) != 0))
			return false;
		p += n + (p[n] == ' ');
	}
	return true;
}

/* A subject whose encoded words are ours: "=?UTF-8?Q?=C3=BC?=". */
static inline void
report_decode(const char *p, char out[REPORT_TEXT])
{
	bool encoded = false; /* the word before */
	size_t n = 0;
	unsigned c;

	while (*p != '\0') {
		if (strncmp(p, "=?UTF-8?Q?", 10) != 0) {
			encoded = false;
			do
				out[n++] = *p;
			while (*p++ != ' ' && *p != '\0');
			continue;
		}
		n -= encoded; /* the blank between two of them is none */
		for (p += 10; *p != '\0' && strncmp(p, "?=", 2) != 0; p++) {
			out[n] = *p == '_' ? ' ' : *p;
			if (*p == '=' && sscanf(p + 1, "%2X", &c) == 1) {
				out[n] = (char)c;
				p += 2;
			}
			n++;
		}
		p += *p != '\0' ? 2 : 0;
		encoded = *p == ' ';
		if (encoded)
			out[n++] = *p++;
	}
	out[n] = '\0';
}

#endif
