/* mtq forecast: when what waits will go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/change.h"
#include "admin/cmd_queue.h"
#include "admin/human.h"
#include "admin/moment.h"
#include "daemon/now.h"
#include "queue/forecast.h"
#include "queue/lane.h"

enum {
	PAGE = 5000, /* rows of one read transaction */
	PROGRESS_EVERY_US = 1000000,
	WANTED = 64, /* recipients of one message that are looked at */
};

/*	name, heading, kind */
#define TYPE_SHOWN(F)                                                          \
	F(kind, NULL, TEXT)                                                    \
	F(type, "TYPE", TEXT)                                                  \
	F(waiting, "WAITING", COUNT)                                           \
	F(through_at, "THROUGH", TIME)                                         \
	F(expiring, "EXPIRING", COUNT)                                         \
	F(expires_first_at, "THE FIRST", TIME)                                 \
	F(bouncing, "BOUNCING", COUNT)                                         \
	F(never, "NOT FORESEEN", COUNT)
#define QUOTA_SHOWN(F)                                                         \
	F(kind, NULL, TEXT)                                                    \
	F(quota, "QUOTA", TEXT)                                                \
	F(full_at, "FULL", TIME)                                               \
	F(opens_at, "THEN OPENS", TIME)
#define F(name, heading, kind) TYPE_AT_##name,
enum { TYPE_SHOWN(F) TYPE_AT_COUNT };
#undef F
#define F(name, heading, kind) QUOTA_AT_##name,
enum { QUOTA_SHOWN(F) QUOTA_AT_COUNT };
#undef F
#define F(name, heading, kind) {#name, heading, SHOW_##kind, false},
static const struct show_field type_fields[] = {TYPE_SHOWN(F)};
static const struct show_field quota_fields[] = {QUOTA_SHOWN(F)};
#undef F

/* The message that was asked about: its recipients that wait. */
struct wanted {
	uint64_t id; /* 0: none */
	uint64_t found;
	struct wanted_row {
		uint32_t way;
		unsigned type;
		int64_t due_us, arrival_us;
	} row[WANTED]; /* the first ones of those */
};

struct reading {
	struct command *c;
	struct forecast *f;
	struct wanted *wanted;
	uint64_t rows;
	int64_t told_us;
};

static void
progress(struct reading *r)
{
	int64_t now = now_steady_us();

	if (!isatty(STDERR_FILENO) || now - r->told_us < PROGRESS_EVERY_US)
		return;
	if (r->told_us != 0)
		fprintf(stderr, "\rreading: %llu recipients ",
			(unsigned long long)r->rows);
	r->told_us = now;
}

/* A row by the configuration in force, whatever lane it lies in. */
/* As if it came then: what it waits for comes before. */
#define NEVER_US (INT64_MAX / 2)

static bool
add_row(struct reading *r, struct txn *t, uint64_t packed,
	const struct ledger_due *d, struct err *e)
{
	const struct settings *s = r->c->settings;
	struct lane lane = lane_unpack(packed);
	struct message_record m;
	int64_t arrival_us;

	if (!ledger_message(t, d->id, &m, e))
		return e->kind == ERR_NONE;
	if (lane.epoch != routing_epoch(s)) {
		struct recipient_record rcpt;
		struct routing_ask ask;

		if (!ledger_recipient(t, d->id, d->rcpt, &rcpt, e))
			return e->kind == ERR_NONE;
		ask = lane_ask(s, &m, &rcpt);
		lane = lane_of(s, &ask);
	}
	arrival_us = (int64_t)m.arrival_us;
	if (d->rcpt >= m.recipients - m.copies)
		arrival_us = NEVER_US; /* it has no lifetime */
	forecast_add(r->f, lane.way, lane.type, d->due_us, arrival_us,
		     m.size_bytes);
	r->rows++;
	if (d->id != r->wanted->id)
		return true;
	if (r->wanted->found < WANTED)
		r->wanted->row[r->wanted->found] = (struct wanted_row){
		    lane.way, lane.type, d->due_us, arrival_us};
	r->wanted->found++;
	return true;
}

/* One page; *more: there may be another one. */
static bool
read_page(struct reading *r, struct store *store, uint64_t *lane,
	  struct ledger_due *from, bool *more, struct err *e)
{
	struct txn *t = store_begin(store, false, e);
	bool ok = t != NULL;

	*more = ok;
	for (int i = 0; ok && *more && i < PAGE; i++) {
		e->kind = ERR_NONE;
		*more = ledger_waiting(t, lane, from, e);
		ok =
		    *more ? add_row(r, t, *lane, from, e) : e->kind == ERR_NONE;
		from->rcpt++;
	}
	store_abort(t);
	return ok;
}

