#include "queue/book_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SPENDS = 16 };

static bool
damaged(struct err *e, uint64_t job, const char *what)
{
	err_set(e, ERR_DAMAGED, "job %" PRIu64 ": %s", job, what);
	return false;
}

static uint64_t
places_of(enum unit_kind unit, uint32_t nrcpt, uint64_t size_bytes)
{
	struct charge_record c = {.size_bytes = size_bytes, .open = nrcpt};

	return charged_places(&c, unit);
}

bool
book_charge(struct book *b, struct txn *t, uint64_t job, size_t relay,
	    unsigned type, uint32_t nrcpt, uint64_t size_bytes, int64_t now_us,
	    struct err *e)
{
	const struct settings *set = b->settings;
	const struct carrier *c;
	struct charge_record row;
	unsigned char k[KEY_JOB];

	must(relay < set->nrelays && type < set->ntypes && nrcpt > 0);
	c = &b->carrier[relay];
	if (c->n == 0)
		return true;
	/* All or none: whoever claims has asked. */
	must(book_room(b, relay, type, size_bytes, nrcpt, now_us) == nrcpt);
	for (size_t i = 0; i < c->n; i++) {
		struct slot *s = b->slot[c->slot[i]];

		book_touch(s);
		s->use.in_flight[type] +=
		    places_of(s->terms.block->unit, nrcpt, size_bytes);
	}
	row = (struct charge_record){
	    .relay = text_of(set->relays[relay].title),
	    .type = text_of(set->types[type].title),
	    .size_bytes = size_bytes,
	    .claimed_us = (uint64_t)now_us,
	    .recipients = nrcpt,
	    .open = nrcpt,
	    .quotas = {(const char *)c->charged.data, c->charged.n}};
	charge_seal(&b->scratch, &row);
	put_be64(k, job);
	return txn_put(t, STORE_CHARGE, k, sizeof k, b->scratch.data,
		       b->scratch.n, e);
}

/* Places used in this minute, until the flush adds them to the table. */
static void
spend(struct slot *s, int64_t minute_us, size_t type, size_t relay,
      uint64_t places)
{
	size_t i = s->nspend;

	/* Backwards: most often it is the newest. */
	while (i-- > 0) {
		struct spend *at = &s->spend[i];

		if (at->relay == relay && at->type == type &&
		    at->minute_us == minute_us) {
			at->places += places;
			at->unwritten += places;
			return;
		}
	}
	if (s->nspend == s->spend_room) {
		s->spend_room = max_of(s->spend_room * 2, (size_t)FIRST_SPENDS);
		s->spend =
		    must_realloc(s->spend, s->spend_room * sizeof s->spend[0]);
	}
	s->spend[s->nspend++] =
	    (struct spend){minute_us, type, relay, places, places};
}

static void
use(struct book *b, struct slot *s, size_t type, size_t relay, uint64_t places,
    int64_t now_us)
{
	int64_t minute_us = book_minute(now_us);

	if (places == 0)
		return;
	spend(s, minute_us, type, relay, places);
	if (book_rolls(s))
		minutes_add(&s->minutes, minute_us, type, places);
	if (minute_us >= s->window.from_us && minute_us < s->window.to_us)
		*book_used(b, &s->use, type) += places;
}

/* How one recipient's end changes one quota. */
struct change {
	uint64_t back; /* places that are no longer in flight */
	uint64_t used;
};

static struct change
change_of(const struct charge_record *c, enum unit_kind unit, enum book_end end)
{
	bool last = c->open == 1;
	bool taken = c->taken > 0 || end == BOOK_TAKEN;
	uint64_t whole = charged_places(c, unit);

	switch (unit) {
	case UNIT_RECIPIENTS:
		return (struct change){1, end == BOOK_TAKEN};
	case UNIT_MESSAGES:
	case UNIT_BYTES:
		if (!last)
			return (struct change){0, 0};
		return (struct change){whole, taken ? whole : 0};
	case UNIT_COUNT:
		break;
	}
	must_failed("a unit of the table", __FILE__, __LINE__);
}

static bool
settle_slot(struct book *b, struct slot *s, const struct charge_record *c,
	    enum unit_kind unit, size_t type, size_t relay, enum book_end end,
	    int64_t now_us)
{
	struct change d = change_of(c, unit, end);
	uint64_t *in_flight;

	if (d.back == 0)
		return true;
	book_touch(s);
	in_flight = book_in_flight(b, &s->use, type);
	if (*in_flight < d.back)
		return false;
	*in_flight -= d.back;
	use(b, s, type, relay, d.used, now_us);
	return true;
}

