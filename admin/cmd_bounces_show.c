/* mtq bounces: each failure, or sums of them. */
#include "admin/cmd_bounces.h"

#include <inttypes.h>
#include <stdlib.h>

#include "admin/entry_show.h"
#include "admin/moment.h"
#include "queue/category.h"

/* --- each ----------------------------------------------------------------- */

/*	heading, cut */
#define ROW_SHOWN(F)                                                           \
	F(when, "TIME", 0)                                                     \
	F(id, "ID", 0)                                                         \
	F(recipient, "RECIPIENT", 0)                                           \
	F(kind, "EVENT", 0)                                                    \
	F(relay, "RELAY", 0)                                                   \
	F(status, "STATUS", 0)                                                 \
	F(category, "CATEGORY", 0)                                             \
	F(words, "WORDS", 1)
#define F(name, heading, cut) ROW_##name,
enum { ROW_SHOWN(F) ROW_COUNT };
#undef F
#define F(name, heading, cut) {NULL, heading, SHOW_TEXT, cut},
static const struct show_field row_fields[] = {ROW_SHOWN(F)};
#undef F

static void
print_row(struct show *s, const struct journal_entry *x)
{
	struct show_value v[ROW_COUNT] = {{0}};
	char stamp[MOMENT_TEXT], id[ID_TEXT + 1] = "";

	if (id_valid(x->message))
		id_text(x->message, id);
	v[ROW_when] = show_word(moment_stamp((int64_t)x->at_us, stamp));
	v[ROW_id] = show_word(id);
	v[ROW_recipient] = show_text(x->address);
	v[ROW_kind] = show_word(journal_word((enum journal_kind)x->kind));
	v[ROW_relay] = show_text(x->relay);
	v[ROW_status] = show_text(x->status);
	v[ROW_category] = entry_category(x->category);
	v[ROW_words] = show_text(entry_words(x));
	show_row(s, v);
}

/* The newest `most` that match: their numbers, in a ring. */
struct newest {
	uint64_t *number;
	size_t most;
	uint64_t n; /* ever */
};

static bool
find_newest(struct entries *r, struct newest *out, struct err *e)
{
	while (!r->ended) {
		if (!entries_page(r, e))
			return false;
		for (size_t i = 0; i < r->n; i++)
			out->number[out->n++ % out->most] = r->entry[i].number;
	}
	return true;
}

/* What has gone meanwhile is not shown. */
static bool
print_number(struct show *s, bool json, struct store *store, uint64_t number,
	     struct err *e)
{
	struct entry x = {.number = number};
	struct arena memory = {NULL};
	struct txn *t = store_begin(store, false, e);
	bool found;

	if (t == NULL)
		return false;
	found = journal_get(t, number, &x.x, e);
	if (found)
		entry_keep(&memory, &x.x);
	store_abort(t);
	if (found && json)
		entry_show_event(stdout, &x);
	else if (found)
		print_row(s, &x.x);
	arena_free(&memory);
	return found || e->kind == ERR_NONE;
}

int
bounces_list(struct command *c, const struct bounces_options *o,
	     struct entries *r)
{
	size_t most = o->limit > 0 ? (size_t)o->limit : BOUNCES_MOST;
	struct newest w = {.most = most};
	struct err e = {.kind = ERR_NONE};
	struct show *s;
	uint64_t first;
	bool ok;

	w.number = must_alloc(most * sizeof *w.number);
	ok = find_newest(r, &w, &e);
	first = w.n > most ? w.n - most : 0;
	s = show_open(stdout, false, row_fields, ROW_COUNT, c->now_us);
	for (uint64_t i = first; ok && i < w.n && !ferror(stdout); i++)
		ok = print_number(s, c->json, r->store, w.number[i % most], &e);
	show_close(s);
	free(w.number);
	if (!ok)
		return command_fail(c, &e);
	if (first > 0)
		fprintf(stderr,
			"\xe2\x80\xa6 and %" PRIu64
			" older ones (--limit 0 lists all)\n",
			first);
	else if (w.n == 0 && !c->json)
		fprintf(stderr, "nothing failed\n");
	return EXIT_DONE;
}

