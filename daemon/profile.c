#include "daemon/profile.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/settings_networks.h"

/* Profile, key, value as the file would spell it.  Zoho has none: its networks
 * hang on the data centre. */
#define PROFILES(P)                                                            \
	P(SALESFORCE, from_ip, "@salesforce")                                  \
	P(SALESFORCE, require_tls, "yes")                                      \
	P(SALESFORCE, allow_bounce_domains, "*.bnc.salesforce.com")

static const struct row {
	enum profile_kind profile;
	const char *key;
	const char *value;
} rows[] = {
#define P(profile, key, value) {PROFILE_##profile, #key, value},
    PROFILES(P)
#undef P
};

enum { PORTS_MOST = 5, ZOHO_RELAYS = 3 };

/* What a CRM can reach (R06), and how it is called. */
static const struct crm {
	const char *name;
	const char *ports; /* for people */
	unsigned port[PORTS_MOST];
} crms[PROFILE_COUNT] = {
    [PROFILE_SALESFORCE] = {"Salesforce",
			    "25, 587, 10025 and 11025",
			    {25, 587, 10025, 11025}},
    [PROFILE_ZOHO] = {"Zoho", "25, 465 and 587", {25, 465, 587}},
};

static const char *const origins[PROFILE_COUNT] = {
#define W(id, word) [PROFILE_##id] = "profile " word,
    PROFILE_WORDS(W)
#undef W
};

/* --- the values ----------------------------------------------------------- */

/* Would the profile give this key, if the file did not? */
static const struct row *
row_of(const struct source_settings *source, const char *key)
{
	for (size_t i = 0; i < countof(rows); i++) {
		if (rows[i].profile != source->profile ||
		    strcmp(rows[i].key, key) != 0)
			continue;
		/* Without allow_from every sender is welcome already. */
		if (strcmp(key, "allow_bounce_domains") == 0 &&
		    source->allow_from.n == 0)
			return NULL;
		return &rows[i];
	}
	return NULL;
}

static void
apply(struct settings *s, struct source_settings *source, const struct row *row,
      struct report *r)
{
	const struct key_row *k =
	    settings_key(&settings_blocks[BLOCK_source], row->key);
	struct arena *arena = &s->memory->arena;
	char *item = arena_text(arena, row->value, strlen(row->value));
	const struct value_text text = {.item = &item, .n = 1};
	const struct settings_place at = {source->file, source->line};
	char why[VALUE_WHY], by[64];

	must(k != NULL);
	if (!settings_networks_named(&item, 1)) {
		must(value_parse(k->kind, &text, k->least, k->most, arena,
				 (char *)source + k->offset, why));
		return;
	}
	snprintf(by, sizeof by, "%s: ", origins[source->profile]);
	/* A set that can't be read is told, and there are no settings. */
	if (!settings_networks_read(s, source, &item, 1, by, at, r))
		source->from_ip.n = 0;
}

void
profile_apply(struct settings *s, struct source_settings *source, bool files,
	      struct report *r)
{
	for (size_t i = 0; i < countof(rows); i++)
		if ((files || rows[i].value[0] != '@') &&
		    row_of(source, rows[i].key) == &rows[i] &&
		    settings_node(s, BLOCK_source, source, rows[i].key) == NULL)
			apply(s, source, &rows[i], r);
}

const char *
profile_origin(const struct settings *s, enum block_kind kind,
	       const void *block, const struct key_row *k)
{
	const struct source_settings *source = block;

	if (kind != BLOCK_source)
		return NULL;
	if (k->kind == VALUE_networks)
		return settings_networks_origin(s, source);
	if (settings_node(s, kind, block, k->name) != NULL)
		return NULL;
	return row_of(source, k->name) != NULL ? origins[source->profile]
					       : NULL;
}

/* --- doubts --------------------------------------------------------------- */

struct doubts {
	const struct settings *s;
	const struct source_settings *source;
	const struct crm *crm;
	struct report *report;
};

#define doubt(d, key, ...)                                                     \
	do {                                                                   \
		struct settings_place at_ =                                    \
		    settings_place((d)->s, BLOCK_source, (d)->source, key);    \
		report_warning((d)->report, at_.file, at_.line, __VA_ARGS__);  \
	} while (0)

static bool
can_reach(const struct crm *crm, const struct listen_settings *l)
{
	for (size_t i = 0; i < l->address.n; i++)
		for (size_t j = 0; j < PORTS_MOST; j++)
			if (crm->port[j] != 0 &&
			    net_port(&l->address.at[i]) == crm->port[j])
				return true;
	return false;
}

