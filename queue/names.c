#include "queue/names.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_BUCKETS = 64 };

/* The bucket with this name, or the free one where it belongs. */
static size_t
bucket_of(const struct names *names, struct text name)
{
	size_t mask = names->nbuckets - 1;
	size_t at = crc32c(0, name.p, name.n) & mask;

	/* Ends: half of the buckets are free. */
	while (names->bucket[at] != 0 &&
	       !text_is(name, names->name[names->bucket[at] - 1]))
		at = (at + 1) & mask;
	return at;
}

size_t
names_find(const struct names *names, struct text name)
{
	uint32_t found;

	if (names->n == 0)
		return names->n;
	found = names->bucket[bucket_of(names, name)];
	return found == 0 ? names->n : found - 1;
}

static void
grow(struct names *names)
{
	free(names->bucket);
	names->nbuckets = max_of(names->nbuckets * 2, (size_t)FIRST_BUCKETS);
	names->bucket = must_alloc(names->nbuckets * sizeof names->bucket[0]);
	for (size_t i = 0; i < names->n; i++)
		names->bucket[bucket_of(names, text_of(names->name[i]))] =
		    (uint32_t)i + 1;
}

size_t
names_add(struct names *names, struct text name)
{
	size_t i = names_find(names, name);

	if (i < names->n)
		return i;
	if (names->n == names->room) {
		names->room = max_of(names->room * 2, (size_t)16);
		names->name = must_realloc(names->name,
					   names->room * sizeof names->name[0]);
	}
	if ((names->n + 1) * 2 > names->nbuckets)
		grow(names);
	names->name[i] = must_alloc(name.n + 1);
	if (name.n > 0)
		memcpy(names->name[i], name.p, name.n);
	names->bucket[bucket_of(names, name)] = (uint32_t)i + 1;
	return names->n++;
}

void
names_free(struct names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->name[i]);
	free(names->name);
	free(names->bucket);
	*names = (struct names){0};
}
