/*
 * connection - one SMTP connection to a relay: bytes and deadlines around a
 * dialogue.
 *
 * Writes are collected and made once a round by its outlet.  The final dot is
 * announced when everything before it is on its way; a job that needs a permit
 * then waits for it with nothing but the dot left to write.
 *
 * Owner    frees itself after connection_drop; tells its user (ops) what became
 *          of its task before that.
 * Unit     microseconds of the steady clock for deadlines.
 */
#ifndef MTQ_CONNECTION_H
#define MTQ_CONNECTION_H

#include "delivery/body.h"
#include "delivery/dialogue.h"
#include "delivery/outlet.h"
#include "delivery/resolve.h"

struct connection;
struct connection_times {
	int64_t connect_us, command_us, data_us;
};

struct connection_ops {
	/* The task has a verdict for everybody; it is the user's again.  The
	 * connection may be used once `ready` says so. */
	void (*done)(struct connection *c, struct task *t);
	/* Waits for a task (connection_give). */
	void (*ready)(struct connection *c);
	/* Connecting failed: the task, untouched, is the user's again.  The
	 * connection is gone. */
	void (*unreachable)(struct connection *c, struct task *t,
			    const char *why);
	/* It is gone; a task that was under way came through `done`. */
	void (*gone)(struct connection *c);
};

struct connection {
	struct outlet *outlet;
	const struct connection_ops *ops;
	void *user;
	struct connection_times times;
	struct dialogue dialogue;
	struct reply reply;
	struct task *task;
	struct body body;
	struct bytes out;
	size_t out_done;
	int64_t deadline_us;
	int64_t idle_us; /* since when it has nothing to do; 0: busy */
	unsigned messages;
	int fd;
	struct watch watch;
	bool connecting;
	int connect_error; /* connect() said so at once */
	bool line_start, body_more, body_open;
	struct outgoing outgoing;
	size_t dot_at; /* DOT_GOES: where in `out` it begins */
	bool dead;
	bool refused; /* `unreachable` was told, `gone` is not */
	bool retire;  /* closed when its task is done */
	char remote[VERDICT_REMOTE_MOST];
	struct connection *prev, *next; /* the user's list */
};

struct connection *connection_open(struct outlet *o, const struct target *t,
				   uint16_t port,
				   const struct connection_times *times,
				   const struct connection_ops *ops, void *user,
				   struct task *task, int64_t steady_us);
void connection_give(struct connection *c, struct task *t, int64_t steady_us);
/* QUIT, then gone. */
void connection_quit(struct connection *c);
/* A look at the deadline. */
void connection_tick(struct connection *c, int64_t steady_us);

#endif
