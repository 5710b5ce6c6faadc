/* mtq explain: where mail goes, by which rule, and why not elsewhere. */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "admin/change.h"
#include "admin/cmd_queue.h"
#include "admin/explain.h"
#include "admin/human.h"
#include "daemon/log.h"
#include "daemon/values.h"
#include "queue/classify.h"
#include "queue/lane.h"

enum { HEADERS_MOST = 32, TO_MOST = 300 };

/* What the command line asks about. */
struct ask {
	const char *from, *to, *type, *source, *listener;
	struct classify_field header[HEADERS_MOST];
	size_t nheaders;
	uint64_t size_bytes;
	char *id;
};

static const struct option options[] = {
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"type", required_argument, NULL, 'y'},
    {"source", required_argument, NULL, 's'},
    {"listener", required_argument, NULL, 'l'},
    {"header", required_argument, NULL, 'h'},
    {"size", required_argument, NULL, 'z'},
    {NULL, 0, NULL, 0}};

/*	name, kind */
#define STEP_SHOWN(F)                                                          \
	F(relay, TEXT)                                                         \
	F(state, TEXT)                                                         \
	F(why, TEXT)                                                           \
	F(opens_at, TIME)                                                      \
	F(by_trigger, FLAG)
#define EXPLAIN_SHOWN(F)                                                       \
	F(queue_id, TEXT)                                                      \
	F(sender, TEXT)                                                        \
	F(author, TEXT)                                                        \
	F(recipients, WORDS)                                                   \
	F(state, TEXT)                                                         \
	F(type, TEXT)                                                          \
	F(rule, TEXT)                                                          \
	F(source, TEXT)                                                        \
	F(route, TEXT)                                                         \
	F(route_why, TEXT)                                                     \
	F(choice, TEXT)                                                        \
	F(relay, TEXT)                                                         \
	F(next, TIME)                                                          \
	F(verdict, TEXT)                                                       \
	F(steps, ROWS)
#define F(name, kind) STEP_AT_##name,
enum { STEP_SHOWN(F) STEP_AT_COUNT };
#undef F
#define F(name, kind) AT_##name,
enum { EXPLAIN_SHOWN(F) AT_COUNT };
#undef F
#define F(name, kind) {#name, NULL, SHOW_##kind, false},
static const struct show_field step_fields[] = {STEP_SHOWN(F)};
static const struct show_field explain_fields[] = {EXPLAIN_SHOWN(F)};
#undef F

/* --- the command line ----------------------------------------------------- */

/* "Name: value" */
static bool
take_header(struct command *c, struct ask *a, char *text)
{
	char *colon = strchr(text, ':');

	if (colon == NULL || colon == text || a->nheaders == HEADERS_MOST) {
		command_say(c, EXIT_USAGE,
			    "--header is written as \"Name: value\"");
		return false;
	}
	*colon++ = '\0';
	colon += strspn(colon, " \t");
	a->header[a->nheaders++] =
	    (struct classify_field){.name = text, .value = colon};
	return true;
}

static bool
take_size(struct command *c, struct ask *a, char *text)
{
	const struct value_text value = {.item = &text, .n = 1};
	struct arena arena = {NULL};
	char why[VALUE_WHY];
	bool ok = value_parse(VALUE_size, &value, "0kb", "1tb", &arena,
			      &a->size_bytes, why);

	arena_free(&arena);
	if (!ok)
		command_say(c, EXIT_USAGE, "--size: %s", why);
	return ok;
}

static bool
take(struct command *c, struct ask *a, int letter)
{
	switch (letter) {
	case 'f':
		a->from = optarg;
		return true;
	case 't':
		a->to = optarg;
		return true;
	case 'y':
		a->type = optarg;
		return true;
	case 's':
		a->source = optarg;
		return true;
	case 'l':
		a->listener = optarg;
		return true;
	case 'h':
		return take_header(c, a, optarg);
	case 'z':
		return take_size(c, a, optarg);
	default:
		command_usage(c, NULL);
		return false;
	}
}

static bool
read_ask(struct command *c, struct ask *a)
{
	int letter;

	while ((letter = getopt_long(c->argc + 1, c->argv - 1, "", options,
				     NULL)) != -1)
		if (!take(c, a, letter))
			return false;
	optind--; /* counts argv[-1] */
	if (c->argc - optind > 1 ||
	    (c->argc - optind == 1) == (a->to != NULL)) {
		command_usage(c, NULL);
		return false;
	}
	if (optind < c->argc)
		a->id = c->argv[optind];
	return true;
}

/* --- what is printed ------------------------------------------------------ */

/* One recipient, or several that are alike. */
struct group {
	const char *id; /* NULL: not in the queue */
	struct text sender, author, source;
	struct text to[TO_MOST];
	size_t nto;
	size_t more; /* recipients that did not fit into `to` */
	unsigned type;
	char rule[64];     /* which gave the type */
	const char *state; /* NULL: not in the queue */
	int64_t due_us;    /* waiting: the next attempt */
};

