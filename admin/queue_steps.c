#include "admin/queue_steps.h"

#include <stdlib.h>

static size_t
room_for(const struct queue_steps *q, const struct trail *t)
{
	size_t left = QUEUE_STEPS - q->rows.nrows;

	return min_of(left, t->n);
}

/* What all recipients have in common stands in the message. */
static void
add_trail(struct queue_steps *q, const struct trail *t)
{
	size_t n = room_for(q, t);

	q->cut = q->cut || n < t->n;
	for (size_t i = 0; i < n; i++) {
		size_t at = q->rows.nrows;

		if (t->entry[i].x.kind == JOURNAL_ACCEPTED)
			continue;
		entry_show_fill(&t->entry[i], &q->ids[at],
				q->value + at * entry_nfields);
		q->rows.nrows++;
	}
}

bool
queue_steps_read(struct store *s, const struct queue_message *m,
		 struct queue_steps *out, struct err *e)
{
	bool ok = true;

	*out = (struct queue_steps){
	    .rows = {.field = entry_fields, .nfields = entry_nfields}};
	out->value =
	    must_alloc(QUEUE_STEPS * entry_nfields * sizeof *out->value);
	out->ids = must_alloc(QUEUE_STEPS * sizeof *out->ids);
	out->trail = must_alloc((m->nrcpt + 1) * sizeof *out->trail);
	out->rows.value = out->value;
	for (size_t i = 0; ok && i < m->nrcpt; i++) {
		struct trail *t = &out->trail[out->ntrails];

		if (out->rows.nrows == QUEUE_STEPS) {
			out->cut = true;
			break;
		}
		if (trail_read(s, m->id, m->rcpt[i].rcpt, t, e)) {
			out->ntrails++;
			add_trail(out, t);
		} else {
			ok = e->kind == ERR_NONE; /* it has gone meanwhile */
		}
	}
	if (!ok)
		queue_steps_free(out);
	return ok;
}

void
queue_steps_free(struct queue_steps *q)
{
	for (size_t i = 0; i < q->ntrails; i++)
		trail_free(&q->trail[i]);
	free(q->trail);
	free(q->value);
	free(q->ids);
	*q = (struct queue_steps){.cut = false};
}

bool
queue_steps_print(const struct command *c, struct store *s,
		  const struct queue_message *m, struct err *e)
{
	struct trail_show *show = NULL;
	bool ok = true;

	for (size_t i = 0; ok && i < m->nrcpt && !ferror(stdout); i++) {
		struct trail t;

		if (!trail_read(s, m->id, m->rcpt[i].rcpt, &t, e)) {
			ok = e->kind == ERR_NONE;
			continue;
		}
		if (show == NULL && t.n > 0) {
			fputc('\n', stdout);
			show = trail_show_open(c, TRAIL_STEPS_OF_ONE);
		}
		if (show != NULL)
			trail_show_add(show, &t);
		trail_free(&t);
	}
	if (show != NULL)
		trail_show_close(show);
	return ok;
}
