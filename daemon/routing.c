#include "daemon/routing.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/archive_to.h"
#include "daemon/routing_index.h"
#include "daemon/rule.h"

enum {
	ROUTING_LABELS = ROUTING_DOMAIN / 2, /* "a.b.c": each has its dot */
};

/* Each rule is found in one of three places; all lists are in the order of
 * priorities. */
struct routing {
	struct rule *rule;
	size_t nrules;
	struct routing_index from, to;
	struct routing_list open; /* neither from nor to */
	struct way *way; /* of routes, of `only`, the one that leads nowhere */
	uint32_t nways;  /* of routes */
	uint16_t only[SETTINGS_RELAYS]; /* places of relays */
	size_t nonly;
	uint32_t epoch;
};

/* --- making ---------------------------------------------------------------- */

static int
rule_order(const void *a, const void *b)
{
	const struct rule *x = a, *y = b;

	return (x->route->priority > y->route->priority) -
	       (x->route->priority < y->route->priority);
}

static void
make_rules(const struct settings *s, struct routing *r, struct arena *a)
{
	r->rule = arena_alloc(a, s->nroutes * sizeof *r->rule);
	for (size_t i = 0; i < s->nroutes; i++) {
		const struct route_settings *route = &s->routes[i];

		if (route->enabled)
			rule_make(&r->rule[r->nrules++], s, route, a);
	}
	qsort(r->rule, r->nrules, sizeof *r->rule, rule_order);
}

/* The longest list one of these domains is in. */
static size_t
crowd(const struct routing_index *x, const struct domains *d)
{
	size_t most = 0;

	for (size_t i = 0; i < d->n; i++) {
		const struct routing_list *l = routing_index_find(x, d->key[i]);

		most = max_of(most, l ? l->n : 0);
	}
	return most;
}

struct pairs {
	struct routing_pair *pair;
	size_t n;
};

static void
add_pairs(struct pairs *p, const struct domains *d, size_t rank)
{
	for (size_t i = 0; i < d->n; i++)
		p->pair[p->n++] =
		    (struct routing_pair){d->key[i], (uint32_t)rank};
}

/* A rule with from and to is found by the side that fewer rules share: a
 * company with one domain has it in all of them. */
static void
make_indexes(struct routing *r, struct arena *a)
{
	uint32_t *open = arena_alloc(a, r->nrules * sizeof *open);
	struct pairs from = {0}, to = {0};
	struct arena scratch = {0};
	struct routing_index f, t;
	size_t nfrom = 0, nto = 0;

	for (size_t i = 0; i < r->nrules; i++) {
		nfrom += r->rule[i].from.n;
		nto += r->rule[i].to.n;
	}
	from.pair = arena_alloc(&scratch, nfrom * sizeof *from.pair);
	to.pair = arena_alloc(&scratch, nto * sizeof *to.pair);
	for (size_t i = 0; i < r->nrules; i++) {
		add_pairs(&from, &r->rule[i].from, i);
		add_pairs(&to, &r->rule[i].to, i);
	}
	routing_index_make(&f, from.pair, from.n, &scratch);
	routing_index_make(&t, to.pair, to.n, &scratch);
	from.n = to.n = 0;
	for (size_t i = 0; i < r->nrules; i++) {
		const struct rule *u = &r->rule[i];

		if (u->from.all && u->to.all)
			open[r->open.n++] = (uint32_t)i;
		else if (u->to.all || (!u->from.all && crowd(&f, &u->from) <=
							   crowd(&t, &u->to)))
			add_pairs(&from, &u->from, i);
		else
			add_pairs(&to, &u->to, i);
	}
	routing_index_make(&r->from, from.pair, from.n, a);
	routing_index_make(&r->to, to.pair, to.n, a);
	r->open.rank = open;
	arena_free(&scratch);
}

static void
epoch_texts(struct bytes *b, const struct texts *t)
{
	bytes_u32(b, (uint32_t)t->n);
	for (size_t i = 0; i < t->n; i++)
		bytes_text(b, t->item[i], strlen(t->item[i]));
}

static void
epoch_relay(struct bytes *b, const struct settings *s, size_t relay)
{
	bytes_text(b, s->relays[relay].title, strlen(s->relays[relay].title));
}

