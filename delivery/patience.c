#include "delivery/patience.h"

static bool
is_slow(const struct connection *c, int64_t steady_us)
{
	return !c->dead && !c->dialogue.set_up &&
	       steady_us - c->began_us >= PATIENCE_S * SECOND_US;
}

void
patience_tick(struct egress *g, int64_t steady_us)
{
	struct connection *c, *next, *oldest;
	uint32_t slow = 0, most = g->share / 2;

	/* One host has nobody to make room for. */
	if (g->s == NULL || g->s->deliver != DELIVER_MX || g->hungry == NULL ||
	    g->nopen < g->share)
		return;
	for (c = g->open; c != NULL; c = c->next)
		slow += is_slow(c, steady_us);
	if (slow <= most)
		return;
	/* New ones stand in front: the last is the oldest. */
	oldest = g->open;
	while (oldest->next != NULL)
		oldest = oldest->next;
	for (c = oldest; c != NULL && slow > most; c = next) {
		next = c->prev;
		if (!is_slow(c, steady_us))
			continue;
		slow--;
		connection_give_up(c, steady_us);
	}
}
