#include "daemon/settings_types.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/routing.h"
#include "daemon/rule.h"

#define error_at(r, p, ...)   report_error(r, (p).file, (p).line, __VA_ARGS__)
#define warning_at(r, p, ...) report_warning(r, (p).file, (p).line, __VA_ARGS__)

bool
settings_is_domain(const char *s)
{
	return net_is_domain(strncmp(s, "*.", 2) == 0 ? s + 2 : s);
}

void
settings_types_known(const struct settings *s, enum block_kind kind,
		     const void *block, const char *key, const char *name,
		     struct report *r)
{
	if (rule_type(s, text_of(name)) == s->ntypes)
		error_at(r, settings_place(s, kind, block, key),
			 "%s: there is no type %.100s", key, name);
}

static void
check_types(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->ntypes; i++) {
		const struct type_settings *t = &s->types[i];
		size_t j = 0;

		while (j < s->nretries &&
		       strcmp(s->retries[j].title, t->retry) != 0)
			j++;
		if (j == s->nretries)
			error_at(r, settings_place(s, BLOCK_type, t, "retry"),
				 "retry: there is no retry %.100s", t->retry);
	}
}

/* --- classify -------------------------------------------------------------- */

struct rules {
	const struct settings *s;
	struct report *report;
	const struct classify_settings **rule; /* by priority */
	size_t n;
	const char *field[SETTINGS_FIELDS];
	size_t nfields;
};
#define here(c, rule, key) settings_place((c)->s, BLOCK_classify, rule, key)

