#include "delivery/sign_load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/settings_dkim.h"
#include "daemon/zone.h"

/* The first moment of a day of the file, which the check has looked at. */
static int64_t
moment(const char *zone, const char *date, int64_t otherwise)
{
	int64_t us;

	return *date != '\0' && zone_date(zone, date, &us) ? us : otherwise;
}

static void
load_key(struct sign_key *k, const struct settings *s,
	 const struct dkim_settings *d, const struct secrets *secrets)
{
	const struct secret *pem = secret_find(secrets, d->title, "dkim_key");
	struct err e;

	*k =
	    (struct sign_key){.title = must_strdup(d->title),
			      .domain = must_strdup(settings_dkim_domain(d)),
			      .selector = must_strdup(d->selector),
			      .when = d->when,
			      .from_us = moment(s->zone, d->from, INT64_MIN),
			      .until_us = moment(s->zone, d->until, INT64_MAX)};
	if (pem == NULL)
		err_set(&e, ERR_CONFIG, "the private key is not there");
	else
		k->key = pkey_private(pem->value, pem->n, &e);
	if (k->key != NULL)
		return;
	snprintf(k->why, sizeof k->why, "%.*s", (int)sizeof k->why - 1, e.text);
	log_event(EVENT_NOTE, NULL,
		  "dkim %s: %s; mail that it should sign waits", k->title,
		  k->why);
}

void
sign_keys_load(struct sign_keys *k, const struct settings *s,
	       const struct secrets *secrets)
{
	k->key = must_alloc((s->ndkims + 1) * sizeof *k->key);
	for (k->n = 0; k->n < s->ndkims; k->n++)
		load_key(&k->key[k->n], s, &s->dkims[k->n], secrets);
}

void
sign_keys_free(struct sign_keys *k)
{
	for (size_t i = 0; i < k->n; i++) {
		free(k->key[i].domain);
		free(k->key[i].selector);
		free(k->key[i].title);
		pkey_free(k->key[i].key);
	}
	free(k->key);
}
