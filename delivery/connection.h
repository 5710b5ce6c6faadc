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
#include "delivery/tls.h"

struct connection;
struct connection_times {
	int64_t connect_us, tls_us, command_us, data_us;
};

/* All a connection must know of the relay; copied. */
struct connection_terms {
	struct connection_times times;
	struct policy policy;
	struct tls_setup *setup;          /* outlives it; NULL: no TLS */
	struct tls_wish wish;             /* but the key and the time */
	const struct auth_settings *auth; /* NULL: none */
	const char *user;
	const struct secret *password, *token; /* NULL: none */
};

struct connection_ops {
	/* The task has a verdict for everybody; it is the user's again.  The
	 * connection may be used once `ready` says so. */
	void (*done)(struct connection *c, struct task *t);
	/* The set-up is through. */
	void (*opened)(struct connection *c);
	/* Waits for a task (connection_give). */
	void (*ready)(struct connection *c);
	/* The set-up failed, or (c->opened) a connection that was used before
	 * would not take another message: the task, untouched, is the user's
	 * again (NULL: there was none); `gone` follows. */
	void (*refused)(struct connection *c, struct task *t,
			const struct verdict *v);
	/* It is gone; a task that was under way came through `done`. */
	void (*gone)(struct connection *c);
};

struct connection {
	struct outlet *outlet;
	const struct connection_ops *ops;
	void *user;
	struct connection_times times;
	struct dialogue_terms terms;
	struct tls *prepared;    /* for when it is wanted */
	struct tls *tls;         /* the same, once the handshake has begun */
	bool certificate;        /* we have one to show */
	struct secrets *secrets; /* until we are authenticated */
	char account[256];       /* terms.account.user */
	struct dialogue dialogue;
	struct reply reply;
	struct task *task;
	struct body body;
	struct bytes out;
	size_t out_done;
	int64_t began_us; /* it was opened */
	int64_t deadline_us;
	int64_t idle_us; /* since when it has nothing to do; 0: busy */
	unsigned messages;
	int fd;
	struct watch watch;
	bool connecting;
	bool shaking; /* the TLS handshake */
	bool opened;
	bool stepping, more_steps;
	enum dialogue_step step; /* the next one */
	int connect_error;       /* connect() said so at once */
	bool line_start, body_more, body_open;
	struct outgoing outgoing;
	size_t dot_at; /* DOT_GOES: where in `out` it begins */
	bool dead;
	bool retire; /* closed when its task is done */
	char host[256];
	char remote[VERDICT_REMOTE_MOST];
	/* the user's */
	char address[64];    /* of its target */
	unsigned credential; /* which of two */
	unsigned era;        /* of the relay's credentials */
	bool clear;          /* without TLS after TLS has failed */
	struct setup *setup;
	struct connection *prev, *next;          /* of the relay */
	struct connection *before, *after;       /* of the pool */
	struct connection **on_host, *same_host; /* of the host, by its hash */
};

struct connection *connection_open(struct outlet *o, const struct target *t,
				   uint16_t port,
				   const struct connection_terms *terms,
				   const struct connection_ops *ops, void *user,
				   struct task *task, int64_t steady_us);
void connection_give(struct connection *c, struct task *t, int64_t steady_us);
/* QUIT, then gone. */
void connection_quit(struct connection *c);
/* A look at the deadline. */
void connection_tick(struct connection *c, int64_t steady_us);
/* Before its deadline: its place is needed. */
void connection_give_up(struct connection *c, int64_t steady_us);

#endif
