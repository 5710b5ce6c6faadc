#include "queue/book_private.h"

#include <string.h>

/* Adds to a row of `spent`. */
static bool
flush_spend(struct book *b, struct txn *t, struct slot *s, struct spend *p,
	    struct err *e)
{
	const struct spent_key key = {.quota = text_of(s->name),
				      .type = text_of(b->types.name[p->type]),
				      .relay =
					  text_of(b->relays.name[p->relay]),
				      .minute_us = p->minute_us};
	struct spent_record r = {0};
	unsigned char k[BOOK_KEY];
	size_t nk = spent_key(k, &key), n;
	const void *v;

	if (txn_get(t, STORE_SPENT, k, nk, &v, &n, e)) {
		if (!spent_open(v, n, &r, e))
			return false;
	} else if (e->kind != ERR_NONE) {
		return false;
	}
	r.places += p->places;
	p->places = 0;
	s->oldest_us = min_of(s->oldest_us, p->minute_us);
	spent_seal(&b->scratch, &r);
	return txn_put(t, STORE_SPENT, k, nk, b->scratch.data, b->scratch.n, e);
}

/* A row of `spent` is written once, when its minute is over: each quota's last
 * rows lie in a page of their own, and commits come many times a second. */
static bool
flush_spends(struct book *b, struct txn *t, struct slot *s, int64_t now_us,
	     struct err *e)
{
	bool all = s->nspend > RECENT_MOST;

	for (size_t i = 0; i < s->nspend; i++) {
		struct spend *p = &s->spend[i];

		if (p->places > 0 &&
		    (all || p->minute_us != book_minute(now_us)) &&
		    !flush_spend(b, t, s, p, e))
			return false;
	}
	return true;
}

static void
recent_of(const struct book *b, const struct slot *s, struct bytes *out)
{
	for (size_t i = 0; i < s->nspend; i++) {
		const struct spend *p = &s->spend[i];

		if (p->places > 0)
			recent_add(out, &(struct recent){
					    p->minute_us,
					    text_of(b->types.name[p->type]),
					    text_of(b->relays.name[p->relay]),
					    p->places});
	}
}

static void
types_of(const struct book *b, const struct slot *s, struct bytes *out)
{
	const struct settings *set = b->settings;
	const struct quota_use *u = &s->use;

	for (size_t i = 0; i < set->ntypes; i++)
		if (u->used[i] > 0 || u->in_flight[i] > 0)
			counted_add(out, &(struct counted){
					     text_of(set->types[i].title),
					     u->used[i], u->in_flight[i]});
	if (u->used_other > 0 || u->in_flight_other > 0)
		counted_add(out, &(struct counted){text_of(""), u->used_other,
						   u->in_flight_other});
}

static bool
flush_counter(struct book *b, struct txn *t, struct slot *s, struct err *e)
{
	struct counter_record c = {.from_us =
				       (uint64_t)max_of(s->window.from_us, 0),
				   .to_us = (uint64_t)s->window.to_us};

	b->types_list.n = b->recent_list.n = 0;
	types_of(b, s, &b->types_list);
	recent_of(b, s, &b->recent_list);
	c.types =
	    (struct text){(const char *)b->types_list.data, b->types_list.n};
	c.recent =
	    (struct text){(const char *)b->recent_list.data, b->recent_list.n};
	counter_seal(&b->scratch, &c);
	if (!txn_put(t, STORE_COUNTER, s->name, strlen(s->name),
		     b->scratch.data, b->scratch.n, e))
		return false;
	s->dirty = false;
	s->stored = true;
	return true;
}

bool
book_flush(struct book *b, struct txn *t, int64_t now_us, struct err *e)
{
	for (size_t i = 0; i < b->nslots; i++) {
		struct slot *s = b->slot[i];

		if (s->dirty && !flush_spends(b, t, s, now_us, e))
			return false;
		if (s->dirty && !flush_counter(b, t, s, e))
			return false;
	}
	return book_flush_gates(b, t, e) && book_flush_amends(b, t, e);
}

/* The step is over: what has a row in `spent`, or none any more, goes. */
static void
forget_spends(struct slot *s)
{
	size_t kept = 0;

	for (size_t i = 0; i < s->nspend; i++) {
		struct spend *p = &s->spend[i];

		p->booked = 0;
		p->was = p->places;
		if (p->places > 0)
			s->spend[kept++] = *p;
	}
	s->nspend = kept;
}

void
book_committed(struct book *b)
{
	for (size_t i = 0; i < b->nslots; i++) {
		struct slot *s = b->slot[i];

		forget_spends(s);
		s->touched = false;
		if (book_rolls(s))
			minutes_begin(&s->minutes, s->window.from_us, true);
	}
	b->amends_touched = false;
	for (size_t i = 0; i < b->settings->nrelays; i++)
		b->gated[i].touched = false;
}

static void
undo_slot(struct slot *s)
{
	for (size_t i = 0; i < s->nspend; i++) {
		struct spend *p = &s->spend[i];

		if (book_rolls(s) && p->booked > 0)
			minutes_take(&s->minutes, p->minute_us, p->type,
				     p->booked);
		p->places = p->was;
	}
	forget_spends(s);
	/* A flush or a prune that did not happen may have said otherwise. */
	s->oldest_us = 0;
	s->dirty = true;
	if (!s->touched)
		return;
	s->use = s->use_was;
	s->window = s->window_was;
	s->touched = false;
	if (book_rolls(s))
		minutes_begin(&s->minutes, s->window.from_us, false);
}

void
book_undo(struct book *b)
{
	for (size_t i = 0; i < b->nslots; i++)
		undo_slot(b->slot[i]);
	book_undo_amends(b);
	book_undo_gates(b);
}
