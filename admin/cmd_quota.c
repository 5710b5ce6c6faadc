/* mtq quota: what may still leave, and run-time changes of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/change.h"
#include "admin/human.h"
#include "admin/moment.h"
#include "admin/quota_row.h"
#include "daemon/values.h"

static void
list(struct command *c, const struct book *b)
{
	struct show *s =
	    show_open(stdout, c->json, quota_fields, QUOTA_COUNT, c->now_us);
	struct quota_row *r = must_alloc(sizeof *r);

	for (size_t i = 0; i < c->settings->nquotas; i++) {
		quota_row_fill(c, b, i, r);
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
		if (quota_row_charged(&s->relays[i], quota)) {
			printf("%s%s", between, s->relays[i].title);
			between = ", ";
		}
	printf("%s\n\n", *between == '\0' ? "no relay" : "");
}

static void
one(struct command *c, const struct book *b, size_t quota)
{
	struct quota_row *r = must_alloc(sizeof *r);
	struct show *s;

	quota_row_fill(c, b, quota, r);
	if (c->json) {
		show_json(stdout, quota_fields, QUOTA_COUNT, r->value);
		free(r);
		return;
	}
	show_card(stdout, quota_fields, QUOTA_COUNT, r->value, c->now_us);
	print_relays(c->settings, c->settings->quotas[quota].title);
	s = show_open(stdout, false, quota_type_fields, QUOTA_TYPE_COUNT,
		      c->now_us);
	for (size_t i = 0; i < r->types.nrows; i++)
		show_row(s, &r->type[i * QUOTA_TYPE_COUNT]);
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
		if (report.n > 0)
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
