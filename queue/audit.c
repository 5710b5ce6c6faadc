/* What book_audit does: every counter once more, from the rows it is a sum of.
 * It shares the keys with the book, not the sums. */
#include "daemon/log.h"
#include "queue/book.h"
#include "queue/book_row.h"
#include "queue/names.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LINES_MOST = 1000, /* of a report; all differences are counted */
	FIRST_JOBS = 256,
};
static const unsigned char LEAST[1]; /* no key is smaller */

/* One type of one quota: what its counter says, what the rows say. */
struct cell {
	size_t type;
	bool named; /* the counter names it */
	struct counted says, is;
};
struct tally {
	bool counter;
	struct span window;
	struct cell *cell;
	size_t n, room;
};
struct audit {
	struct txn *t;
	struct names quotas, types;
	struct tally *tally;
	size_t ntallies;
	uint64_t *job; /* of CLAIMED recipients, ascending */
	size_t njobs, jobs_room;
	struct bytes *report;
	uint64_t differences;
	struct err *e;
};
struct row {
	const void *k, *v;
	size_t nk, nv;
};

static bool
each(struct audit *a, enum store_db db, bool first, struct row *r)
{
	return first ? txn_seek(a->t, db, LEAST, sizeof LEAST, &r->k, &r->nk,
				&r->v, &r->nv, a->e)
		     : txn_next(a->t, db, &r->k, &r->nk, &r->v, &r->nv, a->e);
}

static bool
no_sense(struct audit *a, const char *what)
{
	err_set(a->e, ERR_DAMAGED, "%s makes no sense", what);
	return false;
}

static void differs(struct audit *a, const char *fmt, ...) PRINTF(2, 3);
static void
differs(struct audit *a, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (a->differences++ >= LINES_MOST)
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	bytes_printf(a->report, "%s\n", line);
}

static struct tally *
tally_of(struct audit *a, struct text quota)
{
	size_t i = names_add(&a->quotas, quota);

	if (i == a->ntallies) {
		a->tally = must_realloc(a->tally, (i + 1) * sizeof *a->tally);
		a->tally[a->ntallies++] = (struct tally){0};
	}
	return &a->tally[i];
}

static struct cell *
cell_of(struct audit *a, struct tally *q, struct text type)
{
	size_t number = names_add(&a->types, type);

	for (size_t i = 0; i < q->n; i++)
		if (q->cell[i].type == number)
			return &q->cell[i];
	if (q->n == q->room) {
		q->room = max_of(q->room * 2, (size_t)SETTINGS_TYPES);
		q->cell = must_realloc(q->cell, q->room * sizeof *q->cell);
	}
	q->cell[q->n] = (struct cell){.type = number};
	return &q->cell[q->n++];
}

/* Used in this minute, if the counter's window has it. */
static void
add_used(struct audit *a, struct tally *q, int64_t minute_us, struct text type,
	 uint64_t places)
{
	if (!q->counter ||
	    (minute_us >= q->window.from_us && minute_us < q->window.to_us))
		cell_of(a, q, type)->is.used += places;
}

static bool
read_recent(struct audit *a, struct tally *q, const struct counter_record *c)
{
	struct reader r = reader_of(c->recent.p, c->recent.n);
	struct recent one;

	while (recent_take(&r, &one))
		add_used(a, q, one.minute_us, one.type, one.places);
	return r.ok || no_sense(a, "a counter's last minute");
}

static bool
read_counter(struct audit *a, const struct row *row)
{
	struct counter_record c;
	struct counted one;
	struct text name;
	struct reader r;
	struct tally *q;

	if (!name_key_parse(row->k, row->nk, &name))
		return no_sense(a, "a key of the table counter");
	if (!counter_open(row->v, row->nv, &c, a->e))
		return false;
	q = tally_of(a, name);
	q->counter = true;
	q->window = (struct span){(int64_t)c.from_us, (int64_t)c.to_us};
	r = reader_of(c.types.p, c.types.n);
	while (counted_take(&r, &one)) {
		struct cell *cell = cell_of(a, q, one.type);

		if (cell->named)
			return no_sense(a, "a type that is counted twice");
		cell->named = true;
		cell->says = one;
	}
	if (!r.ok)
		return no_sense(a, "a counter's list of types");
	return read_recent(a, q, &c);
}

static bool
read_spent(struct audit *a, const struct row *row)
{
	struct spent_record r;
	struct spent_key k;

	if (!spent_key_parse(row->k, row->nk, &k))
		return no_sense(a, "a key of the table spent");
	if (!spent_open(row->v, row->nv, &r, a->e))
		return false;
	add_used(a, tally_of(a, k.quota), k.minute_us, k.type, r.places);
	return true;
}

/* How many CLAIMED recipients carry this job. */
static uint32_t
claimed_of(const struct audit *a, uint64_t job)
{
	size_t low = 0, high = a->njobs;
	uint32_t n = 0;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (a->job[mid] < job)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < a->njobs && a->job[low] == job; low++)
		n++;
	return n;
}

static bool
read_charge(struct audit *a, const struct row *row)
{
	struct charge_record c;
	struct charged one;
	struct reader r;
	uint64_t job;

	if (row->nk != KEY_JOB)
		return no_sense(a, "a key of the table charge");
	if (!charge_open(row->v, row->nv, &c, a->e))
		return false;
	job = get_be64(row->k);
	r = reader_of(c.quotas.p, c.quotas.n);
	while (charged_take(&r, &one))
		cell_of(a, tally_of(a, one.quota), c.type)->is.in_flight +=
		    charged_places(&c, one.unit);
	if (!r.ok || c.quotas.n == 0)
		return no_sense(a, "a charge's list of quotas");
	if (c.open == 0 || c.open > c.recipients ||
	    c.taken > c.recipients - c.open)
		differs(a,
			"job %" PRIu64 ": of %u recipients %u are open and %u "
			"taken",
			job, c.recipients, c.open, c.taken);
	if (claimed_of(a, job) != c.open)
		differs(a,
			"job %" PRIu64 ": its charge has %u open, %u "
			"recipients are with a worker",
			job, c.open, claimed_of(a, job));
	return true;
}

