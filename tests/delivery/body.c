/* A body on the wire: whatever was accepted is one message to every reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "delivery/body.h"

static struct bytes
stuff(const char *p, size_t n, size_t piece)
{
	struct bytes out = {0};
	bool start = true;

	for (size_t at = 0; at < n; at += piece)
		body_stuff(&out, (const unsigned char *)p + at,
			   min_of(piece, n - at), &start);
	return out;
}

/* Dots at line starts, at every chunk border. */
static void
dots(void **state)
{
	static const struct {
		const char *name, *body, *wire;
	} row[] = {
	    {"nothing", "", ""},
	    {"no dot", "a\r\n", "a\r\n"},
	    {"a lone dot", ".\r\n", "..\r\n"},
	    {"the first octet", ".a\r\n", "..a\r\n"},
	    {"two dots", "..\r\n", "...\r\n"},
	    {"in the middle of a line", "a.b\r\n", "a.b\r\n"},
	    {"after a line", "a\r\n.b\r\n", "a\r\n..b\r\n"},
	    {"line after line", ".\r\n.\r\n", "..\r\n..\r\n"},
	    {"after an empty line", "\r\n.\r\n", "\r\n..\r\n"},
	    {"no line end", "a\r\n.", "a\r\n.."},
	};

	(void)state;
	for (size_t i = 0; i < countof(row); i++)
		for (size_t piece = 1; piece <= strlen(row[i].body) + 1;
		     piece++) {
			struct bytes b =
			    stuff(row[i].body, strlen(row[i].body), piece);

			if (b.n != strlen(row[i].wire) ||
			    memcmp(b.data != NULL ? b.data
						  : (unsigned char *)"",
				   row[i].wire, b.n) != 0)
				fail_msg("%s, in pieces of %zu: \"%.*s\"",
					 row[i].name, piece, (int)b.n,
					 (char *)b.data);
			bytes_free(&b);
		}
}

/* Places where some reader might see the end of a message: CRLF.CRLF, or with
 * any of the lax line ends. */
static unsigned
ends_seen(const unsigned char *p, size_t n)
{
	static const char *const line_end[] = {"\r\n", "\n", "\r"};
	unsigned seen = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t a = 0; a < 3; a++)
			for (size_t b = 0; b < 3; b++) {
				char end[8];
				size_t k;

				strcpy(end, line_end[a]);
				strcat(end, ".");
				strcat(end, line_end[b]);
				k = strlen(end);
				if (i + k <= n && memcmp(p + i, end, k) == 0)
					seen++;
			}
	return seen;
}

/* Random bodies of the kind we accept (CRLF lines): no reader, strict or lax,
 * finds an end before ours, and what is unstuffed is what went in. */
static void
one_message(void **state)
{
	static const char octets[] = "..ab\r\n..\r\n.";
	uint32_t x = 7;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		char body[64];
		size_t n = 0;
		struct bytes b;

		while (n < 40) {
			x = x * 1664525 + 1013904223;
			if (x >> 30 == 0) {
				body[n++] = '\r';
				body[n++] = '\n';
			} else {
				body[n++] = octets[(x >> 20) % 4];
			}
		}
		body[n++] = '\r';
		body[n++] = '\n';
		b = stuff(body, n, (x >> 10) % 9 + 1);
		bytes_add_text(&b, ".\r\n");
		/* Our own end, seen with each pair of line ends that fits. */
		assert_int_equal(ends_seen(b.data, b.n - 3), 0);
		assert_memory_equal(b.data + b.n - 5, "\r\n.\r\n", 5);
		bytes_free(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(dots),
					   cmocka_unit_test(one_message)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
