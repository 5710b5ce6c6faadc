/* mtq queue list: one line or one object a message. */
#include "admin/cmd_queue.h"
#include "queue/lane.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	COUNT_MOST = 200000, /* rows looked at only to say how many more */
};

/* Postfix's names first, in the order of `postqueue -j`; then ours.
 *	name, heading, kind, cut */
#define RECIPIENT_SHOWN(F)                                                     \
	F(address, NULL, TEXT, 0)                                              \
	F(delay_reason, NULL, TEXT, 0)                                         \
	F(state, NULL, TEXT, 0)                                                \
	F(relay, NULL, TEXT, 0)                                                \
	F(attempts, NULL, COUNT, 0)                                            \
	F(next_attempt, NULL, TIME, 0)                                         \
	F(status, NULL, TEXT, 0)                                               \
	F(reason, NULL, TEXT, 0)                                               \
	F(security, NULL, TEXT, 0)                                             \
	F(category, NULL, TEXT, 0)

#define MESSAGE_SHOWN(F)                                                       \
	F(queue_name, NULL, TEXT, 0)                                           \
	F(queue_id, "ID", TEXT, 0)                                             \
	F(arrival_time, "ARRIVED", TIME, 0)                                    \
	F(message_size, "SIZE", SIZE, 0)                                       \
	F(forced_expire, NULL, FLAG, 0)                                        \
	F(sender, "FROM", TEXT, 1)                                             \
	F(recipients, NULL, ROWS, 0)                                           \
	F(type, NULL, TEXT, 0)                                                 \
	F(source, NULL, TEXT, 0)                                               \
	F(route, NULL, TEXT, 0)                                                \
	F(listener, NULL, TEXT, 0)                                             \
	F(client, NULL, TEXT, 0)                                               \
	F(helo, NULL, TEXT, 0)                                                 \
	F(message_id, NULL, TEXT, 0)                                           \
	F(subject, NULL, TEXT, 0)                                              \
	F(account, NULL, TEXT, 0)                                              \
	F(verdict, NULL, TEXT, 0)                                              \
	F(attempts, NULL, ROWS, 0)                                             \
	F(attempts_cut, NULL, FLAG, 0)

/* What only the table has, behind the first ones. */
#define TABLE_SHOWN(F)                                                         \
	F(to, "TO", TEXT, 1)                                                   \
	F(state, "STATE", TEXT, 0)                                             \
	F(next, "NEXT", TIME, 0)                                               \
	F(category, "CATEGORY", TEXT, 0)                                       \
	F(why, "REASON", TEXT, 1)

#define F(name, heading, kind, cut) AT_RECIPIENT_##name,
enum { RECIPIENT_SHOWN(F) AT_RECIPIENT_COUNT };
#undef F
#define F(name, heading, kind, cut) AT_##name,
enum { MESSAGE_SHOWN(F) AT_COUNT };
#undef F
#define F(name, heading, kind, cut) AT_TABLE_##name,
enum { AT_TABLE_BEGIN = AT_COUNT - 1, TABLE_SHOWN(F) AT_TABLE_END };
#undef F

static const struct show_field recipient_fields[AT_RECIPIENT_COUNT] = {
#define F(name, heading, kind, cut) {#name, heading, SHOW_##kind, cut},
    RECIPIENT_SHOWN(F)
#undef F
};
static const struct show_field message_fields[AT_TABLE_END] = {
#define F(name, heading, kind, cut) {#name, heading, SHOW_##kind, cut},
    MESSAGE_SHOWN(F)
#undef F
#define F(name, heading, kind, cut) {NULL, heading, SHOW_##kind, cut},
	TABLE_SHOWN(F)
#undef F
};

/* Postfix's queues, which scripts around `postqueue -j` know. */
static const char *
queue_name(const struct recipient_record *r)
{
	switch ((enum recipient_state)r->state) {
	case RECIPIENT_WAITING:
		return r->attempts == 0 ? "incoming" : "deferred";
	case RECIPIENT_CLAIMED:
		return "active";
	case RECIPIENT_HELD:
		return "hold";
	case RECIPIENT_FAILED:
		return "failed";
	case RECIPIENT_PARKED:
		return "parked";
	case RECIPIENT_STATE_COUNT:
		break;
	}
	must_failed("a recipient's state", __FILE__, __LINE__);
}

