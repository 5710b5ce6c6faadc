#include "queue/address.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

static bool
alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* RFC 5322 3.2.3: atext, and what is beyond ASCII when it may be. */
static bool
atext(unsigned char c, bool utf8)
{
	if (c >= 0x80)
		return utf8;
	return alnum(c) ||
	       (c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL);
}

/* Length of the well-formed UTF-8 character at p; 0 if it is none (RFC 3629).
 */
static size_t
utf8_length(const unsigned char *p, size_t left)
{
	size_t n;
	unsigned char least = 0x80, most = 0xbf;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		n = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		n = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (p[0] == 0xe0)
		least = 0xa0;
	if (p[0] == 0xed)
		most = 0x9f; /* no surrogates */
	if (p[0] == 0xf0)
		least = 0x90;
	if (p[0] == 0xf4)
		most = 0x8f;
	if (left < n || p[1] < least || p[1] > most)
		return 0;
	for (size_t i = 2; i < n; i++)
		if (p[i] < 0x80 || p[i] > 0xbf)
			return 0;
	return n;
}

static bool
utf8_valid(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t k;

	for (size_t i = 0; i < n; i += k) {
		k = utf8_length(p + i, n - i);
		if (k == 0)
			return false;
	}
	return true;
}

/* Octets of the local part at p; 0 if there is none. */
static size_t
local_part(const char *s, size_t n, bool utf8)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t i = 0;

	if (n > 0 && p[0] == '"') { /* quoted-string */
		for (i = 1; i < n && p[i] != '"'; i++) {
			if (p[i] == '\\')
				i++;
			if (i >= n || p[i] < 0x20 || p[i] == 0x7f ||
			    (p[i] >= 0x80 && !utf8))
				return 0;
		}
		return i < n ? i + 1 : 0;
	}
	while (i < n &&
	       (atext(p[i], utf8) || (p[i] == '.' && i > 0 && p[i - 1] != '.')))
		i++;
	return i > 0 && p[i - 1] != '.' ? i : 0;
}

static bool
domain_name(const char *s, size_t n, bool utf8)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t label = 0;

	for (size_t i = 0; i < n; i++) {
		if (p[i] == '.') {
			if (label == 0 || p[i - 1] == '-')
				return false;
			label = 0;
			continue;
		}
		if (!alnum(p[i]) && !(p[i] == '-' && label > 0) &&
		    p[i] != '_' && !(p[i] >= 0x80 && utf8))
			return false;
		if (++label > 63)
			return false;
	}
	return label > 0 && p[n - 1] != '-';
}

static bool
literal(const char *s, size_t n)
{
	char text[INET6_ADDRSTRLEN];
	struct in6_addr six;
	struct in_addr four;

	if (n < 3 || s[0] != '[' || s[n - 1] != ']' ||
	    memchr(s, '\0', n) != NULL) /* inet_pton would stop there */
		return false;
	s++;
	n -= 2;
	if (n > 5 && strncasecmp(s, "IPv6:", 5) == 0) {
		if (n - 5 >= sizeof text)
			return false;
		memcpy(text, s + 5, n - 5);
		text[n - 5] = '\0';
		return inet_pton(AF_INET6, text, &six) == 1;
	}
	if (n >= sizeof text)
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return inet_pton(AF_INET, text, &four) == 1;
}

bool
address_domain(const char *p, size_t n, bool utf8_allowed)
{
	if (n == 0 || n > ADDRESS_DOMAIN_MOST)
		return false;
	if (p[0] == '[')
		return literal(p, n);
	return domain_name(p, n, utf8_allowed) && utf8_valid(p, n);
}

static bool
beyond_ascii(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)p[i] >= 0x80)
			return true;
	return false;
}

bool
address_parse(const char *p, size_t n, bool utf8_allowed, struct address *out,
	      const char **why)
{
	bool utf8 = beyond_ascii(p, n);
	size_t k;

	*why = "not a mailbox (RFC 5321 4.1.2)";
	if (n == 0 || n > ADDRESS_MOST) {
		*why = n == 0 ? "empty address"
			      : "an address has at most 254 octets";
		return false;
	}
	if (utf8 && !utf8_allowed) {
		*why = "an address beyond ASCII needs SMTPUTF8";
		return false;
	}
	if (p[0] == '@') {
		*why = "source routes are not taken";
		return false;
	}
	k = local_part(p, n, utf8_allowed);
	if (k == 0 || k >= n || p[k] != '@')
		return false;
	if (k > ADDRESS_LOCAL_MOST) {
		*why = "a local part has at most 64 octets";
		return false;
	}
	if (!utf8_valid(p, k) ||
	    !address_domain(p + k + 1, n - k - 1, utf8_allowed))
		return false;
	*out = (struct address){.local = {p, k},
				.domain = {p + k + 1, n - k - 1},
				.utf8 = utf8,
				.literal = p[k + 1] == '['};
	return true;
}
