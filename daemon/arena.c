#include "daemon/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
	ARENA_BLOCK = 4096 - 64, /* octets; a larger piece has its own block */
};

struct arena_block {
	struct arena_block *older;
	size_t n;
	size_t room;
	alignas(max_align_t) unsigned char data[];
};

void *
arena_alloc(struct arena *a, size_t n)
{
	struct arena_block *b = a->last;
	const size_t step = alignof(max_align_t);
	void *p;

	must(n < SIZE_MAX / 2);
	n = (n + step - 1) / step * step;
	if (b == NULL || b->room - b->n < n) {
		size_t room = max_of(n, (size_t)ARENA_BLOCK);

		b = must_alloc(sizeof *b + room);
		b->room = room;
		b->older = a->last;
		a->last = b;
	}
	p = b->data + b->n;
	b->n += n;
	return p;
}

char *
arena_text(struct arena *a, const char *s, size_t n)
{
	char *p = arena_alloc(a, n + 1);

	memcpy(p, s, n);
	return p;
}

void
arena_free(struct arena *a)
{
	while (a->last != NULL) {
		struct arena_block *b = a->last;

		a->last = b->older;
		free(b);
	}
}
