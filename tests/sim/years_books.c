/* years_books - see tests/sim/years.h. */
#include "queue/verify.h"
#include "tests/sim/years.h"

enum { ALL = -1 };
#define OLD_US (13 * DAY_US) /* twice the clock's margin, and a window */

static bool
holds(const struct changed *c)
{
	return c->set && (c->until_us == 0 || y.now_us < c->until_us);
}

/* The limit in force; `low`: where rounding is not our business, the least it
 * can be. */
static int64_t
limit_of(const struct cap *q, bool low)
{
	struct span w = years_window(q, y.now_us);
	int64_t n = q->limit, d;

	if (holds(&q->changed)) {
		n = q->changed.value;
	} else if (q->ramp_days != 0) {
		d = years_days_since(q->zone, q->ramp_start_us, y.now_us);
		d = max_of(d, 0);
		if (low && d < q->ramp_days)
			n = q->ramp_from +
			    (n - q->ramp_from) * d / q->ramp_days;
		else if (!low && d < q->ramp_days - 1)
			n = q->ramp_from +
			    ((n - q->ramp_from) * d + q->ramp_days - 2) /
				(q->ramp_days - 1);
	}
	if (q->spread)
		n = (n * ((y.now_us - w.from_us) * 96 / (w.to_us - w.from_us) +
			  1) +
		     95) /
		    96;
	return n;
}

static int64_t
type_cap(const struct cap *q, unsigned type)
{
	const struct changed *c = &q->cap_changed[type];

	if (holds(c))
		return c->value;
	return q->cap[type] == NO_CAP ? INT64_MAX : q->cap[type];
}

/* What is surely still kept free for the type. */
static int64_t
reserve_of(const struct cap *q, unsigned type)
{
	struct span w = years_window(q, y.now_us);
	__int128 release, left;

	if (q->window == WINDOW_ROLLING)
		return q->reserve[type];
	release = (__int128)(w.to_us - w.from_us) * q->release_percent / 100;
	left = w.to_us - y.now_us;
	if (left > release)
		return q->reserve[type];
	return (int64_t)(q->reserve[type] * left / (release + 1));
}

/* Booked in the current window, as docs/quotas.md says it: a rolling window
 * counts whole minutes. */
static int64_t
used(const struct cap *q, int type)
{
	struct span w = years_window(q, y.now_us);
	int64_t n = 0;

	if (q->window == WINDOW_ROLLING)
		w.from_us = y.now_us / MINUTE_US * MINUTE_US - q->period_us;
	for (size_t i = q->nold; i < q->nentries; i++) {
		const struct entry *e = &q->entry[i];

		if (e->booked_us != 0 && e->booked_us >= w.from_us &&
		    e->booked_us < w.to_us &&
		    (type == ALL || e->type == (unsigned)type))
			n += (int64_t)e->places;
	}
	return n;
}

/* What the remote took in the real window that now is in. */
static int64_t
taken(const struct cap *q)
{
	struct span w = years_window(q, y.now_us);
	int64_t n = 0;

	for (size_t i = q->nold; i < q->nentries; i++)
		if (q->entry[i].taken_us > 0 &&
		    q->entry[i].taken_us >= w.from_us &&
		    q->entry[i].taken_us < w.to_us)
			n += (int64_t)q->entry[i].places;
	return n;
}

int64_t
years_cost(const struct cap *q, uint32_t n, uint32_t size)
{
	switch (q->unit) {
	case UNIT_RECIPIENTS:
		return n;
	case UNIT_MESSAGES:
		return 1;
	case UNIT_BYTES:
		return size;
	case UNIT_COUNT:
		break;
	}
	return 0;
}

static int64_t
in_flight(size_t quota, int type)
{
	int64_t n = 0;

	for (size_t i = 0; i < y.ntasks; i++) {
		const struct task *t = &y.task[i];
		const struct letter *l = &y.letter[t->letter];

		if (t->state == TASK_FREE ||
		    (type != ALL && l->type != (unsigned)type))
			continue;
		for (size_t k = 0; k < t->nquotas; k++)
			if (t->quota[k] == quota)
				n += years_cost(&y.cap[quota], t->n, l->size);
	}
	return n;
}

static int64_t
kept_for_others(size_t quota, unsigned type, bool full)
{
	const struct cap *q = &y.cap[quota];
	int64_t n = 0;

	for (unsigned o = 0; o < TYPES; o++) {
		int64_t r = full ? q->reserve[o] : reserve_of(q, o);

		if (o == type || r == 0)
			continue;
		n += max_of(r - used(q, (int)o) - in_flight(quota, (int)o), 0);
	}
	return n;
}

