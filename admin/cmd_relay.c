/* mtq relay: which relays take mail now, why others don't, and a walk to one of
 * them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin/change.h"
#include "admin/explain_way.h"
#include "admin/moment.h"
#include "admin/relay_test.h"
#include "admin/show.h"
#include "daemon/settings_auth.h"
#include "queue/relays_now.h"

enum { WORDS_TEXT = 700 };

/*	name, heading, kind */
#define RELAY_TYPE_SHOWN(F)                                                    \
	F(type, "TYPE", TEXT)                                                  \
	F(state, "STATE", TEXT)                                                \
	F(room, "ROOM", COUNT)                                                 \
	F(opens_at, "OPENS", TIME)
#define RELAY_SHOWN(F)                                                         \
	F(name, "RELAY", TEXT)                                                 \
	F(role, "ROLE", TEXT)                                                  \
	F(state, "STATE", TEXT)                                                \
	F(since, "SINCE", TIME)                                                \
	F(opens_at, "OPENS", TIME)                                             \
	F(in_flight, "IN FLIGHT", COUNT)                                       \
	F(connections, "CONNECTIONS", COUNT)                                   \
	F(rate, "RATE", TEXT)                                                  \
	F(quotas, NULL, WORDS)                                                 \
	F(security, NULL, TEXT)                                                \
	F(credential, NULL, TEXT)                                              \
	F(types, NULL, MAP)                                                    \
	F(why, "WHY", TEXT)                                                    \
	F(last_error, NULL, TEXT)                                              \
	F(last_error_at, NULL, TIME)

#define F(name, heading, kind) TYPE_AT_##name,
enum { RELAY_TYPE_SHOWN(F) TYPE_AT_COUNT };
#undef F
#define F(name, heading, kind) AT_##name,
enum { RELAY_SHOWN(F) AT_COUNT };
#undef F
#define F(name, heading, kind) {#name, heading, SHOW_##kind, false},
static const struct show_field type_fields[] = {RELAY_TYPE_SHOWN(F)};
static const struct show_field relay_fields[] = {RELAY_SHOWN(F)};
#undef F

struct row {
	struct show_value value[AT_COUNT];
	struct show_value type[SETTINGS_TYPES * TYPE_AT_COUNT];
	struct show_rows types;
	struct text quota[SETTINGS_RELAY_QUOTAS];
	char why[WORDS_TEXT];
	char rate[32];
	struct sentence security;
};

/* Recipients under way through each relay, from the claims themselves. */
static bool
count_flights(struct txn *t, const struct settings *s, uint64_t *n,
	      struct err *e)
{
	struct ledger_due from = {.id = 0}, d;
	struct recipient_record r;

	while (ledger_claimed(t, &from, &d, e)) {
		const struct relay_settings *relay;
		char name[65];

		if (!ledger_recipient(t, d.id, d.rcpt, &r, e))
			return e->kind == ERR_NONE;
		relay =
		    settings_relay(s, text_copy(r.relay, name, sizeof name));
		if (relay != NULL)
			n[relay - s->relays]++;
		from = d;
		from.rcpt++;
	}
	return e->kind == ERR_NONE;
}

/* One word for all types: what the first of them that is not open says, if none
 * is; "open" if one is. */
static enum relay_shut
state_of(const struct command *c, const struct book *b, size_t relay,
	 int64_t *opens_us)
{
	enum relay_shut shut = SHUT_NOT;

	*opens_us = INT64_MAX;
	for (unsigned i = 0; i < c->settings->ntypes; i++) {
		struct relay_now now =
		    relays_now(c->settings, b, relay, i, c->now_us);

		if (now.shut == SHUT_NOT)
			return SHUT_NOT;
		if (shut == SHUT_NOT)
			shut = now.shut;
		*opens_us = min_of(*opens_us, now.opens_us);
	}
	return shut;
}

/* Who, why and since when; 0: it is open. */
static int64_t
explain(const struct command *c, const struct book *b, size_t relay,
	enum relay_shut shut, int64_t opens_us, char why[WORDS_TEXT])
{
	const struct gate *g = book_gate(b, relay);
	size_t quota = SIZE_MAX;

