#include "admin/trail_show.h"

#include <stdlib.h>

#include "admin/entry_show.h"
#include "admin/moment.h"

/*	name, heading, kind, cut; heading NULL: JSON only */
#define END_SHOWN(F)                                                           \
	F(queue_id, "ID", TEXT, 0)                                             \
	F(recipient, "RECIPIENT", TEXT, 0)                                     \
	F(outcome, "OUTCOME", TEXT, 0)                                         \
	F(time, NULL, TIME, 0)                                                 \
	F(sender, NULL, TEXT, 0)                                               \
	F(message_id, NULL, TEXT, 0)                                           \
	F(type, NULL, TEXT, 0)                                                 \
	F(source, NULL, TEXT, 0)                                               \
	F(arrival_time, NULL, TIME, 0)                                         \
	F(size, NULL, SIZE, 0)                                                 \
	F(tries, NULL, COUNT, 0)                                               \
	F(relay, "RELAY", TEXT, 0)                                             \
	F(remote, "REMOTE", TEXT, 1)                                           \
	F(status, "STATUS", TEXT, 0)                                           \
	F(code, NULL, COUNT, 0)                                                \
	F(category, "CATEGORY", TEXT, 0)                                       \
	F(reply, "WORDS", TEXT, 1)                                             \
	F(next_attempt, NULL, TIME, 0)                                         \
	F(cut, NULL, FLAG, 0)                                                  \
	F(attempts, NULL, ROWS, 0)
#define STEP_SHOWN(F)                                                          \
	F(id, "ID", TEXT, 0)                                                   \
	F(when, "TIME", TEXT, 0)                                               \
	F(to, "RECIPIENT", TEXT, 0)                                            \
	F(kind, "EVENT", TEXT, 0)                                              \
	F(relay, "RELAY", TEXT, 0)                                             \
	F(remote, "REMOTE", TEXT, 0)                                           \
	F(status, "STATUS", TEXT, 0)                                           \
	F(category, "CATEGORY", TEXT, 0)                                       \
	F(delays, "DELAYS", TEXT, 0)                                           \
	F(words, "WORDS", TEXT, 0)

#define F(name, heading, kind, cut) END_##name,
enum { END_when, END_SHOWN(F) END_COUNT };
#undef F
#define F(name, heading, kind, cut) STEP_##name,
enum { STEP_SHOWN(F) STEP_COUNT };
#undef F
#define F(name, heading, kind, cut) {#name, heading, SHOW_##kind, cut},
static const struct show_field end_fields[] = {{NULL, "TIME", SHOW_TEXT, false},
					       END_SHOWN(F)};
static const struct show_field step_fields[] = {STEP_SHOWN(F)};
#undef F

struct trail_show {
	const struct command *c;
	enum trail_form form;
	unsigned skip;      /* columns of a step's line that are not shown */
	struct show *table; /* NULL: JSON */
};

static struct show_value
filled(struct text t)
{
	return t.n > 0 ? show_text(t) : show_none();
}

static struct show_value
moment(int64_t us)
{
	return us > 0 ? show_time(us) : show_none();
}

struct trail_show *
trail_show_open(const struct command *c, enum trail_form form)
{
	struct trail_show *s = must_alloc(sizeof *s);

	*s = (struct trail_show){.c = c, .form = form};
	s->skip = form == TRAIL_STEPS_OF_ONE;
	if (c->json)
		return s;
	if (form == TRAIL_ENDS)
		s->table =
		    show_open(stdout, false, end_fields, END_COUNT, c->now_us);
	else
		s->table = show_open(stdout, false, step_fields + s->skip,
				     STEP_COUNT - s->skip, c->now_us);
	return s;
}

void
trail_show_close(struct trail_show *s)
{
	if (s->table != NULL)
		show_close(s->table);
	free(s);
}

/* --- how it ended --------------------------------------------------------- */

static void
fill_reply(const struct trail *t, const struct trail_end *end,
	   struct show_value *v)
{
	const struct journal_entry *x;