void
years_claimed(const struct task *t)
{
	unsigned type = y.letter[t->letter].type;

	for (size_t i = 0; i < t->nquotas && !y.lax; i++) {
		const struct cap *q = &y.cap[t->quota[i]];
		int64_t all = used(q, ALL) + in_flight(t->quota[i], ALL);
		int64_t kept = kept_for_others(t->quota[i], type, false);
		int64_t mine =
		    used(q, (int)type) + in_flight(t->quota[i], (int)type);

		CHECK(all <= limit_of(q, false),
		      "q%zu: %" PRId64 " used and in flight, the limit is "
		      "%" PRId64,
		      t->quota[i], all, limit_of(q, false));
		CHECK(mine <= type_cap(q, type),
		      "q%zu: %" PRId64 " of %s, its cap is %" PRId64,
		      t->quota[i], mine, years_type[type], type_cap(q, type));
		CHECK(all + kept <= limit_of(q, false),
		      "q%zu: %s took what is reserved: %" PRId64 " + %" PRId64
		      " of %" PRId64,
		      t->quota[i], years_type[type], all, kept,
		      limit_of(q, false));
	}
}

static size_t
new_entry(struct cap *q, const struct task *t, int64_t taken_us, uint32_t n)
{
	const struct letter *l = &y.letter[t->letter];

	CHECK(q->nentries < ENTRIES, "too many entries");
	q->entry[q->nentries] =
	    (struct entry){.taken_us = taken_us,
			   .type = l->type,
			   .places = (uint64_t)years_cost(q, n, l->size)};
	return q->nentries++;
}

void
years_taken(struct task *t)
{
	for (size_t i = 0; i < t->nquotas; i++) {
		struct cap *q = &y.cap[t->quota[i]];

		if (q->unit != UNIT_RECIPIENTS)
			t->whole[i] = 1 + new_entry(q, t, y.now_us, 1);
		for (uint32_t k = 0; k < t->n; k++)
			if (q->unit == UNIT_RECIPIENTS && !t->end[k].told)
				t->entry[i][k] =
				    1 + new_entry(q, t, y.now_us, 1);
	}
}

static void
book(struct cap *q, const struct task *t, size_t entry)
{
	struct entry *e =
	    &q->entry[entry != 0 ? entry - 1 : new_entry(q, t, 0, 1)];

	e->booked_us = y.now_us;
	if (e->taken_us < 0)
		e->taken_us = y.now_us;
}

/* `place` of the recipients that t still has. */
void
years_settled(struct task *t, uint32_t place, bool was_used)
{
	uint32_t last = t->n - 1;

	y.moved++;
	t->any_taken |= was_used;
	for (size_t i = 0; i < t->nquotas; i++) {
		struct cap *q = &y.cap[t->quota[i]];

		CHECK(was_used || t->entry[i][place] == 0,
		      "taken by the remote, not used");
		if (q->unit == UNIT_RECIPIENTS && was_used)
			book(q, t, t->entry[i][place]);
		else if (q->unit != UNIT_RECIPIENTS && last == 0 &&
			 t->any_taken)
			book(q, t, t->whole[i]);
		t->entry[i][place] = t->entry[i][last];
	}
	t->n--;
	t->rcpt[place] = t->rcpt[last];
	t->end[place] = t->end[last];
}

/* By a clock that was set back the remote's minute and ours may lie in windows
 * that come twice: from now on its minute is taken to be ours. */
void
years_clock_went_back(void)
{
	for (size_t i = 0; i < QUOTAS; i++)
		for (size_t k = 0; k < y.cap[i].nentries; k++) {
			struct entry *e = &y.cap[i].entry[k];

			if (e->taken_us != 0)
				e->taken_us =
				    e->booked_us != 0 ? e->booked_us : -1;
		}
}

/* Entries that no window will ever hold again, however wrong the clock is. */
static void
leave_old(struct cap *q)
{
	const struct entry *e = &q->entry[q->nold];

	while (q->window != WINDOW_MONTH && q->nold < q->nentries &&
	       e->booked_us != 0 &&
	       max_of(e->booked_us, e->taken_us) < y.now_us - OLD_US) {
		q->nold++;
		e++;
	}
}

