/*
 * queue_steps - each attempt for the recipients of a message that is in the
 * queue, from the journal.
 *
 * Bounded  QUEUE_STEPS in JSON; the table has all of them.
 * Owner    queue_steps_read/queue_steps_free.
 */
#ifndef MTQ_QUEUE_STEPS_H
#define MTQ_QUEUE_STEPS_H

#include "admin/entry_show.h"
#include "admin/queue_read.h"
#include "admin/trail_show.h"

enum { QUEUE_STEPS = 10000 };

struct queue_steps {
	struct show_rows rows; /* as entry_fields says */
	bool cut;              /* there were more of them */
	struct show_value *value;
	struct entry_ids *ids;
	struct trail *trail;
	size_t ntrails;
};
bool queue_steps_read(struct store *s, const struct queue_message *m,
		      struct queue_steps *out, struct err *e) MUST_USE;
void queue_steps_free(struct queue_steps *q);

/* A line for each, under an empty one; nothing if there was none. */
bool queue_steps_print(const struct command *c, struct store *s,
		       const struct queue_message *m, struct err *e) MUST_USE;

#endif
