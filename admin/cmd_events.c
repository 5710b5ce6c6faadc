/* mtq events: its options, and what readers tell mtqd. */
#include "admin/cmd_events.h"

#include <getopt.h>
#include <string.h>

#include "admin/change.h"
#include "admin/cmd_queue.h"

static const char default_reader[] = "default";

static const struct option options[] = {
    {"from", required_argument, NULL, 'f'},
    {"reader", required_argument, NULL, 'r'},
    {"kind", required_argument, NULL, 'k'},
    {"limit", required_argument, NULL, '#'},
    {"follow", no_argument, NULL, 'F'},
    {NULL, 0, NULL, 0}};

/* --- the command line ----------------------------------------------------- */

static bool
add_kind(struct command *c, struct events_options *o, const char *word,
	 size_t n)
{
	for (unsigned k = 0; k < JOURNAL_KIND_COUNT; k++) {
		const char *w = journal_word((enum journal_kind)k);

		if (strlen(w) == n && strncmp(w, word, n) == 0) {
			o->kinds |= 1U << k;
			return true;
		}
	}
	command_say(c, EXIT_USAGE, "there are no events of kind %.*s",
		    (int)min_of(n, (size_t)40), word);
	for (unsigned k = 0; k < JOURNAL_KIND_COUNT; k++)
		fprintf(stderr, "%s%s", k == 0 ? "mtq: there are " : ", ",
			journal_word((enum journal_kind)k));
	fputc('\n', stderr);
	return false;
}

/* "bounced,expired", and again and again. */
static bool
add_kinds(struct command *c, struct events_options *o, const char *list)
{
	do {
		size_t n = strcspn(list, ",");

		if (!add_kind(c, o, list, n))
			return false;
		list += n;
	} while (*list++ == ',');
	return true;
}

static bool
is_reader(struct command *c, const char *name)
{
	if (journal_reader_valid(text_of(name)))
		return true;
	command_say(c, EXIT_USAGE,
		    "%.80s is no name of a reader: 1 to 64 letters, digits, "
		    "-, _ and .",
		    name);
	return false;
}

static bool
take(struct command *c, struct events_options *o, int letter)
{
	switch (letter) {
	case 'f':
		o->from = optarg;
		return true;
	case 'r':
		o->reader = optarg;
		return is_reader(c, optarg);
	case 'k':
		return add_kinds(c, o, optarg);
	case '#':
		return command_limit(c, optarg, NULL, &o->limit);
	case 'F':
		o->follow = true;
		return true;
	default:
		command_usage(c, NULL);
		return false;
	}
}

/* --- readers -------------------------------------------------------------- */

int
events_tell(struct command *c, const char *reader, uint64_t number, bool *done)
{
	const struct control_change what = {.change = CHANGE_EVENTS_ACK,
					    .name = text_of(reader),
					    .type = text_of(""),
					    .limit = number,
					    .reason = text_of("")};
	enum ledger_answer answer = LEDGER_NOT_FOUND;
	int code = change_ask(c, &what, &answer);

	*done = answer != LEDGER_NOT_FOUND;
	return code;
}

/* What to end with; EXIT_DONE: there is or was such an event. */
static int
look_for_event(struct command *c, uint64_t number, const char *id)
{
	struct store *store;
	struct txn *t;
	struct err e;
	bool there = false, ok;
	int code;

	store = queue_open(c, &code);
	if (store == NULL)
		return code;
	t = store_begin(store, false, &e);
	ok = t != NULL && journal_was_written(t, number, &there, &e);
	store_abort(t);
	store_close(store);
	if (!ok)
		return command_fail(c, &e);
	if (there)
		return EXIT_DONE;
	return command_say(c, EXIT_NO, "there is no event %.40s in this queue",
			   id);
}

int
events_too_many(struct command *c)
{
	return command_say(c, EXIT_NO,
			   "there are %d readers already (mtq events readers); "
			   "mtq events forget NAME makes room",
			   JOURNAL_READERS_MOST);
}

static int
events_ack(struct command *c, const struct events_options *o)
{
	const char *reader = o->reader != NULL ? o->reader : default_reader;
	uint64_t number;
	bool done;
	int code;

	if (o->argc != 1)
		return command_usage(c, NULL);
	if (!queue_event_id(c, o->argv[0], &number))
		return EXIT_USAGE;
	code = look_for_event(c, number, o->argv[0]);
	if (code != EXIT_DONE)
		return code;
	code = events_tell(c, reader, number, &done);
	return code != EXIT_DONE || done ? code : events_too_many(c);
}

static int
events_forget(struct command *c, const struct events_options *o)
{
	bool done;
	int code;

	if (o->argc != 1)
		return command_usage(c, NULL);
	if (!is_reader(c, o->argv[0]))
		return EXIT_USAGE;
	code = events_tell(c, o->argv[0], 0, &done);
	if (code != EXIT_DONE || done)
		return code;
	return command_say(c, EXIT_NO, "there is no reader %.64s", o->argv[0]);
}

int
cmd_events(struct command *c)
{
	static const struct {
		const char *name;
		int (*run)(struct command *c, const struct events_options *o);
	} verbs[] = {{"ack", events_ack},
		     {"readers", events_readers},
		     {"forget", events_forget}};
	struct events_options o = {.from = NULL};
	int letter;

	/* Without a verb argv[0] may be an option. */
	while ((letter = getopt_long(c->argc + 1, c->argv - 1, "", options,
				     NULL)) != -1)
		if (!take(c, &o, letter))
			return EXIT_USAGE;
	o.argc = c->argc - (optind - 1);
	o.argv = c->argv + (optind - 1);
	if (o.argc == 0)
		return events_print(c, &o);
	for (size_t i = 0; i < countof(verbs); i++)
		if (strcmp(o.argv[0], verbs[i].name) == 0) {
			bool reads = o.from != NULL || o.kinds != 0 ||
				     o.limit != 0 || o.follow;

			o.argc--;
			o.argv++;
			return reads ? command_usage(c, NULL)
				     : verbs[i].run(c, &o);
		}
	return command_usage(c, NULL);
}
