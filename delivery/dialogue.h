/*
 * dialogue - the client's side of SMTP on one connection: replies in, steps
 * out.  Pure: owns no socket, reads no clock.
 *
 * First the set-up: greeting, EHLO, TLS and authentication as the terms ask.
 * When that fails no mail was touched: the task stays without a verdict and
 * `trouble` says why (dialogue_setup.c).  Then transactions, each of which ends
 * in exactly one verdict per recipient, whatever happens; only a 2xx to the end
 * of the message is success; task.dot_sent says whether that end may have left.
 * `owed` counts the replies that written commands still await: a reply nobody
 * asked for gives the connection up (attacks.md D8).
 *
 * Owner    borrows the task (with its verdicts) until DIALOGUE_DONE, the terms
 *          until dialogue_free.
 * Source   RFC 5321 4.1, 4.2, 4.5.3.2; RFC 1870, 2920, 3030, 3207, 3461, 4954,
 *          6152, 6531.
 */
#ifndef MTQ_DIALOGUE_H
#define MTQ_DIALOGUE_H

#include "daemon/bytes.h"
#include "delivery/ehlo.h"
#include "delivery/policy.h"
#include "delivery/reply.h"
#include "delivery/sasl.h"
#include "delivery/task.h"

/*	state		what we wait for */
#define DIALOGUE_STATES(X)                                                     \
	X(GREETING, "the greeting")                                            \
	X(EHLO, "the reply to EHLO")                                           \
	X(HELO, "the reply to HELO")                                           \
	X(STARTTLS, "the reply to STARTTLS")                                   \
	X(TLS, "the TLS handshake")                                            \
	X(AUTH, "the reply to AUTH")                                           \
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
	DIALOGUE_WAIT,   /* write `out`, then read */
	DIALOGUE_SECURE, /* do the handshake, then dialogue_secured */
	DIALOGUE_SEND,   /* write the body, then its end with dialogue_dot */
	DIALOGUE_DONE,   /* every recipient has its verdict; ready for more once
			    the state is READY */
	DIALOGUE_CLOSE,  /* give it up; DONE if a task was under way and the
			    set-up was through */
};

/* What the connection must be before it carries mail, and who we are there. */
struct dialogue_terms {
	struct policy policy;
	bool wants_auth;
	struct auth_settings auth;
	struct sasl_account account; /* the binding comes with the handshake */
};

struct dialogue {
	enum dialogue_state state;
	const char *hostname; /* ours */
	const char *remote;   /* "host[address]:port" */
	struct dialogue_terms *terms;
	struct task *task;
	uint32_t next;     /* recipient whose RCPT reply is next */
	uint32_t accepted; /* recipients the server took */
	unsigned owed;
	bool set_up; /* the set-up is through */
	bool used;   /* a transaction came before this one */
	/* It ended before a word was said to this transaction, which any
	 * connection that was used before may do: no verdict was given,
	 * `trouble` says why. */
	bool untouched;
	bool refused; /* MAIL was: what follows is only read */
	bool written; /* RCPT and DATA went out with MAIL */
	bool chunked; /* the body goes as BDAT (RFC 3030), unstuffed */
	bool dot;     /* the end of the message has been sent */
	bool pipelining, size, eightbit, utf8, dsn, chunking;
	bool tls, verified;
	uint64_t size_most; /* 0: no limit was told */
	struct ehlo offers;
	struct sasl *sasl; /* kept to the end, for dialogue_conceal */
	enum mechanism mechanism;
	char security[JOB_SECURITY_MOST + 1]; /* see job.h */
	/* CLOSE without set_up or untouched; a refused chunk's. */
	struct verdict trouble;
	struct bytes *out;
};

void dialogue_init(struct dialogue *d, const char *hostname, const char *remote,
		   struct dialogue_terms *terms, struct bytes *out);
void dialogue_free(struct dialogue *d);
/* Begins a transaction: at once if READY, else when the session is set up.
 * DONE at once if the message can't go through this server. */
enum dialogue_step dialogue_begin(struct dialogue *d, struct task *t);
enum dialogue_step dialogue_reply(struct dialogue *d, const struct reply *r);
/* Before it: words that repeat our credential go no further (attacks.md B7). */
void dialogue_conceal(const struct dialogue *d, struct reply *r);
/* The handshake is through; words: "tls=TLS1.3 cipher=...". */
enum dialogue_step dialogue_secured(struct dialogue *d, bool verified,
				    const char *words);
/* What ends the message on the wire. */
const char *dialogue_end_mark(const struct dialogue *d);
/* That end is leaving: from now on the server may have the message, until it
 * says that it does not. */
void dialogue_dot(struct dialogue *d);
/* The connection ended or a deadline passed: verdicts for who has none. */
void dialogue_end(struct dialogue *d, enum status why, const char *detail);
void dialogue_quit(struct dialogue *d);
enum stage dialogue_stage(const struct dialogue *d);

#endif
