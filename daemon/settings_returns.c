#include "daemon/settings_returns.h"

#include <string.h>
#include <strings.h>

#include "daemon/net.h"

#define error_at(r, p, ...)   report_error(r, (p).file, (p).line, __VA_ARGS__)
#define warning_at(r, p, ...) report_warning(r, (p).file, (p).line, __VA_ARGS__)
#define of_returns(s, key)    settings_place(s, BLOCK_returns, &(s)->returns, key)
#define of_relay(s, relay)    settings_place(s, BLOCK_relay, relay, "return_path")

enum {
	ADDRESS_LONGEST = 254, /* RFC 5321 4.5.3.1.3, without <> */
	VERP_LOCAL = 50,       /* queue/return_path.h, "b+" and the token */
	SMTP_PORT = 25,
};

/* What an envelope can carry as it stands. */
static bool
is_plain_address(const char *s)
{
	const char *at = strchr(s, '@');

	if (at == NULL || at == s || !net_is_domain(at + 1))
		return false;
	for (const char *p = s; *p != '\0'; p++)
		if (*p <= ' ' || *p >= 127 || strchr("<>()[]\\,;:\"", *p))
			return false;
	return strlen(s) <= ADDRESS_LONGEST;
}

static bool
is_in(const char *address, const char *domain)
{
	const char *at = strchr(address, '@');

	return at != NULL && *domain != '\0' && strcasecmp(at + 1, domain) == 0;
}

/* Only signed addresses are taken there. */
static void
check_not_there(const struct settings *s, struct settings_place at,
		const char *key, const char *address, struct report *r)
{
	if (is_in(address, s->returns.domain))
		error_at(r, at,
			 "%s: %.100s is in the domain of mail that comes back "
			 "(block returns), which takes nothing but addresses "
			 "of return_path = verp",
			 key, address);
}

static void
check_listeners(const struct settings *s, struct report *r)
{
	const struct texts *at = &s->returns.listener;

	for (size_t i = 0; i < at->n; i++)
		if (!settings_is_listener(s, at->item[i]))
			error_at(r, of_returns(s, "listener"),
				 "listener: there is no listen %.100s",
				 at->item[i]);
}

static void
check_returns(const struct settings *s, struct report *r)
{
	const struct returns_settings *t = &s->returns;

	if (*t->domain != '\0' &&
	    (!net_is_domain(t->domain) || strchr(t->domain, '.') == NULL))
		error_at(r, of_returns(s, "domain"),
			 "domain: '%.100s' is not a domain name, as "
			 "bounces.example.com",
			 t->domain);
	else if (strlen(t->domain) > ADDRESS_LONGEST - VERP_LOCAL - 1)
		error_at(r, of_returns(s, "domain"),
			 "domain: over %d octets, too long for an address in "
			 "it",
			 ADDRESS_LONGEST - VERP_LOCAL - 1);
	if (*t->forward == '\0')
		return;
	if (!is_plain_address(t->forward))
		error_at(r, of_returns(s, "forward"),
			 "forward: '%.100s' is not an address, as "
			 "postmaster@example.com",
			 t->forward);
	check_not_there(s, of_returns(s, "forward"), "forward", t->forward, r);
}

static void
check_return_path(const struct settings *s, const struct relay_settings *relay,
		  struct report *r)
{
	const char *mode = relay->return_path;

	if (settings_broken(s, BLOCK_relay, relay, "return_path") ||
	    strcmp(mode, "keep") == 0 || strcmp(mode, "from") == 0)
		return;
	if (strcmp(mode, "verp") != 0 && !is_plain_address(mode))
		error_at(r, of_relay(s, relay),
			 "return_path: '%.100s' is not keep, from, verp or an "
			 "address",
			 mode);
	else if (strcmp(mode, "verp") == 0 && *s->returns.domain == '\0')
		error_at(r, of_relay(s, relay),
			 "return_path: verp needs returns { domain }");
	check_not_there(s, of_relay(s, relay), "return_path", mode, r);
}

void
settings_returns_check(const struct settings *s, struct report *r)
{
	const char *to = s->bounce.postmaster;

	if (*to != '\0' && !is_plain_address(to))
		error_at(
		    r,
		    settings_place(s, BLOCK_bounce, &s->bounce, "postmaster"),
		    "postmaster: '%.100s' is not an address, as "
		    "postmaster@example.com",
		    to);
	check_not_there(
	    s, settings_place(s, BLOCK_bounce, &s->bounce, "postmaster"),
	    "postmaster", to, r);
	check_returns(s, r);
	check_listeners(s, r);
	for (size_t i = 0; i < s->nrelays; i++)
		check_return_path(s, &s->relays[i], r);
}