static bool
read_backlog(struct reading *r, struct store *store, struct err *e)
{
	struct ledger_due from = {.due_us = 0};
	uint64_t lane = 0;
	bool more = true;

	while (more) {
		if (!read_page(r, store, &lane, &from, &more, e))
			return false;
		progress(r);
	}
	if (r->told_us != 0 && isatty(STDERR_FILENO))
		fprintf(stderr, "\r\033[K");
	return true;
}

/* --- showing -------------------------------------------------------------- */

static void
fill_type(const char *kind, const char *name, const struct forecast_type *t,
	  struct show_value *v)
{
	v[TYPE_AT_kind] = show_word(kind);
	v[TYPE_AT_type] = show_word(name);
	v[TYPE_AT_waiting] = show_count(t->waiting);
	v[TYPE_AT_through_at] =
	    t->through_us != 0 ? show_time(t->through_us) : show_none();
	v[TYPE_AT_expiring] = show_count(t->expiring);
	v[TYPE_AT_expires_first_at] =
	    t->expiring > 0 ? show_time(t->expires_first_us) : show_none();
	v[TYPE_AT_bouncing] = show_count(t->bouncing);
	v[TYPE_AT_never] = show_count(t->never);
}

static void
show_types(struct command *c, const struct forecast *f, const char *only)
{
	struct show *s =
	    show_open(stdout, c->json, type_fields, TYPE_AT_COUNT, c->now_us);
	struct show_value v[TYPE_AT_COUNT];

	for (size_t i = 0; i < c->settings->ntypes; i++) {
		const char *name = c->settings->types[i].title;

		if (only != NULL && strcmp(only, name) != 0)
			continue;
		fill_type("type", name, &f->type[i], v);
		show_row(s, v);
	}
	if (only == NULL) {
		fill_type("all", c->json ? NULL : "all", &f->all, v);
		show_row(s, v);
	}
	show_close(s);
}

static void
show_quotas(struct command *c, const struct forecast *f)
{
	struct show_value v[QUOTA_AT_COUNT];
	struct show *s;

	if (c->settings->nquotas == 0)
		return;
	if (!c->json)
		printf("\n");
	s = show_open(stdout, c->json, quota_fields, QUOTA_AT_COUNT, c->now_us);
	for (size_t i = 0; i < c->settings->nquotas; i++) {
		const struct forecast_quota *q = &f->quota[i];

		v[QUOTA_AT_kind] = show_word("quota");
		v[QUOTA_AT_quota] = show_word(c->settings->quotas[i].title);
		v[QUOTA_AT_full_at] = q->full_us != INT64_MAX
					  ? show_time(q->full_us)
					  : show_none();
		v[QUOTA_AT_opens_at] = q->opens_us != INT64_MAX
					   ? show_time(q->opens_us)
					   : show_none();
		show_row(s, v);
	}
	show_close(s);
}

static void
say_expiring(const char *name, const struct forecast_type *t)
{
	char when[MOMENT_TEXT];

	if (t->expiring > 0)
		printf("%llu of type %s will miss their lifetime, the first on "
		       "%s.\n",
		       (unsigned long long)t->expiring, name,
		       moment_text(t->expires_first_us, when));
}

static void
say_all(const struct command *c, const struct forecast *f,
	const struct forecast_type *t)
{
	char when[MOMENT_TEXT], in[HUMAN_TEXT];

	printf("\n");
	if (t->waiting == 0)
		printf("Nothing waits.\n");
	else if (t->through_us != 0)
		printf("%s will be through on %s (%s).\n",
		       t->expiring + t->bouncing + t->never == 0
			   ? "All that waits"
			   : "What can go",
		       moment_text(t->through_us, when),
		       human_when(t->through_us, c->now_us, in));
	for (size_t i = 0; i < c->settings->ntypes; i++)
		if (t == &f->all || t == &f->type[i])
			say_expiring(c->settings->types[i].title, &f->type[i]);
	if (t->bouncing > 0)
		printf("%llu will be bounced by their route "
		       "(on_exhausted = bounce).\n",
		       (unsigned long long)t->bouncing);
	if (t->never > 0)
		printf("%llu are not foreseen to go until %s: see mtq "
		       "explain.\n",
		       (unsigned long long)t->never,
		       moment_text(f->ahead_us, when));
	printf("Assumed: no further mail comes, nothing fails, limits stay, "
	       "relays answer\nand take mail at once, or at their rate.\n");
}

