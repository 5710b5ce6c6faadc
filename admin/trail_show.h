/*
 * trail_show - trails as a table or as JSON: one line each for how they ended,
 * or a line for each step on the way.
 *
 * JSON has both: an object for each recipient, with its steps in `attempts`.
 */
#ifndef MTQ_TRAIL_SHOW_H
#define MTQ_TRAIL_SHOW_H

#include "admin/command.h"
#include "admin/trail.h"

enum trail_form {
	TRAIL_ENDS,         /* a line for each recipient */
	TRAIL_STEPS,        /* a line for each entry of it */
	TRAIL_STEPS_OF_ONE, /* the same without the id of the message */
};
struct trail_show;
struct trail_show *trail_show_open(const struct command *c,
				   enum trail_form form);
void trail_show_add(struct trail_show *s, const struct trail *t);
void trail_show_close(struct trail_show *s);

#endif
