/*
 * arena - memory of one job, freed whole.
 *
 * Owner    the caller holds a zeroed struct arena and ends it with arena_free;
 *          what it handed out lives until then.
 * Errors   running out of memory ends the process (must_alloc).
 */
#ifndef MTQ_ARENA_H
#define MTQ_ARENA_H

#include "daemon/base.h"

struct arena {
	struct arena_block *last; /* the block being filled */
};

void *arena_alloc(struct arena *a, size_t n) MUST_USE; /* zeroed */
/* The first n octets of s, and a NUL. */
char *arena_text(struct arena *a, const char *s, size_t n) MUST_USE;
void arena_free(struct arena *a);

#endif
