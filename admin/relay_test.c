#include "admin/relay_test.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/relay_test_box.h"
#include "admin/relay_test_dns.h"
#include "admin/relay_test_host.h"
#include "admin/relay_test_modes.h"
#include "admin/relay_test_secret.h"
#include "admin/relay_test_state.h"
#include "admin/relay_test_step.h"
#include "daemon/jail.h"
#include "daemon/now.h"
#include "queue/address.h"

enum { FROM_SIZE = 300 };

static const struct option options[] = {{"to", required_argument, NULL, 't'},
					{"from", required_argument, NULL, 'f'},
					{"send", no_argument, NULL, 's'},
					{"all", no_argument, NULL, 'a'},
					{"second", no_argument, NULL, '2'},
					{NULL, 0, NULL, 0}};

/* --- the command line ----------------------------------------------------- */

/* "<a@b>" as well as "a@b", into the caller's argument.  NULL: it is none, and
 * that was said. */
static const char *
take_address(struct command *c, const char *option, char *s, bool may_be_null)
{
	struct address a;
	const char *why;
	size_t n = strlen(s);

	if (n >= 2 && s[0] == '<' && s[n - 1] == '>') {
		s[n - 1] = '\0';
		s++;
	}
	if ((may_be_null && *s == '\0') ||
	    address_parse(s, strlen(s), true, &a, &why))
		return s;
	command_say(c, EXIT_USAGE, "%s: %s", option, why);
	return NULL;
}

static bool
read_options(struct command *c, struct relay_test *t)
{
	int letter;

	while ((letter = getopt_long(c->argc + 1, c->argv - 1, "", options,
				     NULL)) != -1)
		switch (letter) {
		case 't':
			t->to = take_address(c, "--to", optarg, false);
			if (t->to == NULL)
				return false;
			break;
		case 'f':
			t->from = take_address(c, "--from", optarg, true);
			if (t->from == NULL)
				return false;
			break;
		case 's':
			t->send = true;
			break;
		case 'a':
			t->all = true;
			break;
		case '2':
			t->second = true;
			break;
		default:
			command_usage(c, NULL);
			return false;
		}
	optind--; /* counts argv[-1] */
	return true;
}

/* EXIT_DONE: `t` says what to test. */
static int
read_ask(struct command *c, struct relay_test *t)
{
	const char *name;

	if (!read_options(c, t))
		return EXIT_USAGE;
	if (c->argc - optind != 2) /* "test" and the name */
		return command_usage(c, NULL);
	name = c->argv[optind + 1];
	t->s = command_settings(c);
	if (t->s == NULL)
		return EXIT_CONFIG;
	t->relay = settings_relay(t->s, name);
	if (t->relay == NULL)
		return command_say(c, EXIT_NO, "there is no relay %.64s", name);
	if (t->second &&
	    (!auth_of(t->relay, &t->auth) || t->auth.password[1] == NULL))
		return command_say(c, EXIT_USAGE,
				   "relay %s has no second password", name);
	if (t->send && t->to == NULL)
		return command_say(c, EXIT_USAGE, "--send needs --to ADDRESS");
	if (t->relay->deliver == DELIVER_MX && t->to == NULL)
		return command_say(c, EXIT_USAGE,
				   "relay %s delivers to the mail exchangers "
				   "of each domain: --to ADDRESS says of which",
				   name);
	return EXIT_DONE;
}

/* --- the walk ------------------------------------------------------------- */

static void
introduce(const struct relay_test *t)
{
	const struct relay_settings *r = t->relay;
	const char *off = r->enabled ? ""
				     : "; enabled = no: no mail is sent "
				       "through it";

	if (r->deliver == DELIVER_MAILDIR)
		relay_test_tell(t->json, "relay", STEP_NOTE, -1,
				"%s: into the Maildir %s%s", r->title, r->dir,
				off);
	else
		relay_test_tell(
		    t->json, "relay", STEP_NOTE, -1,
		    "%s: %s, port %u, tls = %s, dane = %s%s", r->title,
		    r->deliver == DELIVER_MX ? "the domain's mail exchangers"
					     : r->host,
		    (unsigned)r->port, relay_test_tls_word(r->tls),
		    relay_test_dane_word(r->dane), off);
}

/* One after the other until mail would go. */
static bool
walk(struct relay_test *t, const struct lookup *l, const char *domain)
{
	char how[TEST_WHY] = "";

	for (size_t i = 0; i < l->n; i++) {
		enum relay_test_end end =
		    relay_test_host(t, &l->target[i], domain);

		if (end == TEST_GOES && how[0] == '\0')
			memcpy(how, t->why, sizeof how);
		if (end == TEST_OVER || (end == TEST_GOES && !t->all))
			break;
	}
	if (how[0] == '\0')
		return false;
	memcpy(t->why, how, sizeof how);
	return true;
}

static bool
test_hosts(struct relay_test *t)
{
	const bool ready = relay_test_secrets(t);
	struct relay_test_dns d;
	struct sentence why = {.n = 0};
	char domain[256] = "";
	char missing[TEST_WHY];
	bool goes = false;

	memcpy(missing, t->why, sizeof missing);
	if (t->to != NULL)
		must(relay_test_dns_domain(t->to, domain));
	relay_test_dns_open(&d, t->s);
	if (relay_test_dns(&d, t->json, t->s, t->relay, domain, &why))
		goes = walk(t, &d.l, domain);
	else
		snprintf(t->why, sizeof t->why, "%.1000s", why.text);
	relay_test_dns_close(&d);
	relay_test_forget(t);
	if (!ready)
		memcpy(t->why, missing, sizeof missing);
	return goes && ready;
}

int
relay_test(struct command *c)
{
	const int64_t began_us = now_steady_us();
	struct relay_test t = {.json = c->json, .now_us = c->now_us};
	char from[FROM_SIZE];
	int code = read_ask(c, &t);
	struct err e = {.kind = ERR_NONE};
	bool goes;

	if (code != EXIT_DONE)
		return code;
	if (!jail_hide(&e)) /* credentials are in no core */
		return command_fail(c, &e);
	if (t.from == NULL) {
		snprintf(from, sizeof from, "postmaster@%.253s", t.s->hostname);
		t.from = from;
	}
	introduce(&t);
	if (t.relay->deliver == DELIVER_MAILDIR)
		goes = relay_test_box(&t) == TEST_GOES;
	else
		goes = test_hosts(&t);
	relay_test_state(c, t.relay);
	relay_test_tell(t.json, "verdict", goes ? STEP_OK : STEP_NOT,
			now_steady_us() - began_us, "mail would %sgo%s%s",
			goes ? "" : "not ", goes ? " " : ": ", t.why);
	return goes ? EXIT_DONE : EXIT_NO;
}
