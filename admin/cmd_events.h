/*
 * cmd_events - `mtq events`: what its options say, and printing.
 */
#ifndef MTQ_CMD_EVENTS_H
#define MTQ_CMD_EVENTS_H

#include <assert.h>

#include "admin/command.h"
#include "queue/journal.h"

struct events_options {
	const char *from;   /* an event, "oldest" or "now"; NULL: not given */
	const char *reader; /* NULL: not given */
	unsigned kinds;     /* bits of enum journal_kind; 0: all */
	uint64_t limit;     /* 0: none */
	bool follow;
	int argc; /* what is left */
	char **argv;
};
static_assert(JOURNAL_KIND_COUNT < 32, "a bit for each kind");

/* Tells mtqd how far a reader is, 0: that it is none any more.  What to end
 * with; *done: mtqd took it. */
int events_tell(struct command *c, const char *reader, uint64_t number,
		bool *done);
int events_too_many(struct command *c); /* says so; what to end with */

int events_print(struct command *c, const struct events_options *o);
int events_readers(struct command *c, const struct events_options *o);

#endif