/* --- doubts ----------------------------------------------------------------- */

static bool
has_port_25(const struct settings *s)
{
	for (size_t i = 0; i < s->nlistens; i++)
		for (size_t j = 0; j < s->listens[i].address.n; j++)
			if (net_port(&s->listens[i].address.at[j]) == SMTP_PORT)
				return true;
	return false;
}

static bool
names(const struct texts *domains, const char *domain)
{
	for (size_t i = 0; i < domains->n; i++)
		if (strcasecmp(domains->item[i], domain) == 0)
			return true;
	return false;
}

/* A domain with people in it: their mail would be refused. */
static void
tell_inhabited(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->nroutes; i++)
		if (names(&s->routes[i].from, s->returns.domain) ||
		    names(&s->routes[i].to, s->returns.domain)) {
			warning_at(r, of_returns(s, "domain"),
				   "domain: route %s names it, too, but only "
				   "what comes back is taken there: use a "
				   "subdomain of its own, as bounces.%.100s",
				   s->routes[i].title, s->returns.domain);
			return;
		}
}

static void
tell_returns(const struct settings *s, struct report *r)
{
	const char *domain = s->returns.domain;
	bool used = false;

	if (*domain == '\0') {
		if (*s->returns.forward != '\0')
			warning_at(r, of_returns(s, "forward"),
				   "forward: only used with domain");
		if (s->returns.listener.n > 0)
			warning_at(r, of_returns(s, "listener"),
				   "listener: only used with domain");
		return;
	}
	for (size_t i = 0; i < s->nrelays; i++) {
		const struct relay_settings *relay = &s->relays[i];

		used = used || strcmp(relay->return_path, "verp") == 0;
		if (strcasecmp(relay->host, domain) == 0)
			warning_at(
			    r, settings_place(s, BLOCK_relay, relay, "host"),
			    "host: %s is the domain of mail that comes "
			    "back (block returns), not a relay",
			    domain);
	}
	if (!used)
		warning_at(r, of_returns(s, "domain"),
			   "domain: no relay has return_path = verp: nothing "
			   "will come back there");
	tell_inhabited(s, r);
	if (!has_port_25(s))
		warning_at(r, of_returns(s, "domain"),
			   "domain: no listener has port 25, where mail comes "
			   "back");
}

/* docs/return-paths.md, "With services behind mtq". */
static const char *
why_no_verp(enum provider_kind p)
{
	switch (p) {
	case PROVIDER_M365:
		return "a mailbox of Microsoft 365 sends as itself only, and "
		       "refuses such senders";
	case PROVIDER_SES:
		return "SES takes senders of verified domains only: verify the "
		       "domain of block returns there, and leave feedback "
		       "forwarding on";
	case PROVIDER_SENDGRID:
	case PROVIDER_MAILGUN:
	case PROVIDER_POSTMARK:
		return "this provider puts a return path of its own on mail, "
		       "so "
		       "verp gains nothing";
	case PROVIDER_NONE:
	case PROVIDER_GOOGLE:
	case PROVIDER_EXCHANGE:
	case PROVIDER_COUNT:
		break;
	}
	return NULL;
}

static void
tell_providers(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->nrelays; i++) {
		const char *why = why_no_verp(s->relays[i].provider);

		if (why != NULL &&
		    strcmp(s->relays[i].return_path, "verp") == 0)
			warning_at(r, of_relay(s, &s->relays[i]),
				   "return_path: %s", why);
	}
}

/* A CRM that looks after failures itself must see them. */
static void
tell_authority(const struct settings *s, struct report *r)
{
	const struct source_settings *crm = NULL;

	for (size_t i = 0; i < s->nsources && crm == NULL; i++)
		if (s->sources[i].bounce_authority == AUTHORITY_CRM)
			crm = &s->sources[i];
	for (size_t i = 0; crm != NULL && i < s->nrelays; i++)
		if (strcmp(s->relays[i].return_path, "keep") != 0)
			warning_at(r, of_relay(s, &s->relays[i]),
				   "return_path: source %s leaves failures to "
				   "its CRM (bounce_authority), which is not "
				   "told of what comes back later unless this "
				   "is keep",
				   crm->title);
}

