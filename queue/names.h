/*
 * names - names as small numbers, found by hash.  Pure.
 *
 * Owner    zeroed memory is an empty one; names_free.
 */
#ifndef MTQ_NAMES_H
#define MTQ_NAMES_H

#include "daemon/bytes.h"

struct names {
	char **name; /* by number, in the order they were added */
	size_t n, room;
	uint32_t *bucket; /* number + 1; 0: free */
	size_t nbuckets;  /* a power of two */
};

/* Its number; a new name gets the next. */
size_t names_add(struct names *names, struct text name);
/* names->n: there is none. */
size_t names_find(const struct names *names, struct text name);
void names_free(struct names *names);

#endif
