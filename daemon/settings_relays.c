#include "daemon/settings_relays.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/archive_to.h"
#include "daemon/pattern.h"
#include "daemon/preset.h"
#include "daemon/settings_auth.h"
#include "daemon/settings_tls.h"

#define error_at(r, n, ...) report_error(r, (n)->file, (n)->line, __VA_ARGS__)
#define warning_at(r, n, ...)                                                  \
	report_warning(r, (n)->file, (n)->line, __VA_ARGS__)

/* Would a connection to this relay come back to one of our own listeners?
 * Names other than our own are not looked up: a check must not need a DNS. */
static bool
is_own_socket(const struct settings *s, const struct relay_settings *relay,
	      const struct socket_at *at)
{
	struct socket_at to;
	char why[NET_WHY], *text;
	unsigned char x[16], y[16];
	bool same;

	if (relay->port != net_port(at))
		return false;
	if (strcasecmp(relay->host, s->hostname) == 0 ||
	    strcasecmp(relay->host, "localhost") == 0)
		return true;
	text = must_printf("%s:%u", relay->host, net_port(at));
	same = net_parse_socket(text, &to, why) &&
	       to.sa.ss_family == at->sa.ss_family;
	free(text);
	if (!same)
		return false;
	must(net_address((const struct sockaddr *)&to.sa, x));
	must(net_address((const struct sockaddr *)&at->sa, y));
	if (!net_is_wildcard(at))
		return memcmp(x, y, 16) == 0;
	/* 127.0.0.0/8 and ::1 are this machine, whatever its addresses. */
	return at->sa.ss_family == AF_INET
		   ? x[12] == 127
		   : memcmp(x, &in6addr_loopback, 16) == 0;
}

static void
check_loop(const struct settings *s, const struct relay_settings *relay,
	   struct report *r)
{
	for (size_t i = 0; i < s->nlistens; i++)
		for (size_t j = 0; j < s->listens[i].address.n; j++)
			if (is_own_socket(s, relay,
					  &s->listens[i].address.at[j])) {
				warning_at(
				    r, relay,
				    "relay %s is our own listener %s: mail "
				    "would go round in circles",
				    relay->title, s->listens[i].title);
				return;
			}
}

static void
check_patterns(const struct settings *s, const struct relay_settings *relay,
	       const char *key, const struct texts *t, struct report *r)
{
	const struct conf_node *n = settings_given(s, BLOCK_relay, relay, key);

	for (size_t i = 0; n != NULL && i < t->n; i++)
		if (!pattern_is(t->item[i]))
			error_at(r, n,
				 "%s: '%.100s' is not a code from 400 to 599 "
				 "and words, as \"550 *daily limit*\"",
				 key, t->item[i]);
}

static void
check_quotas(const struct settings *s, const struct relay_settings *relay,
	     struct report *r)
{
	const struct conf_node *n =
	    settings_given(s, BLOCK_relay, relay, "quota");
	const struct texts *t = &relay->quota;

	if (n != NULL && t->n > SETTINGS_RELAY_QUOTAS) {
		error_at(r, n, "quota: %zu quotas; a relay may have %d", t->n,
			 SETTINGS_RELAY_QUOTAS);
		return;
	}
	for (size_t i = 0; n != NULL && i < t->n; i++) {
		size_t j = 0;

		while (strcmp(t->item[j], t->item[i]) != 0)
			j++;
		if (j < i)
			error_at(r, n,
				 "quota: %.100s stands twice; a message is "
				 "charged to it once",
				 t->item[i]);
		for (j = 0; j < s->nquotas; j++)
			if (strcmp(s->quotas[j].title, t->item[i]) == 0)
				break;
		if (j == s->nquotas)
			error_at(r, n, "quota: there is no quota %.100s",
				 t->item[i]);
	}
}

static void
check_smtp(const struct settings *s, const struct relay_settings *relay,
	   struct report *r)
{
	const struct conf_node *n =
	    settings_node(s, BLOCK_relay, relay, "host");
	const char *hint = preset_host_hint(relay->provider);
	char why[NET_WHY];

