#include "daemon/certificates.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/settings_certificates.h"
#include "daemon/settings_table.h"
#include "daemon/x509.h"

/* What the library takes for the system's CAs, too (Debian). */
static const char SYSTEM_CA[] = "/etc/ssl/certs/ca-certificates.crt";

struct fetching {
	const struct settings *s;
	const struct certificates_source *from;
	struct secrets *set;
	struct err *e;
};

/* Puts FILE:LINE in front of what is wrong with a key of a block. */
static bool
wrong(const struct fetching *f, enum block_kind kind, const void *block,
      const char *key)
{
	const struct block_head *h = block;
	struct settings_place p = settings_place(f->s, kind, block, key);

	err_add(f->e, "%s:%u: %s %s", p.file, p.line,
		settings_blocks[kind].name, h->title);
	return false;
}

static bool
fetch(const struct fetching *f, const char *title, const char *what,
      const char *ref, bool public)
{
	struct bytes value = {0};
	bool ok;

	if (f->from != NULL)
		ok = f->from->fetch(f->from->arg, ref, public, &value, f->e);
	else if (public)
		ok = secret_fetch_public(ref, &value, f->e);
	else
		ok = secret_fetch(ref, true, &value, f->e);
	if (ok)
		secrets_put(f->set, title, what, value.data, value.n);
	else
		err_add(f->e, "%s", ref);
	secret_wipe(value.data, value.room);
	bytes_free(&value);
	return ok;
}

/* False: *out_key is the key at fault. */
static bool
fetch_pair(const struct fetching *f, const struct tls_settings *t,
	   const char **out_key)
{
	const struct secret *chain, *key;
	int64_t until_s;

	*out_key = "cert";
	if (!fetch(f, t->title, "tls_cert", t->cert, true))
		return false;
	*out_key = "key";
	if (!fetch(f, t->title, "tls_key", t->key, false))
		return false;
	chain = secret_find(f->set, t->title, "tls_cert");
	key = secret_find(f->set, t->title, "tls_key");
	*out_key = "cert";
	return x509_pair(chain->value, chain->n, key->value, key->n, &until_s,
			 f->e);
}

static bool
fetch_ca(const struct fetching *f, const struct listen_settings *l)
{
	const char *path = *l->client_ca != '\0' ? l->client_ca : SYSTEM_CA;
	char ref[1024];
	const struct secret *ca;
	struct trust *t;

	if (strlen(path) + sizeof "file:" > sizeof ref) {
		err_set(f->e, ERR_CONFIG, "client_ca: the path is too long");
		return false;
	}
	memcpy(ref, "file:", 5);
	memcpy(ref + 5, path, strlen(path) + 1);
	if (!fetch(f, l->title, "client_ca", ref, true))
		return false;
	ca = secret_find(f->set, l->title, "client_ca");
	t = x509_trust_memory(ca->value, ca->n, f->e);
	if (t == NULL)
		err_add(f->e, "client_ca %s", path);
	x509_trust_free(t);
	return t != NULL;
}

bool
certificates_fetch(const struct settings *s,
		   const struct certificates_source *from, struct secrets *set,
		   struct err *e)
{
	const struct fetching f = {s, from, set, e};
	const char *key;

	for (size_t i = 0; i < s->ncertificates; i++)
		if (settings_certificate_used(s, &s->certificates[i]) &&
		    !fetch_pair(&f, &s->certificates[i], &key))
			return wrong(&f, BLOCK_tls, &s->certificates[i], key);
	for (size_t i = 0; i < s->nlistens; i++)
		if (s->listens[i].tls != LISTEN_TLS_OFF &&
		    s->listens[i].client_cert != CLIENT_CERT_OFF &&
		    !fetch_ca(&f, &s->listens[i]))
			return wrong(&f, BLOCK_listen, &s->listens[i],
				     "client_ca");
	return true;
}

void
certificates_doubts(const struct settings *s, const struct secrets *set,
		    int64_t now_s, struct report *rep)
{
	enum { DAY_S = 24 * 60 * 60 };

	for (size_t i = 0; i < s->ncertificates; i++) {
		const struct tls_settings *t = &s->certificates[i];
		struct settings_place p =
		    settings_place(s, BLOCK_tls, t, "cert");
		const struct secret *c = secret_find(set, t->title, "tls_cert");
		const struct secret *k = secret_find(set, t->title, "tls_key");
		int64_t until_s;
		struct err e;

		if (c == NULL || k == NULL ||
		    !x509_pair(c->value, c->n, k->value, k->n, &until_s, &e))
			continue;
		if (until_s <= now_s)
			report_warning(rep, p.file, p.line,
				       "tls %s: its certificate has expired",
				       t->title);
		else if (until_s - now_s < CERTIFICATES_SOON_DAYS * DAY_S)
			report_warning(rep, p.file, p.line,
				       "tls %s: its certificate expires in %d "
				       "days",
				       t->title,
				       (int)((until_s - now_s) / DAY_S));
	}
}

/* Credentials and variables are there only where mtqd is started. */
static bool
is_file(const char *ref)
{
	return strncmp(ref, "file:", 5) == 0;
}

static bool
is_denied(const char *ref)
{
	return is_file(ref) && access(ref + 5, R_OK) != 0 && errno == EACCES;
}

static void
look_at_pair(const struct settings *s, const struct tls_settings *t,
	     int64_t now_s, struct report *rep)
{
	struct settings_place p = settings_place(s, BLOCK_tls, t, NULL);
	struct secrets *set = secrets_open();
	struct err e;
	const struct fetching f = {s, NULL, set, &e};
	const char *key;

	if (is_denied(t->cert) || is_denied(t->key)) {
		report_warning(rep, p.file, p.line,
			       "tls %s: you may not read its files", t->title);
	} else if (is_file(t->cert) && is_file(t->key) &&
		   !fetch_pair(&f, t, &key)) {
		p = settings_place(s, BLOCK_tls, t, key);
		report_error(rep, p.file, p.line, "tls %s: %s", t->title,
			     e.text);
	}
	certificates_doubts(s, set, now_s, rep);
	secrets_free(set);
}

static void
look_at_ca(const struct settings *s, const struct listen_settings *l,
	   struct report *rep)
{
	struct settings_place p =
	    settings_place(s, BLOCK_listen, l, "client_ca");
	struct secrets *set = secrets_open();
	struct err e;
	const struct fetching f = {s, NULL, set, &e};

	if (!fetch_ca(&f, l))
		report_error(rep, p.file, p.line, "listen %s: %s", l->title,
			     e.text);
	secrets_free(set);
}

void
certificates_look(const struct settings *s, int64_t now_s, struct report *rep)
{
	for (size_t i = 0; i < s->ncertificates; i++)
		if (settings_certificate_used(s, &s->certificates[i]))
			look_at_pair(s, &s->certificates[i], now_s, rep);
	for (size_t i = 0; i < s->nlistens; i++)
		if (s->listens[i].tls != LISTEN_TLS_OFF &&
		    s->listens[i].client_cert != CLIENT_CERT_OFF)
			look_at_ca(s, &s->listens[i], rep);
}
