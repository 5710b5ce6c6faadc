#include "delivery/egress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/reference.h"

enum { TOKEN_PATIENCE_S = 60, TOKEN_FILE_PATIENCE_S = 1 };

/* CAs read from one file, for all relays that name it. */
struct trusted {
	char *ca_file;
	struct trust *trust;
	unsigned users;
	bool stale; /* read before the last reload: not given out again */
	struct trusted *next;
};
struct setup {
	struct tls_setup *tls;
	struct trusted *trusted;
	unsigned users; /* connections, and the egress while it is current */
};

/* --- CAs and certificates --------------------------------------------------- */

static struct trusted *
trusted_take(struct outlet *o, const char *ca_file, struct err *e)
{
	struct trusted *x = o->trusted;
	struct trust *t;

	while (x != NULL && (x->stale || strcmp(x->ca_file, ca_file) != 0))
		x = x->next;
	if (x == NULL) {
		t = trust_open(ca_file, e);
		if (t == NULL)
			return NULL;
		x = must_alloc(sizeof *x);
		x->ca_file = must_strdup(ca_file);
		x->trust = t;
		x->next = o->trusted;
		o->trusted = x;
	}
	x->users++;
	return x;
}

static void
trusted_give(struct outlet *o, struct trusted *x)
{
	struct trusted **p = &o->trusted;

	if (x == NULL || --x->users > 0)
		return;
	while (*p != x)
		p = &(*p)->next;
	*p = x->next;
	trust_free(x->trust);
	free(x->ca_file);
	free(x);
}

static void
setup_give(struct outlet *o, struct setup *s)
{
	if (s == NULL || --s->users > 0)
		return;
	tls_setup_free(s->tls);
	trusted_give(o, s->trusted);
	free(s);
}

static struct setup *
setup_make(struct egress *g, struct err *e)
{
	struct setup *s = must_alloc(sizeof *s);
	const char *cert = g->s->client_cert;

	s->users = 1;
	/* Modes that check no certificate need no CAs: they are 4 MB. */
	if (g->s->tls == TLS_PREFERRED_VERIFY ||
	    g->s->tls == TLS_REQUIRED_VERIFY) {
		s->trusted = trusted_take(g->outlet, g->s->ca_file, e);
		if (s->trusted == NULL)
			goto fail;
	}
	s->tls =
	    tls_setup_open(s->trusted != NULL ? s->trusted->trust : NULL, cert,
			   *cert != '\0' && g->secrets != NULL
			       ? secret_find(g->secrets, g->relay, "client_key")
			       : NULL,
			   e);
	if (s->tls != NULL)
		return s;
fail:
	setup_give(g->outlet, s);
	return NULL;
}

/* --- configuration ----------------------------------------------------------
 */

struct egress *
egress_open(struct outlet *o, const char *relay)
{
	struct egress *g = must_alloc(sizeof *g);

	g->outlet = o;
	g->hungry_tail = &g->hungry;
	snprintf(g->relay, sizeof g->relay, "%s", relay);
	return g;
}

static bool
same_texts(const struct lists *a, const struct lists *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++) {
		const struct texts *x = &a->item[i].value,
				   *y = &b->item[i].value;

		if (strcmp(a->item[i].name, b->item[i].name) != 0 ||
		    x->n != y->n)
			return false;
		for (size_t j = 0; j < x->n; j++)
			if (strcmp(x->item[j], y->item[j]) != 0)
				return false;
	}
	return true;
}

static bool
same_way(const struct relay_settings *a, const struct relay_settings *b)
{
	return a->deliver == b->deliver && a->lookup == b->lookup &&
	       strcmp(a->host, b->host) == 0 && a->port == b->port &&
	       a->tls == b->tls && a->tls_start == b->tls_start &&
	       a->dane == b->dane && a->allow_cn == b->allow_cn &&
	       a->insecure_auth == b->insecure_auth &&
	       a->strict_cname == b->strict_cname &&
	       a->allow_private == b->allow_private &&
	       strcmp(a->tls_name, b->tls_name) == 0 &&
	       strcmp(a->ca_file, b->ca_file) == 0 &&
	       strcmp(a->client_cert, b->client_cert) == 0 &&
	       strcmp(a->client_key, b->client_key) == 0 &&
	       same_texts(&a->auth, &b->auth);
}

