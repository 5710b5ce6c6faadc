#include "daemon/way.h"

#include <stdlib.h>
#include <string.h>

enum { WAY_SLOTS = 1 << 15 }; /* at most half of them are taken */

static uint16_t
relay_place(const struct settings *s, const struct relay_settings *relay)
{
	must(relay != NULL);
	return (uint16_t)(relay - s->relays);
}

const struct relay_settings *
way_crm(const struct settings *s, const char *name)
{
	const struct relay_settings *named = settings_relay(s, name), *r = NULL;

	if (named != NULL && named->role == DUTY_CRM)
		return named;
	for (size_t i = 0; strcmp(name, "crm") == 0 && i < s->nrelays; i++) {
		if (s->relays[i].role != DUTY_CRM)
			continue;
		if (r != NULL)
			return NULL;
		r = &s->relays[i];
	}
	return r;
}

const struct texts *
way_list(const struct lists *via, const char *type)
{
	const struct texts *rest = NULL;

	for (size_t i = 0; i < via->n; i++) {
		if (strcmp(via->item[i].name, type) == 0)
			return &via->item[i].value;
		if (strcmp(via->item[i].name, "*") == 0)
			rest = &via->item[i].value;
	}
	return rest;
}

static enum trigger
make_trigger(const struct settings *s, const char *word, uint16_t *relay)
{
	if (strcmp(word, "next") == 0)
		return TRIGGER_NEXT;
	if (strcmp(word, "wait") == 0)
		return TRIGGER_WAIT;
	if (strcmp(word, "bounce") == 0)
		return TRIGGER_BOUNCE;
	*relay = relay_place(s, way_crm(s, word));
	return TRIGGER_RELAY;
}

/* Its place; a way that is there already is found by its octets.  False: no
 * room. */
static bool
find_or_add(struct ways *w, const struct way *one, uint32_t *out)
{
	uint32_t at = crc32c(0, one, sizeof *one);

	for (; w->slot[at % WAY_SLOTS] != 0; at++) {
		*out = w->slot[at % WAY_SLOTS] - 1; /* 0 is an empty slot */
		if (memcmp(&w->way[*out], one, sizeof *one) == 0)
			return true;
	}
	if (w->n == ROUTING_WAYS)
		return false;
	if (w->n == w->room) {
		w->room = w->room ? 2 * w->room : 16;
		w->way = must_realloc(w->way, w->room * sizeof *w->way);
	}
	*out = w->n;
	memcpy(&w->way[w->n++], one, sizeof *one);
	w->slot[at % WAY_SLOTS] = w->n;
	return true;
}

void
ways_init(struct ways *w, const struct settings *s)
{
	struct way one;
	uint32_t zero;

	*w = (struct ways){.slot = must_alloc(WAY_SLOTS * sizeof *w->slot)};
	memset(&one, 0, sizeof one); /* the holes too: see find_or_add */
	one.n = 1;
	one.relay[0] = relay_place(s, s->no_match_relay);
	one.exhausted = TRIGGER_WAIT;
	one.unreachable = TRIGGER_WAIT;
	must(find_or_add(w, &one, &zero) && zero == 0);
}

void
ways_free(struct ways *w)
{
	free(w->way);
	free(w->slot);
}

bool
ways_add(struct ways *w, const struct settings *s,
	 const struct route_settings *route, size_t type, uint32_t *out)
{
	const struct texts *list = way_list(&route->via, s->types[type].title);
	struct way one;

	*out = 0;
	if (list == NULL)
		return true;
	must(list->n > 0 && list->n <= ROUTING_VIA);
	memset(&one, 0, sizeof one);
	one.n = (uint8_t)list->n;
	for (size_t i = 0; i < list->n; i++)
		one.relay[i] = relay_place(s, settings_relay(s, list->item[i]));
	one.exhausted =
	    make_trigger(s, route->on_exhausted, &one.exhausted_relay);
	one.unreachable =
	    make_trigger(s, route->on_unreachable, &one.unreachable_relay);
	return find_or_add(w, &one, out);
}
