#include "queue/door.h"

#include <string.h>
#include <strings.h>

/* "unix:*" is every user of this host. */
static bool
named(const struct texts *list, const char *name)
{
	const bool local = door_is_local(name);

	for (size_t i = 0; i < list->n; i++)
		if (strcmp(list->item[i], name) == 0 ||
		    (local && strcmp(list->item[i], "unix:*") == 0))
			return true;
	return false;
}

bool
door_is_local(const char *account)
{
	return strncmp(account, "unix:", 5) == 0;
}

bool
door_domain_is(const char *pattern, const char *domain, size_t n)
{
	size_t k = strlen(pattern);

	if (strncmp(pattern, "*.", 2) != 0)
		return k == n && strncasecmp(pattern, domain, n) == 0;
	return n >= k && /* a label and ".example.com" */
	       strncasecmp(domain + n - (k - 1), pattern + 1, k - 1) == 0;
}

/* One of the certificate's names, which have blanks between them. */
static bool
has_certificate(const struct texts *wanted, const char *names)
{
	for (const char *p = names; *p != '\0'; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");

		for (size_t i = 0; i < wanted->n; i++)
			if (door_domain_is(wanted->item[i], p, n))
				return true;
		p += n;
	}
	return false;
}

void
door_fits(const struct source_settings *source, const struct door_client *c,
	  struct door_fit *out)
{
	*out = (struct door_fit){
	    .network = source->from_ip.n == 0,
	    .account = source->auth_user.n == 0 ||
		       named(&source->auth_user, c->account),
	    .certificate = source->client_cert.n == 0 ||
			   has_certificate(&source->client_cert, c->names)};
	for (size_t i = 0; i < source->from_ip.n; i++) {
		const struct network *net = &source->from_ip.net[i];

		if (!net_holds(net, c->peer))
			continue;
		out->network = true;
		out->bits = max_of(out->bits, net->bits);
	}
}

/* How much a source says of its client: what says more comes first. */
static unsigned
rank(const struct source_settings *source, const struct door_fit *fit)
{
	return (source->auth_user.n > 0 ? 512U : 0U) +
	       (source->client_cert.n > 0 ? 256U : 0U) + fit->bits;
}

/* Ties that the configuration can't rule out (a certificate with the names of
 * two sources) end by name: never by position. */
static bool
before(const struct source_settings *a, unsigned rank_a,
       const struct source_settings *b, unsigned rank_b)
{
	if (rank_a != rank_b || b == NULL)
		return rank_a > rank_b;
	return strcmp(a->title, b->title) < 0;
}

static bool
offers_tls(const struct door_client *c)
{
	return !c->tls && c->listen->tls != LISTEN_TLS_OFF;
}

/* Inside TLS, or after STARTTLS, or where insecure_auth lets it. */
static bool
offers_auth(const struct settings *s, const struct door_client *c)
{
	return *c->account == '\0' && *s->accounts != '\0' &&
	       c->listen->mechanism.n > 0 &&
	       (c->tls || c->listen->tls != LISTEN_TLS_OFF ||
		c->listen->insecure_auth);
}

void
door_who(const struct settings *s, const struct door_client *c,
	 struct door_answer *out)
{
	unsigned best = 0;

	*out = (struct door_answer){.source = NULL};
	for (size_t i = 0; i < s->nsources; i++) {
		const struct source_settings *source = &s->sources[i];
		struct door_fit fit;

		door_fits(source, c, &fit);
		if (!settings_is_for(source, c->listen->title) || !fit.network)
			continue;
		/* Of a Unix socket we know the user: an address is no proof. */
		if (door_is_local(c->account) && source->auth_user.n == 0)
			continue;
		if (fit.account && fit.certificate &&
		    before(source, rank(source, &fit), out->source, best)) {
			best = rank(source, &fit);
			out->source = source;
		}
		if ((!fit.certificate && !offers_tls(c)) ||
		    (!fit.account && !offers_auth(s, c)))
			continue; /* it has shown all it has */
		out->could_secure = out->could_secure || !fit.certificate ||
				    (!fit.account && offers_tls(c) &&
				     !c->listen->insecure_auth);
		out->could_authenticate =
		    out->could_authenticate || !fit.account;
	}
}
