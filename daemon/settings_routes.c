#include "daemon/settings_routes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/routing.h"
#include "daemon/rule.h"
#include "daemon/settings_types.h"

#define error_at(r, p, ...)   report_error(r, (p).file, (p).line, __VA_ARGS__)
#define warning_at(r, p, ...) report_warning(r, (p).file, (p).line, __VA_ARGS__)
#define here(s, route, key)   settings_place(s, BLOCK_route, route, key)

static void
check_domains(const struct settings *s, const struct route_settings *route,
	      const char *key, const struct texts *t, struct report *r)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcmp(t->item[i], "*") != 0 &&
		    !settings_is_domain(t->item[i]))
			error_at(r, here(s, route, key),
				 "%s: '%.100s' is not a domain, *.domain or *",
				 key, t->item[i]);
}

static void
check_sources(const struct settings *s, const struct route_settings *route,
	      struct report *r)
{
	for (size_t i = 0; i < route->source.n; i++) {
		size_t j = 0;

		while (j < s->nsources &&
		       strcmp(s->sources[j].title, route->source.item[i]) != 0)
			j++;
		if (j == s->nsources)
			error_at(r, here(s, route, "source"),
				 "source: there is no source %.100s",
				 route->source.item[i]);
	}
}

/* The relays of one list. */
static void
check_list(const struct settings *s, const struct route_settings *route,
	   const struct list_of *l, struct report *r)
{
	const struct texts *t = &l->value;

	if (t->n > ROUTING_VIA) {
		error_at(r, here(s, route, "via"),
			 "via: %zu relays in one list; there may be %d", t->n,
			 ROUTING_VIA);
		return;
	}
	for (size_t i = 0; i < t->n; i++) {
		size_t j = 0;

		while (strcmp(t->item[j], t->item[i]) != 0)
			j++;
		if (settings_relay(s, t->item[i]) == NULL)
			error_at(r, here(s, route, "via"),
				 "via: there is no relay %.100s", t->item[i]);
		else if (j < i)
			error_at(r, here(s, route, "via"),
				 "via: relay %.100s stands twice in one list",
				 t->item[i]);
	}
}

static void
check_via(const struct settings *s, const struct route_settings *route,
	  struct report *r)
{
	const struct conf_node *n =
	    settings_given(s, BLOCK_route, route, "via");

	if (n == NULL)
		return; /* told already */
	if (route->via.n == 0)
		error_at(r, here(s, route, "via"), "via: names no relay");
	for (size_t i = 0; i < route->via.n; i++) {
		const struct list_of *l = &route->via.item[i];

		if (strcmp(l->name, "*") != 0)
			settings_types_known(s, BLOCK_route, route, "via",
					     l->name, r);
		check_list(s, route, l, r);
	}
}

static bool
is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

static void
check_trigger(const struct settings *s, const struct route_settings *route,
	      const char *key, const char *word, const char *const *words,
	      struct report *r)
{
	const struct relay_settings *named = settings_relay(s, word);
	struct settings_place p = here(s, route, key);
	size_t crms = 0;

	for (size_t i = 0; i < s->nrelays; i++)
		crms += s->relays[i].role == DUTY_CRM;
	if (is_one_of(word, words) || way_crm(s, word) != NULL)
		return;
	if (strcmp(word, "next") == 0)
		error_at(r, p,
			 "%s: next is for on_unreachable; here the list is at "
			 "its end",
			 key);
	else if (named != NULL)
		error_at(r, p, "%s: relay %.100s does not have role = crm", key,
			 word);
	else if (strcmp(word, "crm") != 0)
		error_at(r, p,
			 "%s: '%.100s' is none of %s%swait, bounce, crm, and "
			 "no relay",
			 key, word, words[2] ? words[2] : "",
			 words[2] ? ", " : "");
	else if (crms == 0)
		error_at(r, p, "%s: crm: no relay has role = crm", key);
	else
		error_at(r, p,
			 "%s: crm: %zu relays have role = crm; name one of "
			 "them",
			 key, crms);
}

static int
route_order(const void *a, const void *b)
{
	const struct route_settings *x =
	    *(const struct route_settings *const *)a;
	const struct route_settings *y =
	    *(const struct route_settings *const *)b;

	if (x->priority != y->priority)
		return x->priority < y->priority ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void
check_priorities(const struct settings *s, struct report *r)
{
	const struct route_settings **route =
	    must_alloc((s->nroutes + 1) * sizeof(*route));

	for (size_t i = 0; i < s->nroutes; i++)
		route[i] = &s->routes[i];
	qsort(route, s->nroutes, sizeof(*route), route_order);
	for (size_t i = 1; i < s->nroutes; i++) {
		uint64_t n = route[i]->priority;

		if (n > 0 && n == route[i - 1]->priority)
			error_at(r, here(s, route[i], "priority"),
				 "priority: %" PRIu64
				 " is taken by route %s at %s:%u",
				 n, route[i - 1]->title, route[i - 1]->file,
				 route[i - 1]->line);
	}
	free(route);
}

void
settings_routes_check(const struct settings *s, const char *name,
		      struct report *r)
{
	static const char *const exhausted[] = {"wait", "bounce", NULL, NULL};
	static const char *const unreachable[] = {"wait", "bounce", "next",
						  NULL};

	if (s->nroutes > SETTINGS_ROUTES) {
		report_error(r, name, 0, "%zu routes; there may be %d",
			     s->nroutes, SETTINGS_ROUTES);
		return;
	}
	for (size_t i = 0; i < s->nroutes; i++) {
		const struct route_settings *route = &s->routes[i];

		check_domains(s, route, "from", &route->from, r);
		check_domains(s, route, "to", &route->to, r);
		check_sources(s, route, r);
		for (size_t j = 0; j < route->type.n; j++)
			settings_types_known(s, BLOCK_route, route, "type",
					     route->type.item[j], r);
		check_via(s, route, r);
		check_trigger(s, route, "on_exhausted", route->on_exhausted,
			      exhausted, r);
		check_trigger(s, route, "on_unreachable", route->on_unreachable,
			      unreachable, r);
	}
	check_priorities(s, r);
}

bool
settings_routes_use(const struct settings *s,
		    const struct relay_settings *relay)
{
	for (size_t i = 0; i < s->nroutes; i++) {
		const struct route_settings *route = &s->routes[i];

		if (relay->role == DUTY_CRM &&
		    (way_crm(s, route->on_exhausted) == relay ||
		     way_crm(s, route->on_unreachable) == relay))
			return true;
		for (size_t j = 0; j < route->via.n; j++)
			for (size_t k = 0; k < route->via.item[j].value.n; k++)
				if (strcmp(route->via.item[j].value.item[k],
					   relay->title) == 0)
					return true;
	}
	return false;
}
