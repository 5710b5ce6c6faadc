#include "daemon/hostname.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

enum { NAME_MOST = 253, ADDRESS_TEXT = 64 };

/* Letters, digits, '-', '_' and non-empty labels: what DNS gives us for hosts.
 * A NUL, a blank or a '*' is none of them. */
static bool
plain(const char *p, size_t n)
{
	size_t label = 0;

	for (size_t i = 0; i < n; i++) {
		char c = p[i];

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
		      (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return false;
		label++;
	}
	return label > 0;
}

bool
hostname_match(const char *pattern, size_t n, const char *name)
{
	size_t m = strlen(name);
	unsigned char address[16];
	const char *dot;

	if (hostname_address(name, address) != 0)
		return false;
	if (m > 0 && name[m - 1] == '.')
		m--;
	if (n > NAME_MOST || m > NAME_MOST || !plain(name, m))
		return false;
	if (n > 2 && pattern[0] == '*' && pattern[1] == '.') {
		/* "*.com" would stand for every domain there is: two labels at
		 * least stay when the left-most is gone. */
		dot = memchr(name, '.', m);
		if (dot == NULL || memchr(pattern + 2, '.', n - 2) == NULL)
			return false;
		m -= (size_t)(dot + 1 - name);
		name = dot + 1;
		pattern += 2;
		n -= 2;
	}
	return n == m && plain(pattern, n) &&
	       strncasecmp(pattern, name, n) == 0;
}

size_t
hostname_address(const char *name, unsigned char out[16])
{
	char text[ADDRESS_TEXT];
	size_t n = strlen(name);

	if (n >= 2 && name[0] == '[' && name[n - 1] == ']') {
		name++;
		n -= 2;
	}
	if (n == 0 || n >= sizeof text)
		return 0;
	memcpy(text, name, n);
	text[n] = '\0';
	if (inet_pton(AF_INET, text, out) == 1)
		return 4;
	return inet_pton(AF_INET6, text, out) == 1 ? 16 : 0;
}

bool
hostname_print(const void *p, size_t n, char *out, size_t size)
{
	if (n != 4 && n != 16)
		return false;
	return inet_ntop(n == 4 ? AF_INET : AF_INET6, p, out,
			 (socklen_t)size) != NULL;
}