static void
print_json(const struct settings *s, const struct group *g,
	   const struct explained *x)
{
	struct show_value step[(ROUTING_VIA + 1) * STEP_AT_COUNT] = {{0}};
	struct show_rows steps = {step_fields, STEP_AT_COUNT, step,
				  x->chosen.nsteps};
	struct show_value v[AT_COUNT] = {{0}};

	for (size_t i = 0; i < x->chosen.nsteps; i++) {
		const struct choose_step *c = &x->chosen.step[i];
		struct show_value *o = &step[i * STEP_AT_COUNT];

		o[STEP_AT_relay] = show_word(s->relays[c->relay].title);
		o[STEP_AT_state] = show_word(relay_shut_word(c->now.shut));
		o[STEP_AT_why] = show_word(x->step_words[i]);
		if (c->now.shut != SHUT_NOT && c->now.opens_us != INT64_MAX)
			o[STEP_AT_opens_at] = show_time(c->now.opens_us);
		o[STEP_AT_by_trigger] = show_flag(c->by_trigger);
	}
	v[AT_queue_id] = show_word(g->id);
	v[AT_sender] = show_text(g->sender);
	v[AT_author] = g->author.n > 0 ? show_text(g->author) : show_none();
	v[AT_recipients] = show_words(g->to, g->nto);
	v[AT_state] = show_word(g->state);
	v[AT_type] = show_word(s->types[g->type].title);
	v[AT_rule] = show_word(g->rule);
	v[AT_source] = g->source.n > 0 ? show_text(g->source) : show_none();
	v[AT_route] = show_word(x->route != NULL ? x->route->title : NULL);
	v[AT_route_why] = show_word(x->route_words);
	v[AT_choice] = show_word(choice_word(x->chosen.choice));
	if (x->chosen.choice == CHOICE_GO)
		v[AT_relay] = show_word(s->relays[x->chosen.relay].title);
	if (x->chosen.choice == CHOICE_WAIT && x->chosen.opens_us != INT64_MAX)
		v[AT_next] = show_time(x->chosen.opens_us);
	v[AT_verdict] = show_word(x->verdict);
	v[AT_steps] = show_rows(&steps);
	show_json(stdout, explain_fields, AT_COUNT, v);
}

static void
print_to(const struct group *g)
{
	enum { SHOWN = 5 };
	char to[ADDRESS_MOST * 3 + 1];

	printf("%-10s ", "To");
	for (size_t i = 0; i < g->nto && i < SHOWN; i++)
		printf("%s%s", i ? ", " : "",
		       log_safe(g->to[i].p, g->to[i].n, to, sizeof to));
	if (g->nto + g->more > SHOWN)
		printf(" and %zu more like them", g->nto + g->more - SHOWN);
	printf("\n");
}

static void
print_text(const struct command *c, const struct group *g,
	   const struct explained *x)
{
	const struct settings *s = c->settings;
	char when[HUMAN_TEXT];

	print_to(g);
	if (g->state != NULL)
		printf("%-10s %s\n", "State", g->state);
	printf("%-10s %s: %s\n", "Type", s->types[g->type].title, g->rule);
	printf("%-10s %s%s%s\n", "Route",
	       x->route != NULL ? x->route->title : "",
	       x->route != NULL ? ": " : "", x->route_words);
	for (size_t i = 0; i < x->chosen.nsteps; i++) {
		const struct choose_step *p = &x->chosen.step[i];

		printf("%-10s %zu. %s%s: %s, %s\n", i == 0 ? "Relays" : "",
		       i + 1, s->relays[p->relay].title,
		       p->by_trigger ? " (by the route's trigger)" : "",
		       relay_shut_word(p->now.shut), x->step_words[i]);
	}
	if (g->due_us > c->now_us)
		printf("%-10s its next attempt is due %s; then it %s\n", "So",
		       human_when(g->due_us, c->now_us, when), x->verdict);
	else
		printf("%-10s it %s\n", "So", x->verdict);
}

/* --- one decision --------------------------------------------------------- */

static int
decide(struct command *c, const struct book *b, const struct group *g,
       unsigned tried)
{
	struct routing_ask ask = {.author = g->author,
				  .sender = g->sender,
				  .recipient = g->to[0],
				  .source = g->source,
				  .type = g->type};
	struct explained x;

	explain(c->settings, b, &ask, tried, c->now_us, &x);
	if (c->json)
		print_json(c->settings, g, &x);
	else
		print_text(c, g, &x);
	return x.chosen.choice == CHOICE_WAIT && x.chosen.opens_us == INT64_MAX
		   ? EXIT_NO
		   : EXIT_DONE;
}

static struct text
text_or_none(const char *s)
{
	return s != NULL ? text_of(s) : text_of("");
}

