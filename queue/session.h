/*
 * session - the server's side of one SMTP dialogue: octets in, steps out.
 * Pure: no socket, no clock, no database.  The receiver does what a step says.
 *
 * The caller owns a read buffer and hands session_feed what it has; the session
 * eats some of it and returns a step.  Replies are appended to `out`; a reply to
 * pipelined commands is one write.  Body octets (dot-stuffing removed, our
 * Received field in front) are appended to `chunk`, never past CHUNK_MOST.
 *
 * Owner    a session owns its transaction (sender, recipients); session_free.
 *          Bounded: recipients by max_recipients, chunk by CHUNK_MOST, out by
 *          SESSION_OUT_MOST (then the caller must write first).
 * Source   RFC 5321, 1870 (SIZE), 2034 (ENHANCEDSTATUSCODES), 2920
 *          (PIPELINING), 3030 (CHUNKING), 3207 (STARTTLS), 3461 (DSN), 4954
 *          (AUTH), 6152 (8BITMIME), 6531 (SMTPUTF8).  Where we are
 *          stricter: docs/smtp.md.
 */
#ifndef MTQ_SESSION_H
#define MTQ_SESSION_H

#include "daemon/settings.h"
#include "queue/dkim.h"
#include "queue/ledger.h"
#include "queue/return_path.h"
#include "queue/returned.h"

enum {
	SESSION_TLS_NAMES = 512, /* octets of a client certificate's names */
	SESSION_TLS_WORDS = 160,
	SESSION_ACCOUNT = 255,    /* octets of an account's name */
	SESSION_LINE_MOST = 2048, /* octets of a command line with CRLF */
	SESSION_OUT_MOST = 16384,
	SESSION_RETURNS_MOST = 16, /* recipients that one report is about */
};

enum session_step {
	SESSION_MORE,   /* needs more octets */
	SESSION_WRITE,  /* `out` is full: write it, then feed again */
	SESSION_CHUNK,  /* `chunk` is full: store it as chunk `chunks`, then
			   session_chunk_taken and feed again */
	SESSION_ACCEPT, /* the message is whole: commit it (the last chunk is in
			   `chunk`), then session_accepted */
	SESSION_RETURNED, /* a message has come back: record what it says, then
			     session_accepted */
	SESSION_ABANDON,  /* a message whose chunks were stored is dropped:
			    remove them, then session_abandoned */
	SESSION_STARTTLS, /* write `out` (the 220), then the handshake, then
			     session_secured; octets that came with the command
			     end the connection (RFC 3207 6) */
	SESSION_SASL,     /* a step of AUTH is due: sasl_server_step(
			     session_sasl()), which may take its time, then
			     session_sasl_done */
	SESSION_VERIFY,   /* the message is whole: each question of
			     session_dkim() gets its answer or none, then
			     session_verified and feed again */
	SESSION_CLOSE,    /* write `out`, then close */
};

enum session_room {
	SESSION_ROOM,
	SESSION_SHED,      /* the load is high: mail of the lightest types gets
			    451 4.3.2 */
	SESSION_NO_ROOM,   /* of the queue: 452 4.3.1 at MAIL */
	SESSION_NO_MEMORY, /* 452 4.3.1 at MAIL and RCPT */
};

/* What a handshake has told. */
struct session_tls {
	bool on;
	bool certified; /* the client's certificate holds */
	/* for Received and the log: "TLSv1.3 with cipher
	 * TLS_AES_256_GCM_SHA384" */
	char words[SESSION_TLS_WORDS];
	/* dNSNames of a certificate of the client that holds, separated by
	 * blanks; "": it showed none, or one that does not hold */
	char names[SESSION_TLS_NAMES];
	unsigned char binding[64]; /* channel binding, RFC 9266; n 0: none */
	size_t nbinding;
};

struct sasl_server;                      /* sasl_server.c */
struct session;                          /* session.c */
struct session_config {                  /* the session copies what it needs */
	const struct settings *settings; /* stay until session_reconfigure */
	const struct listen_settings *listen;
	unsigned char peer[16]; /* the client's address (net_address) */
	const char *client;     /* as text, v4-mapped shown as IPv4 */
	const char *account;    /* that the kernel has told; NULL: none */
	/* Is this recipient on the suppression list?  Asked only with at_rcpt =
	 * refuse; NULL: nobody is. */
	bool (*suppressed)(void *arg, struct text address, int64_t now_us);
	/* Whose return path is this local part in returns.domain?  NULL: there
	 * are no return paths. */
	enum return_path_answer (*returns)(void *arg, struct text local,
					   int64_t now_us,
					   struct return_path *out);
	void *arg;
};