static struct show_value
filled(struct text t)
{
	return t.n > 0 ? show_text(t) : show_none();
}

static struct show_value
next_attempt(const struct recipient_record *r)
{
	return r->state == RECIPIENT_WAITING ? show_time((int64_t)r->due_us)
					     : show_none();
}

static void
fill_recipient(struct show_value *v, const struct recipient_record *r)
{
	v[AT_RECIPIENT_address] = show_text(r->address);
	v[AT_RECIPIENT_delay_reason] = filled(r->reason);
	v[AT_RECIPIENT_state] =
	    show_word(recipient_state_word((enum recipient_state)r->state));
	v[AT_RECIPIENT_relay] = filled(r->relay);
	v[AT_RECIPIENT_attempts] = show_count(r->attempts);
	v[AT_RECIPIENT_next_attempt] = next_attempt(r);
	v[AT_RECIPIENT_status] = filled(r->status);
	v[AT_RECIPIENT_reason] = filled(r->reason);
	v[AT_RECIPIENT_security] = filled(r->security);
	v[AT_RECIPIENT_category] = entry_category(r->category);
}

/* All that JSON has but the recipients; `first` names the message's queue. */
static void
fill_message(struct show_value *v, const struct queue_message *m,
	     const struct recipient_record *first, char id[ID_TEXT + 1])
{
	id_text(m->id, id);
	v[AT_queue_name] = show_word(queue_name(first));
	v[AT_queue_id] = show_word(id);
	v[AT_arrival_time] = show_time((int64_t)m->record.arrival_us);
	v[AT_message_size] = show_count(m->record.size_bytes);
	v[AT_forced_expire] = show_flag(false);
	v[AT_sender] = show_text(m->record.sender);
	v[AT_type] = filled(m->record.type);
	v[AT_source] = filled(m->record.source);
	v[AT_listener] = filled(m->record.listener);
	v[AT_client] = filled(m->record.client);
	v[AT_helo] = filled(m->record.helo);
	v[AT_message_id] = filled(m->record.message_id);
	v[AT_subject] = filled(m->record.subject);
	v[AT_account] = filled(m->record.account);
	v[AT_verdict] = filled(m->record.verdict);
}

/* The route that claims it now, as mtq explain says; none: no_match. */
static struct show_value
route_of(const struct settings *s, const struct message_record *m,
	 const struct recipient_record *r)
{
	struct routing_ask ask = lane_ask(s, m, r);
	struct routing_answer a;

	routing_find(s, &ask, &a);
	return a.route != NULL ? show_word(a.route->title) : show_none();
}

static void
print_json(struct command *c, const struct queue_message *m,
	   const struct recipient_record *first,
	   const struct queue_steps *steps)
{
	struct show_value v[AT_COUNT] = {{0}};
	struct show_rows rows = {.field = recipient_fields,
				 .nfields = AT_RECIPIENT_COUNT,
				 .nrows = m->nrcpt};
	struct show_value *cells =
	    must_alloc((m->nrcpt + 1) * AT_RECIPIENT_COUNT * sizeof *cells);
	char id[ID_TEXT + 1];

	for (size_t i = 0; i < m->nrcpt; i++)
		fill_recipient(cells + i * AT_RECIPIENT_COUNT,
			       &m->rcpt[i].record);
	rows.value = cells;
	fill_message(v, m, first, id);
	v[AT_route] = route_of(command_settings(c), &m->record, first);
	v[AT_recipients] = show_rows(&rows);
	if (steps != NULL) {
		v[AT_attempts] = show_rows(&steps->rows);
		v[AT_attempts_cut] = show_flag(steps->cut);
	}
	/* Only `mtq queue show` looks into the journal. */
	show_json(stdout, message_fields,
		  steps != NULL ? AT_COUNT : AT_attempts, v);
	free(cells);
}

void
queue_print_json(struct command *c, const struct queue_message *m,
		 const struct queue_steps *steps)
{
	must(m->nrcpt > 0);
	print_json(c, m, &m->rcpt[0].record, steps);
}