/* Mail that is not there: its type comes from the rules. */
static int
imagine(struct command *c, const struct book *b, const struct ask *a)
{
	struct group *g = must_alloc(sizeof *g);
	struct classify_ask ask = {.field = a->header,
				   .nfields = a->nheaders,
				   .author = text_or_none(a->from),
				   .sender = text_or_none(a->from),
				   .source = text_or_none(a->source),
				   .listener = text_or_none(a->listener),
				   .size_bytes = a->size_bytes};
	struct classify_answer answer;
	int code;

	g->sender = g->author = ask.author;
	g->source = ask.source;
	g->to[g->nto++] = text_of(a->to);
	if (a->type != NULL) {
		g->type = routing_type(c->settings, text_of(a->type));
		snprintf(g->rule, sizeof g->rule, "as asked for");
		if (strcmp(c->settings->types[g->type].title, a->type) != 0) {
			free(g);
			return command_say(c, EXIT_USAGE,
					   "there is no type %.64s", a->type);
		}
	} else {
		classify(c->settings, &ask, &answer);
		g->type = answer.type;
		if (answer.rule != NULL)
			snprintf(g->rule, sizeof g->rule,
				 "by the rule with priority %llu",
				 (unsigned long long)answer.rule->priority);
		else
			snprintf(g->rule, sizeof g->rule,
				 "no rule takes this mail");
	}
	code = decide(c, b, g, 0);
	free(g);
	return code;
}

/* --- a message ------------------------------------------------------------ */

static bool
alike(const struct recipient_record *a, const struct recipient_record *b)
{
	return a->state == b->state && a->lane == b->lane &&
	       (a->state != RECIPIENT_WAITING || a->due_us == b->due_us);
}

/* Relays tried in this round; another configuration's lane says nothing. */
static unsigned
tried_of(const struct settings *s, const struct recipient_record *r)
{
	struct lane lane = lane_unpack(r->lane);

	return lane.epoch == routing_epoch(s) ? lane.tried : 0;
}

static int
explain_group(struct command *c, const struct book *b,
	      const struct queue_message *m, size_t first, bool *done)
{
	const struct recipient_record *r = &m->rcpt[first].record;
	struct group *g = must_alloc(sizeof *g);
	char id[ID_TEXT + 1];
	int code;

	id_text(m->id, id);
	g->id = id;
	g->sender = m->record.sender;
	g->author = m->record.author;
	g->source = m->record.source;
	g->type = routing_type(c->settings, m->record.type);
	snprintf(g->rule, sizeof g->rule, "%s",
		 text_is(m->record.type, c->settings->types[g->type].title)
		     ? "given when it was accepted"
		     : "its own is no longer in the configuration");
	g->state = recipient_state_word((enum recipient_state)r->state);
	if (r->state == RECIPIENT_WAITING)
		g->due_us = (int64_t)r->due_us;
	for (size_t i = first; i < m->nrcpt; i++) {
		if (done[i] || !alike(r, &m->rcpt[i].record))
			continue;
		done[i] = true;
		if (g->nto < TO_MOST)
			g->to[g->nto++] = m->rcpt[i].record.address;
		else
			g->more++;
	}
	code = decide(c, b, g, tried_of(c->settings, r));
	free(g);
	return code;
}

static void
print_head(const struct command *c, const struct queue_message *m)
{
	char id[ID_TEXT + 1], from[ADDRESS_MOST * 3 + 1],
	    author[ADDRESS_MOST * 3 + 1], when[HUMAN_TEXT];
	const struct message_record *r = &m->record;

	id_text(m->id, id);
	printf("%s from <%s>%s%s, source %.*s, accepted %s\n\n", id,
	       log_safe(r->sender.p, r->sender.n, from, sizeof from),
	       r->author.n > 0 ? ", written by " : "",
	       log_safe(r->author.p, r->author.n, author, sizeof author),
	       (int)r->source.n, r->source.p,
	       human_when((int64_t)r->arrival_us, c->now_us, when));
}

static int
message(struct command *c, struct ledger_view *v, const char *text)
{
	struct queue_message m;
	struct err e;
	int code = EXIT_DONE, one;
	uint64_t id;
	bool *done;

	if (!queue_id(c, text, &id))
		return EXIT_USAGE;
	if (!queue_message_read(v->store, id, &m, &e))
		return e.kind == ERR_NONE
			   ? command_say(c, EXIT_NO, "%s is not in the queue",
					 text)
			   : command_fail(c, &e);
	if (!c->json)
		print_head(c, &m);
	done = must_alloc(m.nrcpt * sizeof *done);
	for (size_t i = 0; i < m.nrcpt; i++) {
		if (done[i])
			continue;
		if (i > 0 && !c->json)
			printf("\n");
		one = explain_group(c, v->book, &m, i, done);
		code = one != EXIT_DONE ? one : code;
	}
	free(done);
	queue_message_free(&m);
	return code;
}

int
cmd_explain(struct command *c)
{
	struct ask a = {.from = NULL};
	struct ledger_view v;
	int code;

	if (!read_ask(c, &a))
		return EXIT_USAGE;
	if (!change_open_view(c, &v, &code))
		return code;
	code = a.id != NULL ? message(c, &v, a.id) : imagine(c, v.book, &a);
	change_close_view(&v);
	return code;
}
