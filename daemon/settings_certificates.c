#include "daemon/settings_certificates.h"

#include <string.h>

#include "daemon/secret.h"
#include "daemon/settings_table.h"

#define place(s, kind, b, key) settings_place(s, BLOCK_##kind, b, key)
#define error_at(rep, p, ...)  report_error(rep, (p).file, (p).line, __VA_ARGS__)
#define warning_at(rep, p, ...)                                                \
	report_warning(rep, (p).file, (p).line, __VA_ARGS__)

static const struct tls_settings *
named(const struct settings *s, const char *title)
{
	for (size_t i = 0; i < s->ncertificates; i++)
		if (strcmp(s->certificates[i].title, title) == 0)
			return &s->certificates[i];
	return NULL;
}

const struct tls_settings *
settings_certificate(const struct settings *s, const struct listen_settings *l,
		     size_t i)
{
	if (l->tls == LISTEN_TLS_OFF)
		return NULL;
	if (l->certificate.n == 0)
		return i < s->ncertificates ? &s->certificates[i] : NULL;
	return i < l->certificate.n ? named(s, l->certificate.item[i]) : NULL;
}

bool
settings_certificate_used(const struct settings *s,
			  const struct tls_settings *t)
{
	const struct tls_settings *x;

	for (size_t i = 0; i < s->nlistens; i++)
		for (size_t j = 0;
		     (x = settings_certificate(s, &s->listens[i], j)) != NULL;
		     j++)
			if (x == t)
				return true;
	return false;
}

static bool
any_listener(const struct settings *s)
{
	bool any = false;

	for (size_t i = 0; i < s->nlistens; i++)
		any = any || s->listens[i].tls != LISTEN_TLS_OFF;
	return any;
}

static void
check_references(const struct settings *s, struct report *rep)
{
	static const char *const key[] = {"cert", "key"};
	const bool any = any_listener(s);
	char why[160];

	for (size_t i = 0; i < s->ncertificates; i++) {
		const struct tls_settings *t = &s->certificates[i];
		const char *const ref[] = {t->cert, t->key};

		for (size_t k = 0; k < countof(key); k++)
			if (!settings_broken(s, BLOCK_tls, t, key[k]) &&
			    !secret_reference(ref[k], false, why))
				error_at(rep, place(s, tls, t, key[k]), "%s %s",
					 key[k], why);
		if (any && !settings_certificate_used(s, t))
			warning_at(rep, place(s, tls, t, NULL),
				   "no listener shows this certificate");
	}
	if (s->ncertificates > CERTIFICATES_MOST)
		error_at(rep, place(s, tls, &s->certificates[0], NULL),
			 "%zu blocks tls; the most is %d", s->ncertificates,
			 CERTIFICATES_MOST);
}

static void
check_shown(const struct settings *s, const struct listen_settings *l,
	    struct report *rep)
{
	for (size_t i = 0; i < l->certificate.n; i++) {
		if (named(s, l->certificate.item[i]) == NULL)
			error_at(rep, place(s, listen, l, "certificate"),
				 "certificate: there is no tls %.100s",
				 l->certificate.item[i]);
		for (size_t k = 0; k < i; k++)
			if (strcmp(l->certificate.item[i],
				   l->certificate.item[k]) == 0)
				error_at(rep,
					 place(s, listen, l, "certificate"),
					 "certificate: %.100s is there twice",
					 l->certificate.item[i]);
	}
	if (l->tls == LISTEN_TLS_OFF || l->certificate.n > 0)
		return;
	if (s->ncertificates == 0)
		error_at(rep, place(s, listen, l, "tls"),
			 "tls needs a certificate: a block tls with cert and "
			 "key");
	else if (s->ncertificates > 1)
		error_at(rep, place(s, listen, l, "tls"),
			 "tls: there are %zu blocks tls; certificate says "
			 "which of them, the default one first",
			 s->ncertificates);
}

/* Keys that do nothing without TLS. */
static void
check_idle(const struct settings *s, const struct listen_settings *l,
	   struct report *rep)
{
	if (l->tls == LISTEN_TLS_OFF && l->certificate.n > 0)
		warning_at(rep, place(s, listen, l, "certificate"),
			   "certificate: not used with tls = off");
	if (l->tls == LISTEN_TLS_OFF && l->client_cert != CLIENT_CERT_OFF)
		error_at(rep, place(s, listen, l, "client_cert"),
			 "client_cert: a client can show none with tls = off");
	if (*l->client_ca != '\0' && l->client_ca[0] != '/')
		error_at(rep, place(s, listen, l, "client_ca"),
			 "client_ca: '%.100s' must begin with /", l->client_ca);
	if (*l->client_ca != '\0' && l->client_cert == CLIENT_CERT_OFF)
		warning_at(rep, place(s, listen, l, "client_ca"),
			   "client_ca: not used with client_cert = off");
}

/* Port 465 is TLS from the first octet to every client that knows it. */
static void
check_ports(const struct settings *s, const struct listen_settings *l,
	    struct report *rep)
{
	for (size_t i = 0; i < l->address.n; i++)
		if (net_unix_path(&l->address.at[i]) != NULL &&
		    (l->tls == LISTEN_TLS_REQUIRED ||
		     l->tls == LISTEN_TLS_IMPLICIT))
			error_at(rep, place(s, listen, l, "tls"),
				 "tls: users of a Unix socket come without it; "
				 "give the socket a listener of its own");
		else if (net_port(&l->address.at[i]) == 465 &&
			 l->tls != LISTEN_TLS_IMPLICIT)
			warning_at(rep, place(s, listen, l, "address"),
				   "address: clients of port 465 begin with "
				   "TLS; tls = implicit is for them");
}

void
settings_certificates_check(const struct settings *s, struct report *rep)
{
	static const char *const keys[] = {"tls", "certificate", "client_cert",
					   "client_ca", "address"};

	check_references(s, rep);
	for (size_t i = 0; i < s->nlistens; i++) {
		const struct listen_settings *l = &s->listens[i];
		bool broken = false;

		for (size_t k = 0; k < countof(keys); k++)
			broken = broken ||
				 settings_broken(s, BLOCK_listen, l, keys[k]);
		if (broken)
			continue;
		check_shown(s, l, rep);
		check_idle(s, l, rep);
		check_ports(s, l, rep);
	}
}