static void
forget_credential(struct egress *g)
{
	g->proven = false;
	g->era++;
	g->credential = 0;
	g->refused[0] = g->refused[1] = false;
	g->token_spent = false;
}

bool
egress_configure(struct egress *g, const struct relay_settings *s,
		 const struct secrets *secrets)
{
	bool changed = g->s == NULL || s == NULL || !same_way(g->s, s);

	/* Also of an unchanged file: certificates may have been renewed.  A
	 * relay's first settings are no reload. */
	for (struct trusted *x = g->outlet->trusted;
	     x != NULL && (g->s != NULL || s == NULL); x = x->next)
		x->stale = true;
	setup_give(g->outlet, g->setup);
	g->setup = NULL;
	g->s = s;
	g->secrets = secrets;
	if (changed)
		forget_credential(g);
	return changed;
}

void
egress_secrets(struct egress *g, const struct secrets *secrets)
{
	g->secrets = secrets;
	setup_give(g->outlet, g->setup);
	g->setup = NULL;
	forget_credential(g);
}

/* --- connections ------------------------------------------------------------
 */

bool
egress_has_room(const struct egress *g)
{
	if (g->nopen >= g->share)
		return false;
	if (g->proven || g->s == NULL || g->s->auth.n == 0)
		return true;
	for (const struct connection *c = g->open; c != NULL; c = c->next)
		if (!c->dialogue.set_up)
			return false;
	return true;
}

static struct connection **
host_list(struct egress *g, const char *host)
{
	return &g->host[crc32c(0, host, strlen(host)) % EGRESS_HOSTS];
}

bool
egress_host_has_room(struct egress *g, const struct target *t)
{
	uint64_t n = 0;

	if (g->s->deliver != DELIVER_MX)
		return true;
	for (const struct connection *c = *host_list(g, t->host); c != NULL;
	     c = c->same_host)
		n += strcmp(c->host, t->host) == 0;
	return n < g->s->connections_per_host;
}

static enum tlsa_state
tlsa_of(const struct target *t)
{
	return t->tlsa != NULL ? t->tlsa->state : TLSA_NONE;
}

bool
egress_may_clear(const struct egress *g, const struct target *t)
{
	struct policy p;

	return policy_for(g->s, tlsa_of(t), &p) == STATUS_COUNT && p.may_clear;
}

/* How long another token may take to come: a command's run, a file's look. */
static int64_t
patience_us(const struct auth_settings *a)
{
	return SECOND_US * (strncmp(a->token, "cmd:", 4) == 0
				? TOKEN_PATIENCE_S
				: TOKEN_FILE_PATIENCE_S);
}

static bool
set_account(struct egress *g, struct connection_terms *x,
	    struct auth_settings *a, int64_t steady_us, struct verdict *v)
{
	static const char *const which[] = {"password", "password2"};
	const char *missing;

	if (!auth_of(g->s, a) || !a->enabled)
		return true;
	x->auth = a;
	x->user = a->user != NULL ? a->user : "";
	if (a->password[g->credential] != NULL && g->secrets != NULL)
		x->password =
		    secret_find(g->secrets, g->relay, which[g->credential]);
	if (a->token != NULL && g->secrets != NULL)
		x->token = secret_find(g->secrets, g->relay, "token");
	missing = a->password[g->credential] != NULL && x->password == NULL
		      ? which[g->credential]
		  : a->token != NULL && x->token == NULL ? "token"
							 : NULL;
	if (missing != NULL) {
		*v = verdict_of(STATUS_NO_SECRET, STAGE_NONE, missing);
		return false;
	}
	/* It was refused, and mtqd fetches another. */
	if (g->token_spent && a->token != NULL &&
	    steady_us - g->token_refused_us < patience_us(a)) {
		*v = verdict_of(STATUS_AUTH_FAILED, STAGE_NONE,
				"waiting for a fresh token");
		return false;
	}
	return true;
}