	why[0] = '\0';
	switch (shut) {
	case SHUT_PAUSED:
		snprintf(why, WORDS_TEXT, "by %s%s%s", g->paused_who,
			 g->paused_why[0] != '\0' ? ": " : "", g->paused_why);
		return g->paused_us;
	case SHUT_CLOSED:
		snprintf(why, WORDS_TEXT, "%s", g->closed_reply);
		return g->closed_us;
	case SHUT_UNREACHABLE:
		snprintf(why, WORDS_TEXT, "%s", g->last_error);
		return g->failed_us;
	case SHUT_SPENT:
		(void)book_opens_us(b, relay, 0, c->now_us, &quota);
		if (quota != SIZE_MAX)
			snprintf(why, WORDS_TEXT, "quota %s%s",
				 c->settings->quotas[quota].title,
				 opens_us == INT64_MAX
				     ? " has no room, and none is to come"
				     : " has no room");
		return 0;
	case SHUT_DISABLED:
	case SHUT_TRIED:
		snprintf(why, WORDS_TEXT, "%s", relay_shut_text(shut));
		return 0;
	case SHUT_NOT:
	case SHUT_COUNT:
		break;
	}
	return 0;
}

static void
fill_types(const struct command *c, const struct book *b, size_t relay,
	   struct row *r)
{
	size_t n = c->settings->ntypes;

	for (unsigned i = 0; i < n; i++) {
		struct show_value *v = &r->type[i * TYPE_AT_COUNT];
		struct relay_now now =
		    relays_now(c->settings, b, relay, i, c->now_us);
		uint32_t room =
		    book_room(b, relay, i, 1, UINT32_MAX, c->now_us);

		v[TYPE_AT_type] = show_word(c->settings->types[i].title);
		v[TYPE_AT_state] = show_word(relay_shut_word(now.shut));
		v[TYPE_AT_room] =
		    room == UINT32_MAX ? show_none() : show_count(room);
		v[TYPE_AT_opens_at] =
		    now.shut == SHUT_NOT || now.opens_us == INT64_MAX
			? show_none()
			: show_time(now.opens_us);
	}
	r->types = (struct show_rows){type_fields, TYPE_AT_COUNT, r->type, n};
}

static void
fill_rate(const struct relay_settings *s, struct row *r)
{
	if (s->rate.window_us == 0)
		return;
	snprintf(r->rate, sizeof r->rate, "%llu/%s",
		 (unsigned long long)s->rate.count,
		 s->rate.window_us == SECOND_US   ? "s"
		 : s->rate.window_us == MINUTE_US ? "min"
						  : "h");
	r->value[AT_rate] = show_word(r->rate);
}

static void
fill(const struct command *c, const struct book *b, size_t relay,
     uint64_t flights, struct row *r)
{
	const struct relay_settings *s = &c->settings->relays[relay];
	const struct gate *g = book_gate(b, relay);
	struct show_value *v = r->value;
	struct auth_settings auth;
	int64_t opens_us, since_us;
	enum relay_shut shut = state_of(c, b, relay, &opens_us);

	memset(r, 0, sizeof *r);
	since_us = explain(c, b, relay, shut, opens_us, r->why);
	fill_types(c, b, relay, r);
	fill_rate(s, r);
	v[AT_name] = show_word(s->title);
	v[AT_role] = show_word(s->role == DUTY_CRM ? "crm" : "relay");
	v[AT_state] = show_word(relay_shut_word(shut));
	if (since_us != 0)
		v[AT_since] = show_time(since_us);
	if (shut != SHUT_NOT && opens_us != INT64_MAX)
		v[AT_opens_at] = show_time(opens_us);
	v[AT_in_flight] = show_count(flights);
	v[AT_connections] = show_count(s->connections);
	for (size_t i = 0; i < s->quota.n && i < countof(r->quota); i++)
		r->quota[i] = text_of(s->quota.item[i]);
	v[AT_quotas] =
	    show_words(r->quota, min_of(s->quota.n, countof(r->quota)));
	v[AT_types] = show_rows(&r->types);
	explain_way(s, &r->security);
	v[AT_security] = show_word(r->security.text);
	if (auth_of(s, &auth))
		v[AT_credential] =
		    show_word(auth.enabled ? "used" : "not used");
	if (r->why[0] != '\0')
		v[AT_why] = show_word(r->why);
	if (g->last_error_us != 0) {
		v[AT_last_error] = show_word(g->last_error);
		v[AT_last_error_at] = show_time(g->last_error_us);
	}
}

