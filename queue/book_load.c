#include "queue/book_private.h"

#include <stdlib.h>
#include <string.h>

static const unsigned char LEAST[1]; /* no key is smaller */

/* One row after the other; false: no more, or e says what is wrong. */
static bool
each(struct txn *t, enum store_db db, bool first, const void **k, size_t *nk,
     const void **v, size_t *nv, struct err *e)
{
	return first ? txn_seek(t, db, LEAST, sizeof LEAST, k, nk, v, nv, e)
		     : txn_next(t, db, k, nk, v, nv, e);
}

static bool
no_sense(struct err *e, const char *what)
{
	err_set(e, ERR_DAMAGED, "%s makes no sense", what);
	return false;
}

static void
name_all(struct book *b)
{
	const struct settings *s = b->settings;

	for (size_t i = 0; i < s->nquotas; i++)
		book_slot(b, text_of(s->quotas[i].title));
	for (size_t i = 0; i < s->nrelays; i++)
		names_add(&b->relays, text_of(s->relays[i].title));
	for (size_t i = 0; i < s->ntypes; i++)
		names_add(&b->types, text_of(s->types[i].title));
	/* The checks refuse a name that is there twice. */
	must(b->nslots == s->nquotas && b->relays.n == s->nrelays &&
	     b->types.n == s->ntypes);
}

static void
carrier_make(struct book *b, size_t relay)
{
	const struct texts *q = &b->settings->relays[relay].quota;
	struct carrier *c = &b->carrier[relay];

	for (size_t i = 0; i < q->n; i++) {
		size_t slot = names_find(&b->quotas, text_of(q->item[i]));
		size_t k = 0;

		must(slot < b->settings->nquotas);
		while (k < c->n && c->slot[k] != slot)
			k++;
		if (k < c->n)
			continue; /* named twice: charged once */
		must(c->n < SETTINGS_RELAY_QUOTAS);
		c->slot[c->n++] = slot;
		charged_add(&c->charged,
			    &(struct charged){text_of(q->item[i]),
					      b->settings->quotas[slot].unit});
	}
}

/* The window has not moved, and no type of old may be back: the sums stand. */
static bool
counter_holds(const struct slot *s, const struct counter_record *c)
{
	struct reader r = reader_of(c->types.p, c->types.n);
	struct counted one;

	if ((int64_t)c->from_us != s->window.from_us ||
	    (int64_t)c->to_us != s->window.to_us || book_rolls(s))
		return false;
	while (counted_take(&r, &one))
		if (one.type.n == 0 && one.used > 0)
			return false;
	return true;
}

static bool
load_recent(struct book *b, struct slot *s, const struct counter_record *c,
	    struct err *e)
{
	struct reader r = reader_of(c->recent.p, c->recent.n);
	struct recent one;

	while (recent_take(&r, &one)) {
		struct spend *p =
		    book_spend(s, one.minute_us, names_add(&b->types, one.type),
			       names_add(&b->relays, one.relay));

		p->places += one.places;
		p->was = p->places;
	}
	return r.ok || no_sense(e, "a counter's last minute");
}

static bool
load_counter(struct book *b, struct text name, const struct counter_record *c,
	     struct err *e)
{
	struct slot *s = book_slot(b, name);
	struct reader r = reader_of(c->types.p, c->types.n);
	struct counted one;

	/* The window of a quota that is gone stands still. */
	if (s->terms.block == NULL)
		s->window =
		    (struct span){(int64_t)c->from_us, (int64_t)c->to_us};
	s->stored = true;
	s->summed = counter_holds(s, c);
	s->dirty = !s->summed;
	while (counted_take(&r, &one))
		if (s->summed)
			*book_used(b, &s->use,
				   names_add(&b->types, one.type)) += one.used;
	if (!r.ok)
		return no_sense(e, "a counter's list of types");
	return load_recent(b, s, c, e);
}

static bool
load_counters(struct book *b, struct txn *t, struct err *e)
{
	const void *k, *v;
	size_t nk, nv;
	bool first = true;

	for (; each(t, STORE_COUNTER, first, &k, &nk, &v, &nv, e);
	     first = false) {
		struct counter_record c;
		struct text name;

		if (!name_key_parse(k, nk, &name))
			return no_sense(e, "a key of the table counter");
		if (!counter_open(v, nv, &c, e) ||
		    !load_counter(b, name, &c, e))
			return false;
	}
	return e->kind == ERR_NONE;
}

