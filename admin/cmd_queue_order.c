/* mtq queue hold, release, retry, drop, bounce: which messages, and what came of it.
 *
 * Ids mean whole messages.  Filters mean exactly the recipients that match;
 * they are all found first and changed then, so that what an order moves about
 * is not found again. */
#include "admin/cmd_queue.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "admin/order.h"
#include "queue/ledger.h"

enum {
	TARGETS_MOST = 20 << 20, /* recipients of one command */
	ID_LINE_MOST = 1024,     /* octets of a line of ids on stdin */
};

struct target {
	uint64_t id;
	uint32_t rcpt; /* UINT32_MAX: all */
};

struct targets {
	struct target *at;
	size_t n;
	size_t room;
	size_t bad; /* texts that are no ids */
};

/*	name, heading, kind, cut */
#define SHOWN(F)                                                               \
	F(queue_id, "ID", TEXT, 0)                                             \
	F(recipient, "RECIPIENT", TEXT, 0)                                     \
	F(order, NULL, TEXT, 0)                                                \
	F(result, "RESULT", TEXT, 0)                                           \
	F(changed, "CHANGED", COUNT, 0)

#define F(name, heading, kind, cut) AT_##name,
enum { SHOWN(F) AT_COUNT };
#undef F
#define F(name, heading, kind, cut) {#name, heading, SHOW_##kind, cut},
static const struct show_field fields[] = {SHOWN(F)};
#undef F

static const struct {
	const char *verb;
	const char *done;
	const char *already;
} words[] = {
    [LEDGER_HOLD] = {"hold", "held", "already held, or failed"},
    [LEDGER_RELEASE] = {"release", "released", "was not held"},
    [LEDGER_RETRY] = {"retry", "tried now", "already due"},
    [LEDGER_DROP] = {"drop", "dropped", "already gone"},
    [LEDGER_BOUNCE] = {"bounce", "bounced", "failed already"},
};

/* One order under way: the answers come in this order. */
struct pending {
	char address[ADDRESS_MOST + 1]; /* "" for a whole message */
};

struct run {
	struct command *c;
	enum ledger_order order;
	const char *reason;
	struct show *show;
	struct pending pending[ORDER_AHEAD];
	unsigned first, waiting;
	size_t no; /* not found, or busy */
};

/* --- which ---------------------------------------------------------------- */

static bool
add_target(struct targets *t, uint64_t id, uint32_t rcpt)
{
	if (t->n == TARGETS_MOST)
		return false;
	if (t->n == t->room) {
		t->room = t->room == 0 ? 64 : 2 * t->room;
		t->at = must_realloc(t->at, t->room * sizeof *t->at);
	}
	t->at[t->n++] = (struct target){.id = id, .rcpt = rcpt};
	return true;
}

static void
add_id(const struct command *c, struct targets *t, const char *text)
{
	uint64_t id;

	if (!queue_id(c, text, &id) || !add_target(t, id, UINT32_MAX))
		t->bad++;
}

/* The first word of each line: what `mtq queue list` or a person's script
 * prints. */
static void
add_stdin(const struct command *c, struct targets *t)
{
	char line[ID_LINE_MOST];

	while (fgets(line, sizeof line, stdin) != NULL) {
		char *word = line + strspn(line, " \t");

		word[strcspn(word, " \t\r\n")] = '\0';
		if (*word != '\0')
			add_id(c, t, word);
	}
}

/* A copy for an archive tells of the others, and is thrown away by its own
 * address only: nobody who clears a sender's mail means it. */
static bool
is_meant(const struct queue_options *o, enum ledger_order order,
	 const struct queue_hit *hit)
{
	if (!hit->archive)
		return true;
	return hit->state != RECIPIENT_PARKED &&
	       (order != LEDGER_DROP || o->filter.to != NULL);
}

static bool
add_matching(const struct queue_options *o, enum ledger_order order,
	     struct store *store, struct targets *t, struct err *e)
{
	struct queue_scan scan;