/* STARTTLS is all that Salesforce speaks; Zoho can do both. */
static bool
speaks_its_tls(const struct source_settings *source,
	       const struct listen_settings *l)
{
	if (source->profile == PROFILE_SALESFORCE)
		return l->tls == LISTEN_TLS_OPTIONAL ||
		       l->tls == LISTEN_TLS_REQUIRED;
	return l->tls != LISTEN_TLS_OFF;
}

static bool
has_word(const struct texts *t, const char *word)
{
	for (size_t i = 0; i < t->n; i++)
		if (strcasecmp(t->item[i], word) == 0)
			return true;
	return false;
}

/* One listener is enough, if it is right; of those that the source names itself
 * each should be. */
static void
doubt_listeners(const struct doubts *d)
{
	const struct source_settings *source = d->source;
	unsigned reached = 0, secure = 0, login = 0;

	for (size_t i = 0; i < d->s->nlistens; i++) {
		const struct listen_settings *l = &d->s->listens[i];

		if (!settings_is_for(source, l->title))
			continue;
		if (!can_reach(d->crm, l)) {
			if (source->listener.n > 0)
				doubt(d, "listener",
				      "source %s: %s can't reach listen %s; "
				      "it reaches ports %s",
				      source->title, d->crm->name, l->title,
				      d->crm->ports);
			continue;
		}
		reached++;
		secure += speaks_its_tls(source, l);
		login += has_word(&l->mechanism, "PLAIN") ||
			 has_word(&l->mechanism, "LOGIN");
	}
	if (reached == 0 && source->listener.n == 0)
		doubt(d, "profile",
		      "source %s: %s reaches ports %s, and no listener has one",
		      source->title, d->crm->name, d->crm->ports);
	if (reached > 0 && secure == 0 && source->require_tls)
		doubt(d, "require_tls",
		      "source %s: TLS is required, and no listener that %s "
		      "reaches offers %s: all its mail is refused",
		      source->title, d->crm->name,
		      source->profile == PROFILE_SALESFORCE ? "STARTTLS"
							    : "TLS");
	if (reached > 0 && login == 0 && source->auth_user.n > 0)
		doubt(d, "auth_user",
		      "source %s: %s can AUTH by PLAIN and LOGIN only, and no "
		      "listener that it reaches offers one of them",
		      source->title, d->crm->name);
}

static bool
asks_for_header(const struct source_settings *source, const char *name)
{
	for (size_t i = 0; i < source->require_header.n; i++)
		if (strcasecmp(source->require_header.item[i].name, name) == 0)
			return true;
	return false;
}

/* All customers of a CRM send from the same addresses. */
static void
doubt_proofs(const struct doubts *d)
{
	const struct source_settings *source = d->source;
	const char *name = source->title;

	if (source->profile == PROFILE_SALESFORCE &&
	    !asks_for_header(source, "X-SFDC-LK"))
		doubt(
		    d, "require_header",
		    "source %s: every customer of Salesforce can send "
		    "through it; set require_header { X-SFDC-LK = YOUR_ORG_ID "
		    "}",
		    name);
	if (source->dkim == DKIM_GATE_OFF)
		doubt(d, "dkim",
		      "source %s: signatures of %s are not looked at; set dkim "
		      "= log, and require when all mail has one",
		      name, d->crm->name);
	if (source->allow_from.n == 0)
		doubt(d, "allow_from",
		      "source %s: mail in anybody's name goes through; set "
		      "allow_from to your domains",
		      name);
}

/* Zoho knows three relays of a domain (F07): more can't be told to it. */
static void
doubt_relays(const struct doubts *d)
{
	for (size_t i = 0; i < d->s->nroutes; i++) {
		const struct route_settings *route = &d->s->routes[i];
		const char *seen[SETTINGS_RELAYS];
		size_t n = 0;

		if (route->source.n > 0 &&
		    !has_word(&route->source, d->source->title))
			continue;
		for (size_t j = 0; j < route->via.n; j++) {
			const struct texts *list = &route->via.item[j].value;

			for (size_t k = 0; k < list->n; k++) {
				size_t x = 0;

				while (x < n &&
				       strcmp(seen[x], list->item[k]) != 0)
					x++;
				if (x == n && n < countof(seen))
					seen[n++] = list->item[k];
			}
		}
		if (n > ZOHO_RELAYS)
			report_warning(
			    d->report, route->file, route->line,
			    "route %s has %zu relays; Zoho CRM knows "
			    "at most %d of a domain",
			    route->title, n, ZOHO_RELAYS);
	}
}

void
profile_doubts(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->nsources; i++) {
		const struct source_settings *source = &s->sources[i];
		const struct doubts d = {s, source, &crms[source->profile], r};

		if (source->profile == PROFILE_NONE)
			continue;
		doubt_listeners(&d);
		doubt_proofs(&d);
		if (source->profile == PROFILE_ZOHO)
			doubt_relays(&d);
	}
}