static bool
load_charges(struct book *b, struct txn *t, struct err *e)
{
	const void *k, *v;
	size_t nk, nv;
	bool first = true;

	for (; each(t, STORE_CHARGE, first, &k, &nk, &v, &nv, e);
	     first = false) {
		struct charge_record c;
		struct charged one;
		struct reader r;
		size_t type;

		if (nk != KEY_JOB)
			return no_sense(e, "a key of the table charge");
		if (!charge_open(v, nv, &c, e))
			return false;
		r = reader_of(c.quotas.p, c.quotas.n);
		type = names_add(&b->types, c.type);
		while (charged_take(&r, &one)) {
			struct slot *s = book_slot(b, one.quota);

			*book_in_flight(b, &s->use, type) +=
			    charged_places(&c, one.unit);
		}
		if (!r.ok)
			return no_sense(e, "a charge's list of quotas");
	}
	return e->kind == ERR_NONE;
}

static bool
load(struct book *b, struct txn *t, int64_t now_us, struct err *e)
{
	size_t n = b->settings->nquotas;

	must(n <= SETTINGS_QUOTAS && b->settings->ntypes <= SETTINGS_TYPES);
	name_all(b);
	for (size_t i = 0; i < b->settings->nrelays; i++)
		carrier_make(b, i);
	if (!book_load_amends(b, t, now_us, e) || !book_load_gates(b, t, e))
		return false;
	book_terms_again(b, now_us);
	for (size_t i = 0; i < n; i++)
		b->slot[i]->window = quota_window(&b->slot[i]->terms, now_us);
	if (!load_counters(b, t, e) || !load_charges(b, t, e))
		return false;
	for (size_t i = 0; i < b->nslots; i++)
		if (!b->slot[i]->summed && !book_sum(b, t, b->slot[i], e))
			return false;
	return true;
}

static void
empty(struct book *b)
{
	names_free(&b->quotas);
	names_free(&b->relays);
	names_free(&b->types);
	for (size_t i = 0; i < b->nslots; i++) {
		free(b->slot[i]->minutes.item);
		free(b->slot[i]->spend);
		free(b->slot[i]);
	}
	free(b->slot);
	for (size_t i = 0; i < b->settings->nrelays; i++)
		bytes_free(&b->carrier[i].charged);
	free(b->carrier);
	free(b->amends.item);
	free(b->amends_were.item);
	free(b->gated);
	bytes_free(&b->scratch);
	bytes_free(&b->types_list);
	bytes_free(&b->recent_list);
	*b = (struct book){0};
}

static bool
fill(struct book *b, struct txn *t, const struct settings *s, int64_t now_us,
     struct err *e)
{
	b->settings = s;
	b->carrier = must_alloc(s->nrelays * sizeof b->carrier[0] + 1);
	b->gated = must_alloc(s->nrelays * sizeof b->gated[0] + 1);
	b->turned_us = b->steady_us = now_us;
	if (load(b, t, now_us, e))
		return true;
	empty(b);
	return false;
}

struct book *
book_open(struct txn *t, const struct settings *s, int64_t now_us,
	  struct err *e)
{
	struct book *b = must_alloc(sizeof *b);

	e->kind = ERR_NONE;
	if (fill(b, t, s, now_us, e))
		return b;
	err_add(e, "the book of quotas");
	free(b);
	return NULL;
}

void
book_close(struct book *b)
{
	if (b == NULL)
		return;
	empty(b);
	free(b);
}

/* Gates that were set and are not in the table yet. */
static void
carry_gates(const struct book *from, struct book *to)
{
	for (size_t i = 0; i < from->settings->nrelays; i++) {
		const char *name = from->settings->relays[i].title;
		size_t relay = names_find(&to->relays, text_of(name));

		if (from->gated[i].dirty && relay < to->settings->nrelays)
			to->gated[relay] = from->gated[i];
	}
}

bool
book_configure(struct book *b, struct txn *t, const struct settings *s,
	       int64_t now_us, struct err *e)
{
	struct book other = {0};

	/* Between two steps: whatever was booked is in the tables. */
	for (size_t i = 0; i < b->nslots; i++)
		must(!book_booked(b->slot[i]));
	e->kind = ERR_NONE;
	if (!fill(&other, t, s, now_us, e)) {
		err_add(e, "the book of quotas");
		return false;
	}
	other.steady_us = b->steady_us;
	carry_gates(b, &other);
	empty(b);
	*b = other;
	return true;
}
