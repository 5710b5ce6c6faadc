#include "daemon/settings_doubts.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/archive_to.h"
#include "daemon/profile.h"
#include "daemon/routing.h"
#include "daemon/rule.h"
#include "daemon/settings_accounts.h"
#include "daemon/settings_returns.h"
#include "daemon/settings_routes.h"
#include "daemon/settings_types.h"

#define warning_at(r, p, ...) report_warning(r, (p).file, (p).line, __VA_ARGS__)

/* --- relays and routes that no mail comes to -------------------------------- */

static bool
is_for_sandbox(const struct settings *s, const struct relay_settings *relay)
{
	for (size_t i = 0; i < s->nsources; i++)
		if (strcmp(s->sources[i].sandbox_relay, relay->title) == 0)
			return true;
	return false;
}

static void
tell_relays(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->nrelays; i++) {
		const struct relay_settings *relay = &s->relays[i];

		if (relay != s->no_match_relay &&
		    !archive_has(s, relay->title) &&
		    !is_for_sandbox(s, relay) && !settings_routes_use(s, relay))
			warning_at(r, *relay,
				   "relay %s is not used: neither a route "
				   "nor no_match names it",
				   relay->title);
	}
}

static void
tell_quotas(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->nquotas; i++) {
		const char *title = s->quotas[i].title;
		bool used = false;

		for (size_t j = 0; j < s->nrelays; j++)
			for (size_t k = 0; k < s->relays[j].quota.n; k++)
				used =
				    used || strcmp(s->relays[j].quota.item[k],
						   title) == 0;
		if (!used)
			warning_at(r, s->quotas[i],
				   "quota %s is not used: no relay is charged "
				   "to it",
				   title);
	}
}

static void
tell_shadows(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->nroutes; i++) {
		const struct route_settings *route = &s->routes[i];
		const struct route_settings *by = routing_shadow(s, route);

		if (by != NULL)
			warning_at(r, *route,
				   "route %s never comes to its turn: route "
				   "%s (priority %" PRIu64
				   ", %s:%u) takes all of its mail",
				   route->title, by->title, by->priority,
				   by->file, by->line);
	}
}

/* A relay can stand behind itself only for nothing. */
static void
tell_trigger(const struct settings *s, const struct route_settings *route,
	     const char *key, const char *word, struct report *r)
{
	const struct relay_settings *crm = way_crm(s, word);

	for (size_t i = 0; crm != NULL && i < route->via.n; i++)
		for (size_t j = 0; j < route->via.item[i].value.n; j++) {
			if (strcmp(route->via.item[i].value.item[j],
				   crm->title) != 0)
				continue;
			warning_at(r,
				   settings_place(s, BLOCK_route, route, key),
				   "%s: relay %s stands in the list already",
				   key, crm->title);
			return;
		}
}

/* Lists for types that the route's own condition keeps out. */
static void
tell_lists(const struct settings *s, const struct route_settings *route,
	   struct report *r)
{
	for (size_t i = 0; route->type.n > 0 && i < route->via.n; i++) {
		const char *name = route->via.item[i].name;
		size_t j = 0;

		while (j < route->type.n &&
		       strcmp(route->type.item[j], name) != 0)
			j++;
		if (j == route->type.n && strcmp(name, "*") != 0)
			warning_at(
			    r, settings_place(s, BLOCK_route, route, "via"),
			    "via: the list of %s is not used: the route's key "
			    "type leaves it out",
			    name);
	}
}

/* --- types ------------------------------------------------------------------ */

/* Each relay's longest window, and the quota that has it.  0: it is never
 * spent. */
struct window {
	int64_t us;
	const char *quota;
};

static struct window
window_of(const struct settings *s, const struct relay_settings *relay)
{
	struct window most = {0, NULL};

	for (size_t i = 0; i < s->nquotas; i++) {
		const struct quota_settings *q = &s->quotas[i];
		int64_t us = DAY_US;
		size_t j = 0;

		while (j < relay->quota.n &&
		       strcmp(relay->quota.item[j], q->title) != 0)
			j++;
		if (q->window == WINDOW_MONTH)
			us = 30 * DAY_US; /* no lifetime can be longer */
		else if (q->window == WINDOW_ROLLING)
			us = q->period_us;
		if (j < relay->quota.n && us > most.us)
			most = (struct window){us, q->title};
	}
	return most;
}

