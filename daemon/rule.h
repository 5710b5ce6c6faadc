/*
 * rule - a route made ready: does it claim this mail?
 *
 * Domains are compared by keys: "example.com" stands for that domain alone,
 * ".example.com" (in the file "*.example.com") for its subdomains.  So each
 * key that claims a domain is an end of the domain, and each key that claims
 * all that another key does is an end of that key.
 *
 * Owner    memory is the arena's.
 */
#ifndef MTQ_RULE_H
#define MTQ_RULE_H

#include "daemon/settings.h"

/* The keys of `from` or of `to`. */
struct domains {
	bool all;
	const char **key; /* sorted; of all: none */
	size_t n;
};
struct rule {
	const struct route_settings *route;
	struct domains from, to;
	uint32_t types;               /* bit i: settings->types[i] */
	uint32_t way[SETTINGS_TYPES]; /* of each type */
};

/* Without ways. */
void rule_make(struct rule *rule, const struct settings *s,
	       const struct route_settings *route, struct arena *a);
/* The domains are in lower case, "" without one. */
bool rule_claims(const struct rule *rule, const char *from, const char *to,
		 struct text source, unsigned type) MUST_USE;
/* Does `wide` claim all that `narrow` does? */
bool rule_covers(const struct rule *wide, const struct rule *narrow) MUST_USE;

/* The next shorter key that a domain (or a key) is claimed by; NULL: none. */
const char *rule_next_key(const char *key) MUST_USE;
/* Place of a type; settings->ntypes: there is none. */
size_t rule_type(const struct settings *s, struct text name) MUST_USE;
/* ASCII capitals become small. */
void rule_lower(char *s);

#endif