static void
one(struct command *c, const struct row *r, const struct gate *g)
{
	char when[MOMENT_TEXT];
	struct show *s;

	if (c->json) {
		show_json(stdout, relay_fields, AT_COUNT, r->value);
		return;
	}
	show_card(stdout, relay_fields, AT_COUNT, r->value, c->now_us);
	printf("%-12s ", "QUOTAS");
	for (size_t i = 0; i < r->value[AT_quotas].nwords; i++)
		printf("%s%.*s", i ? ", " : "", (int)r->quota[i].n,
		       r->quota[i].p);
	printf("%s\n", r->value[AT_quotas].nwords == 0 ? "none" : "");
	printf("%-12s %s\n", "SECURITY", r->security.text);
	if (g->last_error_us != 0)
		printf("%-12s %s (%s)\n", "LAST ERROR", g->last_error,
		       moment_text(g->last_error_us, when));
	printf("\n");
	s = show_open(stdout, false, type_fields, TYPE_AT_COUNT, c->now_us);
	for (size_t i = 0; i < r->types.nrows; i++)
		show_row(s, &r->type[i * TYPE_AT_COUNT]);
	show_close(s);
}

static void
list(struct command *c, const struct book *b, const uint64_t *flights)
{
	struct show *s =
	    show_open(stdout, c->json, relay_fields, AT_COUNT, c->now_us);
	struct row *r = must_alloc(sizeof *r);

	for (size_t i = 0; i < c->settings->nrelays; i++) {
		fill(c, b, i, flights[i], r);
		show_row(s, r->value);
	}
	show_close(s);
	free(r);
}

static int
show(struct command *c, const char *name)
{
	uint64_t flights[SETTINGS_RELAYS] = {0};
	const struct relay_settings *relay = NULL;
	struct ledger_view v;
	struct err e = {.kind = ERR_NONE};
	int code = EXIT_DONE;

	if (!change_open_view(c, &v, &code))
		return code;
	if (name != NULL)
		relay = settings_relay(c->settings, name);
	if (name != NULL && relay == NULL) {
		code = command_say(c, EXIT_NO, "there is no relay %.64s", name);
	} else if (!count_flights(v.txn, c->settings, flights, &e)) {
		code = command_fail(c, &e);
	} else if (name == NULL) {
		list(c, v.book, flights);
	} else {
		size_t i = (size_t)(relay - c->settings->relays);
		struct row *r = must_alloc(sizeof *r);

		fill(c, v.book, i, flights[i], r);
		one(c, r, book_gate(v.book, i));
		free(r);
	}
	change_close_view(&v);
	return code;
}

static int
tell(struct command *c, const struct change_words *w, bool pause,
     enum ledger_answer answer)
{
	char when[MOMENT_TEXT];

	switch (answer) {
	case LEDGER_NOT_FOUND:
		return command_say(c, EXIT_NO, "there is no relay %.64s",
				   w->word[0]);
	case LEDGER_ALREADY:
		return command_say(c, EXIT_NO, "%.64s was %s", w->word[0],
				   pause ? "paused already" : "open already");
	case LEDGER_DONE:
	case LEDGER_BUSY:
		break;
	}
	if (!c->json)
		printf("%s: %s%s%s\n", w->word[0],
		       pause ? "paused" : "takes mail again",
		       w->until_us != 0 ? ", until " : "",
		       w->until_us != 0 ? moment_text(w->until_us, when) : "");
	return EXIT_DONE;
}

static int
change(struct command *c, bool pause)
{
	struct control_change what = {.change = pause ? CHANGE_RELAY_PAUSE
						      : CHANGE_RELAY_RESUME};
	enum ledger_answer answer = LEDGER_NOT_FOUND;
	struct change_words w;
	int code;

	if (!change_read(c, &w))
		return EXIT_USAGE;
	if (w.n != 1 || strlen(w.word[0]) > 64 || (!pause && w.until_us != 0))
		return command_usage(c, NULL);
	what.name = text_of(w.word[0]);
	what.type = text_of("");
	what.until_us = (uint64_t)w.until_us;
	what.reason = text_of(w.reason);
	code = change_ask(c, &what, &answer);
	return code == EXIT_DONE ? tell(c, &w, pause, answer) : code;
}

int
cmd_relay(struct command *c)
{
	const char *verb = c->argc > 0 ? c->argv[0] : NULL;

	if (verb == NULL)
		return show(c, NULL);
	if (strcmp(verb, "test") == 0)
		return relay_test(c);
	if (strcmp(verb, "pause") == 0)
		return change(c, true);
	if (strcmp(verb, "resume") == 0)
		return change(c, false);
	return c->argc == 1 ? show(c, verb) : command_usage(c, NULL);
}
