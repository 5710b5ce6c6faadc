#include "daemon/settings_near.h"

#include <ctype.h>
#include <string.h>

enum { NEAR = 2, NEAR_LONGEST = 40 };

static int
lower(char c)
{
	return tolower((unsigned char)c);
}

/* Levenshtein's distance; more than NEAR for texts that are too long. */
static unsigned
distance(const char *a, const char *b)
{
	size_t m = strlen(a), n = strlen(b);
	unsigned row[NEAR_LONGEST + 1];

	if (m > NEAR_LONGEST || n > NEAR_LONGEST)
		return NEAR + 1;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= m; i++) {
		unsigned left_up = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned up = row[j];
			unsigned best =
			    left_up + (lower(a[i - 1]) != lower(b[j - 1]));

			best = min_of(best, up + 1);
			row[j] = min_of(best, row[j - 1] + 1);
			left_up = up;
		}
	}
	return row[n];
}

const char *
settings_near(enum block_kind kind, const char *name)
{
	const struct block_row *b = &settings_blocks[kind];
	const char *best = NULL;
	unsigned least = NEAR + 1, d;

	for (size_t i = 0; i < b->nkeys; i++)
		if ((d = distance(name, b->key[i].name)) < least) {
			least = d;
			best = b->key[i].name;
		}
	for (int i = BLOCK_global + 1; kind == BLOCK_global && i < BLOCK_COUNT;
	     i++)
		if ((d = distance(name, settings_blocks[i].name)) < least) {
			least = d;
			best = settings_blocks[i].name;
		}
	return best;
}

const char *
settings_near_word(const char *const *word, size_t n, const char *name)
{
	const char *best = NULL;
	unsigned least = NEAR + 1, d;

	for (size_t i = 0; i < n; i++)
		if ((d = distance(name, word[i])) < least) {
			least = d;
			best = word[i];
		}
	return best;
}
