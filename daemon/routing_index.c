#include "daemon/routing_index.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/bytes.h"

static int
pair_order(const void *a, const void *b)
{
	const struct routing_pair *x = a, *y = b;
	int rc = strcmp(x->key, y->key);

	return rc != 0 ? rc : (x->rank > y->rank) - (x->rank < y->rank);
}

/* Where the key is, or the empty slot where it would be: at most half of the
 * slots are taken, so there is one. */
static struct routing_list *
slot_of(const struct routing_index *x, const char *key)
{
	size_t at = crc32c(0, key, strlen(key));

	for (;; at++) {
		struct routing_list *l = &x->slot[at & (x->nslots - 1)];

		if (l->key == NULL || strcmp(l->key, key) == 0)
			return l;
	}
}

void
routing_index_make(struct routing_index *x, struct routing_pair *pair, size_t n,
		   struct arena *a)
{
	uint32_t *rank = arena_alloc(a, n * sizeof *rank);

	*x = (struct routing_index){.nslots = n > 0 ? 2 : 0};
	if (n == 0)
		return;
	while (x->nslots < 2 * n)
		x->nslots *= 2;
	x->slot = arena_alloc(a, x->nslots * sizeof *x->slot);
	qsort(pair, n, sizeof *pair, pair_order);
	for (size_t i = 0; i < n; i++) {
		struct routing_list *l = slot_of(x, pair[i].key);

		if (l->key == NULL)
			*l = (struct routing_list){pair[i].key, &rank[i], 0};
		rank[i] = pair[i].rank;
		l->n++;
	}
}

const struct routing_list *
routing_index_find(const struct routing_index *x, const char *key)
{
	const struct routing_list *l = x->nslots > 0 ? slot_of(x, key) : NULL;

	return l != NULL && l->key != NULL ? l : NULL;
}
