#include "admin/screen.h"

#include "admin/show.h"

/*	name, heading, kind */
#define ROLE_SHOWN(F)                                                          \
	F(name, "PROCESS", TEXT)                                               \
	F(pid, "PID", COUNT)                                                   \
	F(state, "STATE", TEXT)                                                \
	F(since, "SINCE", TIME)                                                \
	F(restarts, "RESTARTS", COUNT)

#define READER_SHOWN(F)                                                        \
	F(name, "READER", TEXT)                                                \
	F(acknowledged, "ACKNOWLEDGED", TEXT)                                  \
	F(at, "WHEN", TIME)                                                    \
	F(waiting_since, "NEXT ONE", TIME)                                     \
	F(lost, "LOST", FLAG)

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
	F(journal_entries, "Journal entries", COUNT)                           \
	F(journal_oldest, "  the oldest", TIME)                                \
	F(journal_bytes, "  they take", SIZE)                                  \
	F(journal_max_bytes, "  may take", SIZE)                               \
	F(readers, NULL, ROWS)                                                 \
	F(suppressed, "Suppressed", COUNT)                                     \
	F(reports_withheld, "Reports withheld", COUNT)                         \
	F(map_bytes, "Room for the queue", SIZE)                               \
	F(used_bytes, "  used", SIZE)                                          \
	F(file_bytes, "  file", SIZE)                                          \
	F(disk_free_bytes, "Room on the disk", SIZE)                           \
	F(problems, NULL, WORDS)                                               \
	F(notes, NULL, WORDS)

#define F(name, heading, kind) ROLE_AT_##name,
enum { ROLE_SHOWN(F) ROLE_AT_COUNT };
#undef F
#define F(name, heading, kind) READER_AT_##name,
enum { READER_SHOWN(F) READER_AT_COUNT };
#undef F
#define F(name, heading, kind) AT_##name,
enum { STATUS_SHOWN(F) AT_COUNT };
#undef F
#define F(name, heading, kind) {#name, heading, SHOW_##kind, false},
static const struct show_field role_fields[] = {ROLE_SHOWN(F)};
static const struct show_field reader_fields[] = {READER_SHOWN(F)};
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
fill_readers(const struct screen *s, struct show_value *v,
	     char id[][ID_TEXT + 1])
{
	for (size_t i = 0; i < s->readers.n; i++, v += READER_AT_COUNT) {
		const struct reader_line *r = &s->readers.reader[i];

		id[i][0] = '\0';
		if (id_valid(r->entry))
			id_text(r->entry, id[i]);
		v[READER_AT_name] = show_word(r->name);
		v[READER_AT_acknowledged] = show_word(id[i]);
		v[READER_AT_at] = show_time(r->at_us);
		v[READER_AT_waiting_since] =
		    r->next_us > 0 ? show_time(r->next_us) : show_none();
		v[READER_AT_lost] = show_flag(r->lost);
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
	v[AT_journal_entries] = show_count(s->state.entries);
	v[AT_journal_bytes] = show_count(s->state.entry_bytes);
	v[AT_journal_max_bytes] =
	    show_count(settings_history_bytes(s->settings, s->room.map_bytes));
	if (s->journal_us > 0)
		v[AT_journal_oldest] = show_time(s->journal_us);
	v[AT_suppressed] = show_count(s->suppressed);
	v[AT_reports_withheld] = show_count(s->state.withheld_total);
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
print_table(const struct screen *s, const struct show_rows *rows)
{
	struct show *t;

	if (rows->nrows == 0)
		return;
	t = show_open(stdout, false, rows->field, rows->nfields, s->c->now_us);
	for (size_t i = 0; i < rows->nrows; i++)
		show_row(t, rows->value + i * rows->nfields);
	show_close(t);
	fputc('\n', stdout);
}

static void
print_screen(const struct screen *s, const struct show_value *v)
{
	const char *on = s->c->color ? "\033[31m" : "";
	const char *off = s->c->color ? "\033[0m" : "";

	if (s->pid == 0)
		printf("mtqd is stopped\n\n");
	else
		printf("mtqd runs as process %d\n\n", s->pid);
	print_table(s, v[AT_roles].rows);
	show_card(stdout, status_fields, AT_COUNT, v, s->c->now_us);
	fputc('\n', stdout);
	print_table(s, v[AT_readers].rows);
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

void
screen_print(const struct screen *s)
{
	struct show_value v[AT_COUNT] = {{0}};
	struct show_value roles[ROLES_FILE_MOST * ROLE_AT_COUNT] = {{0}};
	struct show_value readers[JOURNAL_READERS_MOST * READER_AT_COUNT] = {
	    {0}};
	char ids[JOURNAL_READERS_MOST][ID_TEXT + 1];
	const struct show_rows who = {.field = reader_fields,
				      .nfields = READER_AT_COUNT,
				      .value = readers,
				      .nrows = s->readers.n};
	struct text problems[SCREEN_PROBLEMS], notes[WAITS_NOTES];
	const struct show_rows rows = {.field = role_fields,
				       .nfields = ROLE_AT_COUNT,
				       .value = roles,
				       .nrows = s->nroles};

	fill_roles(s, roles);
	fill_queue(s, v);
	fill_readers(s, readers, ids);
	v[AT_readers] = show_rows(&who);
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
		print_screen(s, v);
}