	queue_scan_init(&scan, store, &o->filter, false);
	while (!scan.ended) {
		if (!queue_scan_page(&scan, e))
			return false;
		for (size_t i = 0; i < scan.n; i++)
			if (is_meant(o, order, &scan.hit[i]) &&
			    !add_target(t, scan.hit[i].id, scan.hit[i].rcpt)) {
				err_set(e, ERR_SYSTEM,
					"more than %d recipients match",
					TARGETS_MOST);
				return false;
			}
	}
	return true;
}

/* --- what came of it ------------------------------------------------------ */

static const char *
result_of(const struct run *r, const struct control_answer *a)
{
	switch ((enum ledger_answer)a->answer) {
	case LEDGER_DONE:
		return words[r->order].done;
	case LEDGER_NOT_FOUND:
		return "not found";
	case LEDGER_BUSY:
		return "busy: being delivered";
	case LEDGER_ALREADY:
		return words[r->order].already;
	}
	must_failed("an answer", __FILE__, __LINE__);
}

static void
answered(void *arg, const struct control_answer *a)
{
	struct run *r = arg;
	struct show_value v[AT_COUNT] = {{0}};
	const char *address = r->pending[r->first].address;
	char id[ID_TEXT + 1];

	must(r->waiting > 0);
	r->first = (r->first + 1) % ORDER_AHEAD;
	r->waiting--;
	if (a->answer == LEDGER_NOT_FOUND || a->answer == LEDGER_BUSY)
		r->no++;
	/* What came over the socket is not ours to trust. */
	id_text(id_valid(a->message) ? a->message : 0, id);
	v[AT_queue_id] = show_word(id);
	v[AT_recipient] = *address != '\0' ? show_word(address) : show_none();
	v[AT_order] = show_word(words[r->order].verb);
	v[AT_result] = show_word(result_of(r, a));
	v[AT_changed] = show_count(a->changed);
	show_row(r->show, v);
}

/* The address for the report; the recipient may have left meanwhile. */
static bool
name_target(struct store *store, const struct target *t, struct pending *p,
	    struct err *e)
{
	struct recipient_record rec;
	struct txn *txn;
	bool found;

	p->address[0] = '\0';
	if (t->rcpt == UINT32_MAX)
		return true;
	txn = store_begin(store, false, e);
	if (txn == NULL)
		return false;
	found = ledger_recipient(txn, t->id, t->rcpt, &rec, e);
	if (found)
		text_copy(rec.address, p->address, sizeof p->address);
	store_abort(txn);
	return found || e->kind == ERR_NONE;
}

static bool
run_all(struct run *r, struct store *store, struct order *o,
	const struct targets *t, int *code, struct err *e)
{
	order_listen(o, answered, r);
	for (size_t i = 0; i < t->n; i++) {
		const struct control_order order = {.order = (uint8_t)r->order,
						    .message = t->at[i].id,
						    .rcpt = t->at[i].rcpt,
						    .reason =
							text_of(r->reason)};
		unsigned place = (r->first + r->waiting) % ORDER_AHEAD;

		must(r->waiting < ORDER_AHEAD);
		if (!name_target(store, &t->at[i], &r->pending[place], e)) {
			*code = err_exit(e);
			return false;
		}
		r->waiting++;
		if (!order_send(o, &order, code, e))
			return false;
	}
	return order_finish(o, code, e);
}

/* --- the command ---------------------------------------------------------- */

/* Are the words on the command line such that we know what is meant? */
static bool
check_words(const struct command *c, const struct queue_options *o)
{
	bool filters = o->filter.any || o->all;

	if (filters == (o->argc > 0)) {
		command_say(c, EXIT_USAGE,
			    filters ? "either ids or filters, not both"
				    : "which messages? ids, - for ids on "
				      "stdin, filters, or --all");
		return false;
	}
	if (o->filter.any && o->all) {
		command_say(c, EXIT_USAGE, "--all takes no filters");
		return false;
	}
	if (o->reason != NULL && strlen(o->reason) > 200) {
		command_say(c, EXIT_USAGE, "--reason has at most 200 octets");
		return false;
	}
	return true;
}

