#include "daemon/settings_expects.h"

#include <string.h>

#include "daemon/routing.h"
#include "daemon/rule.h"

#define error_at(r, p, ...) report_error(r, (p).file, (p).line, __VA_ARGS__)
#define here(s, x, key)     settings_place(s, BLOCK_expect, x, key)

static bool
has_block(const struct settings *s, enum block_kind kind, const char *title)
{
	const struct block_head *head;

	for (size_t i = 0; (head = settings_block(s, kind, i)) != NULL; i++)
		if (strcmp(head->title, title) == 0)
			return true;
	return false;
}

static void
check_named(const struct settings *s, const struct expect_settings *x,
	    enum block_kind kind, const char *title, struct report *r)
{
	const char *key = settings_blocks[kind].name;

	if (*title != '\0' && !has_block(s, kind, title))
		error_at(r, here(s, x, key), "%s: there is no %s %.100s", key,
			 key, title);
}

static void
check_address(const struct settings *s, const struct expect_settings *x,
	      const char *key, const char *address, struct report *r)
{
	char domain[ROUTING_DOMAIN];

	if (settings_given(s, BLOCK_expect, x, key) == NULL ||
	    (*address == '\0' && strcmp(key, "from") == 0))
		return;
	if (!routing_domain(text_of(address), domain))
		error_at(r, here(s, x, key), "%s: '%.100s' is not an address",
			 key, address);
}

void
settings_expects_check(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->nexpects; i++) {
		const struct expect_settings *x = &s->expects[i];

		check_address(s, x, "from", x->from, r);
		check_address(s, x, "to", x->to, r);
		check_named(s, x, BLOCK_type, x->type, r);
		check_named(s, x, BLOCK_source, x->source, r);
		check_named(s, x, BLOCK_relay, x->relay, r);
		check_named(s, x, BLOCK_route, x->route, r);
		if (*x->relay == '\0' && *x->route == '\0' &&
		    !settings_broken(s, BLOCK_expect, x, "relay") &&
		    !settings_broken(s, BLOCK_expect, x, "route"))
			error_at(r, here(s, x, NULL),
				 "expect %s needs relay or route", x->title);
	}
}

/* One type from one source; false: it did not come true, which is told. */
static bool
prove(const struct settings *s, const struct expect_settings *x, unsigned type,
      const char *source, struct report *r)
{
	const struct routing_ask ask = {.author = text_of(x->from),
					.recipient = text_of(x->to),
					.source = text_of(source),
					.type = type};
	const char *relay, *route;
	struct routing_answer a;

	routing_find(s, &ask, &a);
	relay = s->relays[routing_way(s, a.way)->relay[0]].title;
	route = a.route ? a.route->title : "";
	if ((*x->relay == '\0' || strcmp(x->relay, relay) == 0) &&
	    (*x->route == '\0' || strcmp(x->route, route) == 0))
		return true;
	error_at(
	    r, here(s, x, NULL),
	    "expect %s: mail from %.100s to %.100s of type %s%s%s goes to "
	    "relay %s (%s%s%s), not %s%s%s%s",
	    x->title, *x->from ? x->from : "<>", x->to, s->types[type].title,
	    *source ? " from source " : "", source, relay,
	    *route ? "route " : "no_match: no route takes it", route,
	    *route && a.way == 0 ? ", no list for this type: no_match" : "",
	    *x->relay ? "relay " : "", x->relay,
	    *x->route ? (*x->relay ? " by route " : "by route ") : "",
	    x->route);
	return false;
}

/* From the source it names, or from each: without sources from nowhere. */
static void
prove_type(const struct settings *s, const struct expect_settings *x,
	   unsigned type, struct report *r)
{
	bool ok = true;

	if (*x->source != '\0' || s->nsources == 0) {
		(void)prove(s, x, type, x->source, r);
		return;
	}
	for (size_t i = 0; ok && i < s->nsources; i++)
		ok = prove(s, x, type, s->sources[i].title, r);
}

void
settings_expects_prove(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->nexpects; i++) {
		const struct expect_settings *x = &s->expects[i];

		for (unsigned t = 0; t < s->ntypes; t++)
			if (*x->type == '\0' ||
			    strcmp(x->type, s->types[t].title) == 0)
				prove_type(s, x, t, r);
	}
}