/* Salesforce's own VERP addresses are no use to anybody else. */
static bool
is_crm_verp(const char *domain)
{
	static const char crm[] = "bnc.salesforce.com";
	size_t n = strlen(domain), most = sizeof crm - 1;

	return n >= most && strcasecmp(domain + n - most, crm) == 0 &&
	       (n == most || domain[n - most - 1] == '.');
}

static bool
goes_to(const struct route_settings *route, const char *relay)
{
	for (size_t i = 0; i < route->via.n; i++)
		for (size_t j = 0; j < route->via.item[i].value.n; j++)
			if (strcmp(route->via.item[i].value.item[j], relay) ==
			    0)
				return true;
	return false;
}

static void
tell_crm_verp(const struct settings *s, const struct route_settings *route,
	      struct report *r)
{
	bool crm = false;

	for (size_t i = 0; i < route->from.n; i++)
		crm = crm || is_crm_verp(route->from.item[i]);
	for (size_t i = 0; crm && i < s->nrelays; i++)
		if (strcmp(s->relays[i].return_path, "keep") != 0 &&
		    goes_to(route, s->relays[i].title))
			warning_at(r, of_relay(s, &s->relays[i]),
				   "return_path: route %s brings mail whose "
				   "return path is Salesforce's own; without "
				   "keep Salesforce is not told of bounces",
				   route->title);
}

/* No mail lives longer. */
static int64_t
longest_us(const struct settings *s)
{
	int64_t most = 0;

	for (size_t i = 0; i < s->ntypes; i++)
		most = max_of(most, s->types[i].lifetime_us);
	for (size_t i = 0; i < s->nretries; i++)
		most = max_of(most, s->retries[i].lifetime_us);
	return most;
}

static void
tell_times(const struct settings *s, struct report *r)
{
	if (settings_given(s, BLOCK_bounce, &s->bounce, "delay_after") !=
		NULL &&
	    s->bounce.delay_after_us >= longest_us(s))
		warning_at(
		    r,
		    settings_place(s, BLOCK_bounce, &s->bounce, "delay_after"),
		    "delay_after: no mail lives as long, so nobody is "
		    "told of a delay");
	if (*s->returns.domain != '\0' && s->returns.expires_us < longest_us(s))
		warning_at(r, of_returns(s, "expires"),
			   "expires: mail may live longer than the address "
			   "that it leaves with");
}

static void
tell_reports(const struct settings *s, struct report *r)
{
	static const char *const key[] = {"postmaster", "delay_after",
					  "delays_per_sender",
					  "rate_per_sender"};

	for (size_t i = 0; !s->bounce.enabled && i < countof(key); i++)
		if (settings_given(s, BLOCK_bounce, &s->bounce, key[i]) != NULL)
			warning_at(
			    r,
			    settings_place(s, BLOCK_bounce, &s->bounce, key[i]),
			    "%s: only used with enabled = yes", key[i]);
}

/* Half of what is left of the map above the mark where the receiver
 * stops, or a queue full of small mail would have no room to say that it is
 * gone. */
uint64_t
settings_history_bytes(const struct settings *s, uint64_t map_bytes)
{
	uint64_t most = map_bytes / 200 * (100 - s->queue.high_water_percent);

	return min_of(most, s->history.max_size_bytes);
}

static void
tell_history(const struct settings *s, struct report *r)
{
	uint64_t most_bytes =
	    settings_history_bytes(s, s->queue.map_size_bytes);

	if (settings_given(s, BLOCK_history, &s->history, "max_size") != NULL &&
	    s->history.max_size_bytes > most_bytes)
		warning_at(
		    r,
		    settings_place(s, BLOCK_history, &s->history, "max_size"),
		    "max_size: it stops at %llu MB, half of what "
		    "high_water leaves free of map_size",
		    (unsigned long long)(most_bytes >> 20));
}

void
settings_returns_doubts(const struct settings *s, struct report *r)
{
	tell_returns(s, r);
	tell_providers(s, r);
	tell_authority(s, r);
	for (size_t i = 0; i < s->nroutes; i++)
		if (s->routes[i].enabled)
			tell_crm_verp(s, &s->routes[i], r);
	tell_times(s, r);
	tell_reports(s, r);
	tell_history(s, r);
}
