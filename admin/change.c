#include "admin/change.h"

#include <getopt.h>
#include <string.h>

#include "admin/cmd_queue.h"
#include "admin/moment.h"
#include "admin/order.h"

static const struct option options[] = {
    {"until", required_argument, NULL, 'u'},
    {"reason", required_argument, NULL, 'r'},
    {NULL, 0, NULL, 0}};

static bool
take(struct command *c, struct change_words *w, int letter)
{
	char why[MOMENT_WHY];

	switch (letter) {
	case 'u':
		if (moment_parse(optarg, c->now_us, &w->until_us, why))
			return true;
		command_say(c, EXIT_USAGE, "--until: %s", why);
		return false;
	case 'r':
		w->reason = optarg;
		if (strlen(optarg) <= CHANGE_REASON_MOST)
			return true;
		command_say(c, EXIT_USAGE, "--reason has at most %d octets",
			    CHANGE_REASON_MOST);
		return false;
	default:
		command_usage(c, NULL);
		return false;
	}
}

bool
change_read(struct command *c, struct change_words *w)
{
	int letter;

	*w = (struct change_words){.reason = ""};
	while ((letter = getopt_long(c->argc, c->argv, "", options, NULL)) !=
	       -1)
		if (!take(c, w, letter))
			return false;
	for (int i = optind; i < c->argc; i++) {
		if (w->n == CHANGE_WORDS) {
			command_usage(c, NULL);
			return false;
		}
		w->word[w->n++] = c->argv[i];
	}
	return true;
}

static void
answered(void *arg, const struct control_answer *a)
{
	*(enum ledger_answer *)arg = (enum ledger_answer)a->answer;
}

int
change_ask(struct command *c, const struct control_change *what,
	   enum ledger_answer *answer)
{
	const struct settings *s = command_settings(c);
	struct order *o;
	struct err e;
	int code = EXIT_AGAIN;
	bool ok;

	if (s == NULL)
		return EXIT_CONFIG;
	o = order_open(s->control_path, &code, &e);
	if (o == NULL)
		return command_say(c, code, "%s", e.text);
	order_listen(o, answered, answer);
	ok =
	    order_send_change(o, what, &code, &e) && order_finish(o, &code, &e);
	order_close(o);
	return ok ? EXIT_DONE : command_say(c, code, "%s", e.text);
}

bool
change_open_view(struct command *c, struct ledger_view *v, int *code)
{
	struct err e;

	*v = (struct ledger_view){.store = queue_open(c, code)};
	if (v->store == NULL)
		return false;
	v->txn = store_begin(v->store, false, &e);
	if (v->txn != NULL)
		v->book = book_open(v->txn, c->settings, c->now_us, &e);
	if (v->book != NULL) {
		*code = EXIT_DONE;
		return true;
	}
	*code = command_fail(c, &e);
	change_close_view(v);
	return false;
}

void
change_close_view(struct ledger_view *v)
{
	book_close(v->book);
	store_abort(v->txn);
	store_close(v->store);
	*v = (struct ledger_view){.store = NULL};
}
