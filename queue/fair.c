#include "queue/fair.h"

#include <string.h>

void
fair_clear(struct fair *f)
{
	f->nitems = 0;
	memset(f->wanted, 0, sizeof f->wanted);
	for (size_t r = 0; r < SETTINGS_RELAYS; r++)
		for (unsigned t = 0; t < SETTINGS_TYPES; t++)
			f->tail[r][t] = -1;
}

bool
fair_add(struct fair *f, size_t relay, unsigned type, uint64_t lane)
{
	int *tail = &f->tail[relay][type], i = f->nitems;

	if (i == FAIR_LANES)
		return false;
	f->nitems++;
	f->item[i].lane = lane;
	f->item[i].next = i;
	if (*tail >= 0) {
		f->item[i].next = f->item[*tail].next;
		f->item[*tail].next = i;
	}
	*tail = i;
	f->wanted[relay] = true;
	return true;
}

void
fair_resume(struct fair *f, size_t relay, const struct fair_turns *t)
{
	for (unsigned type = 0; type < SETTINGS_TYPES; type++) {
		int *tail = &f->tail[relay][type], last = *tail, i;

		if (last < 0)
			continue;
		/* The tail becomes the last lane at or before that one. */
		i = last;
		do {
			i = f->item[i].next;
			if (f->item[i].lane > t->last_lane[type])
				break;
			*tail = i;
		} while (i != last);
	}
}

bool
fair_turn(const struct fair *f, size_t relay, const struct fair_turns *t,
	  unsigned *type, uint64_t *lane)
{
	uint64_t best = UINT64_MAX;
	int tail = -1;

	for (unsigned i = 0; i < SETTINGS_TYPES; i++) {
		uint64_t at = max_of(t->next[i], t->now);

		if (f->tail[relay][i] < 0 || at >= best)
			continue;
		best = at;
		tail = f->tail[relay][i];
		*type = i;
	}
	if (tail < 0)
		return false;
	*lane = f->item[f->item[tail].next].lane;
	return true;
}

void
fair_done(struct fair *f, size_t relay, struct fair_turns *t, unsigned type,
	  uint64_t weight, uint32_t cost, bool more)
{
	int *tail = &f->tail[relay][type], head;

	must(*tail >= 0 && weight > 0);
	head = f->item[*tail].next;
	t->last_lane[type] = f->item[head].lane;
	t->now = max_of(t->next[type], t->now);
	t->next[type] = t->now + (uint64_t)cost * FAIR_SCALE / weight;
	if (more)
		*tail = head;
	else if (head == *tail)
		*tail = -1;
	else
		f->item[*tail].next = f->item[head].next;
}

void
fair_drop(struct fair *f, size_t relay, unsigned type)
{
	f->tail[relay][type] = -1;
}
