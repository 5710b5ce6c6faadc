/* mtq quota: what may still leave, and run-time changes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/change.h"
#include "admin/human.h"
#include "admin/moment.h"
#include "admin/show.h"
#include "daemon/values.h"

enum { WORDS_TEXT = 200 };

/*	name, heading, kind */
#define TYPE_SHOWN(F)                                                          \
	F(type, "TYPE", TEXT)                                                  \
	F(used, "USED", COUNT)                                                 \
	F(in_flight, "IN FLIGHT", COUNT)                                       \
	F(free, "FREE", COUNT)                                                 \
	F(cap, "CAP", COUNT)                                                   \
	F(reserve, "RESERVE", COUNT)
#define QUOTA_SHOWN(F)                                                         \
	F(name, "QUOTA", TEXT)                                                 \
	F(unit, "UNIT", TEXT)                                                  \
	F(window, "WINDOW", TEXT)                                              \
	F(limit, "LIMIT", COUNT)                                               \
	F(used, "USED", COUNT)                                                 \
	F(in_flight, "IN FLIGHT", COUNT)                                       \
	F(free, "FREE", COUNT)                                                 \
	F(resets_at, "RESETS", TIME)                                           \
	F(types, NULL, MAP)                                                    \
	F(origin, "ORIGIN", TEXT)

#define F(name, heading, kind) TYPE_AT_##name,
enum { TYPE_SHOWN(F) TYPE_AT_COUNT };
#undef F
#define F(name, heading, kind) AT_##name,
enum { QUOTA_SHOWN(F) AT_COUNT };
#undef F
#define F(name, heading, kind) {#name, heading, SHOW_##kind, false},
static const struct show_field type_fields[] = {TYPE_SHOWN(F)};
static const struct show_field quota_fields[] = {QUOTA_SHOWN(F)};
#undef F

/* One quota, ready to be shown. */
struct row {
	struct show_value value[AT_COUNT];
	struct show_value type[SETTINGS_TYPES * TYPE_AT_COUNT];
	struct show_rows types;
	char window[WORDS_TEXT];
	char origin[WORDS_TEXT];
};

static const char *
unit_word(enum unit_kind u)
{
	static const char *const words[] = {"recipients", "messages", "bytes"};

	return words[u];
}

/* "day, Europe/Berlin", "rolling 24h" */
static void
window_text(const struct quota_terms *t, char out[WORDS_TEXT])
{
	char span[HUMAN_TEXT];

	switch (t->block->window) {
	case WINDOW_DAY:
		snprintf(out, WORDS_TEXT, "day, %s", t->zone);
		break;
	case WINDOW_MONTH:
		snprintf(out, WORDS_TEXT, "month, %s", t->zone);
		break;
	case WINDOW_ROLLING:
		snprintf(out, WORDS_TEXT, "rolling, %s",
			 human_span(t->block->period_us, span));
		break;
	case WINDOW_COUNT:
		break;
	}
}

/* Where the limit comes from: the file, or somebody at run time. */
static void
origin_text(const struct book *b, const struct quota_settings *q,
	    char out[WORDS_TEXT])
{
	snprintf(out, WORDS_TEXT, "%.150s:%u", q->file, q->line);
	for (size_t i = 0; i < book_overrides(b); i++) {
		struct override o = book_override_at(b, i);
		char when[MOMENT_TEXT];

		if (strcmp(o.quota, q->title) != 0 || *o.type != '\0')
			continue;
		snprintf(out, WORDS_TEXT, "%s%s%s%s%s", o.who,
			 o.until_us != 0 ? " until " : "",
			 o.until_us != 0 ? moment_text(o.until_us, when) : "",
			 *o.why != '\0' ? ": " : "", o.why);
	}
}

static void
fill_types(const struct command *c, const struct book *b, size_t quota,
	   struct row *r)
{
	const struct quota_terms *t = book_terms(b, quota);
	const struct quota_use *u = book_use(b, quota);
	const struct span w = book_window(b, quota);
	size_t n = c->settings->ntypes;

	for (unsigned i = 0; i < n; i++) {
		struct show_value *v = &r->type[i * TYPE_AT_COUNT];

		v[TYPE_AT_type] = show_word(c->settings->types[i].title);
		v[TYPE_AT_used] = show_count(u->used[i]);
		v[TYPE_AT_in_flight] = show_count(u->in_flight[i]);
		v[TYPE_AT_free] =
		    show_count(quota_room(t, u, &w, i, c->now_us));
		v[TYPE_AT_cap] = t->cap[i] == QUOTA_NO_CAP
				     ? show_none()
				     : show_count(t->cap[i]);
		v[TYPE_AT_reserve] = t->reserve[i] == 0
					 ? show_none()
					 : show_count(t->reserve[i]);
	}
	r->types = (struct show_rows){type_fields, TYPE_AT_COUNT, r->type, n};
}

