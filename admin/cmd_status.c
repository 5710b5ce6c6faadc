/* mtq status: one screen, and no scan: counters of the state record, single
 * rows, and what mtqd wrote about its processes. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "admin/human.h"
#include "admin/queue_read.h"
#include "admin/screen.h"

enum {
	PROBLEM_MOST = 700, /* octets of one; longer is cut */
	/* A due message leaves in milliseconds; after this somebody should
	 * look. */
	OVERDUE_S = 60,
	STARTING_S = 15, /* a role is ready long before */
};

/* --- what is wrong -------------------------------------------------------- */

static void problem(struct screen *s, const char *fmt, ...) PRINTF(2, 3);

static void
problem(struct screen *s, const char *fmt, ...)
{
	char text[PROBLEM_MOST];
	va_list ap;

	if (s->nproblems == SCREEN_PROBLEMS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	s->problem[s->nproblems++] = must_strdup(text);
}

static void
judge_roles(struct screen *s)
{
	char since[HUMAN_TEXT];

	if (s->pid == 0) {
		problem(s, "mtqd is not running: no mail is taken or sent");
		return;
	}
	for (size_t i = 0; i < s->nroles; i++) {
		const struct role_line *r = &s->role[i];
		int64_t for_us = s->c->now_us - r->since_us;

		if (strcmp(r->state, "waiting") == 0)
			problem(s,
				"%s ended and is started again soon "
				"(%u restarts so far)",
				r->name, r->restarts);
		else if (strcmp(r->state, "starting") == 0 &&
			 for_us > STARTING_S * SECOND_US)
			problem(s, "%s is starting since %s and not ready",
				r->name, human_span(for_us, since));
	}
}

static void
judge_room(struct screen *s)
{
	const struct queue_settings *q = &s->settings->queue;
	char used[HUMAN_TEXT], most[HUMAN_TEXT];

	/* Divided first: the product may be larger than 64 bits hold. */
	if (s->room.used_bytes >
	    s->room.map_bytes / 100 * q->high_water_percent)
		problem(s,
			"the queue holds %s of %s (map_size): new mail gets "
			"452 4.3.1 above %" PRIu64 "%%",
			human_size(s->room.used_bytes, used),
			human_size(s->room.map_bytes, most),
			q->high_water_percent);
	if (s->room.disk_free_bytes < q->min_free_bytes)
		problem(s,
			"the disk has %s left, less than min_free = %s: new "
			"mail gets 452 4.3.1",
			human_size(s->room.disk_free_bytes, used),
			human_size(q->min_free_bytes, most));
}

/* Subject 4 of RFC 3463 is the network and the way to the next host: that one
 * mailbox is full is nobody's concern here. */
static void
judge_waiting(struct screen *s)
{
	const struct queue_oldest *o = &s->oldest;
	char text[HUMAN_TEXT];

	if (s->pid == 0 || !o->waiting)
		return;
	/* A long queue at a relay with a rate leaves bit by bit. */
	if (s->waits.overdue_us > OVERDUE_S * SECOND_US &&
	    s->state.claimed == 0)
		problem(s, "mail is due since %s and does not leave",
			human_span(s->waits.overdue_us, text));
	if (o->tried && strncmp(o->status, "4.4.", 4) == 0)
		problem(s, "relay %s, %s: %s", o->relay,
			human_when(o->tried_us, s->c->now_us, text), o->reason);
}

static void
judge_readers(struct screen *s)
{
	for (size_t i = 0; i < s->readers.n; i++)
		if (s->readers.reader[i].lost)
			problem(s,
				"reader %s has lost events: they went before "
				"it acknowledged them (history { keep max_size "
				"})",
				s->readers.reader[i].name);
}

static void
judge_queue(struct screen *s)
{
	if (strcmp(s->instance, s->settings->instance) != 0)
		problem(s,
			"the queue belongs to the instance %s, the "
			"configuration says %s: mtqd refuses it",
			s->instance, s->settings->instance);
	judge_waiting(s);
	judge_readers(s);
	if (s->state.failed > 0)
		problem(s,
			"%" PRIu64 " recipients failed: mtq queue list "
			"--state failed",
			s->state.failed);
}

/* --- reading -------------------------------------------------------------- */

/* Of the journal's oldest entry, and how large the suppression list is. */
static bool
read_tables(struct screen *s, struct txn *t, struct err *e)
{
	struct journal_entry x;
	uint64_t number;

	e->kind = ERR_NONE;
	if (journal_next(t, 0, &number, &x, e))
		s->journal_us = (int64_t)x.at_us;
	return e->kind == ERR_NONE &&
	       txn_rows(t, STORE_SUPPRESS, &s->suppressed, e);
}

static bool
read_queue(struct screen *s, struct store *store, struct err *e)
{
	struct txn *t = store_begin(store, false, e);
	bool ok;

	if (t == NULL)
		return false;
	s->state = *txn_state(t);
	text_copy(s->state.instance, s->instance, sizeof s->instance);
	s->state.instance = text_of(s->instance);
	ok = waits_read(t, s->settings, s->c->now_us, &s->waits, e) &&
	     read_tables(s, t, e);
	store_abort(t);
	return ok && readers_read(store, false, &s->readers, e) &&
	       store_room(store, &s->room, e) &&
	       queue_oldest(store, s->c->now_us, &s->oldest, e);
}

/* False: the exit code is *code, and why is on stderr. */
static bool
read_all(struct screen *s, int *code)
{
	const char *dir = s->settings->state_dir;
	struct err e = {.kind = ERR_NONE};
	struct store *store;

	if (!queue_readable(dir)) {
		*code = command_say(s->c, EXIT_NOPERM,
				    "%s: you may not look into it; root and "
				    "mtqd's own user may",
				    dir);
		return false;
	}
	s->pid = roles_daemon_pid(dir);
	if (s->pid != 0 && !roles_file_read(dir, s->role, &s->nroles, &e)) {
		*code = command_fail(s->c, &e);
		return false;
	}
	judge_roles(s);
	if (!store_exists(dir)) {
		problem(s,
			"%s has no queue yet; mtqd makes it at its first "
			"start",
			dir);
		return true;
	}
	store = store_open(dir, STORE_READ, 0, NULL, &e);
	s->queue = store != NULL && read_queue(s, store, &e);
	store_close(store);
	if (!s->queue) {
		*code = command_fail(s->c, &e);
		return false;
	}
	judge_queue(s);
	judge_room(s);
	return true;
}

int
cmd_status(struct command *c)
{
	struct screen *s;
	bool check = c->argc == 1 && strcmp(c->argv[0], "--check") == 0;
	int code = EXIT_DONE;

	if (c->argc > 0 && !check)
		return command_usage(c, NULL);
	if (command_settings(c) == NULL)
		return EXIT_CONFIG;
	s = must_alloc(sizeof *s);
	s->c = c;
	s->settings = c->settings;
	if (read_all(s, &code))
		screen_print(s);
	if (code == EXIT_DONE && check && s->nproblems > 0)
		code = EXIT_NO;
	for (size_t i = 0; i < s->nproblems; i++)
		free(s->problem[i]);
	waits_free(&s->waits);
	free(s);
	return code;
}
