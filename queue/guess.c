#include "queue/guess.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/bytes.h"

struct guess *
guess_open(const unsigned char salt[MAC_SIZE])
{
	struct guess *g = must_alloc(sizeof *g);

	memcpy(g->salt, salt, sizeof g->salt);
	return g;
}

void
guess_free(struct guess *g)
{
	free(g);
}

/* What is counted under: an address, a name, or both. */
static void
key_of(const struct guess *g, const unsigned char *address, const char *account,
       unsigned char key[GUESS_KEY])
{
	unsigned char mac[MAC_SIZE];
	struct bytes b = {0};

	if (address != NULL)
		bytes_add(&b, address, GUESS_ADDRESS);
	bytes_add_text(&b, account);
	mac_make((struct text){(const char *)g->salt, sizeof g->salt},
		 (struct text){(const char *)b.data, b.n}, mac);
	memcpy(key, mac, GUESS_KEY);
	bytes_free(&b);
}

/* The cell of a key; a new one in the place of the set's oldest, or NULL. */
static struct guess_cell *
cell_of(struct guess_table *t, const unsigned char key[GUESS_KEY], bool make)
{
	struct guess_cell *set =
	    &t->cell[get_be32(key) % (GUESS_CELLS / GUESS_WAYS) * GUESS_WAYS];
	struct guess_cell *oldest = set;

	for (unsigned i = 0; i < GUESS_WAYS; i++) {
		if (set[i].part > 0 && memcmp(set[i].key, key, GUESS_KEY) == 0)
			return &set[i];
		if (set[i].part < oldest->part)
			oldest = &set[i];
	}
	if (!make)
		return NULL;
	*oldest = (struct guess_cell){.part = 0};
	memcpy(oldest->key, key, GUESS_KEY);
	return oldest;
}

/* Never 0, which marks a free cell. */
static int64_t
part_of(const struct rate *r, int64_t now_us)
{
	return 1 + now_us / max_of(r->window_us / GUESS_PARTS, (int64_t)1);
}

/* Parts that are over are counted no more. */
static void
turn(struct guess_cell *c, int64_t part)
{
	/* Time never goes back: a smaller number means another window. */
	if (part - c->part > GUESS_PARTS || part < c->part)
		memset(c->count, 0, sizeof c->count);
	else
		for (int64_t i = c->part + 1; i <= part; i++)
			c->count[i % (GUESS_PARTS + 1)] = 0;
	c->part = part;
}

/* Failures that count now. */
static uint64_t
failures(struct guess_table *t, const unsigned char key[GUESS_KEY],
	 const struct rate *r, int64_t now_us)
{
	struct guess_cell *c = cell_of(t, key, false);
	uint64_t sum = 0;

	if (c == NULL)
		return 0;
	turn(c, part_of(r, now_us));
	for (unsigned i = 0; i <= GUESS_PARTS; i++)
		sum += c->count[i];
	return sum;
}

static void
pay(struct guess_table *t, const unsigned char key[GUESS_KEY],
    const struct rate *r, int64_t now_us)
{
	struct guess_cell *c;

	if (r->window_us == 0)
		return;
	c = cell_of(t, key, true);
	turn(c, part_of(r, now_us));
	c->count[c->part % (GUESS_PARTS + 1)]++;
}

struct keys {
	unsigned char address[GUESS_KEY];
	unsigned char account[GUESS_KEY];
	unsigned char both[GUESS_KEY];
};

static void
keys_of(const struct guess *g, const struct guess_who *w, struct keys *k)
{
	key_of(g, w->address, "", k->address);
	key_of(g, NULL, w->account, k->account);
	key_of(g, w->address, w->account, k->both);
}

enum guess_answer
guess_ask(struct guess *g, const struct guard_settings *s,
	  const struct guess_who *w, const struct guess_who *runs, size_t n,
	  int64_t now_us)
{
	const struct rate *here = &s->auth_failures_per_address;
	const struct rate *as = &s->auth_failures_per_account;
	uint64_t from = 0, name = 0, here_run = 0, as_run = 0;
	struct keys k;

	keys_of(g, w, &k);
	for (size_t i = 0; i < n; i++) {
		here_run +=
		    memcmp(runs[i].address, w->address, GUESS_ADDRESS) == 0;
		as_run += strcmp(runs[i].account, w->account) == 0;
	}
	if (here->window_us != 0) {
		from = failures(&g->address, k.address, here, now_us);
		if (from >= here->count)
			return GUESS_ADDRESS_SPENT;
		from += here_run;
	}
	if (as->window_us != 0 && w->account[0] != '\0' &&
	    cell_of(&g->right, k.both, false) == NULL) {
		name = failures(&g->account, k.account, as, now_us);
		if (name >= as->count)
			return GUESS_ACCOUNT_SPENT;
		name += as_run;
	}
	return (here->window_us != 0 && from >= here->count) ||
		       (as->window_us != 0 && name >= as->count)
		   ? GUESS_WAIT
		   : GUESS_GO;
}

void
guess_wrong(struct guess *g, const struct guard_settings *s,
	    const struct guess_who *w, int64_t now_us)
{
	struct keys k;

	keys_of(g, w, &k);
	pay(&g->address, k.address, &s->auth_failures_per_address, now_us);
	if (w->account[0] != '\0' && cell_of(&g->right, k.both, false) == NULL)
		pay(&g->account, k.account, &s->auth_failures_per_account,
		    now_us);
}

void
guess_right(struct guess *g, const struct guess_who *w, int64_t now_us)
{
	struct guess_cell *c;
	struct keys k;

	keys_of(g, w, &k);
	c = cell_of(&g->right, k.both, true);
	c->part = max_of(c->part, 1 + now_us);
}