/* One type, while the routes are looked at. */
struct doubt {
	const struct settings *s;
	const struct window *window; /* of each relay */
	const struct type_settings *type;
	struct window wait; /* the longest it may have to wait */
	const char *where;  /* on this route; NULL: no_match */
	bool routes;        /* there are some */
	bool routed;        /* and one has a list for it */
};

/* The first relay of a list that has room again ends the wait. */
static void
look_at(struct doubt *d, const struct texts *list, const char *where)
{
	struct window least = {INT64_MAX, NULL};

	for (size_t i = 0; i < list->n; i++) {
		const struct relay_settings *relay =
		    settings_relay(d->s, list->item[i]);
		const struct window *w = &d->window[relay - d->s->relays];

		if (w->us < least.us)
			least = *w;
	}
	if (least.us > d->wait.us) {
		d->wait = least;
		d->where = where;
	}
}

static void
look_at_routes(struct doubt *d)
{
	char *no_match = d->s->no_match_relay->title;

	look_at(d, &(struct texts){&no_match, 1}, NULL);
	for (size_t i = 0; i < d->s->nroutes; i++) {
		const struct route_settings *route = &d->s->routes[i];
		const struct texts *list =
		    way_list(&route->via, d->type->title);
		size_t j = 0;

		while (j < route->type.n &&
		       strcmp(route->type.item[j], d->type->title) != 0)
			j++;
		d->routes = d->routes || route->enabled;
		if (!route->enabled || list == NULL ||
		    (route->type.n > 0 && j == route->type.n))
			continue;
		d->routed = true;
		if (strcmp(route->on_exhausted, "wait") == 0)
			look_at(d, list, route->title);
	}
}

static int64_t
lifetime_us(const struct settings *s, const struct type_settings *t)
{
	for (size_t i = 0; t->lifetime_us == 0 && i < s->nretries; i++)
		if (strcmp(s->retries[i].title, t->retry) == 0)
			return s->retries[i].lifetime_us;
	return t->lifetime_us;
}

static void
print_time(int64_t us, struct bytes *out)
{
	out->n = 0;
	value_print(VALUE_duration, &us, out);
	bytes_u8(out, '\0');
}

static void
tell_type(struct doubt *d, const char *name, struct report *r)
{
	const struct type_settings *t = d->type;
	int64_t life_us = lifetime_us(d->s, t);
	struct bytes life = {0}, wait = {0};
	struct settings_place p = {name, 0};

	if (t->line > 0)
		p = settings_place(d->s, BLOCK_type, t, "lifetime");
	if (d->routes && !d->routed)
		warning_at(r, p,
			   "type %s has no route: all of it goes to relay %s "
			   "(no_match)",
			   t->title, d->s->no_match_relay->title);
	if (life_us < d->wait.us) {
		print_time(life_us, &life);
		print_time(d->wait.us, &wait);
		warning_at(r, p,
			   "type %s lives %s, but may have to wait %s for "
			   "quota %s (%s%s): then it comes back to its sender",
			   t->title, (char *)life.data, (char *)wait.data,
			   d->wait.quota, d->where ? "route " : "no_match",
			   d->where ? d->where : "");
	}
	bytes_free(&life);
	bytes_free(&wait);
}

static void
tell_types(const struct settings *s, const char *name, struct report *r)
{
	uint32_t given = settings_types_given(s);
	struct window window[SETTINGS_RELAYS];

	for (size_t i = 0; i < s->nrelays; i++)
		window[i] = window_of(s, &s->relays[i]);
	for (size_t i = 0; i < s->ntypes; i++) {
		struct doubt d = {
		    .s = s, .window = window, .type = &s->types[i]};

		if (!(given & UINT32_C(1) << i))
			continue; /* told already */
		look_at_routes(&d);
		tell_type(&d, name, r);
	}
}

void
settings_doubts_tell(const struct settings *s, const char *name,
		     struct report *r)
{
	tell_relays(s, r);
	tell_quotas(s, r);
	tell_shadows(s, r);
	for (size_t i = 0; i < s->nroutes; i++) {
		const struct route_settings *route = &s->routes[i];

		tell_trigger(s, route, "on_exhausted", route->on_exhausted, r);
		tell_trigger(s, route, "on_unreachable", route->on_unreachable,
			     r);
		tell_lists(s, route, r);
	}
	tell_types(s, name, r);
	settings_returns_doubts(s, r);
	settings_accounts_doubts(s, r);
	profile_doubts(s, r);
}