/* Valid at SESSION_RETURNED. */
struct session_returned {
	const struct return_path *who;
	unsigned nwho;
	const struct returned *report;
	bool null_sender; /* as all reports have it (RFC 3464 2, 5321 4.5.5) */
};

struct session_message {              /* valid at SESSION_ACCEPT */
	struct message_record record; /* all but arrival_us filled in */
	const struct ledger_recipient *rcpt;
	uint32_t nrcpt;
	bool apart; /* earlier chunks are stored already */
};

/* Queues the greeting (or the refusal: 554 5.7.1) in `out`; with implicit TLS
 * nothing, session_secured does. */
struct session *session_open(const struct session_config *c, struct bytes *out);
/* Is there a certificate that the listener can show?  Until this is said there
 * is none, and STARTTLS gets 454. */
void session_offer_tls(struct session *s, bool ready);
/* The handshake is done: what the client has said before is forgotten (RFC 3207
 * 4.2).  With implicit TLS the greeting follows. */
void session_secured(struct session *s, const struct session_tls *tls);
/* Octets were there before the greeting was written: 503 5.5.1, the end. */
void session_spoke_first(struct session *s);
void session_free(struct session *s); /* takes NULL */
/* The settings are replaced: new limits for the commands to come, and how mail
 * is sorted.  The old settings may be freed after that.  `l` NULL: the limits
 * stay. */
void session_reconfigure(struct session *s, const struct settings *all,
			 const struct listen_settings *l);
/* Eats *n octets at most and puts how many were eaten into *n.  `id` is used
 * for the next message to begin, `now_us` for its Received field; `room` says
 * whether mail is taken now. */
enum session_step session_feed(struct session *s, const unsigned char *p,
			       size_t *n, uint64_t id, int64_t now_us,
			       enum session_room room);
/* The chunk being filled; the receiver takes its octets at SESSION_CHUNK and
 * SESSION_ACCEPT. */
struct bytes *session_chunk(struct session *s);
uint32_t session_chunks(const struct session *s); /* stored or taken so far */
uint64_t session_id(const struct session *s);     /* of the open message; 0 */
void session_chunk_taken(struct session *s);
/* A chunk that was taken could not be stored: the message is refused when it
 * ends, 452 4.3.1 (ERR_FULL) or 451 4.3.0. */
void session_chunk_failed(struct session *s, const struct err *e);
/* What is to be committed; author, type and lanes by the settings of now. */
void session_message(struct session *s, struct session_message *out);
void session_returned(const struct session *s, struct session_returned *out);
/* At SESSION_VERIFY. */
struct dkim *session_dkim(struct session *s);
void session_verified(struct session *s);
/* The commit's answer: NULL = durable, 250 2.0.0 ... queued as ID; else why
 * not (ERR_FULL: 452 4.3.1, others 451 4.3.0). */
void session_accepted(struct session *s, const struct err *e);
void session_abandoned(struct session *s);
/* At SESSION_SASL. */
struct sasl_server *session_sasl(struct session *s);
void session_sasl_done(struct session *s);
/* Who has authenticated, "" nobody; and how. */
const char *session_account(const struct session *s);
const char *session_auth_method(const struct session *s);
/* The same, or who has proved it and has only to send the empty line. */
const char *session_claims(const struct session *s);
/* This account may do nothing more: from the next message on. */
void session_account_gone(struct session *s);
/* A deadline passed (421 4.4.2), or the server stops (421 4.3.2, as soon as no
 * transaction is open).  The next session_feed, of 0 octets if there are none,
 * says SESSION_CLOSE. */
void session_timeout(struct session *s);
void session_stop(struct session *s);
/* True while a message's octets are being received: data_timeout holds. */
bool session_in_data(const struct session *s);
bool session_idle(const struct session *s); /* no transaction is open */
bool session_quit(const struct session *s); /* the client said QUIT */
/* Octets of memory that it holds, about; those of its message so far. */
size_t session_memory(const struct session *s);
uint64_t session_octets(const struct session *s);
/* Refusals since the last call, for the log: "RCPT from host[1.2.3.4]: 554
 * ..."; NULL when there is none.  Already made safe. */
const char *session_refusal(struct session *s);
/* The same: what the door said of messages that it refused. */
const char *session_verdict(struct session *s);

#endif