static void
compare_quota(const struct book *b, size_t at, size_t quota)
{
	const struct quota_use *u = book_use(b, at);
	struct cap *q = &y.cap[quota];
	struct span ours = years_window(q, y.now_us), w = book_window(b, at);
	int64_t limit = (int64_t)quota_limit(book_terms(b, at), &w, y.now_us);
	int64_t all = 0;

	leave_old(q);
	if (q->window != WINDOW_ROLLING)
		CHECK(w.from_us == ours.from_us && w.to_us == ours.to_us,
		      "q%zu (%s): the window is not the calendar's", quota,
		      years_zone_name(q->zone));
	for (unsigned t = 0; t < TYPES; t++) {
		size_t k = 0;

		while (strcmp(y.settings->types[k].title, years_type[t]) != 0)
			k++;
		CHECK((int64_t)u->used[k] == used(q, (int)t),
		      "q%zu, %s: used %" PRIu64 ", in truth %" PRId64, quota,
		      years_type[t], u->used[k], used(q, (int)t));
		CHECK((int64_t)u->in_flight[k] == in_flight(quota, (int)t),
		      "q%zu, %s: in flight %" PRIu64 ", in truth %" PRId64,
		      quota, years_type[t], u->in_flight[k],
		      in_flight(quota, (int)t));
		all += (int64_t)(u->used[k] + u->in_flight[k]);
	}
	CHECK(u->used_other + u->in_flight_other == 0, "q%zu: types unknown",
	      quota);
	CHECK(limit_of(q, true) <= limit && limit <= limit_of(q, false),
	      "q%zu: limit %" PRId64 ", it should be %" PRId64 "..%" PRId64,
	      quota, limit, limit_of(q, true), limit_of(q, false));
	CHECK(taken(q) <= all,
	      "q%zu: the remote took %" PRId64 ", used and in flight are "
	      "%" PRId64,
	      quota, taken(q), all);
}

static void
compare_gate(const struct book *b, size_t at, size_t relay)
{
	const struct gate *g = book_gate(b, at);
	struct exit_ *r = &y.relay[relay];

	CHECK(!years_paused(r) || g->paused, "r%zu: not paused", relay);
	CHECK(!r->hit || g->closed_until_us > y.now_us,
	      "r%zu: open, the provider said it was not", relay);
	r->closed_until_us = g->closed_until_us;
}

void
years_compare(void)
{
	struct err e;
	struct txn *t = store_begin(y.store, false, &e);
	struct book *b;

	CHECK(t != NULL, "%s", e.text);
	b = book_open(t, y.settings, y.now_us, &e);
	CHECK(b != NULL, "%s", e.text);
	for (size_t i = 0; i < y.settings->nquotas; i++)
		compare_quota(b, i,
			      (size_t)atoi(y.settings->quotas[i].title + 1));
	for (size_t i = 0; i < y.settings->nrelays; i++)
		compare_gate(b, i,
			     (size_t)atoi(y.settings->relays[i].title + 1));
	for (size_t i = 0; i < RELAYS; i++)
		y.relay[i].hit = false;
	book_close(b);
	store_abort(t);
	y.compared++;
	y.moved = 0;
}

void
years_audit(bool verify)
{
	struct verify_report report;
	struct bytes text = {0};
	uint64_t differences = 0;
	struct err e;
	struct txn *t = store_begin(y.store, false, &e);

	CHECK(t != NULL &&
		  book_audit(t, y.settings, y.now_us, &text, &differences, &e),
	      "%s", e.text);
	CHECK(differences == 0, "audit: %.*s", (int)text.n, (char *)text.data);
	store_abort(t);
	bytes_free(&text);
	if (verify)
		CHECK(verify_store(y.store, &report, NULL, NULL, &e), "%s",
		      e.text);
	y.audits++;
}

bool
years_room(size_t relay, unsigned type, bool surely)
{
	const struct exit_ *r = &y.relay[relay];

	for (size_t i = 0; i < r->nquotas; i++) {
		const struct cap *q = &y.cap[r->quota[i]];
		/* Of octets: what is first in line may be larger. */
		int64_t cost = surely ? years_cost(q, 1, BODY_MOST) : 1;
		int64_t all = used(q, ALL) + in_flight(r->quota[i], ALL);
		int64_t mine =
		    used(q, (int)type) + in_flight(r->quota[i], (int)type);

		if (surely)
			all += kept_for_others(r->quota[i], type, true);
		if (all + cost > limit_of(q, surely) ||
		    mine + cost > type_cap(q, type))
			return false;
	}
	return true;
}

void
years_explain(size_t quota)
{
	const struct cap *q = &y.cap[quota];

	printf("years: q%zu, window kind %d, unit %d: limit %" PRId64
	       "..%" PRId64 ", used %" PRId64 ", in flight %" PRId64 ";",
	       quota, (int)q->window, (int)q->unit, limit_of(q, true),
	       limit_of(q, false), used(q, ALL), in_flight(quota, ALL));
	for (unsigned t = 0; t < TYPES; t++)
		printf(" %s: %" PRId64 " + %" PRId64 ", cap %" PRId64
		       ", reserve %" PRId64 ";",
		       years_type[t], used(q, (int)t), in_flight(quota, (int)t),
		       type_cap(q, t), q->reserve[t]);
	printf("\n");
}
