/*
 * routing_index - which routes name a domain: a hash table of sorted lists.
 *
 * A key is "example.com" for that domain alone, ".example.com" for its
 * subdomains: so every key a domain can be found by is an end of the domain.
 * A route is its rank, the place in the order of priorities.
 *
 * Owner    all memory is the arena's; keys are borrowed.
 */
#ifndef MTQ_ROUTING_INDEX_H
#define MTQ_ROUTING_INDEX_H

#include "daemon/arena.h"

struct routing_pair {
	const char *key;
	uint32_t rank;
};
struct routing_list {
	const char *key; /* NULL: an empty slot */
	const uint32_t *rank;
	size_t n;
};
struct routing_index {
	struct routing_list *slot;
	size_t nslots; /* a power of two; 0: nothing is in it */
};

/* Sorts `pair`, which may go afterwards. */
void routing_index_make(struct routing_index *x, struct routing_pair *pair,
			size_t n, struct arena *a);
/* NULL if no route names it. */
const struct routing_list *routing_index_find(const struct routing_index *x,
					      const char *key);

#endif
