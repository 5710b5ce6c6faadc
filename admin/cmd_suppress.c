/* mtq suppress: its verbs, and the two that change a few addresses. */
#include "admin/cmd_suppress.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "admin/moment.h"

enum {
	AHEAD_MOST = 8,          /* batches; one commit does not take long */
	BATCH_BYTES = 64 * 1024, /* far below SUPPRESS_BATCH_BYTES */
};

static const struct option options[] = {
    {"domain", required_argument, NULL, 'd'},
    {"reason", required_argument, NULL, 'r'},
    {"until", required_argument, NULL, 'u'},
    {"limit", required_argument, NULL, '#'},
    {"format", required_argument, NULL, 'f'},
    {NULL, 0, NULL, 0}};

/* --- the stream -------------------------------------------------------------
 */

static void
answered(void *arg, const struct control_answer *a)
{
	struct suppress_stream *s = arg;

	s->changed += a->changed;
	s->refused += a->answer == LEDGER_NOT_FOUND;
}

bool
suppress_stream_open(struct command *c, struct suppress_stream *s,
		     enum control_change_kind change, int *code)
{
	const struct settings *settings = command_settings(c);
	struct err e;

	*s = (struct suppress_stream){.change = change};
	*code = EXIT_CONFIG;
	if (settings == NULL)
		return false;
	s->order = order_open(settings->control_path, code, &e);
	if (s->order == NULL) {
		command_say(c, *code, "%s", e.text);
		return false;
	}
	order_listen(s->order, answered, s);
	return true;
}

static bool
send_batch(struct suppress_stream *s, int *code, struct err *e)
{
	struct control_change what = {
	    .change = (uint8_t)s->change,
	    .name = text_of(""),
	    .type = text_of(""),
	    .reason = text_of(""),
	    .entries = {(const char *)s->batch.data, s->batch.n}};

	if (s->nbatch == 0)
		return true;
	if (!order_send_change(s->order, &what, code, e))
		return false;
	s->batch.n = 0;
	s->nbatch = 0;
	if (++s->ahead < AHEAD_MOST)
		return true;
	s->ahead = 0;
	return order_finish(s->order, code, e);
}

bool
suppress_stream_put(struct suppress_stream *s, const struct suppress_entry *x,
		    int *code, struct err *e)
{
	suppress_entry_add(&s->batch, x);
	return (++s->nbatch < SUPPRESS_BATCH && s->batch.n < BATCH_BYTES) ||
	       send_batch(s, code, e);
}

bool
suppress_stream_finish(struct suppress_stream *s, int *code, struct err *e)
{
	return send_batch(s, code, e) && order_finish(s->order, code, e);
}

void
suppress_stream_close(struct suppress_stream *s)
{
	order_close(s->order);
	bytes_free(&s->batch);
	*s = (struct suppress_stream){.order = NULL};
}

/* --- add, remove ------------------------------------------------------------
 */

static bool
are_addresses(struct command *c, const struct suppress_options *o)
{
	unsigned char key[SUPPRESS_KEY];
	bool ok = true;

	for (int i = 0; i < o->argc; i++)
		if (suppress_key(text_of(o->argv[i]), key) == 0) {
			command_say(c, EXIT_USAGE,
				    "%.100s is neither an address nor @DOMAIN",
				    o->argv[i]);
			ok = false;
		}
	return ok;
}

static int
change(struct command *c, const struct suppress_options *o,
       enum control_change_kind what)
{
	bool add = what == CHANGE_SUPPRESS_ADD;
	struct suppress_stream s;
	struct err e;
	int code;
	bool ok = true;

	if (o->argc == 0)
		return command_usage(c, NULL);
	if (!are_addresses(c, o))
		return EXIT_USAGE;
	if (!suppress_stream_open(c, &s, what, &code))
		return code;
	for (int i = 0; ok && i < o->argc; i++) {
		struct suppress_entry x = {
		    .origin = SUPPRESS_MANUAL,
		    .until_us = (uint64_t)o->until_us,
		    .address = text_of(o->argv[i]),
		    .reason = text_of(o->reason != NULL ? o->reason : "manual"),
		    .evidence = text_of("")};

		ok = suppress_stream_put(&s, &x, &code, &e);
	}
	ok = ok && suppress_stream_finish(&s, &code, &e);
	if (!ok)
		code = command_say(c, code, "%s", e.text);
	else if (!add && s.changed == 0)
		code = command_say(c, EXIT_NO, "not on the list");
	else
		code = EXIT_DONE;
	if (code == EXIT_DONE && !c->json)
		printf("%" PRIu64 " %s\n", s.changed,
		       add ? "added or changed" : "removed");
	suppress_stream_close(&s);
	return code;
}

/* --- options ----------------------------------------------------------------
 */

static bool
take_reason(struct command *c, struct suppress_options *o)
{
	o->reason = optarg;
	if (strlen(optarg) <= SUPPRESS_REASON)
		return true;
	command_say(c, EXIT_USAGE, "--reason has at most %d octets",
		    SUPPRESS_REASON);
	return false;
}

static bool
take_option(struct command *c, struct suppress_options *o, int letter)
{
	char why[MOMENT_WHY];

	switch (letter) {
	case 'd':
		o->domain = optarg + (optarg[0] == '@');
		return true;
	case 'r':
		return take_reason(c, o);
	case 'u':
		if (moment_parse(optarg, c->now_us, &o->until_us, why))
			return true;
		command_say(c, EXIT_USAGE, "--until: %s", why);
		return false;
	case '#':
		return command_limit(c, optarg, NULL, &o->limit);
	case 'f':
		o->form = suppress_form(optarg);
		o->form_given = true;
		if (o->form != SUPPRESS_FORM_COUNT)
			return true;
		command_say(c, EXIT_USAGE,
			    "--format is one of csv, json, ses, sendgrid, "
			    "mailgun, postmark");
		return false;
	default:
		command_usage(c, NULL);
		return false;
	}
}

int
cmd_suppress(struct command *c)
{
	struct suppress_options o = {.limit = SUPPRESS_LIST_LIMIT};
	const char *verb = c->argc > 0 ? c->argv[0] : "";
	int letter;

	/* argv[0] is the verb here; addresses and options may be mixed. */
	while (c->argc > 0 && (letter = getopt_long(c->argc, c->argv, "",
						    options, NULL)) != -1)
		if (!take_option(c, &o, letter))
			return EXIT_USAGE;
	o.argc = c->argc - optind;
	o.argv = c->argv + optind;
	if (strcmp(verb, "list") == 0)
		return suppress_list(c, &o);
	if (strcmp(verb, "add") == 0)
		return change(c, &o, CHANGE_SUPPRESS_ADD);
	if (strcmp(verb, "remove") == 0)
		return change(c, &o, CHANGE_SUPPRESS_REMOVE);
	if (strcmp(verb, "import") == 0)
		return suppress_import(c, &o);
	if (strcmp(verb, "export") == 0)
		return suppress_export(c, &o);
	return command_usage(c, NULL);
}
