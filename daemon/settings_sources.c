#include "daemon/settings_sources.h"

#include <string.h>
#include <strings.h>

#include "daemon/settings_types.h"

enum {
	FIELD_NAME = 76,   /* octets of a header field's name */
	FIELD_VALUE = 200, /* of a value that is asked for */
	LK_LEAST = 15,     /* of a Salesforce org's id (facts: A07) */
	/* Networks alone let in so much of all addresses at most: */
	OPEN_PART = 32,
};

struct sources {
	const struct settings *s;
	struct report *report;
};

#define error_at(c, src, key, ...)                                             \
	do {                                                                   \
		struct settings_place at_ =                                    \
		    settings_place((c)->s, BLOCK_source, src, key);            \
		report_error((c)->report, at_.file, at_.line, __VA_ARGS__);    \
	} while (0)
#define warning_at(c, src, key, ...)                                           \
	do {                                                                   \
		struct settings_place at_ =                                    \
		    settings_place((c)->s, BLOCK_source, src, key);            \
		report_warning((c)->report, at_.file, at_.line, __VA_ARGS__);  \
	} while (0)

/* --- who its clients are --------------------------------------------------- */

/* Is there a listener that both are for? */
static bool
meet(const struct settings *s, const struct source_settings *a,
     const struct source_settings *b)
{
	for (size_t i = 0; i < s->nlistens; i++)
		if (settings_is_for(a, s->listens[i].title) &&
		    settings_is_for(b, s->listens[i].title))
			return true;
	return false;
}

static bool
share_text(const struct texts *a, const struct texts *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (strcasecmp(a->item[i], b->item[j]) == 0)
				return true;
	return a->n == 0 && b->n == 0;
}

/* "*.a.example" has what "*.example" and "b.a.example" have. */
static bool
covers(const char *wide, const char *name)
{
	size_t k = strlen(wide), n = strlen(name);

	return strncmp(wide, "*.", 2) == 0 && n >= k &&
	       strcasecmp(name + n - (k - 1), wide + 1) == 0;
}

static bool
share_name(const struct texts *a, const struct texts *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (covers(a->item[i], b->item[j]) ||
			    covers(b->item[j], a->item[i]))
				return true;
	return share_text(a, b);
}

static bool
share_network(const struct networks *a, const struct networks *b)
{
	for (size_t i = 0; i < a->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (memcmp(&a->net[i], &b->net[j], sizeof *a->net) == 0)
				return true;
	return a->n == 0 && b->n == 0;
}

/* Compares source i with all before it: could a client be one of both, and
 * neither says more of it than the other?  A narrower network inside a wider
 * one is fine. */
static void
check_ties(const struct sources *c, size_t i)
{
	const struct source_settings *s = &c->s->sources[i];

	for (size_t k = 0; k < i; k++) {
		const struct source_settings *o = &c->s->sources[k];

		if (!meet(c->s, s, o) ||
		    !share_text(&s->auth_user, &o->auth_user) ||
		    !share_name(&s->client_cert, &o->client_cert) ||
		    !share_network(&s->from_ip, &o->from_ip))
			continue;
		if (s->from_ip.n > 0)
			error_at(c, s, NULL,
				 "source %s has a network of source %s at "
				 "%s:%u; give them different listeners",
				 s->title, o->title, o->file, o->line);
		else if (s->auth_user.n > 0 || s->client_cert.n > 0)
			error_at(c, s, NULL,
				 "source %s has %s of source %s at %s:%u; give "
				 "them different listeners or networks",
				 s->title,
				 s->auth_user.n > 0 ? "an account"
						    : "a certificate's name",
				 o->title, o->file, o->line);
		return;
	}
}

/* Addresses of the networks, where 2^59 are all there are: each family for
 * itself. */
static uint64_t
breadth(const struct networks *nets, bool v4)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < nets->n; i++) {
		unsigned bits = nets->net[i].bits;

		if (net_is_v4(&nets->net[i]) != v4)
			continue;
		bits -= v4 ? NET_MAPPED : 0U;
		sum += UINT64_C(1) << 59 >> min_of(bits, 59U);
		sum = min_of(sum, UINT64_C(1) << 59);
	}
	return sum;
}

