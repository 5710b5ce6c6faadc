/*
 * plain_json - texts that are printable ASCII already (configuration values,
 * the reader's messages) as JSON strings, without a library.
 */
#ifndef MTQ_PLAIN_JSON_H
#define MTQ_PLAIN_JSON_H

#include "daemon/bytes.h"

static inline void
plain_json(struct bytes *out, const char *s, size_t n)
{
	bytes_u8(out, '"');
	for (size_t i = 0; i < n; i++) {
		bool printable = s[i] >= ' ' && s[i] <= '~';

		if (s[i] == '"' || s[i] == '\\')
			bytes_u8(out, '\\');
		bytes_u8(out, printable ? (uint8_t)s[i] : '?');
	}
	bytes_u8(out, '"');
}

#endif