	if (end->entry == NULL) {
		if (!t->queued)
			return;
		v[END_relay] = filled(t->record.relay);
		v[END_status] = filled(t->record.status);
		v[END_category] = entry_category(t->record.category);
		v[END_reply] = filled(t->record.reason);
		return;
	}
	x = &end->entry->x;
	v[END_relay] = filled(x->relay);
	v[END_remote] = filled(x->remote);
	v[END_status] = filled(x->status);
	v[END_code] = x->code > 0 ? show_count(x->code) : show_none();
	v[END_category] = entry_category(x->category);
	v[END_reply] = filled(entry_words(x));
}

static void
fill_end(const struct trail *t, const struct trail_end *end,
	 char id[ID_TEXT + 1], struct show_value *v)
{
	id_text(t->message, id);
	v[END_queue_id] = show_word(id);
	v[END_recipient] = filled(end->address);
	v[END_outcome] = show_word(end->outcome);
	v[END_time] = moment(end->at_us);
	v[END_sender] = show_text(end->sender);
	v[END_message_id] = filled(end->message_id);
	v[END_type] = filled(end->type);
	v[END_source] = filled(end->source);
	v[END_arrival_time] = moment(end->arrival_us);
	v[END_size] = show_count(end->size_bytes);
	v[END_tries] = show_count(end->tries);
	v[END_next_attempt] = moment(end->next_us);
	v[END_cut] = show_flag(t->cut);
	fill_reply(t, end, v);
}

static void
print_json(const struct trail *t, const struct trail_end *end)
{
	struct show_value v[END_COUNT] = {{0}};
	struct show_value *cells =
	    must_alloc((t->n + 1) * entry_nfields * sizeof *cells);
	struct entry_ids *ids = must_alloc((t->n + 1) * sizeof *ids);
	const struct show_rows rows = {.field = entry_fields,
				       .nfields = entry_nfields,
				       .value = cells,
				       .nrows = t->n};
	char id[ID_TEXT + 1];

	for (size_t i = 0; i < t->n; i++)
		entry_show_fill(&t->entry[i], &ids[i],
				cells + i * entry_nfields);
	fill_end(t, end, id, v);
	v[END_attempts] = show_rows(&rows);
	show_json(stdout, end_fields, END_COUNT, v);
	free(cells);
	free(ids);
}

static void
print_end(struct trail_show *s, const struct trail *t,
	  const struct trail_end *end)
{
	struct show_value v[END_COUNT] = {{0}};
	char id[ID_TEXT + 1], stamp[MOMENT_TEXT];

	fill_end(t, end, id, v);
	v[END_when] = show_word(moment_stamp(end->at_us, stamp));
	show_row(s->table, v);
}

/* --- each step ------------------------------------------------------------ */

static void
print_step(struct trail_show *s, const char *id, struct text to,
	   const struct journal_entry *x)
{
	struct show_value v[STEP_COUNT] = {{0}};
	char stamp[MOMENT_TEXT], delays[ENTRY_DELAYS];

	v[STEP_when] = show_word(moment_stamp((int64_t)x->at_us, stamp));
	v[STEP_id] = show_word(id);
	v[STEP_to] = show_text(to);
	v[STEP_kind] = show_word(journal_word((enum journal_kind)x->kind));
	v[STEP_relay] = show_text(x->relay);
	v[STEP_remote] = show_text(x->remote);
	v[STEP_status] = show_text(x->status);
	v[STEP_category] = entry_category(x->category);
	v[STEP_delays] = show_word(entry_delays(x, delays));
	v[STEP_words] = show_text(entry_words(x));
	show_row(s->table, v + s->skip);
}

void
trail_show_add(struct trail_show *s, const struct trail *t)
{
	struct trail_end end;
	char id[ID_TEXT + 1];

	trail_end(t, &end);
	if (s->table == NULL) {
		print_json(t, &end);
		return;
	}
	if (s->form == TRAIL_ENDS) {
		print_end(s, t, &end);
		return;
	}
	id_text(t->message, id);
	for (size_t i = 0; i < t->n; i++)
		print_step(s, id, end.address, &t->entry[i].x);
}
