#include "daemon/dkim_keys.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "daemon/pkey.h"
#include "daemon/settings_dkim.h"
#include "daemon/settings_table.h"

static struct pkey *
load(const struct secrets *set, const struct dkim_settings *d, struct err *e)
{
	const struct secret *pem = secret_find(set, d->title, "dkim_key");

	if (pem != NULL)
		return pkey_private(pem->value, pem->n, e);
	err_set(e, ERR_CONFIG, "the private key is not there");
	return NULL;
}

static bool
can_sign(const struct secrets *set, const struct dkim_settings *d,
	 struct err *e)
{
	struct pkey *k = load(set, d, e);
	bool ok = k != NULL;

	if (ok && pkey_kind(k) == PKEY_RSA && pkey_bits(k) < DKIM_KEYS_LEAST) {
		err_set(e, ERR_CONFIG,
			"RSA of %u bits, receivers ask for %d at least",
			pkey_bits(k), DKIM_KEYS_LEAST);
		ok = false;
	}
	pkey_free(k);
	if (!ok)
		err_add(e, "dkim %s: key", d->title);
	return ok;
}

bool
dkim_keys_check(const struct settings *s, const struct secrets *set,
		struct err *e)
{
	for (size_t i = 0; i < s->ndkims; i++) {
		const struct dkim_settings *d = &s->dkims[i];
		struct settings_place p =
		    settings_place(s, BLOCK_dkim, d, "key");

		if (!can_sign(set, d, e)) {
			err_add(e, "%s:%u", p.file, p.line);
			return false;
		}
	}
	return true;
}

/* Both always sign, or begin on the same day: which one is meant? */
static bool
is_same_turn(const struct dkim_settings *a, const struct dkim_settings *b)
{
	return strcasecmp(settings_dkim_domain(a), settings_dkim_domain(b)) ==
		   0 &&
	       strcmp(a->from, b->from) == 0;
}

static void
doubt_one(const struct settings *s, size_t i, const struct secrets *set,
	  const struct pkey *k, struct report *rep)
{
	const struct dkim_settings *d = &s->dkims[i];
	struct settings_place p = settings_place(s, BLOCK_dkim, d, "key");
	struct err e;

	if (pkey_kind(k) == PKEY_RSA && pkey_bits(k) < DKIM_KEYS_GOOD)
		report_warning(rep, p.file, p.line,
			       "dkim %s: RSA of %u bits; use %d", d->title,
			       pkey_bits(k), DKIM_KEYS_GOOD);
	for (size_t j = 0; j < i; j++) {
		const struct dkim_settings *o = &s->dkims[j];
		struct pkey *other =
		    is_same_turn(d, o) ? load(set, o, &e) : NULL;

		if (other != NULL && pkey_kind(other) == pkey_kind(k))
			report_warning(rep, p.file, p.line,
				       "dkim %s: begins when dkim %s does, "
				       "which then does not sign: give one of "
				       "them another day",
				       d->title, o->title);
		pkey_free(other);
	}
}

void
dkim_keys_doubts(const struct settings *s, const struct secrets *set,
		 struct report *rep)
{
	for (size_t i = 0; i < s->ndkims; i++) {
		struct err e;
		struct pkey *k = load(set, &s->dkims[i], &e);

		if (k != NULL)
			doubt_one(s, i, set, k, rep);
		pkey_free(k);
	}
}

/* Credentials and variables are there only where mtqd is started. */
static const char *
path_of(const char *ref)
{
	static const char file[] = "file:";

	return strncmp(ref, file, strlen(file)) == 0 ? ref + strlen(file)
						     : NULL;
}

static void
look_at(const struct settings *s, const struct dkim_settings *d,
	struct secrets *set, struct report *rep)
{
	struct settings_place p = settings_place(s, BLOCK_dkim, d, "key");
	const char *path = path_of(d->key);
	struct bytes pem = {0};
	struct err e;
	bool ok;

	if (path == NULL)
		return;
	if (access(path, R_OK) != 0 && errno == EACCES) {
		report_warning(rep, p.file, p.line,
			       "dkim %s: you may not read its key", d->title);
		return;
	}
	ok = secret_fetch(d->key, true, &pem, &e);
	if (ok) {
		secrets_put(set, d->title, "dkim_key", pem.data, pem.n);
		ok = can_sign(set, d, &e);
	}
	if (!ok) {
		report_error(rep, p.file, p.line, "%s", e.text);
		secrets_drop(set, d->title, "dkim_key");
	}
	if (pem.data != NULL)
		secret_wipe(pem.data, pem.room);
	bytes_free(&pem);
}

void
dkim_keys_look(const struct settings *s, struct report *rep)
{
	struct secrets *set = secrets_open();

	for (size_t i = 0; i < s->ndkims; i++)
		look_at(s, &s->dkims[i], set, rep);
	dkim_keys_doubts(s, set, rep);
	secrets_free(set);
}