/* When the window ends; rolling: when its oldest place comes back. */
static struct show_value
resets(const struct command *c, const struct book *b, size_t quota)
{
	struct span w = book_window(b, quota);

	if (book_terms(b, quota)->block->window != WINDOW_ROLLING)
		return show_time(w.to_us);
	if (quota_total(book_use(b, quota)) == 0)
		return show_none();
	w.to_us = book_quota_next_us(b, quota, c->now_us);
	return w.to_us == INT64_MAX ? show_none() : show_time(w.to_us);
}

static void
fill(const struct command *c, const struct book *b, size_t quota, struct row *r)
{
	const struct quota_settings *q = &c->settings->quotas[quota];
	const struct quota_terms *t = book_terms(b, quota);
	const struct quota_use *u = book_use(b, quota);
	const struct span w = book_window(b, quota);
	uint64_t limit = quota_limit(t, &w, c->now_us);
	uint64_t used = u->used_other, flying = u->in_flight_other;
	struct show_value *v = r->value;

	for (size_t i = 0; i < SETTINGS_TYPES; i++) {
		used += u->used[i];
		flying += u->in_flight[i];
	}
	window_text(t, r->window);
	origin_text(b, q, r->origin);
	fill_types(c, b, quota, r);
	v[AT_name] = show_word(q->title);
	v[AT_unit] = show_word(unit_word(q->unit));
	v[AT_window] = show_word(r->window);
	v[AT_limit] = show_count(limit);
	v[AT_used] = show_count(used);
	v[AT_in_flight] = show_count(flying);
	v[AT_free] =
	    show_count(limit > used + flying ? limit - used - flying : 0);
	v[AT_resets_at] = resets(c, b, quota);
	v[AT_types] = show_rows(&r->types);
	v[AT_origin] = show_word(r->origin);
}

static void
list(struct command *c, const struct book *b)
{
	struct show *s =
	    show_open(stdout, c->json, quota_fields, AT_COUNT, c->now_us);
	struct row *r = must_alloc(sizeof *r);

	for (size_t i = 0; i < c->settings->nquotas; i++) {
		fill(c, b, i, r);
		show_row(s, r->value);
	}
	show_close(s);
	free(r);
}

/* What was changed for this quota, and by whom. */
static void
print_overrides(const struct command *c, const struct book *b,
		const char *quota)
{
	for (size_t i = 0; i < book_overrides(b); i++) {
		struct override o = book_override_at(b, i);
		char when[MOMENT_TEXT], set[HUMAN_TEXT];

		if (strcmp(o.quota, quota) != 0)
			continue;
		printf("%s%s set to %llu by %s %s, %s%s%s%s\n",
		       *o.type != '\0' ? "cap of " : "limit",
		       *o.type != '\0' ? o.type : "",
		       (unsigned long long)o.limit, o.who,
		       human_when(o.set_us, c->now_us, set),
		       o.until_us != 0 ? "until " : "for good",
		       o.until_us != 0 ? moment_text(o.until_us, when) : "",
		       *o.why != '\0' ? ": " : "", o.why);
	}
}

static void
print_relays(const struct settings *s, const char *quota)
{
	const char *between = "";

	printf("Charged by   ");
	for (size_t i = 0; i < s->nrelays; i++)
		for (size_t k = 0; k < s->relays[i].quota.n; k++)
			if (strcmp(s->relays[i].quota.item[k], quota) == 0) {
				printf("%s%s", between, s->relays[i].title);
				between = ", ";
			}
	printf("%s\n\n", *between == '\0' ? "no relay" : "");
}

static void
one(struct command *c, const struct book *b, size_t quota)
{
	struct row *r = must_alloc(sizeof *r);
	struct show *s;

	fill(c, b, quota, r);
	if (c->json) {
		show_json(stdout, quota_fields, AT_COUNT, r->value);
		free(r);
		return;
	}
	show_card(stdout, quota_fields, AT_COUNT, r->value, c->now_us);
	print_relays(c->settings, c->settings->quotas[quota].title);
	s = show_open(stdout, false, type_fields, TYPE_AT_COUNT, c->now_us);
	for (size_t i = 0; i < r->types.nrows; i++)
		show_row(s, &r->type[i * TYPE_AT_COUNT]);
	show_close(s);
	print_overrides(c, b, c->settings->quotas[quota].title);
	free(r);
}

