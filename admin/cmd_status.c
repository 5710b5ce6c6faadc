/* mtq status: one screen, and no scan: counters of the state record, single
 * rows, and what mtqd wrote about its processes. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "admin/command.h"
#include "admin/human.h"
#include "admin/queue_oldest.h"
#include "admin/queue_read.h"
#include "admin/show.h"
#include "admin/waits.h"
#include "daemon/roles_file.h"

enum {
	PROBLEMS_MOST = 16 + ROLES_FILE_MOST,
	PROBLEM_MOST = 700, /* octets of one; longer is cut */
	/* A due message leaves in milliseconds; after this somebody should
	 * look. */
	OVERDUE_S = 60,
	STARTING_S = 15, /* a role is ready long before */
};

struct screen {
	struct command *c;
	const struct settings *settings;
	int pid; /* of mtqd; 0: it is stopped */
	struct role_line role[ROLES_FILE_MOST];
	size_t nroles;
	bool queue; /* what follows was read */
	struct state_record state;
	char instance[65];
	struct store_room room;
	struct queue_oldest oldest;
	struct waits waits;
	char *problem[PROBLEMS_MOST];
	size_t nproblems;
};

/* --- what is wrong -------------------------------------------------------- */

static void problem(struct screen *s, const char *fmt, ...) PRINTF(2, 3);

