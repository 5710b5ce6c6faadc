#include "queue/crowd.h"

#include <stdlib.h>
#include <string.h>

struct crowd_entry {
	struct crowd_entry *next;
	unsigned char key[CROWD_KEY];
	unsigned n;
};

/* ::ffff:0:0/96, the IPv4 addresses within IPv6 (RFC 4291 2.5.5.2). */
static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

void
crowd_key(const unsigned char addr[16], unsigned char key[CROWD_KEY])
{
	memcpy(key, addr, 16);
	if (memcmp(addr, mapped, sizeof mapped) != 0)
		memset(key + 8, 0, 8);
}

/* Two rounds of a 64-bit mix (splitmix64) over the salt and the key. */
static size_t
place_of(const struct crowd *c, const unsigned char key[CROWD_KEY])
{
	uint64_t half[2], h = c->salt;

	memcpy(half, key, sizeof half);
	for (int i = 0; i < 2; i++) {
		h ^= half[i];
		h = (h ^ h >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		h = (h ^ h >> 27) * UINT64_C(0x94d049bb133111eb);
		h ^= h >> 31;
	}
	return (size_t)(h % CROWD_PLACES);
}

static struct crowd_entry *
find(const struct crowd *c, const unsigned char key[CROWD_KEY])
{
	struct crowd_entry *e = c->place[place_of(c, key)];

	while (e != NULL && memcmp(e->key, key, CROWD_KEY) != 0)
		e = e->next;
	return e;
}

unsigned
crowd_count(const struct crowd *c, const unsigned char key[CROWD_KEY])
{
	const struct crowd_entry *e = find(c, key);

	return e != NULL ? e->n : 0;
}

void
crowd_enter(struct crowd *c, const unsigned char key[CROWD_KEY])
{
	struct crowd_entry *e = find(c, key), **p;

	if (e == NULL) {
		p = &c->place[place_of(c, key)];
		e = must_alloc(sizeof *e);
		memcpy(e->key, key, CROWD_KEY);
		e->next = *p;
		*p = e;
	}
	e->n++;
}

void
crowd_leave(struct crowd *c, const unsigned char key[CROWD_KEY])
{
	struct crowd_entry **p = &c->place[place_of(c, key)], *e;

	while (*p != NULL && memcmp((*p)->key, key, CROWD_KEY) != 0)
		p = &(*p)->next;
	e = *p;
	must(e != NULL && e->n > 0);
	if (--e->n > 0)
		return;
	*p = e->next;
	free(e);
}
