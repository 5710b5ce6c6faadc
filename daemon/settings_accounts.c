#include "daemon/settings_accounts.h"

#include <string.h>
#include <strings.h>

#include "daemon/secret.h"
#include "daemon/settings_auth.h"

#define error_at(r, p, ...)   report_error(r, (p).file, (p).line, __VA_ARGS__)
#define warning_at(r, p, ...) report_warning(r, (p).file, (p).line, __VA_ARGS__)
#define of_listen(s, l, key)  settings_place(s, BLOCK_listen, l, key)

static bool
can_be_offered(const char *word)
{
	enum mechanism m;

	return mechanism_parse(word, strlen(word), &m) &&
	       (m == MECHANISM_PLAIN || m == MECHANISM_LOGIN ||
		m == MECHANISM_SCRAM_SHA_256 ||
		m == MECHANISM_SCRAM_SHA_256_PLUS);
}

static void
check_mechanisms(const struct settings *s, const struct listen_settings *l,
		 struct report *r)
{
	const struct texts *t = &l->mechanism;

	if (settings_broken(s, BLOCK_listen, l, "mechanism"))
		return;
	if (t->n == 0)
		error_at(r, of_listen(s, l, "mechanism"),
			 "mechanism: the list is empty");
	for (size_t i = 0; i < t->n; i++) {
		if (!can_be_offered(t->item[i]))
			error_at(r, of_listen(s, l, "mechanism"),
				 "mechanism: '%.40s' is not PLAIN, LOGIN, "
				 "SCRAM-SHA-256 or SCRAM-SHA-256-PLUS",
				 t->item[i]);
		for (size_t j = 0; j < i; j++)
			if (strcasecmp(t->item[i], t->item[j]) == 0)
				error_at(r, of_listen(s, l, "mechanism"),
					 "mechanism: %.40s stands here twice",
					 t->item[i]);
	}
}

void
settings_accounts_check(const struct settings *s, struct report *r)
{
	char why[160];

	for (size_t i = 0; i < s->nlistens; i++)
		check_mechanisms(s, &s->listens[i], r);
	if (*s->accounts == '\0' ||
	    settings_broken(s, BLOCK_global, s, "accounts"))
		return;
	/* Many lines: an environment has no place for them. */
	if (strncmp(s->accounts, "file:", 5) != 0 &&
	    strncmp(s->accounts, "cred:", 5) != 0)
		error_at(r, settings_place(s, BLOCK_global, s, "accounts"),
			 "accounts: '%.100s' is not file:/path or cred:NAME",
			 s->accounts);
	else if (!secret_reference(s->accounts, false, why))
		error_at(r, settings_place(s, BLOCK_global, s, "accounts"),
			 "accounts: %s", why);
}

void
settings_accounts_doubts(const struct settings *s, struct report *r)
{
	bool offered = false;

	for (size_t i = 0; i < s->nlistens; i++) {
		const struct listen_settings *l = &s->listens[i];

		offered =
		    offered || l->tls != LISTEN_TLS_OFF || l->insecure_auth;
		if (*s->accounts != '\0')
			continue;
		if (l->insecure_auth)
			warning_at(r, of_listen(s, l, "insecure_auth"),
				   "insecure_auth: only used with accounts");
		if ((l->tls != LISTEN_TLS_OFF || l->insecure_auth) &&
		    settings_given(s, BLOCK_listen, l, "mechanism") != NULL)
			warning_at(r, of_listen(s, l, "mechanism"),
				   "mechanism: only used with accounts");
	}
	if (*s->accounts != '\0' && !offered)
		warning_at(r, settings_place(s, BLOCK_global, s, "accounts"),
			   "accounts: no listener has tls, so nobody can "
			   "authenticate");
}
