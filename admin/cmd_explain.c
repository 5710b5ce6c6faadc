/* mtq explain: where mail goes, by which rule, and why not elsewhere. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "admin/change.h"
#include "admin/explain_after.h"
#include "admin/explain_client.h"
#include "admin/explain_message.h"
#include "admin/explain_print.h"
#include "admin/explain_type.h"
#include "daemon/values.h"
#include "queue/address.h"
#include "queue/mailbox.h"

enum { HEADERS_MOST = 32 };

/* What the command line asks about. */
struct ask {
	const char *from, *to, *type, *source, *listener;
	struct classify_field header[HEADERS_MOST];
	size_t nheaders;
	uint64_t size_bytes;
	bool lookup;
	char *id;
	struct explain_client_ask client; /* what --client is about */
	bool of_client; /* an option that only --client takes */
};

/* Mail that is only thought of, and memory for its addresses. */
struct imagined {
	struct explain_group g;
	char author[ADDRESS_MOST + 1], sender[ADDRESS_MOST + 1];
};

static const struct option options[] = {
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"type", required_argument, NULL, 'y'},
    {"source", required_argument, NULL, 's'},
    {"listener", required_argument, NULL, 'l'},
    {"header", required_argument, NULL, 'h'},
    {"size", required_argument, NULL, 'z'},
    {"lookup", no_argument, NULL, 'd'},
    {"client", required_argument, NULL, 'C'},
    {"port", required_argument, NULL, 'P'},
    {"auth", required_argument, NULL, 'A'},
    {"cert", required_argument, NULL, 'N'},
    {"helo", required_argument, NULL, 'H'},
    {"message", required_argument, NULL, 'M'},
    {"tls", no_argument, NULL, 'T'},
    {"no-dns", no_argument, NULL, 'D'},
    {NULL, 0, NULL, 0}};

/* --- the command line ----------------------------------------------------- */

/* "Name: value" */
static bool
take_header(struct command *c, struct ask *a, char *text)
{
	char *colon = strchr(text, ':');

	if (colon == NULL || colon == text || a->nheaders == HEADERS_MOST) {
		command_say(c, EXIT_USAGE,
			    "--header is written as \"Name: value\"");
		return false;
	}
	*colon++ = '\0';
	colon += strspn(colon, " \t");
	a->header[a->nheaders++] =
	    (struct classify_field){.name = text, .value = colon};
	return true;
}

static bool
take_size(struct command *c, struct ask *a, char *text)
{
	const struct value_text value = {.item = &text, .n = 1};
	struct arena arena = {NULL};
	char why[VALUE_WHY];
	bool ok = value_parse(VALUE_size, &value, "0kb", "1tb", &arena,
			      &a->size_bytes, why);

	arena_free(&arena);
	if (!ok)
		command_say(c, EXIT_USAGE, "--size: %s", why);
	return ok;
}

/* What only --client has. */
static bool
take_client(struct explain_client_ask *a, int letter)
{
	switch (letter) {
	case 'C':
		a->client = optarg;
		return true;
	case 'P':
		a->port = optarg;
		return true;
	case 'A':
		a->account = optarg;
		return true;
	case 'N':
		a->names = optarg;
		return true;
	case 'H':
		a->helo = optarg;
		return true;
	case 'M':
		a->message = optarg;
		return true;
	case 'T':
		a->tls = true;
		return true;
	case 'D':
		a->no_dns = true;
		return true;
	default:
		return false;
	}
}

static bool
take(struct command *c, struct ask *a, int letter)
{
	if (take_client(&a->client, letter)) {
		a->of_client = true;
		return true;
	}
	switch (letter) {
	case 'f':
		a->from = optarg;
		return true;
	case 't':
		a->to = optarg;
		return true;
	case 'y':
		a->type = optarg;
		return true;
	case 's':
		a->source = optarg;
		return true;
	case 'l':
		a->listener = optarg;
		return true;
	case 'h':
		return take_header(c, a, optarg);
	case 'z':
		return take_size(c, a, optarg);
	case 'd':
		a->lookup = true;
		return true;
	default:
		command_usage(c, NULL);
		return false;
	}
}

static bool
read_ask(struct command *c, struct ask *a)
{
	int letter;

	while ((letter = getopt_long(c->argc + 1, c->argv - 1, "", options,
				     NULL)) != -1)
		if (!take(c, a, letter))
			return false;
	optind--; /* counts argv[-1] */
	if (a->of_client) {
		if (a->client.client != NULL && optind == c->argc &&
		    a->type == NULL && a->source == NULL && a->nheaders == 0 &&
		    a->size_bytes == 0 && !a->lookup)
			return true;
		command_usage(c, NULL);
		return false;
	}
	if (c->argc - optind > 1 ||
	    (c->argc - optind == 1) == (a->to != NULL) ||
	    (a->lookup && a->to == NULL)) {
		command_usage(c, NULL);
		return false;
	}
	if (optind < c->argc)
		a->id = c->argv[optind];
	return true;
}

/* --- mail that is only thought of ----------------------------------------- */

static bool
is_address(struct command *c, const char *option, struct text t)
{
	struct address a;
	const char *why = "it has no domain";

	if (address_parse(t.p, t.n, true, &a, &why) && a.domain.n > 0)
		return true;
	command_say(c, EXIT_USAGE, "%s %.*s: %s", option,
		    (int)min_of(t.n, (size_t)80), t.p,
		    t.n > 0 ? why : "nothing was given");
	return false;
}

/* "<a@b>" as well as "a@b"; "" and "<>" are the null sender. */
static struct text
address_of(const char *s)
{
	struct text t = text_of(s != NULL ? s : "");

	if (t.n >= 2 && t.p[0] == '<' && t.p[t.n - 1] == '>')
		t = (struct text){t.p + 1, t.n - 2};
	return t;
}

