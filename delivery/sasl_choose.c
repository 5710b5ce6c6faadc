/* Which mechanism: what the relay's settings like best, of what the server
 * offers and the account can do.  Pure. */
#include <stdio.h>
#include <string.h>

#include "delivery/sasl.h"

enum { WHY_SIZE = 160 };

void
sasl_offer_line(struct sasl_offer *o, const char *p, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t from = at;
		enum mechanism m;

		while (at < n && p[at] != ' ' && p[at] != '\t')
			at++;
		if (at > from && mechanism_parse(p + from, at - from, &m))
			o->has[m] = true;
		at++;
	}
}

static bool
there(const struct secret *s)
{
	return s != NULL && s->n > 0;
}

static const char *
password_missing(const struct sasl_account *a)
{
	return a->user == NULL || a->user[0] == '\0' ? "a user"
	       : !there(a->password)                 ? "a password"
						     : NULL;
}

/* What the account lacks for `m`; NULL: nothing. */
static const char *
missing(const struct sasl_account *a, enum mechanism m)
{
	switch (m) {
	case MECHANISM_EXTERNAL:
		return a->certificate ? NULL : "a client certificate";
	case MECHANISM_SCRAM_SHA_256_PLUS:
	case MECHANISM_SCRAM_SHA_1_PLUS:
		return a->nbinding == 0 ? "channel binding (TLS)"
					: password_missing(a);
	case MECHANISM_OAUTHBEARER:
	case MECHANISM_XOAUTH2:
		return a->user == NULL || a->user[0] == '\0' ? "a user"
		       : !there(a->token)                    ? "a token"
							     : NULL;
	case MECHANISM_SCRAM_SHA_256:
	case MECHANISM_PLAIN:
	case MECHANISM_LOGIN:
	case MECHANISM_SCRAM_SHA_1:
	case MECHANISM_CRAM_MD5:
		return password_missing(a);
	case MECHANISM_COUNT:
		break;
	}
	must(false);
	return NULL;
}

/* Appends; a text that is full stays as it is. */
static void
add(char why[WHY_SIZE], const char *a, const char *b, const char *c)
{
	size_t n = strlen(why);

	(void)snprintf(why + n, WHY_SIZE - n, "%s%s%s", a, b, c);
}

static void
add_offered(const struct sasl_offer *o, char why[WHY_SIZE])
{
	bool any = false;

	add(why, "the server offers", "", "");
	for (size_t i = 0; i < MECHANISM_COUNT; i++) {
		if (!o->has[i])
			continue;
		add(why, " ", mechanism_name((enum mechanism)i), "");
		any = true;
	}
	add(why, any ? "" : " nothing we know", "", "");
}

bool
sasl_choose(const struct auth_settings *a, const struct sasl_offer *o,
	    const struct sasl_account *account, enum mechanism *out,
	    char why[160])
{
	bool lacks = false;

	must(a->norder <= MECHANISM_COUNT);
	why[0] = '\0';
	for (size_t i = 0; i < a->norder; i++) {
		enum mechanism m = a->order[i];
		const char *what;

		if (!o->has[m])
			continue;
		what = missing(account, m);
		if (what == NULL) {
			*out = m;
			return true;
		}
		add(why, mechanism_name(m), " needs ", what);
		add(why, "; ", "", "");
		lacks = true;
	}
	add_offered(o, why);
	if (lacks)
		return false;
	add(why, ", we may use", a->norder == 0 ? " none" : "", "");
	for (size_t i = 0; i < a->norder; i++)
		add(why, " ", mechanism_name(a->order[i]), "");
	return false;
}
