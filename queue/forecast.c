#include "queue/forecast.h"

#include <stdlib.h>
#include <string.h>

#include "queue/forecast_world.h"
#include "queue/retry.h"

/* A turn takes a share of the room that is left, so that types come by turns,
 * but not so little that a large backlog takes too many turns. */
enum { ROOM_TURNS = 16, ALL_TURNS = 2048, MOST_TURNS = 64, COARSE = 256 };

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
	g->row[g->n++] =
	    (struct backlog_row){due_us, arrival_us, FORECAST_NEVER};
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

/* What a group has left, and when that has to be looked at again: before, what
 * was chosen stays so, because nothing opens and room only shrinks. */
struct place {
	size_t next; /* the first row that has not gone */
	int64_t look_us;
	size_t relay; /* that takes it when it is looked at; SIZE_MAX: ask */
	int64_t better_us; /* a relay before that one may open */
};

struct run {
	struct forecast *f;
	const struct settings *s;
	struct forecast_world w;
	struct place *place;
	int64_t lifetime_us[SETTINGS_TYPES];
	int64_t begin_us, end_us;
	size_t all;
	unsigned turns, looks;
};

static int64_t
ends_us(const struct run *r, const struct backlog *g, size_t row)
{
	return g->row[row].arrival_us + r->lifetime_us[g->type];
}

/* Rows whose time is over are given up when it is their turn. */
static void
give_up(struct run *r, struct backlog *g, struct place *p)
{
	while (p->next < g->n && ends_us(r, g, p->next) <= r->w.now_us)
		g->row[p->next++].gone_us = FORECAST_EXPIRES;
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

/* Asks for the group's relay: it has one, or is to be looked at later. */
static void
choose_for(struct run *r, struct backlog *g, struct place *p)
{
	struct chosen c;

	forecast_world_choose(&r->w, g->way, g->type, &c);
	p->relay = SIZE_MAX;
	switch (c.choice) {
	case CHOICE_GO:
		p->relay = c.relay;
		p->better_us = max_of(c.opens_us, r->w.now_us + 1);
		break;
	case CHOICE_WAIT:
		p->look_us = max_of(c.opens_us, r->w.now_us + 1);
		break;
	case CHOICE_BOUNCE:
		for (size_t n = ready(r, g, p, g->n); n > 0; n--)
			g->row[p->next++].gone_us = FORECAST_BOUNCES;
		break;
	}
}

/* Can the group send something now?  Otherwise it says when to look again. */
static bool
can_go(struct run *r, struct backlog *g, struct place *p)
{
	int64_t free_us;

	give_up(r, g, p);
	if (p->next == g->n) {
		p->look_us = INT64_MAX;
		return false;
	}
	if (ready(r, g, p, 1) == 0) {
		p->look_us = g->row[p->next].ready_us;
		p->relay = SIZE_MAX;
		return false;
	}
	if (p->relay == SIZE_MAX ||
	    forecast_world_room(&r->w, p->relay, g->type, 1) == 0)
		choose_for(r, g, p);
	if (p->relay == SIZE_MAX)
		return false;
	free_us = forecast_world_free_us(&r->w, p->relay);
	if (free_us <= r->w.now_us)
		return true;
	p->look_us = min_of(free_us, p->better_us);
	p->relay = SIZE_MAX;
	return false;
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
		uint64_t at;

		if (p->look_us > r->w.now_us || !can_go(r, g, p))
			continue;
		at = forecast_world_turn_of(&r->w, p->relay, g->type);
		if (at < least) {
			least = at;
			best = i;
		}
	}
	r->looks += (unsigned)r->f->ngroups;
	return best;
}