static bool
set_terms(struct egress *g, const struct target *t, const char *destination,
	  bool clear, struct connection_terms *x, struct auth_settings *a,
	  int64_t steady_us, struct verdict *v)
{
	enum status why = policy_for(g->s, tlsa_of(t), &x->policy);
	struct err e;

	if (why != STATUS_COUNT) {
		*v = verdict_of(why, STAGE_LOOKUP,
				t->tlsa != NULL ? t->tlsa->why : NULL);
		return false;
	}
	if (clear)
		x->policy.tls = false;
	x->times = (struct connection_times){
	    g->s->connect_timeout_us, g->s->tls_timeout_us,
	    g->s->command_timeout_us, g->s->data_timeout_us};
	x->wish.check = x->policy.check;
	x->wish.tlsa = t->tlsa;
	x->wish.names = reference_names(g->s, t, destination, x->wish.check);
	if (!set_account(g, x, a, steady_us, v))
		return false;
	if (g->setup == NULL && x->policy.tls) {
		g->setup = setup_make(g, &e);
		if (g->setup == NULL) {
			*v = verdict_of(STATUS_NO_SECRET, STAGE_NONE, e.text);
			return false;
		}
	}
	x->setup = g->setup != NULL ? g->setup->tls : NULL;
	return true;
}

bool
egress_connect(struct egress *g, const struct target *t,
	       const char *destination, bool clear,
	       const struct connection_ops *ops, void *user, struct task *task,
	       int64_t steady_us, struct connection **out, struct verdict *v)
{
	struct connection_terms x = {.setup = NULL};
	uint16_t port = (uint16_t)g->s->port;
	struct auth_settings a;
	struct connection *c = NULL;

	if (!set_terms(g, t, destination, clear, &x, &a, steady_us, v))
		goto fail;
	c = connection_open(g->outlet, t, port, &x, ops, user, task, steady_us);
	if (c == NULL) {
		*v = verdict_of(STATUS_NO_CONNECT, STAGE_CONNECT,
				"no socket can be made");
		goto fail;
	}
	c->clear = clear;
	c->credential = g->credential;
	c->era = g->era;
	c->setup = x.policy.tls ? g->setup : NULL;
	if (c->setup != NULL)
		c->setup->users++;
	c->next = g->open;
	if (g->open != NULL)
		g->open->prev = c;
	g->open = c;
	c->on_host = host_list(g, c->host);
	c->same_host = *c->on_host;
	*c->on_host = c;
	g->nopen++;
	*out = c;
	return true;
fail:
	snprintf(v->remote, sizeof v->remote, "%.200s[%s]:%u", t->host, t->text,
		 port);
	return false;
}

void
egress_gone(struct egress *g, struct connection *c)
{
	struct connection **at;

	if (c->prev != NULL)
		c->prev->next = c->next;
	else
		g->open = c->next;
	if (c->next != NULL)
		c->next->prev = c->prev;
	for (at = c->on_host; *at != c; at = &(*at)->same_host)
		;
	*at = c->same_host;
	g->nopen--;
	setup_give(g->outlet, c->setup);
}

/* --- credentials ------------------------------------------------------------
 */

void
egress_proved(struct egress *g)
{
	g->proven = true;
	g->refused[0] = g->refused[1] = false;
	g->token_refused_us = 0;
	g->token_spent = false;
}

/* Another password is tried at once, a token once more when mtqd has fetched a
 * fresh one; only then it is the relay's last word, and the scheduler pauses
 * the relay. */
bool
egress_refused(struct egress *g, unsigned credential, struct verdict *v,
	       int64_t steady_us)
{
	struct auth_settings a;

	g->proven = false;
	if (g->s == NULL || !auth_of(g->s, &a))
		return false;
	g->refused[credential] = true;
	if (a.password[1] != NULL && !g->refused[!credential]) {
		g->credential = !credential;
		return true;
	}
	if (a.token != NULL &&
	    (g->token_refused_us == 0 ||
	     steady_us - g->token_refused_us < patience_us(&a))) {
		if (g->token_refused_us == 0)
			g->token_refused_us = steady_us;
		g->token_spent = true;
		if (g->fresh_token != NULL)
			g->fresh_token(g->arg, g->relay);
		v->code = 0;
		snprintf(v->status, sizeof v->status, "4.7.8");
	} else {
		g->refused[0] = g->refused[1] = false;
		g->token_refused_us = 0;
		g->token_spent = false;
	}
	return false;
}
