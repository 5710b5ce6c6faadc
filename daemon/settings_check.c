#include "daemon/settings_check.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

#include "daemon/settings_accounts.h"
#include "daemon/settings_archives.h"
#include "daemon/settings_certificates.h"
#include "daemon/settings_dkim.h"
#include "daemon/settings_expects.h"
#include "daemon/settings_quotas.h"
#include "daemon/settings_relays.h"
#include "daemon/settings_replies.h"
#include "daemon/settings_returns.h"
#include "daemon/settings_routes.h"
#include "daemon/settings_sources.h"
#include "daemon/settings_tls.h"
#include "daemon/settings_types.h"

struct check {
	const struct settings *s;
	struct report *report;
	const char *name; /* the main file */
};

#define SUN_PATH_MOST (sizeof((struct sockaddr_un *)0)->sun_path - 1)

#define error_at(c, n, ...)                                                    \
	report_error((c)->report, (n)->file, (n)->line, __VA_ARGS__)

bool
settings_is_name(const char *s)
{
	size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return n > 0 && n <= 64 && s[n] == '\0';
}

/* Relative paths would mean another file in each process. */
static void
check_path(const struct check *c, const struct conf_node *n)
{
	for (size_t i = 0; n != NULL && i < n->nitems; i++)
		if (n->item[i][0] != '/' && n->item[i][0] != '\0')
			error_at(c, n, "%s: '%.100s' must begin with /", n->key,
				 n->item[i]);
}

/* The greeting's name: a domain or an address literal (RFC 5321 4.1.3). */
static bool
is_hostname(const char *s)
{
	char inner[NET_DOMAIN + 1], why[NET_WHY];
	size_t n = strlen(s);
	bool v6 = strncasecmp(s, "[IPv6:", 6) == 0;

	if (strcasecmp(s, "localhost") == 0)
		return true;
	if (net_is_domain(s))
		return strchr(s, '.') != NULL;
	if (n < 3 || n > NET_DOMAIN || s[0] != '[' || s[n - 1] != ']')
		return false;
	if (v6) { /* "[IPv6:::1]" is "[::1]" of a host */
		inner[0] = '[';
		memcpy(inner + 1, s + 6, n - 5);
	} else {
		memcpy(inner, s + 1, n - 2);
		inner[n - 2] = '\0';
	}
	return net_is_host(inner, why) && !net_is_domain(inner);
}

static void
check_global(const struct check *c)
{
	const struct settings *s = c->s;
	const struct conf_node *n;
	size_t most = SUN_PATH_MOST;

	if ((n = settings_given(c->s, BLOCK_global, s, "instance")) != NULL &&
	    !settings_is_name(s->instance))
		error_at(c, n,
			 "instance: '%.100s' is not 1 to 64 of "
			 "A-Z a-z 0-9 . _ -",
			 s->instance);
	if ((n = settings_given(c->s, BLOCK_global, s, "hostname")) != NULL &&
	    !is_hostname(s->hostname))
		error_at(c, n,
			 "hostname: '%.100s' is not a full domain name "
			 "as relay1.example.com",
			 s->hostname);
	if ((n = settings_given(c->s, BLOCK_global, s, "user")) != NULL &&
	    *s->user && !settings_is_name(s->user))
		error_at(c, n, "user: '%.100s' is not a user's name", s->user);
	n = settings_given(c->s, BLOCK_global, s, "state_dir");
	check_path(c, n);
	if (n != NULL && *s->state_dir == '\0')
		error_at(c, n, "state_dir: a folder is needed");
	if (n != NULL && *s->control == '\0' &&
	    strlen(s->state_dir) + strlen("/control.sock") > most)
		error_at(c, n,
			 "state_dir: too long for the control socket in "
			 "it; set control to a path of at most %zu octets",
			 most);
	check_path(c, settings_given(c->s, BLOCK_global, s, "network_sets"));
	n = settings_given(c->s, BLOCK_global, s, "control");
	check_path(c, n);
	if (n != NULL && strlen(s->control) > most)
		error_at(c, n,
			 "control: over %zu octets, the longest path a "
			 "socket can have",
			 most);
}

/* ADDRESS or ADDRESS@PORT, as libunbound takes it. */
static bool
is_forward(const char *s)
{
	const char *at = strchr(s, '@');
	size_t n = at ? (size_t)(at - s) : strlen(s);
	struct socket_at where;
	char why[NET_WHY], *text;
	bool ok;

	text = must_printf(memchr(s, ':', n) ? "[%.*s]:%s" : "%.*s:%s", (int)n,
			   s, at ? at + 1 : "53");
	ok = net_parse_socket(text, &where, why);
	free(text);
	return ok;
}

static void
check_dns(const struct check *c)
{
	const struct dns_settings *d = &c->s->dns;
	const struct conf_node *n =
	    settings_given(c->s, BLOCK_dns, d, "forward");

	check_path(c, settings_given(c->s, BLOCK_dns, d, "trust_anchor"));
	for (size_t i = 0; n != NULL && i < d->forward.n; i++)
		if (!is_forward(d->forward.item[i]))
			error_at(c, n,
				 "forward: '%.100s' is not ADDRESS or "
				 "ADDRESS@PORT",
				 d->forward.item[i]);
}

