#include "queue/classify.h"

#include <string.h>
#include <strings.h>

static bool
has_name(const char *const *name, size_t n, const char *which)
{
	for (size_t i = 0; i < n; i++)
		if (strcasecmp(name[i], which) == 0)
			return true;
	return false;
}

size_t
classify_names(const struct settings *s, const char *name[CLASSIFY_FIELDS])
{
	size_t n = 0;

	for (size_t i = 0; i < s->nclassifies; i++) {
		const struct classify_settings *c = &s->classifies[i];
		const char *by = c->by_header;

		if (*by != '\0' && n < CLASSIFY_FIELDS &&
		    !has_name(name, n, by))
			name[n++] = by;
		for (size_t j = 0; j < c->header.n; j++) {
			by = c->header.item[j].name;
			if (n < CLASSIFY_FIELDS && !has_name(name, n, by))
				name[n++] = by;
		}
	}
	return n;
}

static struct text
trimmed(const char *p)
{
	struct text t = {p, strnlen(p, CLASSIFY_VALUE)};

	while (t.n > 0 && (*t.p == ' ' || *t.p == '\t')) {
		t.p++;
		t.n--;
	}
	while (t.n > 0 && (t.p[t.n - 1] == ' ' || t.p[t.n - 1] == '\t'))
		t.n--;
	return t;
}

static bool
same(struct text a, const char *pattern)
{
	struct text b = trimmed(pattern);

	return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

/* The value of a field; NULL if the message has none. */
static const char *
value_of(const struct classify_ask *a, const char *name)
{
	for (size_t i = 0; i < a->nfields; i++)
		if (strcasecmp(a->field[i].name, name) == 0)
			return a->field[i].value;
	return NULL;
}

static bool
among(const struct texts *t, struct text value)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->item[i], "*") == 0 || same(value, t->item[i]))
			return true;
	return false;
}

static bool
headers_hold(const struct lists *header, const struct classify_ask *a)
{
	for (size_t i = 0; i < header->n; i++) {
		const char *v = value_of(a, header->item[i].name);

		if (v == NULL || !among(&header->item[i].value, trimmed(v)))
			return false;
	}
	return true;
}

/* Domains are those after the last "@": a quoted local part may have one. */
static bool
is_sender(const char *pattern, struct text who, const char *domain)
{
	size_t n = strlen(pattern), ndomain = strlen(domain);

	if (strchr(pattern, '@') != NULL)
		return n == who.n && strncasecmp(pattern, who.p, n) == 0;
	if (strncmp(pattern, "*.", 2) != 0)
		return strcasecmp(pattern, domain) == 0;
	pattern++;
	n--;
	return ndomain > n && strcasecmp(domain + ndomain - n, pattern) == 0;
}

static bool
sender_holds(const struct texts *t, const struct classify_ask *a)
{
	struct text who = a->author.n > 0 ? a->author : a->sender;
	char domain[ROUTING_DOMAIN];

	if (t->n > 0 && !routing_domain(who, domain))
		domain[0] = '\0'; /* the null sender has none */
	for (size_t i = 0; i < t->n; i++)
		if (is_sender(t->item[i], who, domain))
			return true;
	return t->n == 0;
}

static bool
named(const struct texts *t, struct text name)
{
	for (size_t i = 0; i < t->n; i++)
		if (text_is(name, t->item[i]))
			return true;
	return t->n == 0;
}

/* The type whose name this is. */
static bool
type_named(const struct settings *s, struct text name, unsigned *out)
{
	for (size_t i = 0; i < s->ntypes; i++) {
		if (!same(name, s->types[i].title))
			continue;
		*out = (unsigned)i;
		return true;
	}
	return false;
}

/* Through the map, else as it stands. */
static bool
type_of_value(const struct settings *s, const struct classify_settings *c,
	      struct text value, unsigned *out)
{
	for (size_t i = 0; i < c->map.n; i++) {
		const struct list_of *m = &c->map.item[i];

		if (same(value, m->name) && m->value.n > 0)
			return type_named(s, text_of(m->value.item[0]), out);
	}
	return type_named(s, value, out);
}

static bool
rule_gives(const struct settings *s, const struct classify_settings *c,
	   const struct classify_ask *a, unsigned *out)
{
	const char *v;

	if (a->size_bytes <= c->larger_than_bytes && c->larger_than_bytes > 0)
		return false;
	if (!named(&c->source, a->source) ||
	    !named(&c->auth_user, a->account) ||
	    !named(&c->listener, a->listener) || !headers_hold(&c->header, a) ||
	    !sender_holds(&c->sender, a))
		return false;
	if (c->by_header[0] == '\0')
		return type_named(s, text_of(c->type), out);
	v = value_of(a, c->by_header);
	return v != NULL && type_of_value(s, c, trimmed(v), out);
}

void
classify(const struct settings *s, const struct classify_ask *a,
	 struct classify_answer *out)
{
	*out = (struct classify_answer){NULL, routing_type(s, text_of(""))};
	for (size_t i = 0; i < s->nclassifies; i++) {
		const struct classify_settings *c = &s->classifies[i];

		if (out->rule != NULL && c->priority >= out->rule->priority)
			continue;
		if (rule_gives(s, c, a, &out->type))
			out->rule = c;
	}
}
