#include "queue/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "queue/forecast_world.h"
#include "queue/retry.h"

enum { CHUNKS = 64 }; /* turns in which a group gives what it may give */

void
forecast_add(struct forecast *f, uint32_t way, unsigned type, int64_t due_us,
	     int64_t arrival_us, uint64_t size_bytes)
{
	struct backlog *g = (struct backlog *)forecast_group(f, way, type);

	if (g == NULL) {
		if (f->ngroups == f->group_room) {
			f->group_room = max_of(f->group_room * 2, (size_t)16);
			f->group = must_realloc(
			    f->group, f->group_room * sizeof f->group[0]);
		}
		g = &f->group[f->ngroups++];
		*g = (struct backlog){.way = way, .type = type};
	}
	if (g->n == g->room) {
		g->room = max_of(g->room * 2, (size_t)64);
		g->row = must_realloc(g->row, g->room * sizeof g->row[0]);
	}
	g->row[g->n++] = (struct backlog_row){due_us, arrival_us, INT64_MAX};
	g->bytes += size_bytes;
}

const struct backlog *
forecast_group(const struct forecast *f, uint32_t way, unsigned type)
{
	/* Backwards: rows come lane by lane. */
	for (size_t i = f->ngroups; i-- > 0;)
		if (f->group[i].way == way && f->group[i].type == type)
			return &f->group[i];
	return NULL;
}

void
forecast_free(struct forecast *f)
{
	for (size_t i = 0; i < f->ngroups; i++)
		free(f->group[i].row);
	free(f->group);
	f->group = NULL;
	f->ngroups = f->group_room = 0;
}

static int
by_ready(const void *a, const void *b)
{
	const struct backlog_row *x = a, *y = b;

	if (x->ready_us != y->ready_us)
		return x->ready_us < y->ready_us ? -1 : 1;
	return (x->arrival_us > y->arrival_us) -
	       (x->arrival_us < y->arrival_us);
}

/* What a group has left, and what became of it in this moment. */
struct place {
	size_t next; /* the first row that has not gone */
	struct chosen chosen;
};

struct run {
	struct forecast *f;
	const struct settings *s;
	struct forecast_world w;
	struct place *place;
	int64_t lifetime_us[SETTINGS_TYPES];
	int64_t end_us;
};

/* Rows whose time is over are given up when it is their turn. */
static void
give_up(struct run *r, struct backlog *g, struct place *p)
{
	while (p->next < g->n &&
	       g->row[p->next].arrival_us + r->lifetime_us[g->type] <=
		   r->w.now_us)
		g->row[p->next++].gone_us = -1;
}

/* How many of the group are due now, up to `most`. */
static size_t
ready(const struct run *r, const struct backlog *g, const struct place *p,
      size_t most)
{
	size_t n = 0;

	while (n < most && p->next + n < g->n &&
	       g->row[p->next + n].ready_us <= r->w.now_us)
		n++;
	return n;
}

/* One turn of one group; false: nothing could go. */
static bool
take_turn(struct run *r, struct backlog *g, struct place *p)
{
	uint64_t size = g->bytes / g->n;
	size_t relay = p->chosen.relay, most = g->n / CHUNKS + 1, n;
	int64_t gone_us;

	most = min_of(most, forecast_world_room(&r->w, relay, g->type, size,
						r->w.now_us));
	n = ready(r, g, p, most);
	if (n == 0)
		return false;
	gone_us = forecast_world_send(&r->w, relay, g->type, size, n);
	for (size_t i = 0; i < n; i++)
		g->row[p->next++].gone_us = gone_us;
	return true;
}

/* The group that goes next: its relay is free, its type has had the least for
 * its weight there. */
