#include "admin/explain_door_print.h"

#include <stdlib.h>

#include "admin/show.h"
#include "admin/verdict_words.h"

enum { CHECKS_MOST = 64 };

/*	name, heading, kind */
#define SOURCE_SHOWN(F)                                                        \
	F(source, "SOURCE", TEXT)                                              \
	F(fits, "FITS", TEXT)                                                  \
	F(why, "WHY", TEXT)
#define STEP_SHOWN(F)                                                          \
	F(command, "COMMAND", TEXT)                                            \
	F(reply, "REPLY", TEXT)
#define CHECK_SHOWN(F)                                                         \
	F(check, NULL, TEXT)                                                   \
	F(result, NULL, TEXT)                                                  \
	F(detail, NULL, TEXT)
#define DOOR_SHOWN(F)                                                          \
	F(client, NULL, TEXT)                                                  \
	F(listener, NULL, TEXT)                                                \
	F(tls, NULL, FLAG)                                                     \
	F(account, NULL, TEXT)                                                 \
	F(source, NULL, TEXT)                                                  \
	F(accepted, NULL, FLAG)                                                \
	F(reply, NULL, TEXT)                                                   \
	F(verdict, NULL, TEXT)                                                 \
	F(checks, NULL, ROWS)                                                  \
	F(dkim_looked_up, NULL, FLAG)                                          \
	F(sandbox, NULL, FLAG)                                                 \
	F(type, NULL, TEXT)                                                    \
	F(rule, NULL, TEXT)                                                    \
	F(sources, NULL, ROWS)                                                 \
	F(steps, NULL, ROWS)
#define F(name, heading, kind) SOURCE_AT_##name,
enum { SOURCE_SHOWN(F) SOURCE_AT_COUNT };
#undef F
#define F(name, heading, kind) STEP_AT_##name,
enum { STEP_SHOWN(F) STEP_AT_COUNT };
#undef F
#define F(name, heading, kind) CHECK_AT_##name,
enum { CHECK_SHOWN(F) CHECK_AT_COUNT };
#undef F
#define F(name, heading, kind) AT_##name,
enum { DOOR_SHOWN(F) AT_COUNT };
#undef F
#define F(name, heading, kind) {#name, heading, SHOW_##kind, false},
static const struct show_field source_fields[] = {SOURCE_SHOWN(F)};
static const struct show_field step_fields[] = {STEP_SHOWN(F)};
static const struct show_field check_fields[] = {CHECK_SHOWN(F)};
static const struct show_field door_fields[] = {DOOR_SHOWN(F)};
#undef F

static struct show_value
filled(struct text t)
{
	return t.n > 0 ? show_text(t) : show_none();
}

static void
fill_source(const struct explain_door_ask *a, const struct explain_door *d,
	    const struct source_settings *source, struct sentence *why,
	    struct show_value v[SOURCE_AT_COUNT])
{
	bool fits = explain_door_fits(a, d, source, why);

	v[SOURCE_AT_source] = show_word(source->title);
	v[SOURCE_AT_fits] = show_word(source == d->source ? "this one"
				      : fits              ? "yes"
							  : "no");
	v[SOURCE_AT_why] = show_word(why->text);
}

/* --- JSON ----------------------------------------------------------------- */

static size_t
fill_checks(const struct explain_door *d, struct show_value *v)
{
	struct text rest = text_of(d->words);
	struct verdict_word w;
	size_t n = 0;

	while (n < CHECKS_MOST && verdict_word_next(&rest, &w)) {
		v[CHECK_AT_check] = show_text(w.check);
		v[CHECK_AT_result] = show_text(w.result);
		v[CHECK_AT_detail] = filled(w.detail);
		v += CHECK_AT_COUNT;
		n++;
	}
	return n;
}

static void
fill(const struct explain_door_ask *a, const struct explain_door *d,
     const char *rule, struct show_value v[AT_COUNT])
{
	v[AT_client] = show_word(a->client);
	v[AT_listener] = show_word(a->listen->title);
	v[AT_tls] = show_flag(d->tls);
	v[AT_account] = filled(text_of(d->account));
	v[AT_source] = show_word(d->source != NULL ? d->source->title : NULL);
	v[AT_accepted] = show_flag(d->accepted);
	if (!d->accepted && d->nsteps > 0)
		v[AT_reply] = show_word(d->step[d->nsteps - 1].reply);
	v[AT_verdict] = filled(text_of(d->words));
	if (d->asked)
		v[AT_dkim_looked_up] = show_flag(d->looked_up);
	if (rule == NULL)
		return;
	v[AT_sandbox] = show_flag(d->record.flags & MESSAGE_SANDBOX);
	v[AT_type] = show_text(d->record.type);
	v[AT_rule] = show_word(rule);
}

