/*
 * cmd_queue - `mtq queue VERB`: the options its verbs share, and the verbs.
 */
#ifndef MTQ_CMD_QUEUE_H
#define MTQ_CMD_QUEUE_H

#include "admin/command.h"
#include "admin/queue_steps.h"
#include "admin/show.h"

enum { QUEUE_LIST_LIMIT = 100 }; /* messages, unless --limit says otherwise */

/*	verb, letters of the options it takes (cmd_queue.c) */
#define QUEUE_VERBS(V)                                                         \
	V(list, "f#")                                                          \
	V(show, "hb")                                                          \
	V(hold, "far")                                                         \
	V(release, "fa")                                                       \
	V(retry, "fa")                                                         \
	V(drop, "fay")                                                         \
	V(bounce, "fayr")

struct queue_options {
	struct queue_filter filter;
	uint64_t limit; /* 0: none */
	const char *reason;
	bool all;
	bool yes;
	bool headers;
	bool body;
	int argc; /* what is left: ids */
	char **argv;
};

#define V(name, options)                                                       \
	int queue_##name(struct command *c, const struct queue_options *o);
QUEUE_VERBS(V)
#undef V

/* EXIT_DONE: we may look into a queue in this folder, if there is one; else what
 * to end with, and why is on stderr. */
int queue_look(const struct command *c, const char *state_dir) MUST_USE;
/* The queue of the configuration, for reading; NULL: *code is what to end
 * with, and why is on stderr. */
struct store *queue_open(struct command *c, int *code) MUST_USE;
/* Capital or small letters; false is said on stderr. */
bool queue_id(const struct command *c, const char *text, uint64_t *id) MUST_USE;
/* The same of an event's. */
bool queue_event_id(const struct command *c, const char *text,
		    uint64_t *id) MUST_USE;
/* One message as JSON (cmd_queue_list.c), with each attempt. */
void queue_print_json(struct command *c, const struct queue_message *m,
		      const struct queue_steps *steps);

#endif
