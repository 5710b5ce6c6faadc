#include "daemon/settings_auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/secret.h"
#include "daemon/settings_near.h"
#include "daemon/settings_table.h"

static const char *const names[MECHANISM_COUNT] = {
#define M(id, word) [MECHANISM_##id] = word,
    MECHANISMS(M)
#undef M
};

const char *
mechanism_name(enum mechanism m)
{
	return names[m];
}

bool
mechanism_parse(const char *word, size_t n, enum mechanism *out)
{
	for (int m = 0; m < MECHANISM_COUNT; m++)
		if (strlen(names[m]) == n &&
		    strncasecmp(names[m], word, n) == 0) {
			*out = (enum mechanism)m;
			return true;
		}
	return false;
}

enum mechanism_needs
mechanism_needs(enum mechanism m)
{
	switch (m) {
	case MECHANISM_EXTERNAL:
		return MECHANISM_NEEDS_CERTIFICATE;
	case MECHANISM_OAUTHBEARER:
	case MECHANISM_XOAUTH2:
		return MECHANISM_NEEDS_TOKEN;
	case MECHANISM_SCRAM_SHA_256_PLUS:
	case MECHANISM_SCRAM_SHA_1_PLUS:
	case MECHANISM_SCRAM_SHA_256:
	case MECHANISM_PLAIN:
	case MECHANISM_LOGIN:
	case MECHANISM_SCRAM_SHA_1:
	case MECHANISM_CRAM_MD5:
	case MECHANISM_COUNT:
		break;
	}
	return MECHANISM_NEEDS_PASSWORD;
}

/* --- what may stand in auth { } --------------------------------------------- */

enum word {
	WORD_USER,
	WORD_PASSWORD,
	WORD_TOKEN,
	WORD_MECHANISM,
	WORD_ENABLED,
	WORD_COUNT
};
static const char *const words[WORD_COUNT] = {
    [WORD_USER] = "user",       [WORD_PASSWORD] = "password",
    [WORD_TOKEN] = "token",     [WORD_MECHANISM] = "mechanism",
    [WORD_ENABLED] = "enabled",
};

static enum word
word_of(const char *name)
{
	enum word w = 0;

	while (w < WORD_COUNT && strcmp(words[w], name) != 0)
		w++;
	return w;
}

enum { WHY = 256 };
/* Values stay out of it: one may be the secret itself. */
#define because(why, ...) (snprintf(why, WHY, __VA_ARGS__), false)

static bool
take_references(const struct list_of *item, const char **out, size_t most,
		bool token, char why[WHY])
{
	char not [160];

	if (item->value.n < 1 || item->value.n > most)
		return because(why, "%s takes one value%s", item->name,
			       most > 1 ? " or, during a rotation, two" : "");
	for (size_t i = 0; i < item->value.n; i++) {
		out[i] = item->value.item[i];
		if (!secret_reference(out[i], token, not ))
			return because(why, "%s %s", item->name, not );
	}
	return true;
}

static bool
take_mechanisms(const struct texts *t, struct auth_settings *a, char why[WHY])
{
	if (t->n == 0)
		return because(why, "mechanism: the list is empty");
	for (size_t i = 0; i < t->n; i++) {
		const char *near;
		enum mechanism m;

		if (!mechanism_parse(t->item[i], strlen(t->item[i]), &m)) {
			near = settings_near_word(names, MECHANISM_COUNT,
						  t->item[i]);
			return because(why, "unknown mechanism %.40s%s%s%s",
				       t->item[i],
				       near ? " (did you mean " : "",
				       near ? near : "", near ? "?)" : "");
		}
		for (size_t j = 0; j < a->norder; j++)
			if (a->order[j] == m)
				return because(why, "mechanism %s stands twice",
					       names[m]);
		a->order[a->norder++] = m;
	}
	return true;
}

static bool
take_text(const struct list_of *item, const char **out, char why[WHY])
{
	if (item->value.n != 1)
		return because(why, "%s takes one value", item->name);
	*out = item->value.item[0];
	if (**out != '\0' && strlen(*out) <= AUTH_USER_MOST)
		return true;
	return because(why, "%s is empty or over %d octets", item->name,
		       AUTH_USER_MOST);
}

/* One line of the block into *a. */
static bool
take_item(const struct list_of *item, struct auth_settings *a, char why[WHY])
{
	const char *text, *near;

	switch (word_of(item->name)) {
	case WORD_USER:
		return take_text(item, &a->user, why);
	case WORD_PASSWORD:
		return take_references(item, a->password, AUTH_PASSWORDS, false,
				       why);
	case WORD_TOKEN:
		return take_references(item, &a->token, 1, true, why);
	case WORD_MECHANISM:
		return take_mechanisms(&item->value, a, why);
	case WORD_ENABLED:
		if (!take_text(item, &text, why))
			return false;
		a->enabled = strcmp(text, "yes") == 0;
		if (!a->enabled && strcmp(text, "no") != 0)
			return because(why, "enabled is neither yes nor no");
		return true;
	case WORD_COUNT:
		break;
	}
	near = settings_near_word(words, WORD_COUNT, item->name);
	return because(why,
		       "unknown word %.40s%s%s%s; there are user, "
		       "password, token, mechanism and enabled",
		       item->name, near ? " (did you mean " : "",
		       near ? near : "", near ? "?)" : "");
}

static struct auth_settings
empty(void)
{
	return (struct auth_settings){.enabled = true, .user = ""};
}

