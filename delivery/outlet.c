#include "delivery/outlet.h"

enum { ROUNDS_MOST = 8 };

void
outlet_mark(struct outlet *o, struct outgoing *x)
{
	if (x->marked)
		return;
	x->marked = true;
	x->next = o->first;
	o->first = x;
}

static bool
take_out(struct outgoing **p, struct outgoing *x)
{
	while (*p != NULL && *p != x)
		p = &(*p)->next;
	if (*p == NULL)
		return false;
	*p = x->next;
	return true;
}

void
outlet_unmark(struct outlet *o, struct outgoing *x)
{
	if (x->marked)
		must(take_out(&o->first, x) || take_out(&o->going, x) ||
		     take_out(&o->held, x));
	x->marked = false;
}

void
outlet_permit(struct outlet *o, uint64_t job)
{
	struct outgoing *x = o->held;

	while (x != NULL && x->job != job)
		x = x->next;
	if (x != NULL) {
		outlet_unmark(o, x);
		x->dot = DOT_FREE;
		outlet_mark(o, x);
		return;
	}
	/* Nobody answers what has not left, but the rest of what we told may
	 * still be in our own buffer. */
	for (x = o->first; x != NULL; x = x->next)
		if (x->dot == DOT_TOLD && x->job == job)
			x->permit = false;
}

/* The DOT frames of all that end a message in this round; true when the kernel
 * has them. */
static bool
announce(struct outlet *o)
{
	struct bytes b = {0};

	for (struct outgoing *x = o->first; x != NULL; x = x->next)
		if (x->dot == DOT_DUE) {
			struct job_dot dot = {.job = x->job};

			b.n = 0;
			job_dot_encode(&b, &dot);
			channel_send(o->jobs, JOB_DOT, &b);
			x->dot = DOT_TOLD;
		}
	bytes_free(&b);
	channel_flush(o->jobs);
	return !o->jobs->dead && channel_empty(o->jobs);
}

static void
write_round(struct outlet *o, int64_t steady_us)
{
	bool known = announce(o);
	struct outgoing *x;

	o->going = o->first;
	o->first = NULL;
	while ((x = o->going) != NULL) {
		o->going = x->next;
		x->marked = false;
		if (x->dot == DOT_TOLD && !known) {
			outlet_mark(o, x); /* next round */
			continue;
		}
		if (x->dot == DOT_TOLD && x->permit) {
			x->dot = DOT_HELD;
			x->marked = true;
			x->next = o->held;
			o->held = x;
			continue;
		}
		if (x->dot == DOT_TOLD)
			x->dot = DOT_FREE;
		x->go(x, steady_us);
	}
}

void
outlet_flush(struct outlet *o, int64_t steady_us)
{
	/* Writing may end one connection and give its work to another. */
	for (int i = 0; i < ROUNDS_MOST; i++) {
		write_round(o, steady_us);
		if (o->first == NULL || !channel_empty(o->jobs))
			break;
	}
}