static size_t
whose_turn(struct run *r)
{
	size_t best = r->f->ngroups;
	uint64_t least = UINT64_MAX;

	for (size_t i = 0; i < r->f->ngroups; i++) {
		struct backlog *g = &r->f->group[i];
		struct place *p = &r->place[i];
		uint64_t had;

		give_up(r, g, p);
		if (p->next == g->n || ready(r, g, p, 1) == 0)
			continue;
		forecast_world_choose(&r->w, g->way, g->type, &p->chosen);
		if (p->chosen.choice != CHOICE_GO ||
		    !forecast_world_free(&r->w, p->chosen.relay))
			continue;
		had = forecast_world_had(&r->w, p->chosen.relay, g->type);
		if (had < least) {
			least = had;
			best = i;
		}
	}
	return best;
}

/* The next moment at which something may be different. */
static int64_t
next_us(struct run *r)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < r->f->ngroups; i++) {
		const struct backlog *g = &r->f->group[i];
		struct place *p = &r->place[i];

		if (p->next == g->n)
			continue;
		if (g->row[p->next].ready_us > r->w.now_us) {
			next = min_of(next, g->row[p->next].ready_us);
			continue;
		}
		switch (p->chosen.choice) {
		case CHOICE_GO:
			next = min_of(next, forecast_world_free_us(
						&r->w, p->chosen.relay));
			break;
		case CHOICE_WAIT:
			next = min_of(next, p->chosen.opens_us);
			break;
		case CHOICE_BOUNCE: /* it is given up at once */
			g->row[p->next].gone_us = -1;
			p->next++;
			next = r->w.now_us;
			break;
		}
	}
	return next;
}

static void
count_row(struct forecast_type *t, const struct backlog_row *row,
	  int64_t expires_us)
{
	t->waiting++;
	if (row->gone_us == -1) {
		t->expiring++;
		t->expires_first_us = min_of(t->expires_first_us, expires_us);
	} else if (row->gone_us == INT64_MAX) {
		t->never++;
	} else {
		t->through_us = max_of(t->through_us, row->gone_us);
	}
}

/* What never went within the time expires, if its lifetime ends before. */
static void
sum_up(struct run *r)
{
	struct forecast *f = r->f;

	for (unsigned i = 0; i < SETTINGS_TYPES; i++)
		f->type[i].expires_first_us = INT64_MAX;
	f->all.expires_first_us = INT64_MAX;
	for (size_t i = 0; i < f->ngroups; i++) {
		struct backlog *g = &f->group[i];

		for (size_t k = 0; k < g->n; k++) {
			int64_t end_us =
			    g->row[k].arrival_us + r->lifetime_us[g->type];

			if (g->row[k].gone_us == INT64_MAX &&
			    end_us <= r->end_us)
				g->row[k].gone_us = -1;
			count_row(&f->type[g->type], &g->row[k], end_us);
			count_row(&f->all, &g->row[k], end_us);
		}
	}
}

void
forecast_run(struct forecast *f, const struct settings *s, const struct book *b,
	     int64_t now_us)
{
	struct run r = {
	    .f = f, .s = s, .end_us = now_us + FORECAST_DAYS * DAY_US};

	for (size_t i = 0; i < f->ngroups; i++)
		qsort(f->group[i].row, f->group[i].n, sizeof f->group[i].row[0],
		      by_ready);
	r.place = must_alloc(f->ngroups * sizeof r.place[0]);
	for (unsigned i = 0; i < s->ntypes; i++)
		r.lifetime_us[i] = retry_of(s, i).lifetime_us;
	forecast_world_init(&r.w, s, b, now_us);
	for (int i = 0; i < FORECAST_STEPS; i++) {
		size_t at = whose_turn(&r);
		int64_t next;

		if (at < f->ngroups &&
		    take_turn(&r, &f->group[at], &r.place[at]))
			continue;
		next = next_us(&r);
		if (next >= r.end_us)
			break;
		forecast_world_turn(&r.w, max_of(next, r.w.now_us + 1));
	}
	for (size_t i = 0; i < s->nquotas; i++)
		forecast_world_quota(&r.w, i, &f->quota[i].full_us,
				     &f->quota[i].opens_us);
	sum_up(&r);
	forecast_world_done(&r.w);
	free(r.place);
}
