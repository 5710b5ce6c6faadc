/* mtq events readers: who reads the journal, and how far. */
#include "admin/cmd_events.h"

#include "admin/cmd_queue.h"
#include "admin/readers.h"

/*	name, heading, kind */
#define SHOWN(F)                                                               \
	F(name, "READER", TEXT)                                                \
	F(acknowledged, "ACKNOWLEDGED", TEXT)                                  \
	F(behind, "BEHIND", COUNT)                                             \
	F(counted_all, NULL, FLAG)                                             \
	F(lost, "LOST", FLAG)                                                  \
	F(waiting_since, "NEXT ONE", TIME)                                     \
	F(at, "SAID", TIME)                                                    \
	F(who, "BY", TEXT)
#define F(name, heading, kind) AT_##name,
enum { SHOWN(F) AT_COUNT };
#undef F
#define F(name, heading, kind) {#name, heading, SHOW_##kind, false},
static const struct show_field fields[] = {SHOWN(F)};
#undef F

static void
print_reader(struct show *s, const struct reader_line *r)
{
	struct show_value v[AT_COUNT] = {{0}};
	char id[ID_TEXT + 1] = "";

	if (id_valid(r->entry))
		id_text(r->entry, id);
	v[AT_name] = show_word(r->name);
	v[AT_acknowledged] = show_word(id);
	v[AT_behind] = show_count(r->behind);
	v[AT_counted_all] = show_flag(r->counted);
	v[AT_lost] = show_flag(r->lost);
	v[AT_waiting_since] =
	    r->next_us > 0 ? show_time(r->next_us) : show_none();
	v[AT_at] = show_time(r->at_us);
	v[AT_who] = show_word(r->who);
	show_row(s, v);
}

int
events_readers(struct command *c, const struct events_options *o)
{
	struct readers readers;
	struct err e = {.kind = ERR_NONE};
	struct store *store;
	struct show *s;
	bool ok;
	int code;

	if (o->argc > 0 || o->reader != NULL)
		return command_usage(c, NULL);
	store = queue_open(c, &code);
	if (store == NULL)
		return code;
	ok = readers_read(store, true, &readers, &e);
	store_close(store);
	if (!ok)
		return command_fail(c, &e);
	s = show_open(stdout, c->json, fields, AT_COUNT, c->now_us);
	for (size_t i = 0; i < readers.n; i++)
		print_reader(s, &readers.reader[i]);
	show_close(s);
	if (readers.n == 0 && !c->json)
		fprintf(stderr, "there are no readers\n");
	return EXIT_DONE;
}