/* All quotas of the charge. */
static bool
settle_slots(struct book *b, uint64_t job, const struct charge_record *c,
	     enum book_end end, int64_t now_us, struct err *e)
{
	size_t type = names_add(&b->types, c->type);
	size_t relay = names_add(&b->relays, c->relay);
	struct reader r = reader_of(c->quotas.p, c->quotas.n);
	struct charged one;

	while (charged_take(&r, &one)) {
		struct slot *s = book_slot(b, one.quota);

		if (!settle_slot(b, s, c, one.unit, type, relay, end, now_us))
			return damaged(e, job, "less is in flight than it has");
	}
	return r.ok || damaged(e, job, "its charge makes no sense");
}

bool
book_settle(struct book *b, struct txn *t, uint64_t job, enum book_end end,
	    int64_t now_us, struct err *e)
{
	struct charge_record c;
	unsigned char k[KEY_JOB];
	const void *v;
	size_t n;

	put_be64(k, job);
	if (!txn_get(t, STORE_CHARGE, k, sizeof k, &v, &n, e))
		return e->kind == ERR_NONE;
	if (!charge_open(v, n, &c, e))
		return damaged(e, job, "its charge");
	if (c.open == 0)
		return damaged(e, job, "nothing of its charge is open");
	if (!settle_slots(b, job, &c, end, now_us, e))
		return false;
	if (c.open == 1)
		return txn_del(t, STORE_CHARGE, k, sizeof k, e);
	c.open--;
	c.taken += end == BOOK_TAKEN;
	charge_seal(&b->scratch, &c); /* before the write: see its texts */
	return txn_put(t, STORE_CHARGE, k, sizeof k, b->scratch.data,
		       b->scratch.n, e);
}

/* Adds to a row of `spent`. */
static bool
flush_spend(struct book *b, struct txn *t, const struct slot *s,
	    struct spend *p, struct err *e)
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

	if (p->unwritten == 0)
		return true;
	if (txn_get(t, STORE_SPENT, k, nk, &v, &n, e)) {
		if (!spent_open(v, n, &r, e))
			return false;
	} else if (e->kind != ERR_NONE) {
		return false;
	}
	r.places += p->unwritten;
	p->unwritten = 0;
	spent_seal(&b->scratch, &r);
	return txn_put(t, STORE_SPENT, k, nk, b->scratch.data, b->scratch.n, e);
}

static bool
flush_counter(struct book *b, struct txn *t, struct slot *s, struct err *e)
{
	const struct settings *set = b->settings;
	const struct quota_use *u = &s->use;
	struct bytes types = {0};
	struct counter_record c;
	bool ok;

	for (size_t i = 0; i < set->ntypes; i++)
		if (u->used[i] > 0 || u->in_flight[i] > 0)
			counted_add(&types, &(struct counted){
						text_of(set->types[i].title),
						u->used[i], u->in_flight[i]});
	if (u->used_other > 0 || u->in_flight_other > 0)
		counted_add(&types,
			    &(struct counted){text_of(""), u->used_other,
					      u->in_flight_other});
	c = (struct counter_record){
	    .from_us = (uint64_t)max_of(s->window.from_us, 0),
	    .to_us = (uint64_t)s->window.to_us,
	    .types = {(const char *)types.data, types.n}};
	counter_seal(&b->scratch, &c);
	ok = txn_put(t, STORE_COUNTER, s->name, strlen(s->name),
		     b->scratch.data, b->scratch.n, e);
	bytes_free(&types);
	s->dirty = false;
	s->stored = true;
	return ok;
}

bool
book_flush(struct book *b, struct txn *t, int64_t now_us, struct err *e)
{
	(void)now_us;
	for (size_t i = 0; i < b->nslots; i++) {
		struct slot *s = b->slot[i];

		for (size_t k = 0; k < s->nspend; k++) {
			if (!flush_spend(b, t, s, &s->spend[k], e))
				return false;
			s->oldest_us =
			    min_of(s->oldest_us, s->spend[k].minute_us);
		}
		if (s->dirty && !flush_counter(b, t, s, e))
			return false;
	}
	return book_flush_gates(b, t, e) && book_flush_amends(b, t, e);
}

void
book_committed(struct book *b)
{
	for (size_t i = 0; i < b->nslots; i++) {
		struct slot *s = b->slot[i];

		s->nspend = 0;
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
	for (size_t i = 0; i < s->nspend; i++)
		if (book_rolls(s))
			minutes_take(&s->minutes, s->spend[i].minute_us,
				     s->spend[i].type, s->spend[i].places);
	s->nspend = 0;
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
