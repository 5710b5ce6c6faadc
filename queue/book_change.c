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

struct spend *
book_spend(struct slot *s, int64_t minute_us, size_t type, size_t relay)
{
	/* Backwards: most often it is the newest. */
	for (size_t i = s->nspend; i-- > 0;) {
		struct spend *at = &s->spend[i];

		if (at->relay == relay && at->type == type &&
		    at->minute_us == minute_us)
			return at;
	}
	if (s->nspend == s->spend_room) {
		s->spend_room = max_of(s->spend_room * 2, (size_t)FIRST_SPENDS);
		s->spend =
		    must_realloc(s->spend, s->spend_room * sizeof s->spend[0]);
	}
	s->spend[s->nspend] = (struct spend){
	    .minute_us = minute_us, .type = type, .relay = relay};
	return &s->spend[s->nspend++];
}

bool
book_booked(const struct slot *s)
{
	for (size_t i = 0; i < s->nspend; i++)
		if (s->spend[i].booked > 0)
			return true;
	return false;
}

static void
use(struct book *b, struct slot *s, size_t type, size_t relay, uint64_t places,
    int64_t now_us)
{
	int64_t minute_us = book_minute(now_us);
	struct spend *p;

	if (places == 0)
		return;
	p = book_spend(s, minute_us, type, relay);
	p->places += places;
	p->booked += places;
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

/* The relay as it is now, if it is what the charge names: most often. */
static const struct carrier *
carrier_of(const struct book *b, size_t relay, const struct charge_record *c)
{
	const struct carrier *now;

	if (relay >= b->settings->nrelays)
		return NULL;
	now = &b->carrier[relay];
	if (now->n == 0 || now->charged.n != c->quotas.n ||
	    memcmp(now->charged.data, c->quotas.p, c->quotas.n) != 0)
		return NULL;
	return now;
}

/* All quotas of the charge. */
static bool
settle_slots(struct book *b, uint64_t job, const struct charge_record *c,
	     enum book_end end, int64_t now_us, struct err *e)
{
	size_t type = names_add(&b->types, c->type);
	size_t relay = names_add(&b->relays, c->relay);
	const struct carrier *now = carrier_of(b, relay, c);
	struct reader r = reader_of(c->quotas.p, c->quotas.n);
	struct charged one;

	for (size_t i = 0; now != NULL && i < now->n; i++) {
		struct slot *s = b->slot[now->slot[i]];

		if (!settle_slot(b, s, c, s->terms.block->unit, type, relay,
				 end, now_us))
			return damaged(e, job, "less is in flight than it has");
	}
	if (now != NULL)
		return true;
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