static void
print_json(const struct explain_door_ask *a, const struct explain_door *d,
	   const char *rule)
{
	size_t n = a->s->nsources;
	struct sentence *why = must_alloc((n + 1) * sizeof *why);
	struct show_value *source =
	    must_alloc((n + 1) * SOURCE_AT_COUNT * sizeof *source);
	struct show_value step[EXPLAIN_DOOR_STEPS * STEP_AT_COUNT] = {{0}};
	struct show_value check[CHECKS_MOST * CHECK_AT_COUNT] = {{0}};
	struct show_rows sources = {source_fields, SOURCE_AT_COUNT, source, n};
	struct show_rows steps = {step_fields, STEP_AT_COUNT, step, d->nsteps};
	struct show_rows checks = {check_fields, CHECK_AT_COUNT, check, 0};
	struct show_value v[AT_COUNT] = {{0}};

	for (size_t i = 0; i < n; i++)
		fill_source(a, d, &a->s->sources[i], &why[i],
			    source + i * SOURCE_AT_COUNT);
	for (size_t i = 0; i < d->nsteps; i++) {
		struct show_value *o = step + i * STEP_AT_COUNT;

		o[STEP_AT_command] = show_word(d->step[i].command);
		o[STEP_AT_reply] = show_word(d->step[i].reply);
	}
	checks.nrows = fill_checks(d, check);
	fill(a, d, rule, v);
	v[AT_checks] = show_rows(&checks);
	v[AT_sources] = show_rows(&sources);
	v[AT_steps] = show_rows(&steps);
	show_json(stdout, door_fields, AT_COUNT, v);
	free(source);
	free(why);
}

/* --- people --------------------------------------------------------------- */

static void
print_sources(const struct explain_door_ask *a, const struct explain_door *d,
	      int64_t now_us)
{
	struct show *s =
	    show_open(stdout, false, source_fields, SOURCE_AT_COUNT, now_us);

	for (size_t i = 0; i < a->s->nsources; i++) {
		struct show_value v[SOURCE_AT_COUNT] = {{0}};
		struct sentence why = {.n = 0};

		fill_source(a, d, &a->s->sources[i], &why, v);
		show_row(s, v);
	}
	show_close(s);
}

static void
print_steps(const struct explain_door *d, int64_t now_us)
{
	struct show *s =
	    show_open(stdout, false, step_fields, STEP_AT_COUNT, now_us);

	for (size_t i = 0; i < d->nsteps; i++) {
		const struct show_value v[STEP_AT_COUNT] = {
		    [STEP_AT_command] = show_word(d->step[i].command),
		    [STEP_AT_reply] = show_word(d->step[i].reply)};

		show_row(s, v);
	}
	show_close(s);
}

static void
print_end(const struct explain_door_ask *a, const struct explain_door *d,
	  const char *rule)
{
	if (!d->accepted) {
		printf("\n%-10s it is refused: %s\n", "So",
		       d->nsteps > 0 ? d->step[d->nsteps - 1].reply : "");
		return;
	}
	if (d->report)
		printf("\n%-10s it is taken as mail that comes back\n", "So");
	else if (a->message.n == 0)
		printf("\n%-10s this client may send as source %s; with "
		       "--message FILE its mail is looked at\n",
		       "So", d->source != NULL ? d->source->title : "-");
	else
		printf("\n%-10s it is accepted as mail of source %s\n", "So",
		       d->source != NULL ? d->source->title : "-");
	if (rule != NULL && (d->record.flags & MESSAGE_SANDBOX))
		printf("%-10s it is a sandbox's: it goes through relay %s "
		       "only\n",
		       "", d->source->sandbox_relay);
}

static void
print_text(const struct command *c, const struct explain_door_ask *a,
	   const struct explain_door *d, const char *rule)
{
	printf("%-10s %s on listener %s (%s%s), %s%s%s\n\n", "Client",
	       a->client, a->listen->title, a->listen->address.at[0].text,
	       a->listen->address.n > 1 ? ", ..." : "",
	       d->tls ? "TLS" : "without TLS",
	       *d->account != '\0' ? ", as " : "", d->account);
	print_sources(a, d, c->now_us);
	putchar('\n');
	print_steps(d, c->now_us);
	if (*d->words != '\0') {
		putchar('\n');
		verdict_words_print(stdout, text_of(d->words), c->now_us);
	}
	if (d->asked && !d->looked_up)
		printf("%-10s the keys of its signatures were not asked for "
		       "(--no-dns)\n",
		       "DKIM");
	print_end(a, d, rule);
}

void
explain_door_print(const struct command *c, const struct explain_door_ask *a,
		   const struct explain_door *d, const char *rule)
{
	if (c->json)
		print_json(a, d, rule);
	else
		print_text(c, a, d, rule);
}
