#include "admin/explain_message.h"

#include <stdlib.h>
#include <string.h>

#include "admin/cmd_queue.h"
#include "admin/explain_after.h"
#include "admin/explain_print.h"
#include "admin/explain_type.h"
#include "admin/human.h"
#include "daemon/log.h"
#include "queue/lane.h"

/* What a recipient has in common with others. */
struct kin {
	struct routing_answer route;
	bool done;
};
struct message {
	struct command *c;
	const struct explain_world *w;
	struct txn *txn;
	struct queue_message m;
	char id[ID_TEXT + 1];
	unsigned type;
	struct sentence rule;
	struct kin *kin; /* of each recipient */
	struct text *to;
};

static struct routing_ask
ask_of(const struct message *x, size_t i)
{
	struct routing_ask ask =
	    lane_ask(x->c->settings, &x->m.record, &x->m.rcpt[i].record);

	ask.type = x->type;
	return ask;
}

/* Jitter gives each its own moment: all that are due later are alike. */
static bool
are_alike(const struct message *x, size_t i, size_t j)
{
	const struct recipient_record *a = &x->m.rcpt[i].record;
	const struct recipient_record *b = &x->m.rcpt[j].record;
	const uint64_t now_us = (uint64_t)x->w->now_us;

	return a->state == b->state && a->lane == b->lane &&
	       x->kin[i].route.route == x->kin[j].route.route &&
	       x->kin[i].route.way == x->kin[j].route.way &&
	       (a->state != RECIPIENT_WAITING ||
		(a->due_us > now_us) == (b->due_us > now_us));
}

static bool
is_text(struct text a, struct text b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static void
join(struct explain_mail *mail, const struct recipient_record *r)
{
	const int64_t due_us = (int64_t)r->due_us;

	mail->due_us = min_of(mail->due_us, due_us);
	mail->last_due_us = max_of(mail->last_due_us, due_us);
	if (!is_text(mail->relay, r->relay))
		mail->relay.n = 0;
	if (!is_text(mail->reason, r->reason))
		mail->reason.n = 0;
}

/* The group of a recipient; who is in it is done. */
static int
explain_group(struct message *x, size_t first)
{
	const struct recipient_record *r = &x->m.rcpt[first].record;
	const struct lane lane = lane_unpack(r->lane);
	struct explain_group g = {.to = x->to, .rule = x->rule.text};
	struct explain_mail *mail = &g.mail;
	struct explained why;
	struct err e;

	*mail =
	    (struct explain_mail){.ask = ask_of(x, first),
				  .size_bytes = x->m.record.size_bytes,
				  .queued = true,
				  .id = x->id,
				  .state = (enum recipient_state)r->state,
				  .moved = lane.epoch != routing_epoch(x->w->s),
				  .archive = r->archive,
				  .arrival_us = (int64_t)x->m.record.arrival_us,
				  .due_us = (int64_t)r->due_us,
				  .relay = r->relay,
				  .reason = r->reason};
	if (!mail->moved)
		mail->tried = lane.tried;
	for (size_t i = first; i < x->m.nrcpt; i++) {
		if (x->kin[i].done || !are_alike(x, first, i))
			continue;
		x->kin[i].done = true;
		x->to[g.nto++] = x->m.rcpt[i].record.address;
		join(mail, &x->m.rcpt[i].record);
	}
	explain(x->w, mail, &why);
	if (!explain_suppressed(x->txn, g.to, g.nto, x->w->now_us,
				&g.suppressed, &e))
		return command_fail(x->c, &e);
	explain_print(x->c, &g, &why);
	return why.hopeless ? EXIT_NO : EXIT_DONE;
}

static void
print_head(const struct command *c, const struct message *x)
{
	char from[ADDRESS_MOST * 3 + 1], author[ADDRESS_MOST * 3 + 1],
	    source[ADDRESS_MOST], when[HUMAN_TEXT];
	const struct message_record *r = &x->m.record;

	printf("%s from <%s>%s%s, source %s, accepted %s\n\n", x->id,
	       log_safe(r->sender.p, r->sender.n, from, sizeof from),
	       r->author.n > 0 ? ", written by " : "",
	       log_safe(r->author.p, r->author.n, author, sizeof author),
	       log_safe(r->source.p, r->source.n, source, sizeof source),
	       human_when((int64_t)r->arrival_us, c->now_us, when));
}

/* The type, by what was recorded and by the begin of the body. */
static bool
take_begin(void *arg, const unsigned char *p, size_t n)
{
	struct message *x = arg;
	const struct message_record *r = &x->m.record;
	struct explain_fields *f = must_alloc(sizeof *f);
	struct classify_ask ask = {.author = r->author,
				   .sender = r->sender,
				   .source = r->source,
				   .listener = r->listener,
				   .account = r->account,
				   .size_bytes = r->size_bytes};

	explain_fields(x->c->settings, p, n, f);
	ask.field = f->field;
	ask.nfields = f->n;
	x->type = explain_given_type(x->c->settings, r->type, &ask, &x->rule);
	free(f);
	return false; /* no further chunk */
}

static int
explain_all(struct message *x)
{
	int code = EXIT_DONE;

	x->kin = must_alloc(x->m.nrcpt * sizeof *x->kin);
	x->to = must_alloc(x->m.nrcpt * sizeof *x->to);
	for (size_t i = 0; i < x->m.nrcpt; i++) {
		const struct routing_ask ask = ask_of(x, i);

		routing_find(x->c->settings, &ask, &x->kin[i].route);
	}
	if (!x->c->json)
		print_head(x->c, x);
	for (size_t i = 0; i < x->m.nrcpt; i++) {
		if (x->kin[i].done)
			continue;
		if (i > 0 && !x->c->json)
			printf("\n");
		code = explain_group(x, i) != EXIT_DONE ? EXIT_NO : code;
	}
	free(x->kin);
	free(x->to);
	return code;
}

/* The body can't be read: the message has gone meanwhile, or it is damaged. */
static int
unreadable(struct command *c, struct store *store, const struct message *x,
	   const struct err *e)
{
	struct queue_message again;
	struct err gone;

	if (queue_message_read(store, x->m.id, &again, &gone))
		queue_message_free(&again);
	else if (gone.kind == ERR_NONE)
		return command_say(c, EXIT_NO, "%s has just left the queue",
				   x->id);
	return command_fail(c, e);
}

int
explain_message(struct command *c, const struct explain_world *w,
		const struct ledger_view *view, const char *text)
{
	struct store *store = view->store;
	struct message *x;
	struct err e;
	uint64_t id;
	int code;

	if (!queue_id(c, text, &id))
		return EXIT_USAGE;
	x = must_alloc(sizeof *x);
	x->c = c;
	x->w = w;
	x->txn = view->txn;
	id_text(id, x->id);
	if (!queue_message_read(store, id, &x->m, &e)) {
		code = e.kind == ERR_NONE
			   ? command_say(c, EXIT_NO, "%s is not in the queue",
					 x->id)
			   : command_fail(c, &e);
		free(x);
		return code;
	}
	if (queue_body_read(store, id, x->m.record.chunks, take_begin, x, &e))
		code = explain_all(x);
	else
		code = unreadable(c, store, x, &e);
	queue_message_free(&x->m);
	free(x);
	return code;
}
