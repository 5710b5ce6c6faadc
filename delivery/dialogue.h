/*
 * dialogue - the client's side of SMTP on one connection: replies in, steps
 * out.  Pure: owns no socket, reads no clock.
 *
 * A transaction ends in exactly one verdict per recipient, whatever happens;
 * only a 2xx to the final dot is success; task.dot_sent says whether the dot may
 * have left.  `owed` counts the replies that
 * written commands still await: a reply nobody asked for gives the connection
 * up (attacks.md D8).
 *
 * Owner    borrows the task (with its verdicts) until DIALOGUE_DONE.
 * Source   RFC 5321 4.1, 4.2, 4.5.3.2; RFC 1870, 2920, 3461, 6152, 6531.
 */
#ifndef MTQ_DIALOGUE_H
#define MTQ_DIALOGUE_H

#include "daemon/bytes.h"
#include "delivery/ehlo.h"
#include "delivery/reply.h"
#include "delivery/task.h"

/*	state		what we wait for */
#define DIALOGUE_STATES(X)                                                     \
	X(GREETING, "the greeting")                                            \
	X(EHLO, "the reply to EHLO")                                           \
	X(HELO, "the reply to HELO")                                           \
	X(READY, "the next message")                                           \
	X(MAIL, "the reply to MAIL")                                           \
	X(RCPT, "a reply to RCPT")                                             \
	X(DATA, "the reply to DATA")                                           \
	X(BODY, "our own message to be written")                               \
	X(DOT, "the reply to the final dot")                                   \
	X(RSET, "the reply to RSET")                                           \
	X(QUIT, "the reply to QUIT")
enum dialogue_state {
#define X(id, what) DIALOGUE_##id,
	DIALOGUE_STATES(X)
#undef X
};

enum dialogue_step {
	DIALOGUE_WAIT,  /* write `out`, then read */
	DIALOGUE_SEND,  /* write the body, then the dot with dialogue_dot */
	DIALOGUE_DONE,  /* every recipient has its verdict; ready for more once
			   the state is READY */
	DIALOGUE_CLOSE, /* DONE if a task was under way; give it up */
};

struct dialogue {
	enum dialogue_state state;
	const char *hostname; /* ours */
	const char *remote;   /* "host[address]:port" */
	struct task *task;
	uint32_t next;     /* recipient whose RCPT reply is next */
	uint32_t accepted; /* recipients the server took */
	unsigned owed;
	bool refused; /* MAIL was: what follows is only read */
	bool written; /* RCPT and DATA went out with MAIL */
	bool dot;     /* the final dot has been sent */
	bool pipelining, size, eightbit, utf8, dsn;
	uint64_t size_most; /* 0: no limit was told */
	struct ehlo offers;
	struct bytes *out;
};

void dialogue_init(struct dialogue *d, const char *hostname, const char *remote,
		   struct bytes *out);
/* Begins a transaction: at once if READY, else when the session is set up.
 * DONE at once if the message can't go through this server. */
enum dialogue_step dialogue_begin(struct dialogue *d, struct task *t);
enum dialogue_step dialogue_reply(struct dialogue *d, const struct reply *r);
/* The final dot is leaving: from now on the server may have the message, until
 * it says that it does not. */
void dialogue_dot(struct dialogue *d);
/* The connection ended or a deadline passed: verdicts for who has none. */
void dialogue_end(struct dialogue *d, enum status why, const char *detail);
void dialogue_quit(struct dialogue *d);
enum stage dialogue_stage(const struct dialogue *d);

#endif