static void
epoch_trigger(struct bytes *b, const struct settings *s, enum trigger t,
	      size_t relay)
{
	bytes_u8(b, (uint8_t)t);
	if (t == TRIGGER_RELAY)
		epoch_relay(b, s, relay);
}

static uint32_t
make_epoch(const struct settings *s, const struct routing *r)
{
	struct bytes b = {0};
	uint32_t crc;

	bytes_u32(&b, (uint32_t)s->ntypes);
	for (size_t i = 0; i < s->ntypes; i++)
		bytes_text(&b, s->types[i].title, strlen(s->types[i].title));
	/* Whose mail is bound to which relay, too. */
	for (size_t i = 0; i < s->nsources; i++) {
		const char *relay = s->sources[i].sandbox_relay;

		if (*relay == '\0')
			continue;
		bytes_text(&b, s->sources[i].title,
			   strlen(s->sources[i].title));
		bytes_text(&b, relay, strlen(relay));
	}
	for (uint32_t i = 0; i < r->nways + r->nonly; i++) {
		const struct way *w = &r->way[i];

		bytes_u8(&b, w->n);
		for (size_t j = 0; j < w->n; j++)
			epoch_relay(&b, s, w->relay[j]);
		epoch_trigger(&b, s, w->exhausted, w->exhausted_relay);
		epoch_trigger(&b, s, w->unreachable, w->unreachable_relay);
	}
	for (size_t i = 0; i < r->nrules; i++) {
		epoch_texts(&b, &r->rule[i].route->from);
		epoch_texts(&b, &r->rule[i].route->to);
		epoch_texts(&b, &r->rule[i].route->source);
		epoch_texts(&b, &r->rule[i].route->type);
		for (size_t t = 0; t < s->ntypes; t++)
			bytes_u32(&b, r->rule[i].way[t]);
	}
	crc = crc32c(0, b.data, b.n);
	bytes_free(&b);
	return crc ? crc : 1;
}

/* Mail is only ever bound to a relay that the configuration names for that. */
static void
make_only(const struct settings *s, struct routing *r)
{
	for (size_t i = 0; i < s->nrelays; i++) {
		bool named = false;

		for (size_t j = 0; j < s->nsources; j++)
			named = named || strcmp(s->sources[j].sandbox_relay,
						s->relays[i].title) == 0;
		named = named || archive_has(s, s->relays[i].title);
		if (named)
			r->only[r->nonly++] = (uint16_t)i;
	}
}

/* Its triggers wait, since there is nothing else. */
static void
make_ways(struct routing *r, const struct ways *w, struct arena *a)
{
	struct way *one;

	r->nways = w->n;
	r->way = arena_alloc(a, (w->n + r->nonly + 1) * sizeof *r->way);
	memcpy(r->way, w->way, w->n * sizeof *w->way);
	for (size_t i = 0; i <= r->nonly; i++) {
		one = &r->way[w->n + i];
		one->n = i < r->nonly;
		if (i < r->nonly)
			one->relay[0] = r->only[i];
		one->exhausted = one->unreachable = TRIGGER_WAIT;
	}
}

const struct routing *
routing_make(const struct settings *s, struct arena *a)
{
	struct routing *r = arena_alloc(a, sizeof *r);
	bool room = true;
	struct ways w;

	make_rules(s, r, a);
	make_indexes(r, a);
	ways_init(&w, s);
	for (size_t i = 0; i < r->nrules; i++)
		for (size_t t = 0; t < s->ntypes; t++)
			room = room && ways_add(&w, s, r->rule[i].route, t,
						&r->rule[i].way[t]);
	make_only(s, r);
	make_ways(r, &w, a);
	ways_free(&w);
	r->epoch = make_epoch(s, r);
	return room ? r : NULL;
}

/* --- finding --------------------------------------------------------------- */

bool
routing_domain(struct text address, char out[ROUTING_DOMAIN])
{
	const char *at = NULL;
	size_t n;

	if (address.n > 0)
		at = memrchr(address.p, '@', address.n);
	out[0] = '\0';
	if (at == NULL)
		return false;
	n = address.n - (size_t)(at + 1 - address.p);
	if (n == 0 || n >= ROUTING_DOMAIN || at[1] == '.' ||
	    memchr(at + 1, '\0', n) != NULL)
		return false;
	memcpy(out, at + 1, n);
	out[n] = '\0';
	rule_lower(out);
	return true;
}

