/* What the door sees of headers: each is a decimal length, a line end and its
 * octets on standard input; each answer is a line "odd|ok COUNT ADDRESS ...",
 * where COUNT is how many fields From there are. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/door_header.h"

enum { MESSAGE = 1 << 20, LINE = 1024 };

static bool
put(void *arg, const char *address)
{
	bytes_printf(arg, " %s", address);
	return true;
}

static void
show(const char *p, size_t n)
{
	static struct door_header h;
	struct bytes b = {0};
	size_t all;

	door_header_begin(&h, NULL);
	while (n > 0) {
		const char *end = memchr(p, '\n', n);
		size_t k = end != NULL ? (size_t)(end - p) : n;
		size_t line = k > 0 && p[k - 1] == '\r' ? k - 1 : k;

		door_header_line(&h, p, min_of(line, (size_t)LINE),
				 line >= LINE);
		k += end != NULL;
		p += k;
		n -= k;
	}
	all = mailbox_all((struct text){h.from, h.nfrom}, !h.from_cut, put, &b);
	printf("%s %u%.*s\n", h.odd[0] != '\0' ? "odd" : "ok",
	       h.single[DOOR_FROM], all > 0 ? (int)b.n : 0,
	       b.n > 0 ? (const char *)b.data : "");
	bytes_free(&b);
}

int
main(void)
{
	char *text = must_alloc(MESSAGE);
	char line[32];

	while (fgets(line, sizeof line, stdin) != NULL) {
		size_t n = strtoul(line, NULL, 10);

		if (n > MESSAGE || fread(text, 1, n, stdin) != n)
			return 1;
		show(text, n);
	}
	free(text);
	return 0;
}