	if (n == NULL && *relay->host == '\0')
		error_at(r, relay, "relay %s needs host%s%s", relay->title,
			 hint ? ", as " : "", hint ? hint : "");
	else if (n != NULL && !n->broken && !net_is_host(relay->host, why))
		error_at(r, n, "host: '%.100s' %s", relay->host, why);
	else if (n == NULL || !n->broken)
		check_loop(s, relay, r);
	n = settings_given(s, BLOCK_relay, relay, "dir");
	if (n != NULL && *relay->dir != '\0')
		warning_at(r, n, "dir: only used with deliver = maildir");
}

static void
check_maildir(const struct settings *s, const struct relay_settings *relay,
	      struct report *r)
{
	const struct conf_node *n = settings_node(s, BLOCK_relay, relay, "dir");

	if (n == NULL && *relay->dir == '\0')
		error_at(r, relay, "relay %s needs dir", relay->title);
	else if (n != NULL && !n->broken && *relay->dir != '/')
		error_at(r, n, "dir: '%.100s' must begin with /", relay->dir);
	n = settings_given(s, BLOCK_relay, relay, "host");
	if (n != NULL && *relay->host != '\0')
		warning_at(r, n, "host: only used with deliver = smtp");
	n = settings_given(s, BLOCK_relay, relay, "provider");
	if (n != NULL && relay->provider != PROVIDER_NONE)
		warning_at(r, n, "provider: only used with deliver = smtp");
}

/* Which relay takes the mail that no route claims. */
static void
check_no_match(const struct settings *s, const char *name, struct report *r)
{
	const struct conf_node *n =
	    settings_node(s, BLOCK_global, s, "no_match");
	size_t nrelays = 0;

	if (s->nrelays == 0) {
		report_error(r, name, 0,
			     "no relay block: mail can't go anywhere");
		return;
	}
	if (n != NULL && n->broken)
		return;
	if (*s->no_match != '\0' && settings_relay(s, s->no_match) == NULL) {
		error_at(r, n, "no_match: there is no relay %.100s",
			 s->no_match);
		return;
	}
	for (size_t i = 0; i < s->nrelays; i++)
		nrelays += !archive_has(s, s->relays[i].title);
	if (*s->no_match == '\0' && nrelays != 1) {
		report_error(r, name, 0,
			     "no_match must name one of the %zu relays",
			     nrelays);
		return;
	}
}

static bool
is_used(const struct settings *s, const struct retry_settings *y)
{
	for (size_t i = 0; i < s->ntypes; i++)
		if (strcmp(s->types[i].retry, y->title) == 0)
			return true;
	return false;
}

static void
check_retries(const struct settings *s, struct report *r)
{
	for (size_t i = 0; i < s->nretries; i++) {
		const struct retry_settings *y = &s->retries[i];
		const struct conf_node *n =
		    settings_given(s, BLOCK_retry, y, "intervals");

		if (strcmp(y->title, "normal") != 0 && !is_used(s, y))
			warning_at(r, y,
				   "retry %s is not used: no type names it",
				   y->title);
		if (n != NULL && y->intervals.n == 0)
			error_at(r, n, "intervals: the list is empty");
		else if (y->intervals.n > 0 &&
			 y->intervals.us[0] >= y->lifetime_us)
			warning_at(
			    r, y,
			    "retry %s: the lifetime ends before the second "
			    "attempt",
			    y->title);
	}
}

void
settings_relays_check(const struct settings *s, const char *name,
		      struct report *r)
{
	if (s->nrelays > SETTINGS_RELAYS)
		report_error(r, name, 0, "%zu relays; there may be %d",
			     s->nrelays, SETTINGS_RELAYS);
	for (size_t i = 0; i < s->nrelays; i++) {
		const struct relay_settings *relay = &s->relays[i];
		const struct conf_node *n =
		    settings_node(s, BLOCK_relay, relay, "deliver");

		check_quotas(s, relay, r);
		check_patterns(s, relay, "quota_replies", &relay->quota_replies,
			       r);
		check_patterns(s, relay, "rate_replies", &relay->rate_replies,
			       r);
		if (n != NULL && n->broken)
			continue;
		switch (relay->deliver) {
		case DELIVER_SMTP:
			check_smtp(s, relay, r);
			break;
		case DELIVER_MX: /* its hosts come from the recipients */
			break;
		case DELIVER_MAILDIR:
			check_maildir(s, relay, r);
			break;
		case DELIVER_COUNT:
			break;
		}
		settings_tls_check(s, relay, r);
		settings_auth_check(s, relay, r);
	}
	check_no_match(s, name, r);
	check_retries(s, r);
}
