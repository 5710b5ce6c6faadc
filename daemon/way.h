/*
 * way - relays in the order they are tried, and what happens when they can't
 * take the mail.
 *
 * Ways that lead through the same relays with the same triggers are one: mail
 * that waits for them waits in one place.  Way 0 is always no_match's.
 *
 * Owner    struct ways: ways_init and ways_free.
 */
#ifndef MTQ_WAY_H
#define MTQ_WAY_H

#include "daemon/settings.h"

enum {
	ROUTING_VIA = 7,      /* relays of one list */
	ROUTING_WAYS = 16000, /* of routes; behind them those of `only` */
	ROUTING_WAYS_MOST = ROUTING_WAYS + SETTINGS_RELAYS + 1,
};

/* What to do when a trigger fires. */
enum trigger {
	TRIGGER_NEXT, /* on_unreachable only: the list goes on */
	TRIGGER_WAIT,
	TRIGGER_BOUNCE,
	TRIGGER_RELAY, /* the way's `crm` relay for it */
};

struct way {
	uint8_t n;
	uint16_t relay[ROUTING_VIA]; /* places in settings->relays */
	enum trigger exhausted, unreachable;
	uint16_t exhausted_relay, unreachable_relay; /* of TRIGGER_RELAY */
};

/* Ways while they are made. */
struct ways {
	struct way *way;
	uint32_t n, room;
	uint32_t *slot;
};
/* With way 0. */
void ways_init(struct ways *w, const struct settings *s);
void ways_free(struct ways *w);
/* The way of a type's mail on this route: 0 for a type that the route has no
 * list for.  False if that would be more than ROUTING_WAYS. */
bool ways_add(struct ways *w, const struct settings *s,
	      const struct route_settings *route, size_t type,
	      uint32_t *out) MUST_USE;
/* The relays of a route for a type: its own list, else that of "*"; NULL: mail
 * of this type goes to no_match. */
const struct texts *way_list(const struct lists *via, const char *type);
/* The relay with role = crm that a trigger names; for "crm" the only one will
 * do, whatever its name.  NULL: there is none, or there are several. */
const struct relay_settings *way_crm(const struct settings *s,
				     const char *name);

#endif