static void
check_networks(const struct sources *c, const struct source_settings *s)
{
	const uint64_t most = (UINT64_C(1) << 59) / OPEN_PART;

	if (settings_broken(c->s, BLOCK_source, s, "from_ip") ||
	    settings_broken(c->s, BLOCK_source, s, "profile"))
		return;
	if (s->auth_user.n > 0 || s->client_cert.n > 0)
		return;
	if (s->from_ip.n == 0 &&
	    settings_given(c->s, BLOCK_source, s, "from_ip") != NULL)
		error_at(c, s, "from_ip", "from_ip: the list is empty");
	else if (s->from_ip.n == 0)
		error_at(c, s, NULL,
			 "source %s needs from_ip, auth_user or client_cert: "
			 "who may send is never everybody",
			 s->title);
	else if (breadth(&s->from_ip, true) > most ||
		 breadth(&s->from_ip, false) > most)
		error_at(c, s, "from_ip",
			 "from_ip: more than 1/%d of the internet may send; "
			 "name smaller networks, or ask for auth_user or "
			 "client_cert",
			 OPEN_PART);
}

/* What a source asks of its listeners: one of them is enough, and with none
 * nobody could ever be this source. */
static bool
a_listener(const struct sources *c, const struct source_settings *s,
	   bool (*has)(const struct listen_settings *l))
{
	for (size_t i = 0; i < c->s->nlistens; i++)
		if (settings_is_for(s, c->s->listens[i].title) &&
		    has(&c->s->listens[i]))
			return true;
	return c->s->nlistens == 0; /* told already */
}

static bool
asks_certificates(const struct listen_settings *l)
{
	return l->tls != LISTEN_TLS_OFF && l->client_cert != CLIENT_CERT_OFF;
}

static bool
takes_auth(const struct listen_settings *l)
{
	return l->mechanism.n > 0 &&
	       (l->tls != LISTEN_TLS_OFF || l->insecure_auth);
}

static bool
has_tls(const struct listen_settings *l)
{
	return l->tls != LISTEN_TLS_OFF;
}

static bool
is_unix(const struct listen_settings *l)
{
	for (size_t i = 0; i < l->address.n; i++)
		if (net_unix_path(&l->address.at[i]) != NULL)
			return true;
	return false;
}

/* Users of this host: the kernel says who they are. */
static size_t
check_users(const struct sources *c, const struct source_settings *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->auth_user.n; i++)
		n += strncmp(s->auth_user.item[i], "unix:", 5) == 0;
	if (n > 0 && !a_listener(c, s, is_unix))
		error_at(c, s, "auth_user",
			 "auth_user: users of this host come by a Unix socket: "
			 "no listener of this source has address = unix:/path");
	return n;
}

static void
check_proofs(const struct sources *c, const struct source_settings *s)
{
	size_t users = check_users(c, s);

	if (s->auth_user.n == users)
		; /* nobody needs a password */
	else if (*c->s->accounts == '\0')
		error_at(c, s, "auth_user",
			 "auth_user: there are no accounts; write accounts = "
			 "file:/etc/mtq/accounts outside of blocks");
	else if (!a_listener(c, s, takes_auth))
		error_at(c, s, "auth_user",
			 "auth_user: no listener of this source offers AUTH: "
			 "it needs tls (or insecure_auth)");
	if (s->client_cert.n > 0 && !a_listener(c, s, asks_certificates))
		error_at(c, s, "client_cert",
			 "client_cert: no listener of this source asks for "
			 "certificates: it needs tls, and client_cert = log or "
			 "require");
	if (s->require_tls && !a_listener(c, s, has_tls))
		error_at(c, s, "require_tls",
			 "require_tls: no listener of this source has tls");
	for (size_t i = 0; i < s->client_cert.n; i++)
		if (!settings_is_domain(s->client_cert.item[i]))
			error_at(c, s, "client_cert",
				 "client_cert: '%.100s' is not a domain or "
				 "*.domain",
				 s->client_cert.item[i]);
	for (size_t i = 0; i < s->listener.n; i++)
		if (!settings_is_listener(c->s, s->listener.item[i]))
			error_at(c, s, "listener",
				 "listener: there is no listen %.100s",
				 s->listener.item[i]);
}

/* --- what its mail must be ------------------------------------------------- */

static bool
is_field(const char *name)
{
	size_t n = strlen(name);

	for (const char *p = name; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 127 || *p == ':')
			return false;
	return n > 0 && n <= FIELD_NAME && strcmp(name, "*") != 0;
}