/* "anna@example.net", "anna@example.net and 2 more" */
static char *
spell_recipients(const struct queue_message *m,
		 const struct recipient_record *first)
{
	int n = (int)first->address.n;

	if (m->nrcpt == 1)
		return must_printf("%.*s", n, first->address.p);
	return must_printf("%.*s and %zu more", n, first->address.p,
			   m->nrcpt - 1);
}

static void
print_row(struct show *s, const struct queue_message *m,
	  const struct recipient_record *first)
{
	struct show_value v[AT_TABLE_END] = {{0}};
	char *to = spell_recipients(m, first);
	char id[ID_TEXT + 1];

	fill_message(v, m, first, id);
	if (m->record.sender.n == 0)
		v[AT_sender] = show_word("<>");
	v[AT_TABLE_to] = show_word(to);
	v[AT_TABLE_state] =
	    show_word(recipient_state_word((enum recipient_state)first->state));
	v[AT_TABLE_next] = next_attempt(first);
	v[AT_TABLE_category] = entry_category(first->category);
	v[AT_TABLE_why] = show_text(first->reason);
	show_row(s, v);
	free(to);
}

static const struct recipient_record *
find_recipient(const struct queue_message *m, uint32_t rcpt)
{
	for (size_t i = 0; i < m->nrcpt; i++)
		if (m->rcpt[i].rcpt == rcpt)
			return &m->rcpt[i].record;
	return NULL;
}

struct list {
	struct command *c;
	const struct queue_options *o;
	struct store *store;
	struct show *show;
	uint64_t shown;
};

/* What left or changed since the page was read is not shown. */
static bool
print_hit(struct list *l, const struct queue_hit *hit, struct err *e)
{
	const struct recipient_record *first;
	struct queue_message m;

	if (!queue_message_read(l->store, hit->id, &m, e))
		return e->kind == ERR_NONE;
	first = find_recipient(&m, hit->rcpt);
	if (first != NULL &&
	    queue_filter_match(&l->o->filter, &m.record, first)) {
		if (l->c->json)
			print_json(l->c, &m, first, NULL);
		else
			print_row(l->show, &m, first);
		l->shown++;
	}
	queue_message_free(&m);
	return true;
}

/* How many more match; says so on stderr, where it harms no program. */
static bool
say_rest(struct queue_scan *scan, uint64_t more, struct err *e)
{
	while (!scan->ended && scan->looked < COUNT_MOST) {
		if (!queue_scan_page(scan, e))
			return false;
		more += scan->n;
	}
	if (more > 0)
		fprintf(stderr,
			"\xe2\x80\xa6 and %s%" PRIu64 " more (--limit 0 lists "
			"all)\n",
			scan->ended ? "" : "at least ", more);
	return true;
}

static bool
list_all(struct list *l, struct err *e)
{
	struct queue_scan scan;
	uint64_t limit = l->o->limit == 0 ? UINT64_MAX : l->o->limit;

	queue_scan_init(&scan, l->store, &l->o->filter, true);
	while (!scan.ended) {
		if (!queue_scan_page(&scan, e))
			return false;
		for (size_t i = 0; i < scan.n; i++) {
			if (l->shown == limit)
				return say_rest(&scan, scan.n - i, e);
			if (!print_hit(l, &scan.hit[i], e))
				return false;
		}
	}
	return true;
}

int
queue_list(struct command *c, const struct queue_options *o)
{
	struct list l = {.c = c, .o = o};
	struct err e = {.kind = ERR_NONE};
	int code;

	if (o->argc > 0)
		return command_usage(c, NULL);
	l.store = queue_open(c, &code);
	if (l.store == NULL)
		return code;
	l.show =
	    show_open(stdout, false, message_fields, AT_TABLE_END, c->now_us);
	code = list_all(&l, &e) ? EXIT_DONE : command_fail(c, &e);
	show_close(l.show);
	if (code == EXIT_DONE && l.shown == 0 && !c->json)
		fprintf(stderr, o->filter.any ? "nothing matches\n"
					      : "the queue is empty\n");
	store_close(l.store);
	return code;
}
