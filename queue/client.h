/*
 * client - one submitter's connection: octets and deadlines around a session,
 * and what the committer has of it.
 *
 * Octets are read into one buffer that all clients share and go into the
 * session from there; only what it could not take yet stays with the client.
 *
 * Bounded  one read (CLIENTS_SCRATCH) unread, CLIENT_CHUNKS_MOST chunks with
 *          the committer, one being filled; until a chunk is stored nothing
 *          more is read.  All clients together: guard.memory, and what the
 *          messages that are under way then still bring, a chunk each with
 *          the committer.
 * Owner    a client frees itself when its connection is closed and the
 *          committer is done with it.
 * Unit     microseconds; deadlines by the steady clock.
 */
#ifndef MTQ_CLIENT_H
#define MTQ_CLIENT_H

#include "queue/committer.h"
#include "queue/accounts.h"
#include "queue/crowd.h"
#include "queue/gate.h"
#include "queue/guess.h"
#include "queue/sasl_known.h"
#include "queue/load.h"
#include "queue/return_path.h"
#include "queue/session.h"

enum {
	CLIENTS_SCRATCH = 64 * 1024,
	CLIENTS_SPARE = 64, /* chunk buffers kept for the next messages */
	CLIENT_CHUNKS_MOST = 2,
	CLIENT_LINGER_S = 2,          /* for our last words to be read */
	CLIENT_TLS_BYTES = 50 * 1024, /* of GnuTLS for a session, about */
};

/* AUTH: steps that are made on other threads, one after the other. */
enum {
	/* Steps of AUTH at once, of the pool's four threads; who waits longer
	 * waits for who came before. */
	CLIENT_SASL_RUNNING = 2,
};

struct client_sasl {
	struct accounts *accounts;       /* NULL: none are known */
	struct accounts *next;           /* when no step runs any more */
	unsigned char hash[DIGEST_MOST]; /* of the file that came last */
	struct guess *guess;
	struct sasl_known known;
	struct client *runs[CLIENT_SASL_RUNNING];
	size_t running;
	struct client *first; /* waits for its step */
};

/* What the clients of a process share. */
struct clients {
	struct loop *loop;
	struct committer *committer;
	struct store *store; /* read, for the suppression list */
	const struct settings *settings;
	struct return_key key; /* of our return paths */
	enum session_room room;
	uint64_t last_id;
	bool stopping;
	struct client *first;
	size_t n; /* with those whose last item is with the committer */
	struct crowd crowd;
	struct client_sasl sasl;
	struct validator *validator; /* NULL: no source asks for signatures */
	struct load load;
	struct load_use use;
	uint64_t memory_bytes; /* of all clients, as client_weigh saw them */
	uint64_t fds_most;     /* descriptors of this process; 0: not known */
	struct bytes spare[CLIENTS_SPARE];
	size_t nspare;
	void (*full)(struct clients *all); /* a commit found no room */
	unsigned char scratch[CLIENTS_SCRATCH];
};

/* fd and its place in the gate and the crowd become the client's.  user: who it
 * is as the kernel says ("unix:root"); NULL: it does not. */
void client_open(struct clients *all, struct gate *g, int fd,
		 const struct sockaddr *peer, const struct listen_settings *l,
		 const char *user);
/* Before the first client. */
bool clients_sasl_open(struct clients *all, struct err *e) MUST_USE;
/* The accounts file is new.  One that is wrong changes nothing, and is logged. */
void clients_accounts(struct clients *all, const char *p, size_t n);
/* The settings have changed, or the process begins. */
void clients_dkim(struct clients *all);
/* Enforces every deadline. */
void clients_tick(struct clients *all, int64_t steady_us);
/* How loaded are we?  use.used and most of sessions and queue are others'. */
void clients_measure(struct clients *all, int64_t steady_us);
/* 421 for sessions without a transaction; the others finish theirs. */
void clients_stop(struct clients *all);
/* Gates show other certificates, or none. */
void clients_certificates(struct clients *all);
/* all->settings and the gates have changed. */
void clients_reconfigure(struct clients *all);
/* "192.0.2.1" or "2001:db8::1"; IPv4 within IPv6 is shown as IPv4. */
enum { CLIENT_TEXT = 46 };
void client_address_text(const struct sockaddr *peer, char out[CLIENT_TEXT]);

#endif
