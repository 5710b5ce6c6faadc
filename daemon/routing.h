/*
 * routing - which relays a message may take, in which order: the routes of the
 * configuration, indexed.  Pure; the same answer for receiver, scheduler,
 * `mtq explain` and expect blocks.
 *
 * A route claims a message when its from, to, source and type do; the claiming
 * route with the smallest priority decides, and its list for the type is a
 * `way`.  Domains are found by hash, parent by parent, so the cost hangs on the
 * labels of a domain, not on the number of routes.
 *
 *	example.com	that domain only
 *	*.example.com	its subdomains only
 *	*, empty	all
 *
 * Ways     ways that lead through the same relays with the same triggers are
 *          one.  Way 0 is always no_match's.
 * Only     mail that may take one relay and no other (a sandbox's) has a way of
 *          that relay alone; if there is no such relay, one that leads nowhere:
 *          it waits.
 * Epoch    a checksum of all that decides ways and types: waiting mail carries
 *          it, so that mail sorted under another configuration is known.
 * Owner    lives in the settings' arena; made by settings_load, never changed.
 * Source   docs/routing.md; facts: Salesforce "email domain filters".
 */
#ifndef MTQ_ROUTING_H
#define MTQ_ROUTING_H

#include "daemon/way.h"

struct routing_ask {
	struct text author;    /* header From; empty: there is none */
	struct text sender;    /* envelope; decides when author is empty */
	struct text recipient; /* address */
	struct text source;
	unsigned type; /* place in settings->types */
	/* The relay that alone may carry it; only.p NULL: as the routes say.  A
	 * name that is no such relay leads nowhere. */
	struct text only;
};
struct routing_answer {
	const struct route_settings *route; /* NULL: no_match */
	uint32_t way;
};

struct routing;
/* After the checks found no error: relays, types, triggers all exist.  NULL if
 * there are more than ROUTING_WAYS ways. */
const struct routing *routing_make(const struct settings *s, struct arena *a);
void routing_find(const struct settings *s, const struct routing_ask *ask,
		  struct routing_answer *out);
const struct way *routing_way(const struct settings *s, uint32_t way);
/* Of the routes. */
uint32_t routing_ways(const struct settings *s);
uint32_t routing_epoch(const struct settings *s);
/* An enabled route of smaller priority that claims all that this one does. */
const struct route_settings *routing_shadow(const struct settings *s,
					    const struct route_settings *route);
/* The domain of an address, lower case: what from and to are compared with.
 * False for the null sender. */
enum { ROUTING_DOMAIN = 256 };
bool routing_domain(struct text address, char out[ROUTING_DOMAIN]) MUST_USE;

/* Place of a type by its name; of an unknown one: the type of mail that no
 * classify rule takes ("individual", else the first). */
unsigned routing_type(const struct settings *s, struct text name);

#endif