/* SCRAM-SHA-1, CRAM-MD5 only where the file names them. */
static void
default_order(struct auth_settings *a)
{
	if (a->norder > 0)
		return;
	for (int m = 0; m < MECHANISM_SCRAM_SHA_1; m++)
		a->order[a->norder++] = (enum mechanism)m;
}

bool
auth_of(const struct relay_settings *r, struct auth_settings *out)
{
	char why[WHY];

	*out = empty();
	for (size_t i = 0; i < r->auth.n; i++)
		if (!take_item(&r->auth.item[i], out, why))
			return false;
	default_order(out);
	return r->auth.n > 0;
}

bool
auth_can(const struct auth_settings *a, const struct relay_settings *r,
	 enum mechanism m)
{
	switch (mechanism_needs(m)) {
	case MECHANISM_NEEDS_PASSWORD:
		return a->password[0] != NULL;
	case MECHANISM_NEEDS_TOKEN:
		return a->token != NULL;
	case MECHANISM_NEEDS_CERTIFICATE:
		return *r->client_cert != '\0';
	}
	return false;
}

/* --- what must be true of it ------------------------------------------------- */

/* Where a word of the block stands. */
static struct settings_place
place_of(const struct settings *s, const struct relay_settings *r,
	 const char *word)
{
	const struct conf_node *n = settings_node(s, BLOCK_relay, r, "auth");

	for (const struct conf_node *k = n ? n->kid : NULL; k; k = k->next)
		if (strcmp(k->key, word) == 0)
			return (struct settings_place){k->file, k->line};
	return settings_place(s, BLOCK_relay, r, "auth");
}

#define error_at(r, p, ...)   report_error(r, (p).file, (p).line, __VA_ARGS__)
#define warning_at(r, p, ...) report_warning(r, (p).file, (p).line, __VA_ARGS__)

/* Each named mechanism has what it needs, or one of the usual ones has. */
static void
check_credentials(const struct settings *s, const struct relay_settings *r,
		  const struct auth_settings *a, bool named,
		  struct report *report)
{
	static const char *const what[] = {
	    [MECHANISM_NEEDS_PASSWORD] = "password in auth",
	    [MECHANISM_NEEDS_TOKEN] = "token in auth",
	    [MECHANISM_NEEDS_CERTIFICATE] = "client_cert beside auth",
	};
	bool some = false, user = false;

	for (size_t i = 0; i < a->norder; i++) {
		enum mechanism m = a->order[i];
		bool can = auth_can(a, r, m);

		if (named && !can)
			error_at(report, place_of(s, r, "mechanism"),
				 "auth: %s needs %s", names[m],
				 what[mechanism_needs(m)]);
		some = some || can;
		user = user || m != MECHANISM_EXTERNAL;
		if (!named)
			user = a->password[0] != NULL || a->token != NULL;
	}
	if (!named && !some)
		error_at(report, place_of(s, r, ""),
			 "auth needs password or token, or client_cert beside "
			 "it");
	else if (user && *a->user == '\0')
		error_at(report, place_of(s, r, ""), "auth needs user");
}

/* A credential goes to nobody but the host that was meant (facts, R12). */
static void
check_cover(const struct settings *s, const struct relay_settings *r,
	    const struct auth_settings *a, struct report *report)
{
	if (!a->enabled || r->insecure_auth || r->dane == DANE_REQUIRE ||
	    r->tls == TLS_REQUIRED_VERIFY ||
	    settings_broken(s, BLOCK_relay, r, "dane") ||
	    settings_broken(s, BLOCK_relay, r, "tls") ||
	    settings_broken(s, BLOCK_relay, r, "insecure_auth"))
		return;
	error_at(report, place_of(s, r, ""),
		 "auth: %s would get the password; set tls = required-verify "
		 "or dane = require (or insecure_auth = yes)",
		 r->tls == TLS_OFF ? "everybody on the way"
				   : "whoever answers there");
}

/* Facts 2.6: Exchange Online ends passwords. */
static void
check_basic(const struct settings *s, const struct relay_settings *r,
	    const struct auth_settings *a, struct report *report)
{
	if (!a->enabled || a->token != NULL || a->password[0] == NULL ||
	    (r->provider != PROVIDER_M365 && r->provider != PROVIDER_EXCHANGE))
		return;
	warning_at(report, place_of(s, r, "password"),
		   "auth: Exchange Online is switching passwords off for SMTP "
		   "(550 5.7.30); use token with XOAUTH2");
}

void
settings_auth_check(const struct settings *s, const struct relay_settings *r,
		    struct report *report)
{
	struct auth_settings a = empty();
	char why[WHY];
	bool ok = true, named;

	if (r->auth.n == 0 || settings_broken(s, BLOCK_relay, r, "auth"))
		return;
	if (r->deliver == DELIVER_MX) {
		error_at(report, place_of(s, r, ""),
			 "auth: not with deliver = mx: the hosts there are "
			 "whoever the recipients' domains name");
		return;
	}
	for (size_t i = 0; i < r->auth.n; i++)
		if (!take_item(&r->auth.item[i], &a, why)) {
			error_at(report, place_of(s, r, r->auth.item[i].name),
				 "auth: %s", why);
			ok = false;
		}
	if (!ok)
		return;
	named = a.norder > 0;
	default_order(&a);
	if (r->deliver != DELIVER_SMTP) {
		warning_at(report, place_of(s, r, ""),
			   "auth: only used with deliver = smtp");
		return;
	}
	check_credentials(s, r, &a, named, report);
	check_cover(s, r, &a, report);
	check_basic(s, r, &a, report);
}