static void
check_field(const struct sources *c, const struct source_settings *s, size_t i)
{
	const struct list_of *f = &s->require_header.item[i];
	const bool lk = strcasecmp(f->name, "X-SFDC-LK") == 0;

	if (!is_field(f->name)) {
		error_at(c, s, "require_header",
			 "require_header: write require_header { FIELD = VALUE "
			 "}; '%.100s' is no header field",
			 f->name);
		return;
	}
	for (size_t k = 0; k < i; k++)
		if (strcasecmp(s->require_header.item[k].name, f->name) == 0)
			error_at(c, s, "require_header",
				 "require_header: %s is there twice; write "
				 "%s = [VALUE, VALUE]",
				 f->name, f->name);
	for (size_t k = 0; k < f->value.n; k++) {
		const char *v = f->value.item[k];
		size_t n = strlen(v);

		if (n == 0 || n > FIELD_VALUE || v[0] == ' ' || v[n - 1] == ' ')
			error_at(c, s, "require_header",
				 "require_header: %s: a value is 1 to %d "
				 "octets without blanks around it",
				 f->name, FIELD_VALUE);
		else if (lk && strcmp(v, "*") == 0)
			warning_at(c, s, "require_header",
				   "require_header: %s = \"*\" lets in every "
				   "org; write the id of yours",
				   f->name);
		else if (lk && n < LK_LEAST)
			error_at(c, s, "require_header",
				 "require_header: %s: '%.100s' is not an org's "
				 "id, which has 15 or 18 characters",
				 f->name, v);
	}
}

static void
check_domains(const struct sources *c, const struct source_settings *s,
	      const char *key, const struct texts *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (!settings_is_domain(t->item[i]))
			error_at(c, s, key,
				 "%s: '%.100s' is not a domain or *.domain",
				 key, t->item[i]);
}

/* Mail of customers goes there too, so it is no place for a sandbox's. */
static const char *
route_of(const struct settings *s, const char *relay)
{
	for (size_t i = 0; i < s->nroutes; i++)
		for (size_t j = 0; j < s->routes[i].via.n; j++) {
			const struct texts *t = &s->routes[i].via.item[j].value;

			for (size_t k = 0; k < t->n; k++)
				if (strcmp(t->item[k], relay) == 0)
					return s->routes[i].title;
		}
	return strcmp(s->no_match, relay) == 0 ? "no_match" : NULL;
}

static void
check_sandbox(const struct sources *c, const struct source_settings *s)
{
	const struct relay_settings *r;
	const char *route;

	for (size_t i = 0; i < s->sandbox_org.n; i++)
		if (strlen(s->sandbox_org.item[i]) < LK_LEAST)
			error_at(c, s, "sandbox_org",
				 "sandbox_org: '%.100s' is not an org's id, "
				 "which has 15 or 18 characters",
				 s->sandbox_org.item[i]);
	if (*s->sandbox_relay == '\0')
		return;
	r = settings_relay(c->s, s->sandbox_relay);
	if (r == NULL)
		error_at(c, s, "sandbox_relay",
			 "sandbox_relay: there is no relay %.100s",
			 s->sandbox_relay);
	else if (r->role == DUTY_CRM)
		error_at(c, s, "sandbox_relay",
			 "sandbox_relay: relay %s has role = crm, which sends "
			 "to customers",
			 r->title);
	else if ((route = route_of(c->s, r->title)) != NULL)
		warning_at(c, s, "sandbox_relay",
			   "sandbox_relay: mail to customers goes through "
			   "relay %s too (%s)",
			   r->title, route);
}

static void
check_mail(const struct sources *c, const struct source_settings *s)
{
	if (s->require_header.n > SETTINGS_REQUIRED)
		error_at(c, s, "require_header",
			 "require_header: %zu fields; there may be %d",
			 s->require_header.n, SETTINGS_REQUIRED);
	else
		for (size_t i = 0; i < s->require_header.n; i++)
			check_field(c, s, i);
	check_domains(c, s, "allow_from", &s->allow_from);
	check_domains(c, s, "allow_bounce_domains", &s->allow_bounce_domains);
	if (s->allow_from.n == 0 && s->allow_bounce_domains.n > 0)
		warning_at(c, s, "allow_bounce_domains",
			   "allow_bounce_domains: without allow_from every "
			   "sender is allowed anyway");
	for (size_t i = 0; i < s->type.n; i++)
		settings_types_known(c->s, BLOCK_source, s, "type",
				     s->type.item[i], c->report);
	check_sandbox(c, s);
}

void
settings_sources_check(const struct settings *s, const char *name,
		       struct report *r)
{
	const struct sources c = {s, r};
	size_t networks = 0;

	if (s->nsources == 0)
		report_error(r, name, 0,
			     "no source block: nobody may hand us mail");
	for (size_t i = 0; i < s->nsources; i++)
		networks += s->sources[i].from_ip.n;
	if (networks > SETTINGS_NETWORKS) {
		report_error(r, name, 0,
			     "%zu networks of sources; the most is %d",
			     networks, SETTINGS_NETWORKS);
		return;
	}
	for (size_t i = 0; i < s->nsources; i++) {
		check_networks(&c, &s->sources[i]);
		check_ties(&c, i);
		check_proofs(&c, &s->sources[i]);
		check_mail(&c, &s->sources[i]);
	}
}
