#include "queue/gate.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/settings_certificates.h"

struct gate *
gate_of(struct gate **list, const struct listen_settings *l)
{
	struct gate *g = *list;

	while (g != NULL && strcmp(g->title, l->title) != 0)
		g = g->next;
	if (g == NULL) {
		g = must_alloc(sizeof *g);
		g->title = must_strdup(l->title);
		g->next = *list;
		*list = g;
	}
	g->limits = *l;
	g->open = true;
	return g;
}

static bool
missing(const char *title, const char *what, struct err *e)
{
	err_set(e, ERR_PEER, "mtqd sent no %s of %s", what, title);
	return false;
}

static bool
fill(struct tls_server_setup *to, const struct settings *s,
     const struct listen_settings *l, const struct secrets *set, struct err *e)
{
	const struct secret *ca = secret_find(set, l->title, "client_ca");
	const struct tls_settings *t;

	for (size_t i = 0; (t = settings_certificate(s, l, i)) != NULL; i++) {
		const struct secret *c = secret_find(set, t->title, "tls_cert");
		const struct secret *k = secret_find(set, t->title, "tls_key");

		if (c == NULL || k == NULL)
			return missing(t->title, "certificate", e);
		if (!tls_server_certificate(to, c, k, e)) {
			err_add(e, "tls %s", t->title);
			return false;
		}
	}
	if (l->client_cert == CLIENT_CERT_OFF)
		return true;
	if (ca == NULL)
		return missing(l->title, "client_ca", e);
	return tls_server_ask(to, ca, e);
}

bool
gate_certificates(struct gate *g, const struct settings *s,
		  const struct listen_settings *l, const struct secrets *set,
		  struct err *e)
{
	struct tls_server_setup *setup;
	struct gate_tls *t;

	if (l->tls == LISTEN_TLS_OFF) {
		g->tls = NULL;
		return true;
	}
	setup = tls_server_setup_open();
	if (!fill(setup, s, l, set, e)) {
		tls_server_setup_free(setup);
		return false;
	}
	t = must_alloc(sizeof *t);
	t->setup = setup;
	t->next = g->old;
	g->tls = g->old = t;
	return true;
}

static void
forget_tls(struct gate *g)
{
	for (struct gate_tls **p = &g->old; *p != NULL;) {
		struct gate_tls *t = *p;

		if (t->sessions > 0 ||
		    (t == g->tls && (g->open || g->sessions > 0))) {
			p = &t->next;
			continue;
		}
		if (t == g->tls)
			g->tls = NULL;
		*p = t->next;
		tls_server_setup_free(t->setup);
		free(t);
	}
}

void
gates_forget(struct gate **list)
{
	for (struct gate **p = list; *p != NULL;) {
		struct gate *g = *p;

		forget_tls(g);
		if (g->open || g->sessions > 0) {
			p = &g->next;
			continue;
		}
		*p = g->next;
		free(g->title);
		free(g);
	}
}