/* One turn of one group that can go. */
static void
take_turn(struct run *r, struct backlog *g, struct place *p)
{
	uint64_t size = g->bytes / g->n;
	size_t room = forecast_world_room(&r->w, p->relay, g->type, size);
	size_t most = max_of(room / ROOM_TURNS, r->all / ALL_TURNS), n;
	int64_t from_us, to_us;

	r->turns++;
	/* A quota in octets has some left, but not for one of these: it is put
	 * off, as in queue/claim.c. */
	if (room == 0) {
		p->look_us =
		    forecast_world_opens_us(&r->w, p->relay, g->type, size);
		p->look_us = max_of(p->look_us, r->w.now_us + MINUTE_US);
		p->relay = SIZE_MAX;
		return;
	}
	most = min_of(min_of(most, r->all / MOST_TURNS) + 1, room);
	most = min_of(most, forecast_world_most(&r->w, p->relay));
	n = ready(r, g, p, most);
	from_us =
	    max_of(forecast_world_free_us(&r->w, p->relay), r->w.since_us);
	to_us = forecast_world_send(&r->w, p->relay, g->type, size, n);
	for (size_t i = 1; i <= n; i++, p->next++) {
		struct backlog_row *row = &g->row[p->next];
		int64_t step_us = (to_us - from_us) / (int64_t)n;
		int64_t at_us = from_us + (int64_t)i * step_us;

		at_us = max_of(at_us, row->ready_us);
		row->gone_us =
		    ends_us(r, g, p->next) <= at_us ? FORECAST_EXPIRES : at_us;
	}
}

/* The next moment at which something may be different, on to which many small
 * steps may be taken together; false: not within the time. */
static bool
turn(struct run *r)
{
	int64_t now_us = r->w.now_us, next = INT64_MAX, to_us;

	for (size_t i = 0; i < r->f->ngroups; i++)
		next = min_of(next, max_of(r->place[i].look_us, now_us + 1));
	to_us = next;
	if (r->turns > FORECAST_FINE)
		to_us = max_of(next, now_us + (now_us - r->begin_us) / COARSE);
	if (to_us >= r->end_us)
		return false;
	forecast_world_turn(&r->w, next, to_us);
	r->turns++;
	return true;
}

/* Until all is gone, or nothing more happens within the time. */
static void
play(struct run *r)
{
	while (r->turns < FORECAST_TURNS && r->looks < FORECAST_LOOKS) {
		size_t i = whose_turn(r);

		if (i < r->f->ngroups) {
			take_turn(r, &r->f->group[i], &r->place[i]);
		} else if (!turn(r)) {
			r->f->ahead_us = r->end_us;
			return;
		}
	}
	r->f->ahead_us = r->w.now_us;
}

static void
count_row(struct forecast_type *t, const struct backlog_row *row,
	  int64_t expires_us)
{
	t->waiting++;
	if (row->gone_us == FORECAST_EXPIRES) {
		t->expiring++;
		t->expires_first_us = min_of(t->expires_first_us, expires_us);
	} else if (row->gone_us == FORECAST_BOUNCES) {
		t->bouncing++;
	} else if (row->gone_us == FORECAST_NEVER) {
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
			int64_t end_us = ends_us(r, g, k);

			if (g->row[k].gone_us == FORECAST_NEVER &&
			    end_us <= f->ahead_us)
				g->row[k].gone_us = FORECAST_EXPIRES;
			count_row(&f->type[g->type], &g->row[k], end_us);
			count_row(&f->all, &g->row[k], end_us);
		}
	}
}

void
forecast_run(struct forecast *f, const struct settings *s, const struct book *b,
	     int64_t now_us)
{
	struct run r = {.f = f,
			.s = s,
			.begin_us = now_us,
			.end_us = now_us + FORECAST_DAYS * DAY_US};

	r.place = must_alloc(f->ngroups * sizeof r.place[0]);
	for (size_t i = 0; i < f->ngroups; i++) {
		struct backlog *g = &f->group[i];

		qsort(g->row, g->n, sizeof g->row[0], by_ready);
		r.place[i].relay = SIZE_MAX;
		r.all += g->n;
	}
	for (unsigned i = 0; i < s->ntypes; i++)
		r.lifetime_us[i] = retry_of(s, i).lifetime_us;
	forecast_world_init(&r.w, s, b, now_us);
	play(&r);
	for (size_t i = 0; i < s->nquotas; i++)
		forecast_world_quota(&r.w, i, &f->quota[i].full_us,
				     &f->quota[i].opens_us);
	sum_up(&r);
	forecast_world_done(&r.w);
	free(r.place);
}
