/* mtq history: what became of a message, or of the mail to an address. */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/cmd_queue.h"
#include "admin/history_find.h"
#include "admin/moment.h"
#include "admin/trail_show.h"
#include "daemon/now.h"

static const struct option options[] = {{"since", required_argument, NULL, 's'},
					{"attempts", no_argument, NULL, 'a'},
					{NULL, 0, NULL, 0}};

struct history {
	struct command *c;
	struct history_ask ask;
	bool attempts;
	struct store *store;
	struct trail_show *show;
	uint64_t shown;
	int64_t began_us; /* now_steady_us() */
	bool said;        /* progress is on the terminal */
};

static bool
take(struct history *h, int letter)
{
	char why[MOMENT_WHY];

	switch (letter) {
	case 's':
		if (moment_since(optarg, h->c->now_us, &h->ask.since_us, why))
			return true;
		command_say(h->c, EXIT_USAGE, "--since: %s", why);
		return false;
	case 'a':
		h->attempts = true;
		return true;
	default:
		command_usage(h->c, NULL);
		return false;
	}
}

/* --- a long look ---------------------------------------------------------- */

/* A person who waits for more than a second sees where we are. */
static void
progress(void *arg, int64_t at_us, size_t found)
{
	struct history *h = arg;
	char stamp[MOMENT_TEXT];

	if (now_steady_us() - h->began_us < SECOND_US)
		return;
	h->said = true;
	fprintf(stderr, "\r%s, %zu found", moment_stamp(at_us, stamp), found);
}

static void
end_progress(struct history *h)
{
	if (h->said)
		fprintf(stderr, "\r%60s\r", "");
	h->said = false;
}

/* --- showing -------------------------------------------------------------- */

/* What has gone since it was found is not shown. */
static bool
show_one(struct history *h, uint64_t message, uint32_t rcpt, struct err *e)
{
	struct trail t;

	if (!trail_read(h->store, message, rcpt, &t, e))
		return e->kind == ERR_NONE;
	trail_show_add(h->show, &t);
	h->shown++;
	trail_free(&t);
	return true;
}

static bool
show_message(struct history *h, uint64_t message, struct err *e)
{
	uint32_t rcpt = 0;

	e->kind = ERR_NONE;
	while (!ferror(stdout) && trail_next(h->store, message, &rcpt, e)) {
		if (!show_one(h, message, rcpt, e))
			return false;
		if (rcpt++ == UINT32_MAX)
			break;
	}
	return e->kind == ERR_NONE;
}

/* One message: what became of each recipient, then how. */
static bool
show_id(struct history *h, uint64_t id, struct err *e)
{
	bool ok;

	h->show = trail_show_open(h->c, h->attempts ? TRAIL_STEPS : TRAIL_ENDS);
	ok = show_message(h, id, e);
	trail_show_close(h->show);
	if (!ok || h->attempts || h->c->json || h->shown == 0)
		return ok;
	fputc('\n', stdout);
	h->show = trail_show_open(h->c, TRAIL_STEPS);
	ok = show_message(h, id, e);
	trail_show_close(h->show);
	return ok;
}

static bool
show_found(struct history *h, struct err *e)
{
	struct history_found f;
	bool ok;

	h->began_us = now_steady_us();
	h->ask.arg = h;
	if (isatty(STDERR_FILENO))
		h->ask.progress = progress;
	ok = history_find(h->store, &h->ask, &f, e);
	end_progress(h);
	if (!ok)
		return false;
	h->show = trail_show_open(h->c, h->attempts ? TRAIL_STEPS : TRAIL_ENDS);
	for (size_t i = 0; ok && i < f.n && !ferror(stdout); i++)
		ok = f.at[i].rcpt == UINT32_MAX
			 ? show_message(h, f.at[i].message, e)
			 : show_one(h, f.at[i].message, f.at[i].rcpt, e);
	trail_show_close(h->show);
	history_found_free(&f);
	return ok;
}

/* An address: of a recipient, or one of ours that mail left with. */
static bool
show_address(struct history *h, const char *what, struct err *e)
{
	enum return_path_answer answer;
	struct return_path who;
	bool ok;

	if (!history_of_return_path(h->store, h->c->settings, what,
				    h->c->now_us, &answer, &who, e))
		return false;
	if (answer == RETURN_PATH_FOREIGN)
		return show_found(h, e);
	if (answer == RETURN_PATH_FORGED) {
		command_say(h->c, EXIT_NO,
			    "that looks like an address of ours, but its "
			    "signature is wrong");
		return true;
	}
	h->show = trail_show_open(h->c, TRAIL_STEPS);
	ok = show_one(h, who.message, who.rcpt, e);
	trail_show_close(h->show);
	return ok;
}

static int
run(struct history *h, const char *what)
{
	struct err e = {.kind = ERR_NONE};
	bool found = strchr(what, '@') != NULL;
	uint64_t id = 0;
	bool ok;
	int code;

	if (found && !history_ask_parse(&h->ask, what))
		return command_say(h->c, EXIT_USAGE,
				   "%.100s is neither an address nor a "
				   "Message-ID in < and >",
				   what);
	if (!found && !queue_id(h->c, what, &id))
		return EXIT_USAGE;
	h->store = queue_open(h->c, &code);
	if (h->store == NULL)
		return code;
	ok = found ? show_address(h, what, &e) : show_id(h, id, &e);
	store_close(h->store);
	if (!ok)
		return command_fail(h->c, &e);
	if (h->shown > 0)
		return EXIT_DONE;
	return command_say(h->c, EXIT_NO, "nothing is known of %.300s", what);
}

int
cmd_history(struct command *c)
{
	struct history h = {.c = c};
	int letter;

	while ((letter = getopt_long(c->argc + 1, c->argv - 1, "", options,
				     NULL)) != -1)
		if (!take(&h, letter))
			return EXIT_USAGE;
	optind--; /* counts argv[-1] */
	if (c->argc - optind != 1)
		return command_usage(c, NULL);
	return run(&h, c->argv[optind]);
}