static int
rule_order(const void *a, const void *b)
{
	const struct classify_settings *x =
	    *(const struct classify_settings *const *)a;
	const struct classify_settings *y =
	    *(const struct classify_settings *const *)b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static bool
takes_all(const struct classify_settings *u)
{
	return *u->by_header == '\0' && u->header.n == 0 && u->source.n == 0 &&
	       u->auth_user.n == 0 && u->listener.n == 0 && u->sender.n == 0 &&
	       u->larger_than_bytes == 0;
}

enum { MAP_MOST = 1000 }; /* a message looks at all of them */

/* What gives the type: one word, or a field of the message. */
static void
check_type(struct rules *c, const struct classify_settings *u)
{
	if (*u->type == '\0' && *u->by_header == '\0')
		error_at(c->report, here(c, u, NULL),
			 "classify needs type or by_header");
	else if (*u->type != '\0' && *u->by_header != '\0')
		error_at(c->report, here(c, u, "by_header"),
			 "by_header: the rule has a type already; leave one "
			 "of them out");
	else if (*u->type != '\0')
		settings_types_known(c->s, BLOCK_classify, u, "type", u->type,
				     c->report);
	if (u->map.n > 0 && *u->by_header == '\0')
		error_at(c->report, here(c, u, "map"),
			 "map: only used with by_header");
	if (u->map.n > MAP_MOST) {
		error_at(c->report, here(c, u, "map"),
			 "map: %zu values; there may be %d", u->map.n,
			 MAP_MOST);
		return;
	}
	for (size_t i = 0; i < u->map.n; i++) {
		const struct list_of *m = &u->map.item[i];
		size_t j = 0;

		while (strcasecmp(u->map.item[j].name, m->name) != 0)
			j++;
		if (j < i)
			error_at(c->report, here(c, u, "map"),
				 "map: %.100s is there twice: letter case does "
				 "not count",
				 m->name);

		if (strcmp(m->name, "*") == 0)
			error_at(c->report, here(c, u, "map"),
				 "map: write map { VALUE = TYPE }; the rest is "
				 "for the next rule");
		else if (m->value.n != 1)
			error_at(c->report, here(c, u, "map"),
				 "map: %.100s: takes one type, not a list",
				 m->name);
		else
			settings_types_known(c->s, BLOCK_classify, u, "map",
					     m->value.item[0], c->report);
	}
}

/* RFC 5322 2.2: printable, no colon; the file's syntax leaves only printable
 * octets.  A star is right by the RFC, and here a mistake. */
static void
check_field(struct rules *c, const struct classify_settings *u, const char *key,
	    const char *field)
{
	size_t i = 0;

	if (*field == '\0' || strpbrk(field, " :*") != NULL) {
		error_at(c->report, here(c, u, key),
			 "%s: '%.100s' is not the name of a header field", key,
			 field);
		return;
	}
	while (i < c->nfields && strcasecmp(c->field[i], field) != 0)
		i++;
	if (i == c->nfields && i < SETTINGS_FIELDS)
		c->field[c->nfields++] = field;
	else if (i == SETTINGS_FIELDS)
		error_at(c->report, here(c, u, key),
			 "%s: %.100s is one too many: rules may look at %d "
			 "header fields",
			 key, field, SETTINGS_FIELDS);
}

static bool
is_sender(const char *s)
{
	const char *at = strrchr(s, '@');

	if (at == NULL)
		return settings_is_domain(s);
	return at > s && net_is_domain(at + 1);
}

static void
check_conditions(struct rules *c, const struct classify_settings *u)
{
	const struct settings *s = c->s;
	size_t j;

	for (size_t i = 0; i < u->header.n; i++)
		check_field(c, u, "header", u->header.item[i].name);
	if (*u->by_header != '\0')
		check_field(c, u, "by_header", u->by_header);
	for (size_t i = 0; i < u->source.n; i++) {
		for (j = 0; j < s->nsources; j++)
			if (strcmp(s->sources[j].title, u->source.item[i]) == 0)
				break;
		if (j == s->nsources)
			error_at(c->report, here(c, u, "source"),
				 "source: there is no source %.100s",
				 u->source.item[i]);
	}
	for (size_t i = 0; i < u->auth_user.n; i++)
		if (*s->accounts == '\0' &&
		    strncmp(u->auth_user.item[i], "unix:", 5) != 0)
			error_at(
			    c->report, here(c, u, "auth_user"),
			    "auth_user: nobody can be %.100s: there are no "
			    "accounts",
			    u->auth_user.item[i]);
	for (size_t i = 0; i < u->listener.n; i++)
		if (!settings_is_listener(s, u->listener.item[i]))
			error_at(c->report, here(c, u, "listener"),
				 "listener: there is no listen %.100s",
				 u->listener.item[i]);
	for (size_t i = 0; i < u->sender.n; i++)
		if (!is_sender(u->sender.item[i]))
			error_at(c->report, here(c, u, "sender"),
				 "sender: '%.100s' is not an address, a domain "
				 "or *.domain",
				 u->sender.item[i]);
}

/* Priorities are unique, and no rule stands behind one that takes all. */
static void
check_order(struct rules *c)
{
	const struct classify_settings *all = NULL;

	for (size_t i = 0; i < c->n; i++) {
		const struct classify_settings *u = c->rule[i];

		if (settings_broken(c->s, BLOCK_classify, u, "priority") ||
		    u->priority == 0)
			continue; /* told already */
		if (i > 0 && u->priority == c->rule[i - 1]->priority)
			error_at(c->report, here(c, u, "priority"),
				 "priority: %d is taken by the classify of "
				 "%s:%u",
				 (int)u->priority, c->rule[i - 1]->file,
				 c->rule[i - 1]->line);
		else if (all != NULL)
			warning_at(c->report, here(c, u, NULL),
				   "classify %d never comes to its turn: the "
				   "rule of %s:%u takes all mail",
				   (int)u->priority, all->file, all->line);
		if (all == NULL && takes_all(u))
			all = u;
	}
}

static const struct classify_settings **
sorted(const struct settings *s)
{
	const struct classify_settings **rule =
	    must_alloc((s->nclassifies + 1) * sizeof(*rule));

	for (size_t i = 0; i < s->nclassifies; i++)
		rule[i] = &s->classifies[i];
	qsort(rule, s->nclassifies, sizeof(*rule), rule_order);
	return rule;
}

static bool
has_catch_all(const struct settings *s)
{
	for (size_t i = 0; i < s->nclassifies; i++)
		if (takes_all(&s->classifies[i]))
			return true;
	return false;
}

static uint32_t
type_bit(const struct settings *s, const char *name)
{
	return UINT32_C(1) << rule_type(s, text_of(name));
}

uint32_t
settings_types_given(const struct settings *s)
{
	const struct classify_settings **rule = sorted(s);
	uint32_t given = 0;
	bool all = false;

	for (size_t i = 0; i < s->nclassifies && !all; i++) {
		const struct classify_settings *u = rule[i];

		for (size_t j = 0; j < u->map.n; j++)
			given |= type_bit(s, u->map.item[j].value.item[0]);
		if (*u->by_header != '\0' && u->map.n == 0)
			given = UINT32_MAX;
		if (*u->type != '\0')
			given |= type_bit(s, u->type);
		all = takes_all(u);
	}
	free(rule);
	if (!all)
		given |= UINT32_C(1) << routing_type(s, text_of(""));
	return given;
}

static void
check_given(const struct settings *s, struct report *r)
{
	uint32_t given = settings_types_given(s);
	const struct type_settings *rest =
	    &s->types[routing_type(s, text_of(""))];

	/* No position has a meaning, but some type must be the last resort. */
	if (s->ntypes > 1 && strcmp(rest->title, "individual") != 0 &&
	    !has_catch_all(s))
		warning_at(r, *rest,
			   "type %s is what mail gets that no classify rule "
			   "takes, as there is no type individual; write a "
			   "rule without conditions",
			   rest->title);
	for (size_t i = 0; i < s->ntypes; i++)
		if (s->types[i].line > 0 && !(given & UINT32_C(1) << i))
			warning_at(
			    r,
			    settings_place(s, BLOCK_type, &s->types[i], NULL),
			    "type %s is not used: no classify rule gives "
			    "it",
			    s->types[i].title);
}

void
settings_types_check(const struct settings *s, const char *name,
		     struct report *r)
{
	struct rules c = {.s = s, .report = r, .n = s->nclassifies};
	unsigned errors = r->errors;

	if (s->ntypes > SETTINGS_TYPES ||
	    s->nclassifies > SETTINGS_CLASSIFIES) {
		if (s->ntypes > SETTINGS_TYPES)
			report_error(r, name, 0, "%zu types; there may be %d",
				     s->ntypes, SETTINGS_TYPES);
		else
			report_error(r, name, 0,
				     "%zu classify rules; there may be %d",
				     s->nclassifies, SETTINGS_CLASSIFIES);
		return;
	}
	check_types(s, r);
	for (size_t i = 0; i < s->nclassifies; i++) {
		check_type(&c, &s->classifies[i]);
		check_conditions(&c, &s->classifies[i]);
	}
	c.rule = sorted(s);
	check_order(&c);
	free(c.rule);
	if (r->errors == errors)
		check_given(s, r);
}
