/*
 * client - one submitter's connection: octets and deadlines around a session,
 * and what the committer still has of it.
 *
 * Bounded: one read at a time, at most CLIENT_CHUNKS_MOST chunks with the
 * committer; until they are stored nothing more is read.
 *
 * Owner    frees itself when the connection is closed and the committer is done
 *          with it; tells the door (its listener's counts) before.
 * Unit     microseconds of the steady clock for deadlines.
 */
#ifndef MTQ_CLIENT_H
#define MTQ_CLIENT_H

#include "queue/committer.h"

enum {
	CLIENT_CHUNKS_MOST = 2,
	CLIENT_SCRATCH = 64 * 1024, /* octets of the shared read buffer */
	CLIENT_DRAIN_US = 2 * 1000 * 1000, /* for our last reply to be read */
};

/* What all clients of the process share. */
struct door {
	struct loop *loop;
	struct committer *committer;
	const struct settings *settings;
	enum session_room room;
	uint64_t last_id;
	unsigned char *scratch;
	struct client *first; /* all of them */
	size_t n;
	bool stopping;
	void (*accepted)(struct door *d); /* a message was committed */
	void (*full)(struct door *d);     /* a commit found no room */
	void (*gone)(struct door *d, unsigned listen,
		     const unsigned char address[16]);
};

struct client;

/* fd becomes the client's.  `listen` is a place in settings->listens. */
void client_open(struct door *d, int fd, unsigned listen,
		 const struct sockaddr *peer, const unsigned char address[16],
		 int64_t steady_us);
/* A look at every deadline. */
void clients_tick(struct door *d, int64_t steady_us);
/* 421 for those without a transaction; the others finish theirs. */
void clients_stop(struct door *d);
/* New settings; the old ones are freed after this.  Sessions whose listener is
 * gone end. */
void clients_reconfigure(struct door *d, const struct settings *s);
/* Adds up the sessions of each listener. */
void clients_count(const struct door *d, unsigned *by_listen);

#endif
