/* mtq events: prints the journal, and goes on where it ends. */
#include "admin/cmd_events.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/cmd_queue.h"
#include "admin/entry_show.h"

enum {
	POLL_MS = 200, /* how often --follow looks for more */
};

static volatile sig_atomic_t stopped;

static void
on_signal(int signo)
{
	(void)signo;
	stopped = 1;
}

struct print {
	struct command *c;
	const struct events_options *o;
	struct entries r;
	uint64_t place; /* everything up to here was printed or not asked for */
	bool anywhere;  /* nobody has a place yet: the oldest one comes next */
	uint64_t printed;
	char *path; /* of the database, and which file that was at first */
	struct stat file;
};

/* --- where it begins ------------------------------------------------------ */

/* What to end with; EXIT_DONE: *r is the reader's, if it is `there`. */
static int
read_reader(struct print *p, struct reader_record *r, bool *there)
{
	struct err e;
	struct txn *t = store_begin(p->r.store, false, &e);

	*there = t != NULL && journal_reader(t, text_of(p->o->reader), r, &e);
	if (*there)
		r->who = text_of(""); /* it pointed into the map */
	else if (t != NULL && e.kind == ERR_NONE)
		p->place = max_of(txn_state(t)->entry_removed,
				  (uint64_t)JOURNAL_BEFORE_ALL);
	store_abort(t);
	return *there || (t != NULL && e.kind == ERR_NONE)
		   ? EXIT_DONE
		   : command_fail(p->c, &e);
}

/* A name that is new becomes a reader before anything is printed: from then on
 * nothing that is behind its place goes without its being told. */
static int
place_of_reader(struct print *p)
{
	struct reader_record r;
	bool there, done;
	int code = read_reader(p, &r, &there);

	if (code != EXIT_DONE)
		return code;
	if (there) {
		p->place = r.entry;
		return EXIT_DONE;
	}
	code = events_tell(p->c, p->o->reader, p->place, &done);
	if (code != EXIT_DONE)
		return command_say(p->c, code,
				   "%.64s is a new reader: mtqd must keep "
				   "events for it before the first is printed",
				   p->o->reader);
	return done ? EXIT_DONE : events_too_many(p->c);
}

/* A place that is still to come belongs to another queue, or to what this one
 * was before a backup was restored. */
static int
check_place(const struct print *p, uint64_t last)
{
	char id[ID_TEXT + 1] = "";

	if (p->place <= max_of(last, (uint64_t)JOURNAL_BEFORE_ALL))
		return EXIT_DONE;
	id_text(p->place, id);
	return command_say(p->c, EXIT_NO,
			   "there is no event %s in this queue yet", id);
}

/* What to end with; EXIT_DONE: p->place is set. */
static int
find_place(struct print *p)
{
	const char *from = p->o->from;
	struct err e = {.kind = ERR_NONE};
	struct txn *t;
	uint64_t last;
	int code = EXIT_DONE;

	if (from != NULL && strcmp(from, "oldest") != 0 &&
	    strcmp(from, "now") != 0 && !queue_event_id(p->c, from, &p->place))
		return EXIT_USAGE;
	if (p->o->reader != NULL)
		code = place_of_reader(p);
	if (code != EXIT_DONE)
		return code;
	t = store_begin(p->r.store, false, &e);
	if (t == NULL)
		return command_fail(p->c, &e);
	last = txn_state(t)->last_entry;
	if (from != NULL && strcmp(from, "now") == 0)
		p->place = last;
	else
		p->anywhere = p->place == 0;
	store_abort(t);
	p->r.at = p->place;
	return check_place(p, last);
}

/* Something has gone behind our place that was never printed. */
static int
say_lost(const struct print *p)
{
	char from[ID_TEXT + 1] = "its begin", to[ID_TEXT + 1] = "";
	struct journal_entry x;
	uint64_t oldest;
	struct err e;
	struct txn *t = store_begin(p->r.store, false, &e);

	if (t == NULL)
		return command_fail(p->c, &e);
	if (p->place != JOURNAL_BEFORE_ALL)
		id_text(p->place, from);
	if (journal_next(t, p->place + 1, &oldest, &x, &e))
		id_text(oldest, to);
	store_abort(t);
	return command_say(p->c, EXIT_NO,
			   "events behind %s are gone (history { keep max_size "
			   "}): the oldest one is %s; --from oldest begins "
			   "there",
			   from, to[0] != '\0' ? to : "still to come");
}

/* --- printing ------------------------------------------------------------- */

static bool
is_wanted(const void *arg, const struct journal_entry *x)
{
	const struct events_options *o = arg;

	return o->kinds == 0 || (o->kinds & 1U << x->kind) != 0;
}

