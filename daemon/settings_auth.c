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

/*	word, least values, most values */
#define WORDS(W)                                                               \
	W(user, 1, 1)                                                          \
	W(password, 1, 2)                                                      \
	W(token, 1, 1)                                                         \
	W(mechanism, 1, MECHANISM_COUNT)                                       \
	W(enabled, 1, 1)
enum word {
#define W(name, least, most) WORD_##name,
	WORDS(W)
#undef W
	    WORD_COUNT
};
static const struct {
	const char *name;
	size_t least, most;
} words[] = {
#define W(name, least, most) {#name, least, most},
    WORDS(W)
#undef W
};

static enum word
word_of(const char *name)
{
	enum word w = 0;

	while (w < WORD_COUNT && strcmp(words[w].name, name) != 0)
		w++;
	return w;
}

/* Writes one line of the block into *a; false with a sentence that never
 * holds a value: it may be the secret itself. */
static bool
take_item(const struct list_of *item, struct auth_settings *a, char why[256])
{
	const struct texts *t = &item->value;
	enum word w = word_of(item->name);
	char not [160];

	must(w < WORD_COUNT);
	if (t->n < words[w].least || t->n > words[w].most) {
		snprintf(why, 256, "%s takes %s", item->name,
			 words[w].most == 1   ? "one value"
			 : words[w].most == 2 ? "one value or [two, of them]"
					      : "one value or a list");
		return false;
	}
	switch (w) {
	case WORD_user:
		a->user = t->item[0];
		if (*a->user != '\0' && strlen(a->user) <= AUTH_USER_MOST)
			return true;
		snprintf(why, 256, "user is empty or over %d octets",
			 AUTH_USER_MOST);
		return false;
	case WORD_password:
	case WORD_token:
		for (size_t i = 0; i < t->n; i++)
			if (!secret_reference(t->item[i], w == WORD_token,
					      not )) {
				snprintf(why, 256, "%s %s", item->name, not );
				return false;
			}
		if (w == WORD_token)
			a->token = t->item[0];
		for (size_t i = 0; w == WORD_password && i < t->n; i++)
			a->password[i] = t->item[i];
		return true;
	case WORD_mechanism:
		break;
	case WORD_enabled:
		a->enabled = strcmp(t->item[0], "yes") == 0;
		if (a->enabled || strcmp(t->item[0], "no") == 0)
			return true;
		snprintf(why, 256, "enabled is neither yes nor no");
		return false;
	case WORD_COUNT:
		return false;
	}
	for (size_t i = 0; i < t->n; i++) {
		enum mechanism m;

		if (!mechanism_parse(t->item[i], strlen(t->item[i]), &m)) {
			snprintf(why, 256,
				 "mechanism %.40s is none that mtq speaks",
				 t->item[i]);
			return false;
		}
		for (size_t j = 0; j < a->norder; j++)
			if (a->order[j] == m) {
				snprintf(why, 256, "mechanism %s stands twice",
					 names[m]);
				return false;
			}
		a->order[a->norder++] = m;
	}
	return true;
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
	char why[256];

	*out = empty();
	for (size_t i = 0; i < r->auth.n; i++)
		if (word_of(r->auth.item[i].name) == WORD_COUNT ||
		    !take_item(&r->auth.item[i], out, why))
			return false;
	default_order(out);
	return r->auth.n > 0;
}
