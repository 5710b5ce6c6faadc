/*
 * listener - the sockets where submitters arrive, and who is let in.
 *
 * Bounded  sessions by max_connections of their block and by
 *          max_connections_per_address (a part of it while the load is
 *          high); who is one too many gets 421 4.7.0.  When guard.memory is in
 *          use, everybody gets 421 4.3.2.
 *          When the process has no descriptors left, it accepts nothing until
 *          the next tick.
 * Owner    listeners_open takes the descriptors.
 */
#ifndef MTQ_LISTENER_H
#define MTQ_LISTENER_H

#include "queue/client.h"

struct listeners {
	struct clients *clients;
	struct listener *first;
	struct gate *gates;
	int spare_fd; /* an eventfd, given up when there are no others */
};

bool listeners_begin(struct listeners *all, struct clients *clients,
		     struct err *e) MUST_USE;
/* fds: one for each address of each block `listen` of clients->settings, in
 * their order. */
bool listeners_open(struct listeners *l, const int *fds, unsigned n,
		    struct err *e) MUST_USE;
/* All show the certificates of this set from now on. */
void listeners_certificates(struct listeners *l, const struct secrets *set);
/* The block of the first Unix socket; NULL: there is none. */
const struct listen_settings *listeners_unix(const struct listeners *l);
/* A session over fd, one end of a socketpair, as if this user had connected
 * there.  False: too many, or no such listener; fd is the caller's. */
bool listeners_local(struct listeners *l, int fd, const char *user) MUST_USE;
void listeners_close(struct listeners *l);
/* Listens again where it paused; forgets blocks that are no more. */
void listeners_tick(struct listeners *l);

#endif
