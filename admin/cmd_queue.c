/* mtq queue: reads the options and hands over to the verb. */
#include "admin/cmd_queue.h"

#include <ctype.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/values.h"

struct verb {
	const char *name;
	const char *options;
	int (*run)(struct command *c, const struct queue_options *o);
};
static const struct verb verbs[] = {
#define V(name, options) {#name, options, queue_##name},
    QUEUE_VERBS(V)
#undef V
};

/* Letters are what QUEUE_VERBS says; all filters are 'f'. */
static const struct option options[] = {
#define F(name, value) {#name, required_argument, NULL, 'f'},
    QUEUE_FILTERS(F)
#undef F
	{"limit", required_argument, NULL, '#'},
    {"reason", required_argument, NULL, 'r'},
    {"all", no_argument, NULL, 'a'},
    {"yes", no_argument, NULL, 'y'},
    {"headers", no_argument, NULL, 'h'},
    {"body", no_argument, NULL, 'b'},
    {NULL, 0, NULL, 0}};

int
queue_look(const struct command *c, const char *state_dir)
{
	if (!queue_readable(state_dir))
		return command_say(c, EXIT_NOPERM,
				   "%s: you may not look into it; root and "
				   "mtqd's own user may",
				   state_dir);
	return EXIT_DONE;
}

struct store *
queue_open(struct command *c, int *code)
{
	const struct settings *s = command_settings(c);
	struct store *store;
	struct err e;

	*code = EXIT_CONFIG;
	if (s == NULL)
		return NULL;
	*code = queue_look(c, s->state_dir);
	if (*code != EXIT_DONE)
		return NULL;
	if (!store_exists(s->state_dir)) {
		*code = command_say(c, EXIT_NO,
				    "%s has no queue yet; mtqd makes it at its "
				    "first start",
				    s->state_dir);
		return NULL;
	}
	store = store_open(s->state_dir, STORE_READ, 0, NULL, &e);
	if (store == NULL)
		*code = command_fail(c, &e);
	return store;
}

static bool
take_id(const struct command *c, const char *text, const char *what,
	uint64_t *id)
{
	char upper[ID_TEXT + 1] = "";
	size_t n = strlen(text);

	for (size_t i = 0; i < n && i < ID_TEXT; i++)
		upper[i] = (char)toupper((unsigned char)text[i]);
	if (n == ID_TEXT && id_parse(upper, n, id) && id_valid(*id))
		return true;
	command_say(c, EXIT_USAGE, "%.40s is no %s", text, what);
	return false;
}

bool
queue_id(const struct command *c, const char *text, uint64_t *id)
{
	return take_id(c, text, "queue id", id);
}

bool
queue_event_id(const struct command *c, const char *text, uint64_t *id)
{
	return take_id(c, text, "event id", id);
}

static bool
take_limit(struct queue_options *o, char *text, struct err *e)
{
	const struct value_text value = {.item = &text, .n = 1};
	struct arena a = {NULL};
	char why[VALUE_WHY];
	bool ok =
	    value_parse(VALUE_count, &value, NULL, NULL, &a, &o->limit, why);

	arena_free(&a);
	if (!ok)
		err_set(e, ERR_CONFIG, "--limit %.40s: %s", text, why);
	return ok;
}

static bool
take_option(struct command *c, struct queue_options *o, int letter,
	    const char *name, struct err *e)
{
	switch (letter) {
	case 'f':
		return queue_filter_add(&o->filter, name, optarg, c->now_us, e);
	case '#':
		return take_limit(o, optarg, e);
	case 'r':
		o->reason = optarg;
		return true;
	case 'a':
		o->all = true;
		return true;
	case 'y':
		o->yes = true;
		return true;
	case 'h':
		o->headers = true;
		return true;
	case 'b':
		o->body = true;
		return true;
	}
	must_failed("an option", __FILE__, __LINE__);
}

static bool
read_options(struct command *c, const struct verb *v, struct queue_options *o)
{
	struct err e = {.kind = ERR_NONE};
	int letter, which = 0;

	/* argv[0] is the verb here; ids and options may be mixed. */
	while ((letter = getopt_long(c->argc, c->argv, "", options, &which)) !=
	       -1) {
		if (letter == '?') {
			command_usage(c, NULL);
			return false;
		}
		if (strchr(v->options, letter) == NULL) {
			command_say(c, EXIT_USAGE, "queue %s takes no --%s",
				    v->name, options[which].name);
			return false;
		}
		if (!take_option(c, o, letter, options[which].name, &e)) {
			command_say(c, EXIT_USAGE, "%s", e.text);
			return false;
		}
	}
	o->argc = c->argc - optind;
	o->argv = c->argv + optind;
	return true;
}

int
cmd_queue(struct command *c)
{
	struct queue_options o = {.limit = QUEUE_LIST_LIMIT};

	if (c->argc == 0)
		return command_usage(c, NULL);
	for (size_t i = 0; i < countof(verbs); i++)
		if (strcmp(verbs[i].name, c->argv[0]) == 0)
			return read_options(c, &verbs[i], &o)
				   ? verbs[i].run(c, &o)
				   : EXIT_USAGE;
	return command_usage(c, NULL);
}
