#include "daemon/rule.h"

#include <stdlib.h>
#include <string.h>

void
rule_lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

size_t
rule_type(const struct settings *s, struct text name)
{
	size_t i = 0;

	while (i < s->ntypes && !text_is(name, s->types[i].title))
		i++;
	return i;
}

const char *
rule_next_key(const char *key)
{
	return strchr(key + 1, '.');
}

static int
key_order(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static struct domains
make_domains(const struct texts *t, struct arena *a)
{
	struct domains d = {.all = t->n == 0};

	d.key = arena_alloc(a, t->n * sizeof *d.key);
	for (size_t i = 0; i < t->n; i++) {
		const char *s = t->item[i] + (t->item[i][0] == '*');
		char *key = arena_text(a, s, strlen(s));

		rule_lower(key);
		d.all = d.all || *key == '\0';
		d.key[d.n++] = key;
	}
	if (d.all)
		d.n = 0;
	else
		qsort(d.key, d.n, sizeof *d.key, key_order);
	return d;
}

void
rule_make(struct rule *rule, const struct settings *s,
	  const struct route_settings *route, struct arena *a)
{
	*rule = (struct rule){.route = route};
	rule->from = make_domains(&route->from, a);
	rule->to = make_domains(&route->to, a);
	for (size_t i = 0; i < route->type.n; i++)
		rule->types |= UINT32_C(1)
			       << rule_type(s, text_of(route->type.item[i]));
	if (route->type.n == 0)
		rule->types = UINT32_MAX;
}

static bool
has_key(const struct domains *d, const char *key)
{
	if (d->all)
		return true;
	for (const char *k = *key ? key : NULL; k; k = rule_next_key(k))
		if (bsearch(&k, d->key, d->n, sizeof *d->key, key_order))
			return true;
	return false;
}

static bool
has_text(const struct texts *t, struct text s)
{
	for (size_t i = 0; i < t->n; i++)
		if (text_is(s, t->item[i]))
			return true;
	return t->n == 0;
}

bool
rule_claims(const struct rule *rule, const char *from, const char *to,
	    struct text source, unsigned type)
{
	return (rule->types & UINT32_C(1) << type) != 0 &&
	       has_text(&rule->route->source, source) &&
	       has_key(&rule->from, from) && has_key(&rule->to, to);
}

static bool
covers_domains(const struct domains *wide, const struct domains *narrow)
{
	if (narrow->all)
		return wide->all;
	for (size_t i = 0; i < narrow->n; i++)
		if (!has_key(wide, narrow->key[i]))
			return false;
	return true;
}

static bool
covers_texts(const struct texts *wide, const struct texts *narrow)
{
	if (narrow->n == 0)
		return wide->n == 0;
	for (size_t i = 0; i < narrow->n; i++)
		if (!has_text(wide, text_of(narrow->item[i])))
			return false;
	return true;
}

bool
rule_covers(const struct rule *wide, const struct rule *narrow)
{
	return (narrow->types & ~wide->types) == 0 &&
	       covers_texts(&wide->route->source, &narrow->route->source) &&
	       covers_domains(&wide->from, &narrow->from) &&
	       covers_domains(&wide->to, &narrow->to);
}