/* Header From, if it was given, says who the author is; else the sender. */
static struct text
author_of(const struct ask *a, struct text sender, char out[ADDRESS_MOST + 1])
{
	for (size_t i = 0; i < a->nheaders; i++) {
		if (strcasecmp(a->header[i].name, "From") != 0)
			continue;
		mailbox_first(text_of(a->header[i].value), true, out);
		return text_of(out);
	}
	return sender;
}

/* Who sends it, and who wrote it.  Without --from it is the author, or somebody
 * here: the null sender would be another case (return_path leaves it alone). */
static void
take_sender(const struct settings *s, const struct ask *a, struct imagined *out)
{
	const struct text none = text_of("");
	struct routing_ask *mail = &out->g.mail.ask;

	out->g.assumed = a->from == NULL;
	mail->sender = address_of(a->from);
	if (a->from == NULL) {
		mail->sender = author_of(a, none, out->author);
		if (mail->sender.n == 0) {
			snprintf(out->sender, sizeof out->sender, "someone@%s",
				 s->hostname);
			mail->sender = text_of(out->sender);
		}
	}
	mail->author = author_of(a, mail->sender, out->author);
}

/* Names that must be in the configuration; a source or listener that there is
 * one of needs no saying. */
static bool
complete(struct command *c, struct ask *a)
{
	const struct settings *s = c->settings;
	bool found = a->source == NULL;

	for (size_t i = 0; i < s->nsources; i++)
		found = found || strcmp(s->sources[i].title, a->source) == 0;
	if (!found) {
		command_say(c, EXIT_USAGE, "there is no source %.64s",
			    a->source);
		return false;
	}
	found = a->listener == NULL;
	for (size_t i = 0; i < s->nlistens; i++)
		found = found || strcmp(s->listens[i].title, a->listener) == 0;
	if (!found) {
		command_say(c, EXIT_USAGE, "there is no listener %.64s",
			    a->listener);
		return false;
	}
	if (a->source == NULL && s->nsources == 1)
		a->source = s->sources[0].title;
	if (a->listener == NULL && s->nlistens == 1)
		a->listener = s->listens[0].title;
	if (a->type == NULL ||
	    strcmp(s->types[routing_type(s, text_of(a->type))].title,
		   a->type) == 0)
		return true;
	command_say(c, EXIT_USAGE, "there is no type %.64s", a->type);
	return false;
}

/* DNS may take half a minute: the view of the queue is closed before. */
static void
look_up(struct command *c, const struct explained *x, struct explain_group *g,
	struct explain_way_found *out)
{
	const struct relay_settings *relay = explained_relay(c->settings, x);

	if (relay == NULL)
		return;
	explain_way_look(c->settings, relay, g->mail.ask.recipient, out);
	g->found = out;
}

/* What was typed can be addresses. */
static bool
are_addresses(struct command *c, const struct ask *a)
{
	const struct text from = address_of(a->from);

	return is_address(c, "--to", address_of(a->to)) &&
	       (from.n == 0 || is_address(c, "--from", from));
}

/* Mail that is not there: its type comes from the rules.  Closes the view. */
static int
imagine(struct command *c, const struct explain_world *w, struct ask *a,
	struct ledger_view *view)
{
	struct imagined mind = {.sender = ""};
	struct sentence rule = {.n = 0};
	struct explained x;
	struct text to = address_of(a->to);
	struct explain_group *g = &mind.g;
	struct routing_ask *mail = &g->mail.ask;
	struct explain_way_found found;
	struct classify_ask ask;
	struct err e;
	bool ok;

	if (!are_addresses(c, a) || !complete(c, a)) {
		change_close_view(view);
		return EXIT_USAGE;
	}
	g->to = &to;
	g->nto = 1;
	take_sender(c->settings, a, &mind);
	mail->recipient = to;
	mail->source = text_of(a->source != NULL ? a->source : "");
	ask = (struct classify_ask){
	    .field = a->header,
	    .nfields = a->nheaders,
	    .author = mail->author,
	    .sender = mail->sender,
	    .source = mail->source,
	    .listener = text_of(a->listener != NULL ? a->listener : ""),
	    .size_bytes = a->size_bytes};
	g->mail.size_bytes = a->size_bytes;
	if (a->type != NULL) {
		mail->type = routing_type(c->settings, text_of(a->type));
		sentence_add(&rule, "as asked for");
	} else {
		mail->type = explain_type(c->settings, &ask, &rule);
	}
	if (!c->json)
		printf("%-10s %s\n", "Source",
		       a->source != NULL ? a->source : "none was named");
	g->rule = rule.text;
	explain(w, &g->mail, &x);
	ok = explain_suppressed(view->txn, &to, 1, c->now_us, &g->suppressed,
				&e);
	change_close_view(view);
	if (!ok)
		return command_fail(c, &e);
	if (a->lookup)
		look_up(c, &x, g, &found);
	explain_print(c, g, &x);
	return x.hopeless || g->suppressed.n > 0 ? EXIT_NO : EXIT_DONE;
}

int
cmd_explain(struct command *c)
{
	struct ask a = {.from = NULL};
	struct explain_world w;
	struct ledger_view v;
	int code;

	if (!read_ask(c, &a))
		return EXIT_USAGE;
	if (a.of_client) {
		a.client.listener = a.listener;
		a.client.from = a.from;
		a.client.to = a.to;
		return explain_client(c, &a.client);
	}
	if (!change_open_view(c, &v, &code))
		return code;
	w = (struct explain_world){c->settings, v.book, c->now_us};
	if (a.id == NULL)
		return imagine(c, &w, &a, &v);
	code = explain_message(c, &w, &v, a.id);
	change_close_view(&v);
	return code;
}