static bool
is_full(const struct print *p)
{
	return p->o->limit != 0 && p->printed == p->o->limit;
}

/* The page that was read.  Its end is a place to go on from even when a limit
 * or the other end of a pipe stops us in it: what was not printed is not
 * passed. */
static void
print_page(struct print *p)
{
	for (size_t i = 0; i < p->r.n && !is_full(p) && !stopped; i++) {
		entry_show_event(stdout, &p->r.entry[i]);
		p->printed++;
	}
	fflush(stdout);
}

/* Whoever reads our output has gone: that is an end, not an error. */
static bool
is_unread(void)
{
	if (!ferror(stdout) || errno != EPIPE)
		return false;
	(void)!freopen("/dev/null", "w", stdout);
	return true;
}

/* Waits for POLL_MS, or until nobody reads any more: nothing is asked for, so
 * whatever poll has to say is that (a pipe's POLLERR, a socket's POLLHUP). */
static bool
wait_a_bit(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO};

	return poll(&out, 1, POLL_MS) <= 0 && !stopped;
}

/* A backup may have been put in its place: what we have open then is a queue
 * that nobody writes to any more. */
static bool
is_replaced(const struct print *p)
{
	struct stat now;

	return stat(p->path, &now) != 0 || now.st_ino != p->file.st_ino ||
	       now.st_dev != p->file.st_dev;
}

/* Is there something behind what was looked at?  One row is read. */
static bool
look_for_more(struct print *p, bool *more, struct err *e)
{
	struct txn *t = store_begin(p->r.store, false, e);

	if (t == NULL)
		return false;
	*more = txn_state(t)->last_entry > p->r.at;
	store_abort(t);
	return true;
}

/* What to end with; EXIT_DONE: there may be more. */
static int
next_page(struct print *p)
{
	struct err e;

	if (!entries_page(&p->r, &e))
		return command_fail(p->c, &e);
	if (p->r.removed > p->place && !p->anywhere)
		return say_lost(p);
	print_page(p);
	p->anywhere = false;
	p->place = max_of(p->r.at, p->r.removed);
	p->r.at = p->place;
	return EXIT_DONE;
}

/* Nothing more was there: waits for it.  False: there is none to come. */
static bool
wait_for_more(struct print *p, int *code)
{
	bool more = false;
	struct err e;

	while (p->o->follow && !more) {
		if (!wait_a_bit())
			return false;
		if (is_replaced(p)) {
			*code = command_say(p->c, EXIT_AGAIN,
					    "%s was replaced; begin again",
					    p->path);
			return false;
		}
		if (!look_for_more(p, &more, &e)) {
			*code = command_fail(p->c, &e);
			return false;
		}
	}
	return more;
}

static int
print_all(struct print *p)
{
	int code = EXIT_DONE;

	while (code == EXIT_DONE && !stopped && !is_full(p)) {
		code = next_page(p);
		if (is_unread() || ferror(stdout))
			break;
		if (code == EXIT_DONE && p->r.ended && !wait_for_more(p, &code))
			break;
	}
	return code;
}

int
events_print(struct command *c, const struct events_options *o)
{
	/* A line that was begun is ended; a second signal does not wait. */
	const struct sigaction stop = {.sa_handler = on_signal,
				       .sa_flags =
					   SA_RESTART | (int)SA_RESETHAND},
			       ignore = {.sa_handler = SIG_IGN};
	struct print *p;
	struct store *store;
	int code;

	if (o->from != NULL && o->reader != NULL)
		return command_say(c, EXIT_USAGE,
				   "either --from or --reader, not both");
	/* It would acknowledge what it was never shown. */
	if (o->reader != NULL && o->kinds != 0)
		return command_say(c, EXIT_USAGE,
				   "either --reader or --kind, not both: a "
				   "reader acknowledges every event up to one, "
				   "also those of other kinds");
	store = queue_open(c, &code);
	if (store == NULL)
		return code;
	must(sigaction(SIGINT, &stop, NULL) == 0 &&
	     sigaction(SIGTERM, &stop, NULL) == 0 &&
	     sigaction(SIGPIPE, &ignore, NULL) == 0);
	p = must_alloc(sizeof *p);
	p->c = c;
	p->o = o;
	p->r = (struct entries){.store = store, .wanted = is_wanted, .arg = o};
	p->path = must_printf("%s/queue.mdb", c->settings->state_dir);
	if (stat(p->path, &p->file) != 0)
		code = command_say(c, EXIT_AGAIN, "%s: %m", p->path);
	else
		code = find_place(p);
	if (code == EXIT_DONE)
		code = print_all(p);
	entries_done(&p->r);
	free(p->path);
	free(p);
	store_close(store);
	return code;
}
