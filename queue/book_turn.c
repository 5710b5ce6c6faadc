#include "queue/book_private.h"

#include <stdlib.h>
#include <string.h>

enum {
	/* Rows stay so long: more than any window reaches back, and some days
	 * for a clock that is set back. */
	KEEP_DAYS = 35,
	/* A clock that jumped is put right within so many hours; until then
	 * nothing that it makes look old is thrown away. */
	STEADY_HOURS = 6,
	FIRST_MINUTES = 64,
};

int64_t
book_minute(int64_t now_us)
{
	return now_us < 0 ? 0 : now_us - now_us % MINUTE_US;
}

bool
book_rolls(const struct slot *s)
{
	return s->terms.block != NULL &&
	       s->terms.block->window == WINDOW_ROLLING;
}

static bool
before(const struct minute *m, int64_t at_us, size_t type)
{
	return m->at_us < at_us || (m->at_us == at_us && m->type < type);
}

/* The place of the first that is not before; most often the end. */
static size_t
minutes_find(const struct minutes *m, int64_t at_us, size_t type)
{
	size_t low = 0, high = m->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (before(&m->item[mid], at_us, type))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void
minutes_add(struct minutes *m, int64_t at_us, size_t type, uint64_t places)
{
	size_t i = minutes_find(m, at_us, type);

	if (i < m->n && m->item[i].at_us == at_us && m->item[i].type == type) {
		m->item[i].places += places;
		return;
	}
	if (m->n == m->room) {
		m->room = max_of(m->room * 2, (size_t)FIRST_MINUTES);
		m->item = must_realloc(m->item, m->room * sizeof m->item[0]);
	}
	memmove(m->item + i + 1, m->item + i, (m->n - i) * sizeof m->item[0]);
	m->item[i] = (struct minute){at_us, type, places};
	m->n++;
	if (i < m->first)
		m->first++; /* it lies before the window */
}

void
minutes_take(struct minutes *m, int64_t at_us, size_t type, uint64_t places)
{
	size_t i = minutes_find(m, at_us, type);

	must(i < m->n && m->item[i].at_us == at_us && m->item[i].type == type &&
	     m->item[i].places >= places);
	m->item[i].places -= places;
}

void
minutes_begin(struct minutes *m, int64_t from_us, bool compact)
{
	m->first = minutes_find(m, from_us, 0);
	/* Half at a time, so that each is moved once on average. */
	if (!compact || m->first <= m->n / 2)
		return;
	m->n -= m->first;
	memmove(m->item, m->item + m->first, m->n * sizeof m->item[0]);
	m->first = 0;
}

/* The next row of `spent` of this quota; false with ERR_NONE: no more. */
static bool
next_spent(struct txn *t, const struct slot *s, int64_t from_us, bool first,
	   struct spent_key *key, uint64_t *places, struct err *e)
{
	unsigned char k[BOOK_KEY];
	struct spent_record r;
	const void *row, *val;
	size_t nrow, nval, n;
	bool more;

	n = spent_key_from(k, text_of(s->name), from_us);
	more = first
		   ? txn_seek(t, STORE_SPENT, k, n, &row, &nrow, &val, &nval, e)
		   : txn_next(t, STORE_SPENT, &row, &nrow, &val, &nval, e);
	if (!more)
		return false;
	if (!spent_key_parse(row, nrow, key)) {
		err_set(e, ERR_DAMAGED, "a key of the table spent");
		return false;
	}
	if (!text_is(key->quota, s->name)) {
		e->kind = ERR_NONE;
		return false;
	}
	if (!spent_open(val, nval, &r, e))
		return false;
	*places = r.places;
	return true;
}

static void
sum_up(struct book *b, struct slot *s, int64_t from_us, int64_t minute_us,
       size_t type, uint64_t places)
{
	if (minute_us < from_us || minute_us >= s->window.to_us)
		return;
	if (book_rolls(s))
		minutes_add(&s->minutes, minute_us, type, places);
	if (minute_us >= s->window.from_us)
		*book_used(b, &s->use, type) += places;
}

bool
book_sum(struct book *b, struct txn *t, struct slot *s, struct err *e)
{
	int64_t from_us = s->window.from_us;
	struct spent_key key;
	bool first = true, over = false;
	uint64_t places;

	must(!book_booked(s));
	memset(s->use.used, 0, sizeof s->use.used);
	s->use.used_other = 0;
	s->minutes.n = s->minutes.first = 0;
	/* The minutes of a window that an undo may bring back as well. */
	if (book_rolls(s) && s->touched)
		from_us = min_of(from_us, s->window_was.from_us);
	for (; !over && next_spent(t, s, from_us, first, &key, &places, e);
	     first = false) {
		size_t type = names_add(&b->types, key.type);

		over = key.minute_us >= s->window.to_us;
		sum_up(b, s, from_us, key.minute_us, type, places);
	}
	for (size_t i = 0; i < s->nspend; i++) {
		const struct spend *p = &s->spend[i];

		sum_up(b, s, from_us, p->minute_us, p->type, p->places);
	}
	minutes_begin(&s->minutes, s->window.from_us, false);
	return over || e->kind == ERR_NONE;
}

/* Minutes before from_us are no longer in the window. */
static bool
drop_minutes(struct book *b, struct slot *s, int64_t from_us)
{
	struct minutes *m = &s->minutes;
	bool dropped = false;

	for (; m->first < m->n && m->item[m->first].at_us < from_us;
	     m->first++) {
		const struct minute *at = &m->item[m->first];

		if (!dropped)
			book_touch(s);
		*book_used(b, &s->use, at->type) -= at->places;
		dropped = true;
	}
	s->window.from_us = from_us;
	return dropped;
}

static bool
turn_slot(struct book *b, struct txn *t, struct slot *s, int64_t now_us,
	  bool *changed, struct err *e)
{
	const struct span today = s->terms.today;
	struct span w = s->window;

	quota_today(&s->terms, now_us);
	if (s->terms.today.from_us != today.from_us)
		*changed = true;
	if (book_rolls(s))
		w = quota_window(&s->terms, now_us);
	else if (now_us < w.from_us || now_us >= w.to_us)
		w = quota_window(&s->terms, now_us);
	if (w.from_us == s->window.from_us && w.to_us == s->window.to_us)
		return true;
	if (book_rolls(s) && w.from_us > s->window.from_us) {
		if (drop_minutes(b, s, w.from_us))
			*changed = true;
		return true;
	}
	book_touch(s);
	s->window = w;
	*changed = true;
	return book_sum(b, t, s, e);
}

bool
book_turn(struct book *b, struct txn *t, int64_t now_us, bool *changed,
	  struct err *e)
{
	*changed = false;
	if (now_us < b->turned_us || now_us - b->turned_us > DAY_US)
		b->steady_us = now_us;
	b->turned_us = now_us;
	if (book_ends(b, now_us))
		*changed = true;
	for (size_t i = 0; i < b->settings->nquotas; i++)
		if (!turn_slot(b, t, b->slot[i], now_us, changed, e))
			return false;
	return true;
}

int64_t
book_quota_next_us(const struct book *b, size_t quota, int64_t now_us)
{
	const struct slot *s = b->slot[quota];
	const struct minutes *m = &s->minutes;

	must(quota < b->settings->nquotas);
	if (!book_rolls(s))
		return max_of(s->window.to_us, now_us);
	if (m->first == m->n)
		return INT64_MAX;
	return max_of(m->item[m->first].at_us + s->terms.block->period_us +
			  MINUTE_US,
		      now_us);
}

/* The clock is before the window that the slot stands in. */
static bool
went_back(const struct slot *s, int64_t now_us)
{
	if (book_rolls(s))
		now_us = book_minute(now_us) - s->terms.block->period_us;
	return now_us < s->window.from_us;
}

int64_t
book_next_us(const struct book *b, int64_t now_us)
{
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < b->settings->nquotas; i++) {
		const struct slot *s = b->slot[i];

		if (went_back(s, now_us))
			return now_us;
		next = min_of(next, book_quota_next_us(b, i, now_us));
		if (s->terms.ramp_over_days != 0)
			next = min_of(next, s->terms.today.to_us);
	}
	for (size_t i = 0; i < b->amends.n; i++)
		if (!b->amends.item[i].over && b->amends.item[i].until_us != 0)
			next = min_of(next, b->amends.item[i].until_us);
	return max_of(next, now_us);
}

