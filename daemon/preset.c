#include "daemon/preset.h"

#include <string.h>

#include "daemon/settings_auth.h"

/* Provider, key, value as the file would spell it.  The names have addresses
 * and no MX, so nobody needs to ask for one. */
#define PRESETS(P)                                                             \
	P(M365, host, "smtp.office365.com")                                    \
	P(M365, port, "587")                                                   \
	P(M365, lookup, "host")                                                \
	P(M365, tls, "required-verify")                                        \
	P(M365, connections, "3") /* of a mailbox, else 432 4.3.2 */           \
	P(M365, rate, "30/min")   /* messages; we count recipients */          \
	P(GOOGLE, host, "smtp-relay.gmail.com")                                \
	P(GOOGLE, port, "587")                                                 \
	P(GOOGLE, lookup, "host")                                              \
	P(GOOGLE, tls, "required-verify")                                      \
	P(GOOGLE, recipients_per_message, "100")                               \
	P(SES, port, "587") /* the host's name has the region */               \
	P(SES, lookup, "host")                                                 \
	P(SES, tls, "required-verify")                                         \
	P(SES, recipients_per_message, "50")                                   \
	P(SENDGRID, host, "smtp.sendgrid.net")                                 \
	P(SENDGRID, port, "587")                                               \
	P(SENDGRID, lookup, "host")                                            \
	P(SENDGRID, tls, "required-verify")                                    \
	P(SENDGRID, messages_per_connection, "100")                            \
	P(MAILGUN, host, "smtp.mailgun.org")                                   \
	P(MAILGUN, port, "587")                                                \
	P(MAILGUN, lookup, "host")                                             \
	P(MAILGUN, tls, "required-verify")                                     \
	P(POSTMARK, host, "smtp.postmarkapp.com")                              \
	P(POSTMARK, port, "587")                                               \
	P(POSTMARK, lookup, "host")                                            \
	P(POSTMARK, tls, "required-verify")                                    \
	P(POSTMARK, recipients_per_message, "50")

static const struct row {
	enum provider_kind provider;
	const char *key;
	const char *value;
} rows[] = {
#define P(provider, key, value) {PROVIDER_##provider, #key, value},
    PRESETS(P)
#undef P
};

/* Most wanted first; only what the relay has a credential for is taken. */
static const struct {
	enum provider_kind provider;
	size_t n;
	enum mechanism mechanism[4];
} orders[] = {
    {PROVIDER_M365, 2, {MECHANISM_XOAUTH2, MECHANISM_LOGIN}},
    {PROVIDER_GOOGLE,
     4,
     {MECHANISM_OAUTHBEARER, MECHANISM_XOAUTH2, MECHANISM_PLAIN,
      MECHANISM_LOGIN}},
    {PROVIDER_SES, 2, {MECHANISM_PLAIN, MECHANISM_LOGIN}},
    {PROVIDER_SENDGRID, 2, {MECHANISM_PLAIN, MECHANISM_LOGIN}},
    {PROVIDER_MAILGUN, 2, {MECHANISM_PLAIN, MECHANISM_LOGIN}},
    {PROVIDER_POSTMARK, 2, {MECHANISM_PLAIN, MECHANISM_LOGIN}},
};

static const char *const origins[PROVIDER_COUNT] = {
#define W(id, word) [PROVIDER_##id] = "provider " word,
    PROVIDER_WORDS(W)
#undef W
};

static const struct row *
row_of(enum provider_kind p, const char *key)
{
	for (size_t i = 0; i < countof(rows); i++)
		if (rows[i].provider == p && strcmp(rows[i].key, key) == 0)
			return &rows[i];
	return NULL;
}

static const struct list_of *
mechanisms_of(const struct relay_settings *r)
{
	for (size_t i = 0; i < r->auth.n; i++)
		if (strcmp(r->auth.item[i].name, "mechanism") == 0)
			return &r->auth.item[i];
	return NULL;
}

/* As if the file had named them. */
static void
add_mechanisms(struct relay_settings *r, const enum mechanism *order, size_t n,
	       struct arena *arena)
{
	struct lists with = {.n = r->auth.n + 1};
	struct auth_settings a;
	struct list_of *add;

	if (!auth_of(r, &a)) /* it will be told */
		return;
	with.item = arena_alloc(arena, with.n * sizeof *with.item);
	memcpy(with.item, r->auth.item, r->auth.n * sizeof *with.item);
	add = &with.item[r->auth.n];
	add->name = arena_text(arena, "mechanism", strlen("mechanism"));
	add->value.item = arena_alloc(arena, n * sizeof *add->value.item);
	for (size_t i = 0; i < n; i++) {
		const char *name = mechanism_name(order[i]);

		if (auth_can(&a, r, order[i]))
			add->value.item[add->value.n++] =
			    arena_text(arena, name, strlen(name));
	}
	if (add->value.n > 0)
		r->auth = with;
}

void
preset_apply(struct settings *s, struct relay_settings *r)
{
	const struct block_row *b = &settings_blocks[BLOCK_relay];
	struct arena *arena = &s->memory->arena;
	char why[VALUE_WHY];

	if (r->deliver != DELIVER_SMTP)
		return;
	for (size_t i = 0; i < countof(rows); i++) {
		const struct key_row *k = settings_key(b, rows[i].key);
		char *item =
		    arena_text(arena, rows[i].value, strlen(rows[i].value));
		const struct value_text text = {.item = &item, .n = 1};

		must(k != NULL);
		if (rows[i].provider == r->provider &&
		    settings_node(s, BLOCK_relay, r, k->name) == NULL)
			must(value_parse(k->kind, &text, k->least, k->most,
					 arena, (char *)r + k->offset, why));
	}
	for (size_t i = 0; i < countof(orders); i++)
		if (orders[i].provider == r->provider && r->auth.n > 0 &&
		    mechanisms_of(r) == NULL)
			add_mechanisms(r, orders[i].mechanism, orders[i].n,
				       arena);
}

const char *
preset_origin(const struct settings *s, enum block_kind kind, const void *block,
	      const struct key_row *k)
{
	const struct relay_settings *r = block;
	const struct conf_node *n;

	if (kind != BLOCK_relay || r->deliver != DELIVER_SMTP)
		return NULL;
	n = settings_node(s, kind, block, k->name);
	if (n == NULL)
		return row_of(r->provider, k->name) != NULL
			   ? origins[r->provider]
			   : NULL;
	if (strcmp(k->name, "auth") != 0 || mechanisms_of(r) == NULL)
		return NULL;
	for (n = n->kid; n != NULL; n = n->next)
		if (strcmp(n->key, "mechanism") == 0)
			return NULL;
	return origins[r->provider];
}

const char *
preset_host_hint(enum provider_kind p)
{
	return p == PROVIDER_SES ? "email-smtp.REGION.amazonaws.com" : NULL;
}