/* Lists that are walked side by side, each from its smallest rank up. */
struct walk {
	struct routing_list list[2 * (ROUTING_LABELS + 1) + 1];
	size_t n;
};

static void
walk_index(struct walk *w, const struct routing_index *x, const char *domain)
{
	for (const char *k = *domain ? domain : NULL; k; k = rule_next_key(k)) {
		const struct routing_list *l = routing_index_find(x, k);

		if (l == NULL)
			continue;
		must(w->n < countof(w->list));
		w->list[w->n++] = *l;
	}
}

static void
walk_begin(struct walk *w, const struct routing *r, const char *from,
	   const char *to)
{
	w->n = 1;
	w->list[0] = r->open;
	walk_index(w, &r->from, from);
	walk_index(w, &r->to, to);
}

/* The smallest rank not yet seen; false at the end. */
static bool
walk_next(struct walk *w, uint32_t *out)
{
	struct routing_list *best = NULL;

	for (size_t i = 0; i < w->n; i++)
		if (w->list[i].n > 0 &&
		    (best == NULL || *w->list[i].rank < *best->rank))
			best = &w->list[i];
	if (best == NULL)
		return false;
	*out = *best->rank++;
	best->n--;
	return true;
}

static uint32_t
only_way(const struct settings *s, struct text name)
{
	const struct routing *r = s->routing;
	size_t i = 0;

	while (i < r->nonly && !text_is(name, s->relays[r->only[i]].title))
		i++;
	return r->nways + (uint32_t)i; /* the last one leads nowhere */
}

void
routing_find(const struct settings *s, const struct routing_ask *ask,
	     struct routing_answer *out)
{
	struct text who = ask->author.n > 0 ? ask->author : ask->sender;
	const struct routing *r = s->routing;
	char from[ROUTING_DOMAIN], to[ROUTING_DOMAIN];
	struct walk w;
	uint32_t rank;

	must(ask->type < s->ntypes);
	*out = (struct routing_answer){NULL, 0};
	if (ask->only.p != NULL) {
		out->way = only_way(s, ask->only);
		return;
	}
	if (!routing_domain(who, from))
		from[0] = '\0'; /* only routes for all */
	if (!routing_domain(ask->recipient, to))
		to[0] = '\0';
	walk_begin(&w, r, from, to);
	while (walk_next(&w, &rank)) {
		const struct rule *u = &r->rule[rank];

		if (!rule_claims(u, from, to, ask->source, ask->type))
			continue;
		*out = (struct routing_answer){u->route, u->way[ask->type]};
		return;
	}
}

const struct way *
routing_way(const struct settings *s, uint32_t way)
{
	must(way <= s->routing->nways + s->routing->nonly);
	return &s->routing->way[way];
}

uint32_t
routing_ways(const struct settings *s)
{
	return s->routing->nways;
}

uint32_t
routing_epoch(const struct settings *s)
{
	return s->routing->epoch;
}

unsigned
routing_type(const struct settings *s, struct text name)
{
	size_t i = rule_type(s, name);

	if (i == s->ntypes)
		i = rule_type(s, text_of("individual"));
	return i < s->ntypes ? (unsigned)i : 0;
}

/* Who covers a rule also covers its first keys, and is found by them. */
const struct route_settings *
routing_shadow(const struct settings *s, const struct route_settings *route)
{
	const struct routing *r = s->routing;
	const struct rule *u = NULL;
	struct walk w;
	uint32_t rank;

	for (size_t i = 0; u == NULL && i < r->nrules; i++)
		if (r->rule[i].route == route)
			u = &r->rule[i];
	if (u == NULL)
		return NULL; /* not enabled */
	walk_begin(&w, r, u->from.n > 0 ? u->from.key[0] : "",
		   u->to.n > 0 ? u->to.key[0] : "");
	while (walk_next(&w, &rank) && &r->rule[rank] != u)
		if (rule_covers(&r->rule[rank], u))
			return r->rule[rank].route;
	return NULL;
}