static bool
read_override(struct audit *a, const struct row *row)
{
	struct override_record r;
	struct text quota, type;

	if (!override_key_parse(row->k, row->nk, &quota, &type))
		return no_sense(a, "a key of the table override");
	return override_open(row->v, row->nv, &r, a->e);
}

static bool
read_gate(struct audit *a, const struct row *row)
{
	struct gate_record r;
	struct text relay;

	if (!name_key_parse(row->k, row->nk, &relay))
		return no_sense(a, "a key of the table gate");
	return gate_open(row->v, row->nv, &r, a->e);
}

static bool
read_table(struct audit *a, enum store_db db,
	   bool (*read)(struct audit *a, const struct row *row))
{
	bool first = true;
	struct row r;

	a->e->kind = ERR_NONE;
	for (; each(a, db, first, &r); first = false)
		if (!read(a, &r))
			return false;
	return a->e->kind == ERR_NONE;
}

static int
by_number(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool
read_claimed(struct audit *a, uint64_t id, uint32_t rcpt)
{
	unsigned char k[KEY_RECIPIENT];
	struct recipient_record r;
	const void *v;
	size_t n;

	key_recipient(k, id, rcpt);
	if (!txn_get(a->t, STORE_RECIPIENT, k, sizeof k, &v, &n, a->e))
		return a->e->kind == ERR_NONE
			   ? no_sense(a, "a row of due without a recipient")
			   : false;
	if (!recipient_open(v, n, &r, a->e))
		return false;
	if (a->njobs == a->jobs_room) {
		a->jobs_room = max_of(a->jobs_room * 2, (size_t)FIRST_JOBS);
		a->job = must_realloc(a->job, a->jobs_room * sizeof *a->job);
	}
	a->job[a->njobs++] = r.job;
	return true;
}

/* The jobs of all recipients that are with a worker. */
static bool
read_jobs(struct audit *a)
{
	const unsigned char from = RECIPIENT_CLAIMED;
	struct row r;
	bool more = txn_seek(a->t, STORE_DUE, &from, sizeof from, &r.k, &r.nk,
			     &r.v, &r.nv, a->e);

	for (; more; more = each(a, STORE_DUE, false, &r)) {
		struct due_key d;

		if (!key_due_parse(r.k, r.nk, &d))
			return no_sense(a, "a key of the table due");
		if (d.state != RECIPIENT_CLAIMED)
			break;
		if (!read_claimed(a, d.id, d.rcpt))
			return false;
	}
	if (!more && a->e->kind != ERR_NONE)
		return false;
	if (a->njobs > 0)
		qsort(a->job, a->njobs, sizeof *a->job, by_number);
	return true;
}

static void
compare(struct audit *a, const char *quota, const char *type,
	const struct counted *says, const struct counted *is)
{
	char name[2 * BOOK_NAME], of[2 * BOOK_NAME];

	log_safe(quota, strlen(quota), name, sizeof name);
	log_safe(type, strlen(type), of, sizeof of);
	if (says->used != is->used)
		differs(a,
			"quota %s, %s: the counter says %" PRIu64
			" used, the ledger has %" PRIu64,
			name, of, says->used, is->used);
	if (says->in_flight != is->in_flight)
		differs(a,
			"quota %s, %s: the counter says %" PRIu64
			" in flight, the charges have %" PRIu64,
			name, of, says->in_flight, is->in_flight);
}

/* Types the counter does not name stand together under its "". */
static void
compare_quota(struct audit *a, size_t i)
{
	const char *quota = a->quotas.name[i];
	struct tally *q = &a->tally[i];
	struct counted says = {0}, is = {0};

	for (size_t k = 0; k < q->n; k++) {
		const struct cell *c = &q->cell[k];
		const char *type = a->types.name[c->type];

		if (c->named && type[0] != '\0') {
			compare(a, quota, type, &c->says, &c->is);
			continue;
		}
		says.used += c->says.used;
		says.in_flight += c->says.in_flight;
		is.used += c->is.used;
		is.in_flight += c->is.in_flight;
	}
	compare(a, quota, q->counter ? "other types" : "without a counter",
		&says, &is);
}

static void
audit_free(struct audit *a)
{
	for (size_t i = 0; i < a->ntallies; i++)
		free(a->tally[i].cell);
	free(a->tally);
	free(a->job);
	names_free(&a->quotas);
	names_free(&a->types);
}

bool
book_audit(struct txn *t, const struct settings *s, int64_t now_us,
	   struct bytes *report, uint64_t *differences, struct err *e)
{
	struct audit a = {.t = t, .report = report, .e = e};
	bool ok;

	(void)s;
	(void)now_us;
	e->kind = ERR_NONE;
	/* Counters first: they say which minutes count. */
	ok = read_jobs(&a) && read_table(&a, STORE_COUNTER, read_counter) &&
	     read_table(&a, STORE_SPENT, read_spent) &&
	     read_table(&a, STORE_CHARGE, read_charge) &&
	     read_table(&a, STORE_OVERRIDE, read_override) &&
	     read_table(&a, STORE_GATE, read_gate);
	for (size_t i = 0; ok && i < a.ntallies; i++)
		compare_quota(&a, i);
	*differences = a.differences;
	audit_free(&a);
	return ok;
}