/* --- sums ----------------------------------------------------------------- */

/*	name, heading, kind, cut */
#define SUM_SHOWN(F)                                                           \
	F(by, NULL, TEXT, 0)                                                   \
	F(name, "NAME", TEXT, 0)                                               \
	F(failures, "FAILURES", COUNT, 0)                                      \
	F(bounced, "BOUNCED", COUNT, 0)                                        \
	F(expired, "EXPIRED", COUNT, 0)                                        \
	F(returned, "RETURNED", COUNT, 0)                                      \
	F(complaints, "COMPLAINTS", COUNT, 0)                                  \
	F(categories, NULL, ROWS, 0)                                           \
	F(last, "LAST", TIME, 0)                                               \
	F(status, "STATUS", TEXT, 0)                                           \
	F(reply, "LAST WORDS", TEXT, 1)
#define F(name, heading, kind, cut) SUM_##name,
enum { SUM_SHOWN(F) SUM_COUNT };
#undef F
#define F(name, heading, kind, cut) {#name, heading, SHOW_##kind, cut},
static const struct show_field sum_fields[] = {SUM_SHOWN(F)};
#undef F
static const struct show_field part_fields[] = {
    {"category", NULL, SHOW_TEXT, false}, {"count", NULL, SHOW_COUNT, false}};
enum { PART_COUNT = countof(part_fields) };

static void
print_sum(struct show *s, enum bounce_by by, const struct bounce_sum *x)
{
	struct show_value v[SUM_COUNT] = {{0}};
	struct show_value part[CATEGORY_COUNT * PART_COUNT];
	struct show_rows rows = {
	    .field = part_fields, .nfields = PART_COUNT, .value = part};

	for (unsigned i = 0; i < CATEGORY_COUNT; i++) {
		struct show_value *p = part + rows.nrows * PART_COUNT;

		if (x->category[i] == 0)
			continue;
		p[0] = show_word(category_word((enum category_kind)i));
		p[1] = show_count(x->category[i]);
		rows.nrows++;
	}
	v[SUM_by] = show_word(bounce_by_word(by));
	v[SUM_name] = show_word(x->name);
	v[SUM_failures] = show_count(x->failures);
	v[SUM_bounced] = show_count(x->bounced);
	v[SUM_expired] = show_count(x->expired);
	v[SUM_returned] = show_count(x->returned);
	v[SUM_complaints] = show_count(x->complaints);
	v[SUM_categories] = show_rows(&rows);
	v[SUM_last] = show_time(x->last_us);
	v[SUM_status] = show_word(x->status);
	v[SUM_reply] = show_word(x->words);
	show_row(s, v);
}

int
bounces_sum(struct command *c, const struct bounces_options *o,
	    struct entries *r)
{
	struct bounce_sums sums = {.n = 0};
	uint64_t most = o->limit > 0 ? o->limit : UINT64_MAX;
	struct err e = {.kind = ERR_NONE};
	struct show *s;
	bool ok = true;

	while (ok && !r->ended) {
		ok = entries_page(r, &e);
		for (size_t i = 0; ok && i < r->n; i++)
			bounce_sums_add(&sums, o->by, &r->entry[i].x);
	}
	bounce_sums_sort(&sums);
	s = show_open(stdout, c->json, sum_fields, SUM_COUNT, c->now_us);
	for (size_t i = 0; ok && i < sums.n && i < most; i++)
		print_sum(s, o->by, sums.at[i]);
	show_close(s);
	if (ok && sums.n > most)
		fprintf(stderr,
			"\xe2\x80\xa6 and %zu more (--limit 0 lists all)\n",
			(size_t)(sums.n - most));
	else if (ok && sums.n == 0 && !c->json)
		fprintf(stderr, "nothing failed\n");
	bounce_sums_free(&sums);
	return ok ? EXIT_DONE : command_fail(c, &e);
}
