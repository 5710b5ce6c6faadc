#include <signal.h>

#include "daemon/log.h"
#include "daemon/supervisor_private.h"

static bool
in_stage(const struct child *c, enum stop_stage s)
{
	switch (s) {
	case STOP_NOT:
		return false;
	case STOP_RECEIVER:
		return c->kind == ROLE_RECEIVER;
	case STOP_SCHEDULER:
		return c->kind == ROLE_SCHEDULER;
	case STOP_WORKERS:
		return c->kind == ROLE_WORKER;
	}
	return false;
}

void
supervisor_stop_child(struct child *c)
{
	if (c->pid <= 0) {
		c->state = CHILD_ENDED;
		return;
	}
	c->state = CHILD_STOPPING;
	channel_send(&c->channel, ROLE_STOP, NULL);
	channel_flush(&c->channel);
}

void
supervisor_next_stage(struct supervisor *v)
{
	if (v->stop == STOP_WORKERS) {
		log_event(EVENT_STOPPED, NULL, "stopped in order");
		loop_stop(v->loop);
		return;
	}
	v->stop++;
	v->stage_us = now_steady_us();
	for (size_t i = 0; i < v->nchildren; i++)
		if (in_stage(&v->child[i], v->stop))
			supervisor_stop_child(&v->child[i]);
	supervisor_write_roles(v);
}

/* One stage is over when all of its processes are; who takes too long is
 * killed: the queue remembers. */
void
supervisor_drive_stop(struct supervisor *v)
{
	bool late = now_steady_us() - v->stage_us > v->settings->stop_within_us;
	bool left = false;

	for (size_t i = 0; i < v->nchildren; i++) {
		struct child *c = &v->child[i];

		if (!in_stage(c, v->stop) || c->pid <= 0)
			continue;
		left = true;
		if (late) {
			log_event(EVENT_ROLE_HUNG, NULL,
				  "%s, process %d, did not stop in time",
				  role_name(c->kind), (int)c->pid);
			kill(c->pid, SIGKILL);
		}
	}
	if (!left)
		supervisor_next_stage(v);
}
