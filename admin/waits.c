#include "admin/waits.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "admin/human.h"
#include "queue/lane.h"
#include "queue/ledger.h"
#include "queue/relays_now.h"

enum { NOTE_MOST = 500 };

struct look {
	const struct settings *s;
	const struct book *b;
	int64_t now_us;
	struct waits *out;
};

static void note(struct waits *w, const char *fmt, ...) PRINTF(2, 3);

static void
note(struct waits *w, const char *fmt, ...)
{
	char text[NOTE_MOST];
	va_list ap;

	if (w->nnotes == WAITS_NOTES)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	w->note[w->nnotes++] = must_strdup(text);
}

static struct relay_now
relay_now(void *arg, size_t relay, unsigned type)
{
	struct look *l = arg;

	return relays_now(l->s, l->b, relay, type, l->now_us);
}

static void
look_at(struct look *l, uint64_t packed, int64_t due_us)
{
	struct choose_ops ops = {relay_now, l};
	struct lane lane = lane_unpack(packed);
	struct chosen chosen;

	if (due_us >= l->now_us || lane.epoch != routing_epoch(l->s))
		return;
	choose_relay(routing_way(l->s, lane.way), lane.type, lane.tried, &ops,
		     &chosen);
	if (chosen.choice == CHOICE_GO)
		l->out->overdue_us =
		    max_of(l->out->overdue_us, l->now_us - due_us);
}

static bool
look_at_lanes(struct look *l, struct txn *t, struct err *e)
{
	uint64_t lane = 0;

	for (int i = 0; i < WAITS_LANES; i++) {
		struct ledger_due first = {.due_us = 0};

		e->kind = ERR_NONE;
		if (!ledger_waiting(t, &lane, &first, e))
			return e->kind == ERR_NONE;
		look_at(l, lane, first.due_us);
		if (lane++ == UINT64_MAX)
			return true;
	}
	return true;
}

/* "; it opens in 3h" */
static const char *
opens(const struct look *l, int64_t at_us, char out[HUMAN_TEXT + 16])
{
	char when[HUMAN_TEXT];

	out[0] = '\0';
	if (at_us != INT64_MAX)
		snprintf(out, HUMAN_TEXT + 16, "; it opens %s",
			 human_when(at_us, l->now_us, when));
	return out;
}

/* Spent for how many of the types, and by which quota. */
static void
note_spent(const struct look *l, size_t relay)
{
	unsigned spent = 0, last = 0;
	char when[HUMAN_TEXT + 16];
	size_t quota = 0;
	int64_t at_us;

	for (unsigned i = 0; i < l->s->ntypes; i++)
		if (relays_now(l->s, l->b, relay, i, l->now_us).shut ==
		    SHUT_SPENT) {
			spent++;
			last = i;
		}
	if (spent == 0)
		return;
	at_us = book_opens_us(l->b, relay, last, l->now_us, &quota);
	note(l->out, "relay %s has no room%s%s: quota %s%s",
	     l->s->relays[relay].title, spent == l->s->ntypes ? "" : " for ",
	     spent == l->s->ntypes ? ""
	     : spent == 1          ? l->s->types[last].title
				   : "some types",
	     l->s->quotas[quota].title, opens(l, at_us, when));
}

static void
note_relay(const struct look *l, size_t relay)
{
	const struct gate *g = book_gate(l->b, relay);
	const char *name = l->s->relays[relay].title;
	struct relay_now now = relays_now(l->s, l->b, relay, 0, l->now_us);
	char when[HUMAN_TEXT + 16];

	switch (now.shut) {
	case SHUT_PAUSED:
		note(l->out, "relay %s is paused by %s%s%s%s", name,
		     g->paused_who, g->paused_why[0] != '\0' ? ": " : "",
		     g->paused_why, opens(l, now.opens_us, when));
		return;
	case SHUT_CLOSED:
		note(l->out, "relay %s is closed by its provider: %s%s", name,
		     g->closed_reply, opens(l, now.opens_us, when));
		return;
	case SHUT_UNREACHABLE:
		note(l->out, "relay %s can't be reached: %s", name,
		     g->last_error);
		return;
	case SHUT_DISABLED:
		return;
	case SHUT_NOT:
	case SHUT_SPENT:
	case SHUT_TRIED:
	case SHUT_COUNT:
		note_spent(l, relay);
	}
}

bool
waits_read(struct txn *t, const struct settings *s, int64_t now_us,
	   struct waits *out, struct err *e)
{
	struct look l = {.s = s, .now_us = now_us, .out = out};
	struct book *b = book_open(t, s, now_us, e);
	bool ok;

	*out = (struct waits){.overdue_us = 0};
	if (b == NULL)
		return false;
	l.b = b;
	ok = look_at_lanes(&l, t, e);
	for (size_t i = 0; ok && i < s->nrelays; i++)
		note_relay(&l, i);
	/* By a person, or since workers died with it: somebody must look. */
	if (txn_state(t)->held > 0)
		note(out,
		     "%" PRIu64 " recipients are held: mtq queue list --state "
		     "held",
		     txn_state(t)->held);
	book_close(b);
	return ok;
}

void
waits_free(struct waits *w)
{
	for (size_t i = 0; i < w->nnotes; i++)
		free(w->note[i]);
	w->nnotes = 0;
}