static void
problem(struct screen *s, const char *fmt, ...)
{
	char text[PROBLEM_MOST];
	va_list ap;

	if (s->nproblems == PROBLEMS_MOST)
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
judge_queue(struct screen *s)
{
	if (strcmp(s->instance, s->settings->instance) != 0)
		problem(s,
			"the queue belongs to the instance %s, the "
			"configuration says %s: mtqd refuses it",
			s->instance, s->settings->instance);
	judge_waiting(s);
	if (s->state.failed > 0)
		problem(s,
			"%" PRIu64 " recipients failed: mtq queue list "
			"--state failed",
			s->state.failed);
}

/* --- reading -------------------------------------------------------------- */

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
	ok = waits_read(t, s->settings, s->c->now_us, &s->waits, e);
	store_abort(t);
	return ok && store_room(store, &s->room, e) &&
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

/* --- showing -------------------------------------------------------------- */

/*	name, heading, kind */
#define ROLE_SHOWN(F)                                                          \
	F(name, "PROCESS", TEXT)                                               \
	F(pid, "PID", COUNT)                                                   \
	F(state, "STATE", TEXT)                                                \
	F(since, "SINCE", TIME)                                                \
	F(restarts, "RESTARTS", COUNT)

/* heading NULL: JSON only; the screen has its own words for them. */
#define STATUS_SHOWN(F)                                                        \
	F(instance, "Instance", TEXT)                                          \
	F(hostname, "Host", TEXT)                                              \
	F(running, NULL, FLAG)                                                 \
	F(pid, NULL, COUNT)                                                    \
	F(roles, NULL, ROWS)                                                   \
	F(messages, "Messages", COUNT)                                         \
	F(waiting, "  waiting", COUNT)                                         \
	F(active, "  active", COUNT)                                           \
	F(held, "  held", COUNT)                                               \
	F(failed, "  failed", COUNT)                                           \
	F(partials, NULL, COUNT)                                               \
	F(oldest_arrival, "Oldest message", TIME)                              \
	F(next_attempt, "Next attempt", TIME)                                  \
	F(accepted_total, "Accepted so far", COUNT)                            \
	F(sent_total, "  sent", COUNT)                                         \
	F(dropped_total, "  dropped", COUNT)                                   \
	F(body_bytes, "Mail stored", SIZE)                                     \
	F(map_bytes, "Room for the queue", SIZE)                               \
	F(used_bytes, "  used", SIZE)                                          \
	F(file_bytes, "  file", SIZE)                                          \
	F(disk_free_bytes, "Room on the disk", SIZE)                           \
	F(problems, NULL, WORDS)                                               \
	F(notes, NULL, WORDS)

#define F(name, heading, kind) ROLE_AT_##name,
enum { ROLE_SHOWN(F) ROLE_AT_COUNT };
#undef F
#define F(name, heading, kind) AT_##name,
enum { STATUS_SHOWN(F) AT_COUNT };
#undef F
#define F(name, heading, kind) {#name, heading, SHOW_##kind, false},
static const struct show_field role_fields[] = {ROLE_SHOWN(F)};
static const struct show_field status_fields[] = {STATUS_SHOWN(F)};
#undef F

static void
fill_roles(const struct screen *s, struct show_value *v)
{
	for (size_t i = 0; i < s->nroles; i++, v += ROLE_AT_COUNT) {
		const struct role_line *r = &s->role[i];

		v[ROLE_AT_name] = show_word(r->name);
		v[ROLE_AT_pid] =
		    r->pid > 0 ? show_count((uint64_t)r->pid) : show_none();
		v[ROLE_AT_state] = show_word(r->state);
		v[ROLE_AT_since] = show_time(r->since_us);
		v[ROLE_AT_restarts] = show_count(r->restarts);
	}
}

static void
fill_queue(const struct screen *s, struct show_value *v)
{
	if (!s->queue)
		return;
#define F(name) v[AT_##name] = show_count(s->state.name);
	F(messages)
	F(waiting)
	F(held)
	F(failed)
	F(partials)
	F(accepted_total)
	F(sent_total)
	F(dropped_total)
	F(body_bytes)
#undef F
	v[AT_active] = show_count(s->state.claimed);
#define F(name) v[AT_##name] = show_count(s->room.name);
	F(map_bytes)
	F(used_bytes)
	F(file_bytes)
	F(disk_free_bytes)
#undef F
	if (s->oldest.message)
		v[AT_oldest_arrival] = show_time(s->oldest.arrival_us);
	if (s->oldest.waiting)
		v[AT_next_attempt] = show_time(s->oldest.due_us);
}

static void
print_screen(const struct screen *s, const struct show_value *v,
	     const struct show_value *roles)
{
	const char *on = s->c->color ? "\033[31m" : "";
	const char *off = s->c->color ? "\033[0m" : "";
	struct show *t;

	if (s->pid == 0)
		printf("mtqd is stopped\n\n");
	else
		printf("mtqd runs as process %d\n\n", s->pid);
	if (s->nroles > 0) {
		t = show_open(stdout, false, role_fields, ROLE_AT_COUNT,
			      s->c->now_us);
		for (size_t i = 0; i < s->nroles; i++)
			show_row(t, roles + i * ROLE_AT_COUNT);
		show_close(t);
		fputc('\n', stdout);
	}
	show_card(stdout, status_fields, AT_COUNT, v, s->c->now_us);
	fputc('\n', stdout);
	if (s->nproblems == 0)
		printf("Nothing is wrong.\n");
	else
		printf("Wrong now:\n");
	for (size_t i = 0; i < s->nproblems; i++)
		printf("  %s%s%s\n", on, s->problem[i], off);
	if (s->waits.nnotes > 0)
		printf("Worth knowing:\n");
	for (size_t i = 0; i < s->waits.nnotes; i++)
		printf("  %s\n", s->waits.note[i]);
}

static void
print_status(const struct screen *s)
{
	struct show_value v[AT_COUNT] = {{0}};
	struct show_value roles[ROLES_FILE_MOST * ROLE_AT_COUNT] = {{0}};
	struct text problems[PROBLEMS_MOST], notes[WAITS_NOTES];
	const struct show_rows rows = {.field = role_fields,
				       .nfields = ROLE_AT_COUNT,
				       .value = roles,
				       .nrows = s->nroles};

	fill_roles(s, roles);
	fill_queue(s, v);
	for (size_t i = 0; i < s->nproblems; i++)
		problems[i] = text_of(s->problem[i]);
	v[AT_instance] = show_word(s->settings->instance);
	v[AT_hostname] = show_word(s->settings->hostname);
	v[AT_running] = show_flag(s->pid != 0);
	if (s->pid != 0)
		v[AT_pid] = show_count((uint64_t)s->pid);
	v[AT_roles] = show_rows(&rows);
	v[AT_problems] = show_words(problems, s->nproblems);
	for (size_t i = 0; i < s->waits.nnotes; i++)
		notes[i] = text_of(s->waits.note[i]);
	v[AT_notes] = show_words(notes, s->waits.nnotes);
	if (s->c->json)
		show_json(stdout, status_fields, AT_COUNT, v);
	else
		print_screen(s, v, roles);
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
		print_status(s);
	if (code == EXIT_DONE && check && s->nproblems > 0)
		code = EXIT_NO;
	for (size_t i = 0; i < s->nproblems; i++)
		free(s->problem[i]);
	waits_free(&s->waits);
	free(s);
	return code;
}
