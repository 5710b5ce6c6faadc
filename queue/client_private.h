/*
 * client_private - what the files of the client share; nobody else's.
 *
 *	client.c		the connection
 *	clients.c		all of them: deadlines, stop, reload
 *	client_tls.c		what TLS changes for its octets
 *	client_commit.c		its items at the committer
 *	client_returned.c	one of them: mail that came back
 *	client_ask.c		what its session asks of the queue
 *	client_sasl.c		its steps of AUTH
 *	client_dkim.c		keys of signatures, from the DNS
 *	client_load.c		what it costs, and what a high load changes
 */
#ifndef MTQ_CLIENT_PRIVATE_H
#define MTQ_CLIENT_PRIVATE_H

#include "queue/client.h"

enum client_life {
	LIFE_TALKING,
	LIFE_SECURING,  /* writes the 220 of STARTTLS */
	LIFE_SHAKING,   /* the TLS handshake */
	LIFE_CLOSING,   /* writes its last words */
	LIFE_LINGERING, /* throws away what still comes */
	LIFE_GONE,      /* the connection is closed */
};

struct client {
	struct clients *all;
	struct client *prev, *next;
	struct gate *gate;
	struct session *session;
	enum client_life life;
	int fd;
	struct tls_server *tls; /* NULL: in clear */
	struct gate_tls *keys;  /* what it shows */
	struct watch watch;
	bool watching;     /* `watch` is not closed yet */
	struct bytes rest; /* read, not yet eaten */
	struct bytes out;
	size_t out_done;
	bool replied;                /* since the deadline was set */
	int64_t deadline_us;         /* of the request, or of our reply */
	int64_t message_deadline_us; /* of the message `message`; 0: none */
	int64_t message_begun_us;
	uint64_t message;
	uint64_t memory_bytes; /* its part of all->memory_bytes */
	unsigned char key[CROWD_KEY];
	char text[CLIENT_TEXT];

	/* AUTH */
	bool sasl; /* a step waits or runs */
	struct client *sasl_next;
	int64_t sasl_now_us; /* wall clock, for the step */
	bool sasl_decides;   /* the step says right or wrong */
	bool sasl_tagged;    /* the step has a password, and this is its tag: */
	unsigned char sasl_tag[MAC_SIZE];

	struct client_verify *verify; /* keys are being asked for; or NULL */

	/* at the committer */
	unsigned items;
	uint64_t stored_id;      /* the message that the next number is about */
	uint32_t stored;         /* its chunks that lie in the queue apart */
	enum err_kind failed;    /* a chunk of the open message could not be
				    stored; ERR_NONE: all could */
	enum session_step waits; /* SESSION_ACCEPT, RETURNED or ABANDON has been
				    said and is not done; SESSION_MORE: no */
	bool sent;               /* that item is with the committer */
	struct session_message given;  /* of the ACCEPT */
	struct returned_job *returned; /* of the RETURNED */
	size_t nreturned;
};

/* The connection ends now. */
void client_hang_up(struct client *c);
/* As send and recv, in clear or inside TLS. */
ssize_t client_send(struct client *c, const void *p, size_t n);
ssize_t client_recv(struct client *c, unsigned char *p, size_t n);
/* Octets are there that no poll will tell of. */
bool client_pending(const struct client *c);
/* The session said STARTTLS; `unread` octets came with it. */
void client_starttls(struct client *c, size_t unread);
/* The handshake begins, or goes on. */
void client_secure(struct client *c);
void client_shake(struct client *c);
void client_tls_late(struct client *c);
void client_tls_end(struct client *c);
/* A chunk buffer for the session before it is fed, without asking malloc; and
 * back if it was not needed. */
void client_lend(struct client *c);
void client_unlend(struct client *c);
/* The session said CHUNK, ACCEPT or ABANDON. */
void client_put_chunk(struct client *c);
void client_finish(struct client *c, enum session_step step);
/* The connection is gone: what was stored of its message goes too. */
void client_forsake(struct client *c);
/* Is this recipient on the suppression list?  arg: struct clients. */
bool client_suppressed(void *arg, struct text address, int64_t now_us);
/* Whose return path is this local part?  arg: struct clients. */
enum return_path_answer client_returns(void *arg, struct text local,
				       int64_t now_us, struct return_path *out);
/* The session said SASL. */
void client_sasl(struct client *c);
/* The session said VERIFY. */
void client_verify(struct client *c);
/* Its time is over: what has not answered counts as no answer. */
void client_verify_tick(struct client *c, int64_t steady_us);
/* Nobody waits for the answers any more. */
void client_unverify(struct client *c);
/* What came back, judged by what the queue knows: c->returned. */
bool client_judge_returned(struct client *c, struct err *e) MUST_USE;
/* It is durable: what the log says of it. */
void client_log_returned(const struct client *c);
/* What it costs now goes into all->memory_bytes. */
void client_weigh(struct client *c);
/* Large buffers that hold little are given back. */
void client_trim(struct client *c);
enum session_room client_room(const struct clients *all);
/* Chunks it may have with the committer. */
unsigned client_chunks_most(const struct clients *all);
/* Has it had its time? */
bool client_too_late(const struct client *c, int64_t now_us);
/* An item is done: the session may go on. */
void client_go_on(struct client *c);
/* Frees the client if nothing refers to it any more. */
void client_release(struct client *c);

#endif