/* Dropped mail is gone for good, and a report can't be called back: a person
 * says yes, a script --yes. */
static int
may_remove(const struct command *c, const struct queue_options *o,
	   const struct targets *t, enum ledger_order what)
{
	bool drop = what == LEDGER_DROP;
	char line[16] = "";

	if (o->yes || t->n == 0)
		return EXIT_DONE;
	if (!isatty(STDIN_FILENO) || !isatty(STDERR_FILENO))
		return command_say(c, EXIT_USAGE,
				   drop ? "drop removes mail for good: say "
					  "--yes"
					: "bounce gives mail up and tells its "
					  "sender: say --yes");
	fprintf(stderr, "%s %zu %s for good? [y/N] ", drop ? "Drop" : "Bounce",
		t->n, o->argc > 0 ? "message(s)" : "recipient(s)");
	if (fgets(line, sizeof line, stdin) != NULL &&
	    (line[0] == 'y' || line[0] == 'Y'))
		return EXIT_DONE;
	return command_say(
	    c, EXIT_NO, drop ? "nothing was dropped" : "nothing was bounced");
}

static int
carry_out(struct run *r, struct store *store, const struct targets *t)
{
	struct order *o;
	struct err e = {.kind = ERR_NONE};
	int code = EXIT_AGAIN;
	bool ok = false;

	if (t->n == 0)
		return t->bad > 0 ? EXIT_NO : EXIT_DONE;
	o = order_open(r->c->settings->control_path, &code, &e);
	if (o != NULL) {
		r->show = show_open(stdout, r->c->json, fields, AT_COUNT,
				    r->c->now_us);
		ok = run_all(r, store, o, t, &code, &e);
		show_close(r->show);
	}
	order_close(o);
	if (!ok)
		return command_say(r->c, code, "%s", e.text);
	return r->no > 0 || t->bad > 0 ? EXIT_NO : EXIT_DONE;
}

static int
order(struct command *c, const struct queue_options *o, enum ledger_order what)
{
	struct targets t = {.at = NULL};
	struct run r = {.c = c,
			.order = what,
			.reason = o->reason != NULL ? o->reason : ""};
	struct err e = {.kind = ERR_NONE};
	struct store *store;
	bool ok = true;
	int code;

	if (!check_words(c, o))
		return EXIT_USAGE;
	store = queue_open(c, &code);
	if (store == NULL)
		return code;
	for (int i = 0; i < o->argc; i++)
		if (strcmp(o->argv[i], "-") == 0)
			add_stdin(c, &t);
		else
			add_id(c, &t, o->argv[i]);
	if (o->argc == 0)
		ok = add_matching(o, what, store, &t, &e);
	if (!ok)
		code = command_fail(c, &e);
	else if (o->argc == 0 && t.n == 0)
		code = command_say(c, EXIT_DONE, "nothing matches");
	else
		code = what == LEDGER_DROP || what == LEDGER_BOUNCE
			   ? may_remove(c, o, &t, what)
			   : EXIT_DONE;
	if (ok && code == EXIT_DONE)
		code = carry_out(&r, store, &t);
	store_close(store);
	free(t.at);
	return code;
}

int
queue_hold(struct command *c, const struct queue_options *o)
{
	return order(c, o, LEDGER_HOLD);
}

int
queue_release(struct command *c, const struct queue_options *o)
{
	return order(c, o, LEDGER_RELEASE);
}

int
queue_retry(struct command *c, const struct queue_options *o)
{
	return order(c, o, LEDGER_RETRY);
}

int
queue_drop(struct command *c, const struct queue_options *o)
{
	return order(c, o, LEDGER_DROP);
}

int
queue_bounce(struct command *c, const struct queue_options *o)
{
	return order(c, o, LEDGER_BOUNCE);
}