static size_t
find(const struct settings *s, const char *name)
{
	size_t i = 0;

	while (i < s->nquotas && strcmp(s->quotas[i].title, name) != 0)
		i++;
	return i;
}

static int
show(struct command *c, const char *name)
{
	struct ledger_view v;
	int code = EXIT_DONE;
	size_t quota;

	if (!change_open_view(c, &v, &code))
		return code;
	quota = name != NULL ? find(c->settings, name) : 0;
	if (name == NULL && c->settings->nquotas == 0)
		code = command_say(c, EXIT_DONE,
				   "the configuration has no quotas");
	else if (name == NULL)
		list(c, v.book);
	else if (quota == c->settings->nquotas)
		code = command_say(c, EXIT_NO, "there is no quota %.64s", name);
	else
		one(c, v.book, quota);
	change_close_view(&v);
	return code;
}

static int
audit(struct command *c)
{
	struct bytes report = {0};
	uint64_t differences = 0;
	struct ledger_view v;
	struct err e;
	int code;

	if (!change_open_view(c, &v, &code))
		return code;
	if (!book_audit(v.txn, c->settings, c->now_us, &report, &differences,
			&e)) {
		code = command_fail(c, &e);
	} else {
		fwrite(report.data, 1, report.n, stdout);
		code = differences == 0 ? EXIT_DONE : EXIT_NO;
		if (differences == 0 && !c->json)
			printf("every counter of %zu quotas agrees with the "
			       "ledger\n",
			       c->settings->nquotas);
	}
	bytes_free(&report);
	change_close_view(&v);
	return code;
}

static bool
read_number(struct command *c, const char *text, uint64_t *out)
{
	char *item[1] = {must_strdup(text)}, why[VALUE_WHY];
	const struct value_text value = {.item = item, .n = 1};
	struct arena a = {NULL};
	bool ok = value_parse(VALUE_count, &value, NULL, "1000G", &a, out, why);

	if (!ok)
		command_say(c, EXIT_USAGE, "the new limit: %s", why);
	arena_free(&a);
	free(item[0]);
	return ok;
}

static int
tell(struct command *c, const struct change_words *w, bool set,
     enum ledger_answer answer)
{
	const char *type = w->n > 1 + set ? w->word[1] : "";
	char when[MOMENT_TEXT];

	if (answer == LEDGER_NOT_FOUND)
		return command_say(
		    c, EXIT_NO,
		    set ? "there is no quota %.64s%s%.64s"
			: "nothing is set for quota %.64s%s%.64s",
		    w->word[0], *type != '\0' ? ", type " : "", type);
	if (!c->json)
		printf("%s%s%s: %s%s%s\n", w->word[0], *type != '\0' ? " " : "",
		       type,
		       set ? w->word[w->n - 1]
			   : "what the configuration says holds again",
		       set && w->until_us != 0 ? ", until " : "",
		       set && w->until_us != 0 ? moment_text(w->until_us, when)
					       : "");
	return EXIT_DONE;
}

/* set NAME [TYPE] NUMBER, unset NAME [TYPE] */
static int
change(struct command *c, bool set)
{
	struct control_change what = {.change = set ? CHANGE_QUOTA_SET
						    : CHANGE_QUOTA_UNSET};
	enum ledger_answer answer = LEDGER_NOT_FOUND;
	struct change_words w;
	int code;

	if (!change_read(c, &w))
		return EXIT_USAGE;
	if (w.n < 1 + set || w.n > 2 + set || (!set && w.until_us != 0))
		return command_usage(c, NULL);
	if (set && !read_number(c, w.word[w.n - 1], &what.limit))
		return EXIT_USAGE;
	what.name = text_of(w.word[0]);
	what.type = text_of(w.n > 1 + set ? w.word[1] : "");
	what.until_us = (uint64_t)w.until_us;
	what.reason = text_of(w.reason);
	if (what.name.n > 64 || what.type.n > 64)
		return command_say(c, EXIT_USAGE,
				   "a name has at most 64 octets");
	code = change_ask(c, &what, &answer);
	return code == EXIT_DONE ? tell(c, &w, set, answer) : code;
}

int
cmd_quota(struct command *c)
{
	const char *verb = c->argc > 0 ? c->argv[0] : NULL;

	if (verb == NULL)
		return show(c, NULL);
	if (strcmp(verb, "set") == 0)
		return change(c, true);
	if (strcmp(verb, "unset") == 0)
		return change(c, false);
	if (c->argc != 1)
		return command_usage(c, NULL);
	return strcmp(verb, "audit") == 0 ? audit(c) : show(c, verb);
}