static bool
same_socket(const struct socket_at *a, const struct socket_at *b)
{
	unsigned char x[16], y[16];

	if (net_unix_path(a) != NULL && net_unix_path(b) != NULL)
		return strcmp(net_unix_path(a), net_unix_path(b)) == 0;
	if (a->sa.ss_family != b->sa.ss_family || net_port(a) != net_port(b))
		return false;
	if (net_is_wildcard(a) || net_is_wildcard(b))
		return true; /* the kernel gives a port to one of them */
	return net_address((const struct sockaddr *)&a->sa, x) &&
	       net_address((const struct sockaddr *)&b->sa, y) &&
	       memcmp(x, y, 16) == 0;
}

/* Compares address `j` of listener `i` with all before it. */
static void
check_taken(const struct check *c, size_t i, size_t j)
{
	const struct listen_settings *l = &c->s->listens[i];

	for (size_t k = 0; k <= i; k++) {
		const struct listen_settings *m = &c->s->listens[k];

		for (size_t x = 0; x < (k == i ? j : m->address.n); x++) {
			if (!same_socket(&l->address.at[j], &m->address.at[x]))
				continue;
			error_at(c, l,
				 "listen %s: %s is taken by %s of "
				 "listen %s at %s:%u",
				 l->title, l->address.at[j].text,
				 m->address.at[x].text, m->title, m->file,
				 m->line);
			return;
		}
	}
}

/* Could a client of this address ever be one of a source's? */
static bool
is_reachable(const struct check *c, const struct listen_settings *l,
	     const struct socket_at *at)
{
	bool v4 = at->sa.ss_family != AF_INET6; /* a Unix socket: 127.0.0.1 */

	if (settings_returns_at(c->s, l->title))
		return true; /* mail comes back from everywhere */
	for (size_t i = 0; i < c->s->nsources; i++) {
		const struct source_settings *s = &c->s->sources[i];

		if (settings_broken(c->s, BLOCK_source, s, "from_ip"))
			return true; /* told already */
		if (!settings_is_for(s, l->title))
			continue;
		if (net_unix_path(at) != NULL) {
			if (s->auth_user.n > 0)
				return true;
			continue;
		}
		if (s->from_ip.n == 0) /* an account, from anywhere */
			return true;
		for (size_t j = 0; j < s->from_ip.n; j++)
			if (net_is_v4(&s->from_ip.net[j]) == v4)
				return true;
	}
	return c->s->nsources == 0;
}

static void
check_listens(const struct check *c)
{
	size_t sockets = 0;

	if (c->s->nlistens == 0)
		report_error(c->report, c->name, 0,
			     "no listen block: mail can't come in");
	for (size_t i = 0; i < c->s->nlistens; i++)
		sockets += c->s->listens[i].address.n;
	if (sockets > SETTINGS_SOCKETS) {
		report_error(c->report, c->name, 0,
			     "%zu addresses to listen on; the most is %d",
			     sockets, SETTINGS_SOCKETS);
		return;
	}
	for (size_t i = 0; i < c->s->nlistens; i++) {
		const struct listen_settings *l = &c->s->listens[i];
		const struct conf_node *n =
		    settings_given(c->s, BLOCK_listen, l, "address");

		if (n != NULL && l->address.n == 0)
			error_at(c, n, "address: the list is empty");
		for (size_t j = 0; n != NULL && j < l->address.n; j++) {
			check_taken(c, i, j);
			if (is_reachable(c, l, &l->address.at[j]))
				continue;
			if (net_unix_path(&l->address.at[j]) != NULL)
				error_at(c, n,
					 "listen %s: no source has users of "
					 "this host: auth_user = \"unix:*\"",
					 l->title);
			else
				error_at(c, n,
					 "listen %s: no source has an "
					 "IPv%c network for clients of %s",
					 l->title,
					 l->address.at[j].sa.ss_family ==
						 AF_INET
					     ? '4'
					     : '6',
					 l->address.at[j].text);
		}
	}
}

void
settings_check(const struct settings *s, const char *name, struct report *r)
{
	const struct check c = {s, r, name};

	check_global(&c);
	check_dns(&c);
	check_listens(&c);
	settings_sources_check(s, name, r);
	settings_relays_check(s, name, r);
	settings_types_check(s, name, r);
	settings_archives_check(s, name, r);
	settings_quotas_check(s, name, r);
	settings_routes_check(s, name, r);
	settings_expects_check(s, r);
	settings_replies_check(s, name, r);
	settings_returns_check(s, r);
	settings_accounts_check(s, r);
	settings_dkim_check(s, name, r);
	settings_certificates_check(s, r);
}

void
settings_look(const struct settings *s, struct report *r)
{
	settings_quotas_zones(s, r);
	settings_tls_files(s, r);
}