/* Rows of a group that are alike go one after the other: the last of them. */
static int64_t
row_goes_us(const struct forecast *f, const struct wanted_row *w)
{
	const struct backlog *g = forecast_group(f, w->way, w->type);
	int64_t gone_us = FORECAST_NEVER;

	for (size_t i = 0; g != NULL && i < g->n; i++)
		if (g->row[i].ready_us == w->due_us &&
		    g->row[i].arrival_us == w->arrival_us)
			gone_us = g->row[i].gone_us;
	return gone_us;
}

/* The same words as for a type, of one message. */
static struct forecast_type
sum_message(const struct forecast *f, const struct wanted *w)
{
	struct forecast_type t = {.waiting = w->found};

	for (size_t i = 0; i < w->found && i < WANTED; i++) {
		int64_t gone_us = row_goes_us(f, &w->row[i]);

		t.expiring += gone_us == FORECAST_EXPIRES;
		t.bouncing += gone_us == FORECAST_BOUNCES;
		t.never += gone_us == FORECAST_NEVER;
		if (gone_us > 0 && gone_us != FORECAST_NEVER)
			t.through_us = max_of(t.through_us, gone_us);
	}
	return t;
}

static int
show_message(struct command *c, const struct forecast *f,
	     const struct wanted *w, const char *id)
{
	struct forecast_type t = sum_message(f, w);
	char when[MOMENT_TEXT], in[HUMAN_TEXT];

	if (c->json) {
		struct show_value v[TYPE_AT_COUNT];

		fill_type("message", c->settings->types[w->row[0].type].title,
			  &t, v);
		v[TYPE_AT_expires_first_at] = show_none();
		show_json(stdout, type_fields, TYPE_AT_COUNT, v);
	} else {
		if (t.through_us != 0)
			printf("%s will go on %s (%s).\n", id,
			       moment_text(t.through_us, when),
			       human_when(t.through_us, c->now_us, in));
		if (t.expiring > 0)
			printf("%s will miss its lifetime.\n", id);
		if (t.bouncing > 0)
			printf("%s will be bounced by its route.\n", id);
		if (t.never > 0)
			printf("%s is not foreseen to go until %s: see mtq "
			       "explain %s\n",
			       id, moment_text(f->ahead_us, when), id);
	}
	return t.expiring + t.bouncing + t.never > 0 ? EXIT_NO : EXIT_DONE;
}

static int
report(struct command *c, const struct forecast *f, const struct wanted *w,
       const char *type)
{
	const struct forecast_type *t = &f->all;

	if (w->id != 0 && w->found == 0)
		return command_say(c, EXIT_NO, "%s does not wait in the queue",
				   c->argv[0]);
	if (w->id != 0)
		return show_message(c, f, w, c->argv[0]);
	if (type != NULL)
		t = &f->type[routing_type(c->settings, text_of(type))];
	show_types(c, f, type);
	show_quotas(c, f);
	if (!c->json)
		say_all(c, f, t);
	return t->expiring + t->bouncing + t->never > 0 ? EXIT_NO : EXIT_DONE;
}

static int
run(struct command *c, const char *type, struct wanted *w)
{
	struct forecast *f = must_alloc(sizeof *f);
	struct reading r = {.c = c, .f = f, .wanted = w};
	struct ledger_view v;
	struct err e;
	int code;

	if (!change_open_view(c, &v, &code)) {
		free(f);
		return code;
	}
	if (read_backlog(&r, v.store, &e)) {
		forecast_run(f, c->settings, v.book, c->now_us);
		code = report(c, f, w, type);
	} else {
		code = command_fail(c, &e);
	}
	forecast_free(f);
	free(f);
	change_close_view(&v);
	return code;
}

int
cmd_forecast(struct command *c)
{
	struct wanted w = {.id = 0};
	const char *type = NULL;
	const struct settings *s = command_settings(c);

	if (s == NULL)
		return EXIT_CONFIG;
	if (c->argc == 2 && strcmp(c->argv[0], "--type") == 0)
		type = c->argv[1];
	else if (c->argc == 1 && c->argv[0][0] != '-') {
		if (!queue_id(c, c->argv[0], &w.id))
			return EXIT_USAGE;
	} else if (c->argc > 0) {
		return command_usage(c, NULL);
	}
	if (type != NULL &&
	    strcmp(s->types[routing_type(s, text_of(type))].title, type) != 0)
		return command_say(c, EXIT_USAGE, "there is no type %.64s",
				   type);
	return run(c, type, &w);
}
