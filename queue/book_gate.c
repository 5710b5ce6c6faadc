#include "queue/book_private.h"

#include <stdlib.h>
#include <string.h>

static void
gate_of(const struct gate_record *r, struct gate *g)
{
	*g = (struct gate){.paused = r->paused != 0,
			   .paused_until_us = (int64_t)r->paused_until_us,
			   .paused_us = (int64_t)r->paused_us,
			   .closed_until_us = (int64_t)r->closed_until_us,
			   .closed_us = (int64_t)r->closed_us,
			   .failed_us = (int64_t)r->failed_us,
			   .last_error_us = (int64_t)r->last_error_us,
			   .last_rated_us = (int64_t)r->last_rated_us,
			   .last_rated_steady_us =
			       (int64_t)r->last_rated_steady_us};
	text_copy(r->paused_who, g->paused_who, sizeof g->paused_who);
	text_copy(r->paused_why, g->paused_why, sizeof g->paused_why);
	text_copy(r->closed_reply, g->closed_reply, sizeof g->closed_reply);
	text_copy(r->last_error, g->last_error, sizeof g->last_error);
}

static struct gate_record
gate_row(const struct gate *g)
{
	return (struct gate_record){
	    .paused = g->paused,
	    .paused_until_us = (uint64_t)g->paused_until_us,
	    .paused_us = (uint64_t)g->paused_us,
	    .paused_who = text_of(g->paused_who),
	    .paused_why = text_of(g->paused_why),
	    .closed_until_us = (uint64_t)g->closed_until_us,
	    .closed_us = (uint64_t)g->closed_us,
	    .closed_reply = text_of(g->closed_reply),
	    .failed_us = (uint64_t)g->failed_us,
	    .last_error = text_of(g->last_error),
	    .last_error_us = (uint64_t)g->last_error_us,
	    .last_rated_us = (uint64_t)g->last_rated_us,
	    .last_rated_steady_us = (uint64_t)g->last_rated_steady_us};
}

bool
book_load_gates(struct book *b, struct txn *t, struct err *e)
{
	for (size_t i = 0; i < b->settings->nrelays; i++) {
		const char *name = b->settings->relays[i].title;
		struct gate_record r;
		const void *v;
		size_t n;

		if (!txn_get(t, STORE_GATE, name, strlen(name), &v, &n, e)) {
			if (e->kind != ERR_NONE)
				return false;
			continue;
		}
		if (!gate_open(v, n, &r, e))
			return false;
		gate_of(&r, &b->gated[i].gate);
		b->gated[i].stored = true;
	}
	return true;
}

void
book_set_gate(struct book *b, size_t relay, const struct gate *g)
{
	struct gated *at;

	must(relay < b->settings->nrelays);
	must(g->paused_until_us >= 0 && g->paused_us >= 0 &&
	     g->closed_until_us >= 0 && g->closed_us >= 0 &&
	     g->failed_us >= 0 && g->last_error_us >= 0 &&
	     g->last_rated_us >= 0 && g->last_rated_steady_us >= 0);
	at = &b->gated[relay];
	if (!at->touched) {
		at->was = at->gate;
		at->dirty_was = at->dirty;
	}
	at->touched = at->dirty = true;
	at->gate = *g;
}

static bool
flush_gate(struct book *b, struct txn *t, size_t relay, struct err *e)
{
	const char *name = b->settings->relays[relay].title;
	struct gated *g = &b->gated[relay];
	struct gate_record r;

	if (!g->dirty)
		return true;
	r = gate_row(&g->gate);
	gate_seal(&b->scratch, &r);
	if (!txn_put(t, STORE_GATE, name, strlen(name), b->scratch.data,
		     b->scratch.n, e))
		return false;
	if (!g->touched) { /* carried over from other settings */
		g->was = g->gate;
		g->touched = g->dirty_was = true;
	}
	g->dirty = false;
	return true;
}

bool
book_flush_gates(struct book *b, struct txn *t, struct err *e)
{
	for (size_t i = 0; i < b->settings->nrelays; i++)
		if (!flush_gate(b, t, i, e))
			return false;
	return true;
}

void
book_undo_gates(struct book *b)
{
	for (size_t i = 0; i < b->settings->nrelays; i++) {
		struct gated *g = &b->gated[i];

		if (!g->touched)
			continue;
		g->gate = g->was;
		g->dirty = g->dirty_was;
		g->touched = false;
	}
}