/* Removes rows of one quota that are older than horizon_us. */
static bool
prune_slot(struct book *b, struct txn *t, struct slot *s, int64_t horizon_us,
	   unsigned *left, struct err *e)
{
	struct spent_key key;
	uint64_t places;

	while (*left > 0) {
		unsigned char k[BOOK_KEY];
		size_t n;

		if (!next_spent(t, s, 0, true, &key, &places, e)) {
			s->oldest_us = INT64_MAX;
			return e->kind == ERR_NONE;
		}
		s->oldest_us = key.minute_us;
		if (key.minute_us >= horizon_us)
			return true;
		if (key.minute_us >= s->window.from_us &&
		    key.minute_us < s->window.to_us) {
			size_t type = names_add(&b->types, key.type);
			uint64_t *used = book_used(b, &s->use, type);

			/* Of a quota that is gone: its window stood still. */
			must(s->terms.block == NULL && *used >= places);
			book_touch(s);
			*used -= places;
		}
		n = spent_key(k, &key);
		if (!txn_del(t, STORE_SPENT, k, n, e))
			return false;
		(*left)--;
	}
	return true;
}

/* A quota that is gone, of which nothing is left. */
static bool
prune_counter(struct txn *t, struct slot *s, struct err *e)
{
	const void *v;
	size_t n;

	if (s->terms.block != NULL || !s->stored || s->touched ||
	    s->oldest_us != INT64_MAX || s->nspend > 0 ||
	    quota_total(&s->use) > 0)
		return true;
	s->stored = s->dirty = false;
	if (!txn_get(t, STORE_COUNTER, s->name, strlen(s->name), &v, &n, e))
		return e->kind == ERR_NONE;
	return txn_del(t, STORE_COUNTER, s->name, strlen(s->name), e);
}

/* The last minute of a quota that is not used any more gets its rows too. */
static void
write_later(struct slot *s, int64_t now_us)
{
	for (size_t i = 0; i < s->nspend; i++)
		if (s->spend[i].minute_us != book_minute(now_us))
			s->dirty = true;
}

bool
book_prune(struct book *b, struct txn *t, unsigned most, int64_t now_us,
	   struct err *e)
{
	int64_t horizon_us = now_us - KEEP_DAYS * DAY_US;

	for (size_t i = 0; i < b->nslots; i++)
		write_later(b->slot[i], now_us);
	if (now_us - b->steady_us < STEADY_HOURS * HOUR_US)
		return true;
	for (size_t i = 0; i < b->nslots && most > 0; i++) {
		struct slot *s = b->slot[i];
		int64_t until_us = horizon_us;

		if (s->terms.block != NULL)
			until_us = min_of(until_us, s->window.from_us);
		if (s->oldest_us < until_us &&
		    !prune_slot(b, t, s, until_us, &most, e))
			return false;
		if (!prune_counter(t, s, e))
			return false;
	}
	return true;
}
